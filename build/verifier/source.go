//go:build !release

package verifier

// Both are nil outside of releases.
var (
	embedded     *Files
	embeddedEdge []byte // the Worker's program, compressed
)
