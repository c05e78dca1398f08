//go:build !release

package verifier

// embedded is nil outside of releases.
var embedded *Files
