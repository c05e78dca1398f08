// Package followtest is a registry in memory for the tests of those who follow one: its publisher signs whatever it is told to, and a
// test may tell it to lie. What it publishes is read as a portal, or over HTTP.
package followtest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/index"
	"stele/proofs"
)

// Origin is the registry's ledger, Office its first authority.
const (
	Origin = "follow.test.example/ledger"
	Office = "office.test.example"
	Start  = int64(1_800_000_000) // seconds, before the first publication
)

// A Registry is one registry and its keys.
type Registry struct {
	t     testing.TB
	Trust *proofs.Trust
	Now   int64 // of what is signed next
	Own   proofs.Signer
	Log   proofs.Signer

	signers map[string]*proofs.MemorySigner // by name and type
	store   *index.Memory
	ix      *index.Ledger
	entries [][]byte
	leaf    map[int]proofs.Hash // of what was said last about a document
	tip     map[string]proofs.Hash
	sizes   []uint64
	history []proofs.HistoryLine

	mu    *sync.Mutex
	files map[string][]byte
	read  []string
}

// Policy says who must sign.
type Policy struct {
	Officers  []string // names; each has an ML-DSA-44 key
	Ed25519   []string // those of them who have a key of that kind besides, both of which have to sign
	Needed    int      // officers
	Witnesses []string // names; each has an Ed25519 cosignature key
	Seen      int      // witnesses that are needed
	URL       string   // of the witnesses, before their names
}

// New makes a registry in which nothing is published.
func New(t testing.TB, p Policy) *Registry {
	r := &Registry{t: t, Now: Start, signers: map[string]*proofs.MemorySigner{}, store: index.NewMemory(), leaf: map[int]proofs.Hash{},
		tip: map[string]proofs.Hash{}, mu: &sync.Mutex{}, files: map[string][]byte{}}
	r.Log, r.Own = r.Signer(Origin, proofs.Ed25519Key), r.Signer(Origin, proofs.MLDSA44Key)
	trust := &proofs.Trust{Origin: Origin, Epoch: 1, Title: "Test", Demo: true, RootThreshold: 1, RootKeys: []*proofs.Key{r.Signer("root", proofs.Ed25519Key).Key()},
		Publication: r.Signer("publication", proofs.Ed25519Key).Key(), StaleAfter: 86400, ApprovalAge: 7 * 86400}
	r.SetPolicy(trust, p)
	r.Trust = trust
	var err error
	r.ix, err = index.Open(r.Trust, r.store, index.Empty())
	r.must(err)
	r.Accredit(Office)
	return r
}

// SetPolicy writes a trust file's policy and roles.
func (r *Registry) SetPolicy(trust *proofs.Trust, p Policy) {
	trust.Officers, trust.Witnesses = "none", "none"
	text := "log " + r.Log.Key().String() + "\nwitness own " + r.Own.Key().String() + "\n"
	quorum := []string{"own"}
	if len(p.Officers) > 0 {
		var members []string
		for _, name := range p.Officers {
			text += "witness " + name + " " + r.Signer(name, proofs.MLDSA44Key).Key().String() + "\n"
			members = append(members, name)
			if slices.Contains(p.Ed25519, name) {
				text += "witness " + name + "-ed " + r.Signer(name, proofs.CosignatureKey).Key().String() + "\ngroup both-" + name + " all " + name + " " + name + "-ed\n"
				members[len(members)-1] = "both-" + name
			}
		}
		text += fmt.Sprintf("group officers %d %s\n", p.Needed, strings.Join(members, " "))
		trust.Officers = "officers"
		quorum = append(quorum, "officers")
	}
	if len(p.Witnesses) > 0 {
		for _, name := range p.Witnesses {
			text += "witness " + name + " " + r.Signer(name, proofs.CosignatureKey).Key().String()
			if p.URL != "" {
				text += " " + p.URL + "/" + name
			}
			text += "\n"
		}
		text += fmt.Sprintf("group witnesses %d %s\n", p.Seen, strings.Join(p.Witnesses, " "))
		trust.Witnesses = "witnesses"
		quorum = append(quorum, "witnesses")
	}
	text += "group all-roles all " + strings.Join(quorum, " ") + "\nquorum all-roles\n"
	trust.PolicyText = []byte(text)
	parsed, err := proofs.ParseTrust(trust.Marshal())
	r.must(err)
	*trust = *parsed
}

