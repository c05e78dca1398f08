package status

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"stele/proofs"
	"stele/site/headers"
)

// Handler answers /health.json and the proofs below /health/evidence/.
func (s *Status) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, evidence := strings.CutPrefix(r.URL.Path, EvidencePath)
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "405 method not allowed: how this edge stands can only be read", http.StatusMethodNotAllowed)
		case r.URL.Path == "/health.json":
			s.serveJSON(w, r)
		case evidence:
			s.serveProof(w, r, name)
		default:
			http.NotFound(w, r)
		}
	})
}

// answer sends what is of this moment.
func answer(w http.ResponseWriter, r *http.Request, status int, file string, b []byte) {
	headers.Set(w.Header(), file)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(b)
	}
}

func (s *Status) serveJSON(w http.ResponseWriter, r *http.Request) {
	h := s.Health(r.Context())
	b, err := json.MarshalIndent(h, "", "\t")
	if err != nil {
		http.Error(w, "500 "+err.Error(), http.StatusInternalServerError)
		return
	}
	status := http.StatusOK
	if h.Status != OK {
		status = http.StatusServiceUnavailable
	}
	answer(w, r, status, "health.json", append(b, '\n'))
}

func (s *Status) serveProof(w http.ResponseWriter, r *http.Request, name string) {
	digest, kind := strings.CutSuffix(name, evidenceKind)
	if _, err := proofs.ParseHash(digest); err != nil || !kind {
		http.NotFound(w, r)
		return
	}
	b, _, err := s.Source.Store.Get(r.Context(), EvidencePrefix+digest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.NotFound(w, r)
	case err != nil:
		w.Header().Set("Retry-After", "60")
		http.Error(w, "503 the proof cannot be read now", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Disposition", "attachment; filename="+digest[:16]+evidenceKind)
		answer(w, r, http.StatusOK, name, b)
	}
}
