package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"stele/build/durable"
	"stele/build/witness"
	"stele/proofs"
)

// What a log has signed and must not is kept: "the witness MAY log the request even if the checkpoint fails one of the
// consistency checks, as it might be proof of log misbehavior". Of each log so many files and no more; those that prove
// something and those that may not are counted apart, since anybody can send a wrong proof with a true checkpoint.
const mostKept = 16

// compare looks whether a log has signed two ledgers of one size, whatever old size the request names.
func (s *Server) compare(last *state, c *checkpoint) {
	if last.Size != c.Size || last.Root == c.Root {
		return
	}
	s.Metrics.misbehaved(c.Origin, "fork")
	path := s.keep(c, "fork", "stele-evidence", fork(last.note, c))
	if path == "" {
		return
	}
	s.Log.Error("THE LOG HAS SIGNED TWO LEDGERS OF ONE SIZE", "origin", c.Origin, "size", c.Size, "cosigned", last.Root.String(), "submitted", c.Root.String(), "evidence", path)
}

// unproved keeps a request whose proof does not hold. It shows nothing by itself: the sender may have made a mistake.
func (s *Server) unproved(c *checkpoint, req *witness.Request, why error) {
	s.Metrics.misbehaved(c.Origin, "unproved")
	if path := s.keep(c, "unproved", "request", req.Marshal()); path != "" {
		s.Log.Warn("does not follow from what was cosigned", "origin", c.Origin, "old", req.Old, "size", c.Size, "error", why, "request", path)
	}
}

// keep writes a file, once for each checkpoint text, and returns its path. It is empty where nothing was written: whoever sends
// the same again and again does not fill the log.
func (s *Server) keep(c *checkpoint, kind, ext string, b []byte) string {
	dir := filepath.Join(s.Dir, badFolder, strings.TrimSuffix(witness.OriginPath(c.Origin), "/checkpoint"), kind)
	n, err := countFiles(dir)
	if err == nil && n >= mostKept {
		return ""
	}
	text := sha256.Sum256([]byte(c.text))
	path := filepath.Join(dir, fmt.Sprintf("%d-%x.%s", c.Size, text[:8], ext))
	if err == nil {
		err = durable.WriteNew(path, b, 0o644)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return ""
	case err != nil:
		s.Log.Error("what a log has signed could not be kept", "origin", c.Origin, "error", err)
		return ""
	}
	return path
}

// fork is the evidence that a log has signed two ledgers of one size: what was cosigned, and what was submitted.
func fork(cosigned []byte, c *checkpoint) []byte {
	return proofs.FormatFork(cosigned, c.note(nil), c.Root, nil)
}