// Seed is that of a key.
func Seed(name string, kind proofs.KeyType) []byte {
	seed := sha256.Sum256(fmt.Appendf(nil, "follow %s %d", name, kind))
	return seed[:]
}

// Signer is a key by its name and kind.
func (r *Registry) Signer(name string, kind proofs.KeyType) *proofs.MemorySigner {
	id := fmt.Sprint(name, kind)
	if r.signers[id] == nil {
		s, err := proofs.NewMemorySigner(name, kind, Seed(name, kind))
		r.must(err)
		r.signers[id] = s
	}
	return r.signers[id]
}

// Rekey replaces the log's keys from now on.
func (r *Registry) Rekey() {
	for _, kind := range []proofs.KeyType{proofs.Ed25519Key, proofs.MLDSA44Key} {
		s, err := proofs.NewMemorySigner(Origin, kind, Seed(fmt.Sprint("again ", r.Trust.Epoch), kind))
		r.must(err)
		r.signers[fmt.Sprint(Origin, kind)] = s
	}
	r.Log, r.Own = r.Signer(Origin, proofs.Ed25519Key), r.Signer(Origin, proofs.MLDSA44Key)
}

func (r *Registry) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// Append puts bytes into the ledger.
func (r *Registry) Append(entry []byte) proofs.Hash {
	r.entries = append(r.entries, entry)
	r.ix.Add(entry)
	return proofs.LeafHash(entry)
}

// Say signs a statement by its issuer.
func (r *Registry) Say(s *proofs.Statement) proofs.Hash {
	s.Registry = Origin
	n, err := proofs.SignNote(s.Text(), r.Signer(s.Issuer, proofs.Ed25519Key))
	r.must(err)
	return r.Append(n.Marshal())
}

// Accredit accredits an authority, or changes its accreditation.
func (r *Registry) Accredit(name string) {
	s := &proofs.Statement{Action: proofs.ActionAccredit, Issuer: "root", Authority: name, Title: "Title of " + name, Kinds: []string{"*"}, Keys: []*proofs.Key{r.Signer(name, proofs.Ed25519Key).Key()}}
	if tip, ok := r.tip[name]; ok {
		s.After = &tip
	}
	r.tip[name] = r.Say(s)
}

// Withdraw ends an authority's standing.
func (r *Registry) Withdraw(name, reason string) {
	tip := r.tip[name]
	r.tip[name] = r.Say(&proofs.Statement{Action: proofs.ActionWithdraw, Issuer: "root", Authority: name, After: &tip, Reason: reason})
}

// Document is the nth document.
func Document(n int) *proofs.Ref {
	return &proofs.Ref{Digests: proofs.DigestsOf(fmt.Appendf(nil, "document %d\n", n))}
}

// Register registers documents from first up to end.
func (r *Registry) Register(issuer string, first, end int) {
	for n := first; n < end; n++ {
		r.leaf[n] = r.Say(&proofs.Statement{Action: proofs.ActionRegister, Issuer: issuer, Document: Document(n), Kind: "letter", Issued: "2027-01-01"})
	}
}

// Revoke revokes a document.
func (r *Registry) Revoke(issuer string, n int, reason string) {
	after := r.leaf[n]
	r.Say(&proofs.Statement{Action: proofs.ActionRevoke, Issuer: issuer, Document: Document(n), After: &after, Reason: reason})
}

