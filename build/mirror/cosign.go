package mirror

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"

	"stele/proofs"
	"stele/site"
	"stele/site/headers"
)

// maxLines is how many signatures a note may bear: c2sp.org/signed-note.
const maxLines = 16

// Start does for what is adopted already what a round does at its end: the pages, with the programs that there are now, and the mirror's signature.
func (m *Mirror) Start() error {
	if err := m.writePages(); err != nil {
		return err
	}
	return m.cosign()
}

// cosign signs the adopted checkpoint: "The mirror MUST persist the new checkpoint before responding."
func (m *Mirror) cosign() error {
	if m.Cosigner == nil || m.adopted == nil {
		return nil
	}
	c, theirs, err := proofs.ParseCheckpoint(m.adopted.x.Note)
	if err != nil {
		return err
	}
	last, err := m.lastCosigned(c)
	if err != nil {
		return err
	}
	if last != nil && sameLines(last, theirs, m.Cosigner.Key()) {
		b := last.Marshal()
		m.cosigned.Store(&b)
		return nil
	}
	now := m.Now().Unix()
	if last != nil {
		now = max(now, timeOf(last, m.Cosigner.Key()))
	}
	line, err := proofs.Cosign(m.Cosigner, c, now)
	if err != nil {
		return err
	}
	b := withLine(theirs, line, c.Origin).Marshal()
	if err := m.replace(m.state, stateCosigned, b); err != nil {
		return err
	}
	m.cosigned.Store(&b)
	return nil
}

// lastCosigned reads what was signed last, nil if nothing was, and fails unless the checkpoint goes on from it: a cosigner must never sign two trees.
func (m *Mirror) lastCosigned(c proofs.Checkpoint) (*proofs.Note, error) {
	b, err := m.state.Read(stateCosigned)
	if absent(err) {
		return nil, nil
	}
	path := m.state.Path(stateCosigned)
	var last proofs.Checkpoint
	var note *proofs.Note
	if err == nil {
		last, note, err = proofs.ParseCheckpoint(b)
	}
	if err != nil {
		return nil, &Error{fmt.Errorf("%s: %w", path, err), "restore it from a backup: without it the mirror's key could sign two trees; or make a new key"}
	}
	root := c.Root
	if last.Size < c.Size {
		nodes := proofs.TileNodes(c.Size, func(t proofs.Tile) ([]byte, error) { return m.public.Read("ledger/" + t.Path()) })
		if root, err = nodes.Root(last.Size); err != nil {
			return nil, err
		}
	}
	if last.Size > c.Size || last.Root != root || last.Origin != c.Origin {
		return nil, fmt.Errorf("%s: size %d with root %s was signed last, and the copy's %d entries with root %s do not go on from it: not signing",
			path, last.Size, last.Root, c.Size, c.Root)
	}
	return note, nil
}

// withLine adds the mirror's line after the log's own. Of more than fit, the last cosigners' are left out.
func withLine(n *proofs.Note, line proofs.Signature, origin string) *proofs.Note {
	out := &proofs.Note{Text: n.Text}
	var others []proofs.Signature
	for _, s := range n.Signatures {
		if s.Name == origin {
			out.Signatures = append(out.Signatures, s)
		} else {
			others = append(others, s)
		}
	}
	out.Signatures = append(out.Signatures, line)
	room := max(0, maxLines-len(out.Signatures))
	out.Signatures = append(out.Signatures, others[:min(room, len(others))]...)
	return out
}

// timeOf is when a key's line says that it was made, 0 where there is none: a cosigner's times do not go back.
func timeOf(n *proofs.Note, key *proofs.Key) int64 {
	for _, s := range n.Signatures {
		if s.By(key) && len(s.Bytes) > 8 {
			return int64(binary.BigEndian.Uint64(s.Bytes))
		}
	}
	return 0
}

// sameLines reports whether a note bears the key's line, and otherwise what another bears.
func sameLines(mine, theirs *proofs.Note, key *proofs.Key) bool {
	for _, s := range mine.Signatures {
		if s.By(key) {
			return string(withLine(theirs, s, strings.SplitN(theirs.Text, "\n", 2)[0]).Marshal()) == string(mine.Marshal())
		}
	}
	return false
}

// Handler serves the copy, and, where the mirror has a key, the monitoring prefix.
func (m *Mirror) Handler() http.Handler {
	files := site.Handler(string(m.public))
	sum := sha256.Sum256([]byte(m.Trust.Origin))
	prefix := "/" + hex.EncodeToString(sum[:])
	mux := http.NewServeMux()
	mux.Handle("/", files)
	if m.Cosigner == nil {
		return mux
	}
	mux.HandleFunc("GET "+prefix+"/checkpoint", m.serveCheckpoint)
	mux.Handle(prefix+"/tile/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below := r.Clone(r.Context())
		below.URL.Path, below.URL.RawPath = "/ledger"+strings.TrimPrefix(r.URL.Path, prefix), ""
		files.ServeHTTP(w, below)
	}))
	return mux
}

func (m *Mirror) serveCheckpoint(w http.ResponseWriter, r *http.Request) {
	b := m.cosigned.Load()
	if b == nil {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "503 nothing has been mirrored yet", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	kind, cache := headers.Of(checkpointPath)
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	io.WriteString(w, string(*b))
}
