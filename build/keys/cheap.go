//go:build cheap_passphrases

package keys

// For tests of the command from outside, which would spend most of their time on passphrases. No release is built with it.
func init() { Work = demoWork }