// Size is the ledger's.
func (r *Registry) Size() uint64 { return uint64(len(r.entries)) }

// Entry is one of the ledger.
func (r *Registry) Entry(place uint64) []byte { return r.entries[place] }

// End appends the index statement, as lie would have it, and writes all that it leads to: tiles, index files, the issuer list.
func (r *Registry) End(lie func(x *proofs.Index)) {
	r.Now += 3600
	x, err := r.ix.Prepare(r.Now)
	r.must(err)
	tree := proofs.NewFrontier()
	for _, e := range r.entries {
		tree.Append(e)
	}
	x.Tree = tree.Root()
	if lie != nil {
		lie(x)
	}
	r.Say(&proofs.Statement{Action: proofs.ActionIndex, Issuer: "publication", Index: x})
	r.sizes = append(r.sizes, r.Size())
	r.write()
}

func (r *Registry) write() {
	for _, t := range proofs.TilesOf(0, r.Size()) {
		r.Put("ledger/"+t.Path(), r.tile(t))
	}
	s := r.ix.State()
	r.must(index.Files(r.store, &s, func(h proofs.Hash) {
		b, err := r.store.Get(h)
		r.must(err)
		r.Put(proofs.IndexPath(h), b)
	}))
}

func (r *Registry) tile(t proofs.Tile) (b []byte) {
	for i := t.Index * 256; i < t.Index*256+uint64(t.Width); i++ {
		switch {
		case t.Entries:
			b = proofs.AppendBundleEntry(b, r.entries[i])
		case t.Level == 0:
			h := proofs.LeafHash(r.entries[i])
			b = append(b, h[:]...)
		default:
			var hashes []proofs.Hash
			for h := range slices.Chunk(r.Get("ledger/"+proofs.Tile{Level: t.Level - 1, Index: i, Width: 256}.Path()), 32) {
				hashes = append(hashes, proofs.Hash(h))
			}
			top := proofs.TopOf(hashes)
			b = append(b, top[:]...)
		}
	}
	return b
}

// Checkpoint is the ledger's size and root.
func (r *Registry) Checkpoint() proofs.Checkpoint {
	root, err := r.nodes().Root(r.Size())
	r.must(err)
	return proofs.Checkpoint{Origin: Origin, Size: r.Size(), Root: root}
}

func (r *Registry) nodes() proofs.Nodes {
	return proofs.TileNodes(r.Size(), func(t proofs.Tile) ([]byte, error) { return r.tile(t), nil })
}

// Sign makes lines over the ledger's checkpoint: that of the log without a time, cosignatures now.
func (r *Registry) Sign(by ...proofs.Signer) (lines []proofs.Signature) {
	for _, s := range by {
		var line proofs.Signature
		var err error
		if s.Key().Type == proofs.Ed25519Key {
			line, err = proofs.SignCheckpoint(s, r.Checkpoint())
		} else {
			line, err = proofs.Cosign(s, r.Checkpoint(), r.Now)
		}
		r.must(err)
		lines = append(lines, line)
	}
	return lines
}

// Everybody are all whom the policy names.
func (r *Registry) Everybody() []proofs.Signer {
	all := []proofs.Signer{r.Log}
	for _, w := range r.Trust.Policy.Witnesses {
		all = append(all, r.Signer(w.Key.Name, w.Key.Type))
	}
	return all
}

// HeadOf makes a head of the last index statement with these lines.
func (r *Registry) HeadOf(lines []proofs.Signature) []byte {
	size, nodes := r.Size(), r.nodes()
	h := &proofs.Head{Statement: r.entries[size-1], RootTile: r.ix.State().RootTile}
	h.Proof.Checkpoint = (&proofs.Note{Text: r.Checkpoint().Text(), Signatures: lines}).Marshal()
	h.Proof.Index = size - 1
	var err error
	h.Proof.Proof, err = nodes.Inclusion(size-1, size)
	r.must(err)
	for _, n := range proofs.PublicationList(uint64(len(r.sizes))) {
		o := proofs.OldSize{Size: r.sizes[n-1]}
		o.Root, _ = nodes.Root(o.Size)
		o.Proof, _ = nodes.Consistency(o.Size, size)
		h.Consistency = append(h.Consistency, o)
	}
	return h.Marshal()
}

