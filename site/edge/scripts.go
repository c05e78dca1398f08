//go:build !js

package edge

import "embed"

// Scripts are the Worker's part in JavaScript, which stele deploy puts beside the Go program.
//
//go:embed worker/front.mjs worker/worker.mjs
var Scripts embed.FS
