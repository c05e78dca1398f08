//go:build !js

package edge

import "embed"

// Scripts are the Worker's part in JavaScript, which stele deploy puts beside the Go program, or by itself.
//
//go:embed worker/files.mjs worker/front.mjs worker/worker.mjs
var Scripts embed.FS
