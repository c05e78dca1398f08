//go:build js || page

package proofs

import "stele/proofs/internal/private"

func init() { newPrivate = private.New } // what the tests verify has to be signed first