// Publish ends the publication, has everybody sign it and releases it.
func (r *Registry) Publish() {
	r.End(nil)
	r.Release(r.Sign(r.Everybody()...))
}

// Propose ends the publication and offers it to the officers.
func (r *Registry) Propose() {
	r.End(nil)
	r.Offer()
}

// Offer offers the tree as it is to the officers.
func (r *Registry) Offer() { r.Put(proofs.ProposalPath, r.HeadOf(r.Sign(r.Log))) }

// Release publishes head, checkpoint, history, statistics and trust file.
func (r *Registry) Release(lines []proofs.Signature) {
	head := r.HeadOf(lines)
	parsed, err := proofs.ParseHead(head)
	r.must(err)
	checkpoint := parsed.Proof.Checkpoint
	line := proofs.HistoryLine{Size: r.Size(), File: sha256.Sum256(checkpoint)}
	r.history = append(r.history, line)
	r.Put(line.Path(), checkpoint)
	r.Put(proofs.HistoryPath, proofs.FormatHistory(r.history))
	r.Put(proofs.StatisticsPath, r.ix.State().Statistics.Marshal())
	r.Put(proofs.TrustPath(r.Trust.Epoch), r.Trust.Marshal())
	r.Put("policy", r.Trust.PolicyText)
	r.Put(proofs.HeadPath, head)
	r.Put("ledger/checkpoint", checkpoint)
	r.Remove(proofs.ProposalPath)
}

// ChangeTrust puts the root's statement about the next trust file into the ledger, of which the caller says what changes, and appends the index
// statement; what is said from then on is signed under the next one. It returns that.
func (r *Registry) ChangeTrust(change func(next *proofs.Trust)) *proofs.Trust {
	next := r.Trust.Successor(r.Checkpoint())
	change(next)
	parsed, err := proofs.ParseTrust(next.Marshal())
	r.must(err)
	r.Say(&proofs.Statement{Action: proofs.ActionTrust, Issuer: "root", Digest: sha256.Sum256(parsed.Marshal()), Epoch: parsed.Epoch})
	// From here on it is judged under the next one.
	c := r.Clone()
	c.Trust = parsed
	c = c.Clone()
	r.ix, r.store = c.ix, c.store
	return parsed
}

// Handover publishes a trust file with the proof that the epoch before agreed to it, signed by these; the ledger ends with its publication.
func (r *Registry) Handover(next *proofs.Trust, lines []proofs.Signature) {
	nodes := r.nodes()
	h := &proofs.Handover{Statement: r.entries[next.FinalSize]}
	h.Proof.Checkpoint = (&proofs.Note{Text: r.Checkpoint().Text(), Signatures: lines}).Marshal()
	h.Proof.Index = next.FinalSize
	var err error
	h.Proof.Proof, err = nodes.Inclusion(next.FinalSize, r.Size())
	r.must(err)
	h.Growth, err = nodes.Consistency(next.FinalSize, r.Size())
	r.must(err)
	r.Put(proofs.TrustPath(next.Epoch), next.Marshal())
	r.Put(proofs.HandoverPath(next.Epoch), h.Marshal())
	r.Trust = next
}

// Clone is the registry as it is, to go another way.
func (r *Registry) Clone() *Registry {
	c := *r
	c.mu = &sync.Mutex{}
	c.entries, c.sizes, c.history = slices.Clone(r.entries), slices.Clone(r.sizes), slices.Clone(r.history)
	c.leaf, c.tip, c.files, c.signers = maps.Clone(r.leaf), maps.Clone(r.tip), maps.Clone(r.files), maps.Clone(r.signers)
	c.store = index.NewMemory()
	var err error
	c.ix, err = index.Open(r.Trust, c.store, index.Empty())
	r.must(err)
	c.ix.Add(c.entries...)
	r.must(c.ix.Settle())
	return &c
}

