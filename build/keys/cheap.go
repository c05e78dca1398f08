//go:build cheap_passphrases

package keys

// For tests of the command from outside, which would spend most of their time on passphrases. stele release builds with it only where it is told to: -tags=cheap_passphrases.
func init() { Work = demoWork }