// Collect removes the files of the index to which the newest publication does not lead.
func (r *Registry) Collect() {
	s := r.ix.State()
	keep := map[string]bool{}
	r.must(index.Files(r.store, &s, func(h proofs.Hash) { keep[proofs.IndexPath(h)] = true }))
	for _, path := range r.Paths() {
		if strings.HasPrefix(path, "index/") && !keep[path] {
			r.Remove(path)
		}
	}
}

// Put, Get and Remove change what is published.
func (r *Registry) Put(path string, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[path] = b
}

// Get is a published file, nil if there is none.
func (r *Registry) Get(path string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.files[path]
}

// Remove removes published files.
func (r *Registry) Remove(paths ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, path := range paths {
		delete(r.files, path)
	}
}

// Paths are those of all published files.
func (r *Registry) Paths() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.files))
}

// Asked returns the paths that were read since it was asked last.
func (r *Registry) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	read := r.read
	r.read = nil
	return read
}

// Read makes the registry a portal.
func (r *Registry) Read(_ context.Context, path string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = append(r.read, path)
	b, ok := r.files[path]
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	return b, nil
}

func (r *Registry) String() string { return "registry in memory" }

// ServeHTTP serves what is published.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b, err := r.Read(req.Context(), strings.TrimPrefix(req.URL.Path, "/"))
	if err != nil {
		http.NotFound(w, req)
		return
	}
	w.Write(b)
}

// Clock is the time of what was signed last.
func (r *Registry) Clock() time.Time { return time.Unix(r.Now, 0) }

// Officers takes approvals over HTTP as stele serve does, and publishes once there are enough: the lines of the log that are missing and those
// of the witnesses are then added by themselves.
func (r *Registry) Officers() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", r)
	mux.HandleFunc("POST /v1/approvals", func(w http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
		status, answer := http.StatusBadRequest, map[string]any{"error": "unreadable"}
		if err == nil {
			status, answer = r.approve(b)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(answer)
	})
	return mux
}

func (r *Registry) approve(note []byte) (int, map[string]any) {
	head, err := proofs.ParseHead(r.Get(proofs.ProposalPath))
	if err != nil {
		return http.StatusConflict, map[string]any{"error": "nothing is proposed", "size": r.Size()}
	}
	c, n, err := proofs.ParseCheckpoint(note)
	_, offered, _ := proofs.ParseCheckpoint(head.Proof.Checkpoint)
	if err != nil || c != r.Checkpoint() {
		return http.StatusUnprocessableEntity, map[string]any{"error": "another tree"}
	}
	offered.Signatures = append(offered.Signatures, n.Signatures...)
	s, _, err := r.Trust.Examine(offered.Marshal(), max(r.Now, time.Now().Unix()))
	if err != nil {
		return http.StatusUnprocessableEntity, map[string]any{"error": err.Error()}
	}
	r.Put(proofs.ProposalPath, r.HeadOf(offered.Signatures))
	answer := map[string]any{"size": c.Size, "root": c.Root.String(), "published": s.Officers.Met,
		"officers": map[string]any{"have": s.Officers.Have, "needed": s.Officers.Needed, "met": s.Officers.Met}}
	if s.Officers.Met {
		lines := append(offered.Signatures, r.Sign(r.Own)...)
		for _, i := range r.Trust.Policy.Leaves(r.Trust.Witnesses) {
			k := r.Trust.Policy.Witnesses[i].Key
			lines = append(lines, r.Sign(r.Signer(k.Name, k.Type))...)
		}
		r.Release(lines)
	}
	return http.StatusOK, answer
}
