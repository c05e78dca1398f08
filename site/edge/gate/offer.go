package gate

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

const (
	checkpointPath = "ledger/checkpoint"
	policyPath     = "policy"

	// maxOffer is an offer's greatest length in bytes: a set, a head, and trust files of a century at their usual size.
	maxOffer = 16 << 20
	// maxHead is a head's (FORMAT.md, section 16).
	maxHead = 4 << 20
	// ahead is how far a set's time may run before the clock here, in seconds; as for cosignatures (FORMAT.md, section 13).
	ahead = 300
)

// An offerRequest is the body of an offer.
type offerRequest struct {
	Set         string   `json:"set"`
	Checkpoint  string   `json:"checkpoint"`
	Head        string   `json:"head"`
	Old         uint64   `json:"old"`         // size of the publication in force
	Consistency []string `json:"consistency"` // hashes in base64, from old to the checkpoint's size
	Trust       []struct {
		File     string `json:"file"`
		Handover string `json:"handover"`
	} `json:"trust"`
}

// An offer is a publication that was believed, as it is kept.
type offer struct {
	id string

	Set         string `json:"set"` // the signed note
	Publication string `json:"publication"`
	Time        int64  `json:"time"` // when it was offered first, seconds
	Over        string `json:"over"` // the publication in force; "" if there was none
	Version     string `json:"version"`
	File        string `json:"checkpoint"` // SHA-256 of the checkpoint's file
	Size        uint64 `json:"size"`
	Root        string `json:"root"`
	RootTile    []byte `json:"root_tile"`
	Issuers     uint64 `json:"issuers"`
	IssuersRoot string `json:"issuers_root"`
	Trust       string `json:"trust,omitempty"` // the newest trust file, where a handover has led to it

	set *proofs.Set
}

func offerObject(id string) string { return offersPrefix + id + "/offer" }

// loadOffer finds an offer that can still come in force.
func (g *Gate) loadOffer(ctx context.Context, id string) (*offer, error) {
	if _, err := proofs.ParseHash(id); err != nil {
		return nil, refuse(codeUnknownOffer, "no offer has such a name")
	}
	o := &offer{id: id}
	_, ok, err := g.getJSON(ctx, offerObject(id), o)
	if err != nil {
		return nil, err
	}
	if !ok || g.Now().After(time.Unix(o.Time, 0).Add(g.Limits.Offered)) {
		return nil, refuse(codeUnknownOffer, "this offer is not known here, or is older than %v", g.Limits.Offered)
	}
	n, err := proofs.ParseNote([]byte(o.Set))
	if err == nil {
		o.set, err = proofs.ParseSetText(n.Text)
	}
	return o, err
}

// An examination is of one offer, from its signatures to how it goes on from what is in force.
type examination struct {
	g    *Gate
	now  int64
	q    *offerRequest
	set  *proofs.Set
	over *published.Publication

	trustNow *proofs.Trust // before
	trust    *proofs.Trust // followed to
	x        *proofs.VerifiedIndex
	root     *proofs.MapTile
}

// examine believes an offer, or says why not, with as much as was believed. Nothing is written.
func (g *Gate) examine(ctx context.Context, q *offerRequest) (*examination, error) {
	e := &examination{g: g, q: q, now: g.Now().Unix()}
	var err error
	if e.over, err = g.Source.Current(ctx); err != nil {
		return nil, err
	}
	if e.trustNow, err = g.Source.TrustNow(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func() error{e.follow, e.readSet, e.readCheckpoint} {
		if err := step(); err != nil {
			return e, err
		}
	}
	if e.current() {
		return e, nil
	}
	return e, e.compare(ctx)
}

// current reports whether the offer is in force already.
func (e *examination) current() bool { return e.over.Set != nil && e.over.ID == published.IDOf(e.set) }

// follow goes on to newer trust files by their handovers. Those that are behind already are passed over.
func (e *examination) follow() error {
	e.trust = e.trustNow
	for _, f := range e.q.Trust {
		t, err := proofs.ParseTrust([]byte(f.File))
		if err != nil {
			return refusalOf("trust file", err)
		}
		if t.Epoch <= e.trustNow.Epoch {
			continue
		}
		if e.trust, err = e.trust.Follow([]byte(f.File), []byte(f.Handover), e.now); err != nil {
			return refusalOf(proofs.TrustPath(t.Epoch), err)
		}
	}
	return nil
}

// readSet believes the set by the log's signature, and checks that it names what it has to and nothing that a set never holds.
func (e *examination) readSet() (err error) {
	if e.set, err = e.trust.ReadSet([]byte(e.q.Set)); err != nil {
		return refusalOf("set", err)
	}
	if e.set.Time > e.now+ahead {
		return refuse(codeMalformed, "the set is of %d, which is %d s after the clock here; at most %d s are taken", e.set.Time, e.set.Time-e.now, ahead)
	}
	for _, f := range e.set.Files {
		if !published.InSet(f.Name) {
			return refuse(codeMalformed, "set: %s: is proved by the checkpoint, or is never published here", f.Name)
		}
		if published.IsOwn(f.Name) {
			return refuse(codeMalformed, "set: %s: nobody would see it, an edge answers for that name itself", f.Name)
		}
		if f.Size > uint64(e.g.Limits.Object) {
			return refuse(codeTooLarge, "set: %s: %d bytes, want at most %d", f.Name, f.Size, e.g.Limits.Object)
		}
	}
	if e.set.File(proofs.HistoryPath) == nil {
		return refuse(codeMalformed, "set: does not name %s", proofs.HistoryPath)
	}
	for name, b := range map[string][]byte{checkpointPath: []byte(e.q.Checkpoint), proofs.HeadPath: []byte(e.q.Head),
		proofs.TrustPath(e.trust.Epoch): e.trust.Marshal(), policyPath: e.trust.PolicyText} {
		if f := e.set.File(name); f == nil || f.SHA256 != hashOf(b) || f.Size != uint64(len(b)) {
			return refuse(codeMalformed, "set: does not name the %s of the offer, %d bytes of SHA-256 %s", name, len(b), hashOf(b))
		}
	}
	return nil
}

// readCheckpoint believes checkpoint and head by the quorum.
func (e *examination) readCheckpoint() error {
	if len(e.q.Head) > maxHead {
		return refuse(codeTooLarge, "head: %d bytes, want at most %d", len(e.q.Head), maxHead)
	}
	h, err := proofs.ParseHead([]byte(e.q.Head))
	if err != nil {
		return refusalOf("head", err)
	}
	if !bytes.Equal(h.Proof.Checkpoint, []byte(e.q.Checkpoint)) {
		return refuse(codeMalformed, "head: is of another checkpoint than the one of the offer")
	}
	if e.x, e.root, err = h.Verify(e.trust, e.now); err != nil {
		return refusalOf("head", err)
	}
	if e.set.Publication != e.x.Publication {
		return refuse(codeMalformed, "set: of publication %d, but the head is of %d", e.set.Publication, e.x.Publication)
	}
	return nil
}

// compare wants the offer to go on from the publication in force.
func (e *examination) compare(ctx context.Context) error {
	var was proofs.Checkpoint
	was.Root = proofs.EmptyRoot()
	var file []byte
	if e.over.Set != nil {
		var err error
		if was, file, err = e.g.Source.Checkpoint(ctx, e.over); err != nil {
			return err
		}
		switch {
		case e.set.Time <= e.over.Time:
			return refuse(codeReplay, "the set is of %s, and the one in force of %s", moment(e.set.Time), moment(e.over.Time))
		case e.x.Publication < e.over.Publication:
			return refuse(codeRollback, "publication %d, and %d is in force", e.x.Publication, e.over.Publication)
		case e.x.Size < was.Size:
			return refuse(codeRollback, "a ledger of %d entries, and one of %d is in force", e.x.Size, was.Size)
		case e.x.Size == was.Size && e.x.Root != was.Root:
			return refuse(codeFork, "root %s at size %d, and %s is in force", e.x.Root, e.x.Size, was.Root)
		case e.x.AsOf < e.asOf(file):
			return refuse(codeReplay, "its signatures are as of %s, those in force as of %s", moment(e.x.AsOf), moment(e.asOf(file)))
		}
	}
	if e.q.Old != was.Size {
		r := refuse(codeOvertaken, "offered over a ledger of %d entries, and one of %d is in force", e.q.Old, was.Size)
		r.Size = &was.Size
		return r
	}
	growth, err := hashes64(e.q.Consistency)
	if err != nil {
		return err
	}
	if err := proofs.CheckConsistency(was.Size, e.x.Size, was.Root, e.x.Root, growth); err != nil {
		var bad *proofs.MalformedError
		if errors.As(err, &bad) {
			return refusalOf("growth", err)
		}
		return refuse(codeFork, "does not go on from the ledger in force: %v", err)
	}
	return nil
}

// asOf is that of the checkpoint in force; 0 where the trust file is of another epoch than it, whose size then decides.
func (e *examination) asOf(checkpoint []byte) int64 {
	s, _, err := e.trustNow.Examine(checkpoint, proofs.AnyTime)
	if err != nil {
		return 0
	}
	return s.AsOf
}

func hashes64(list []string) ([]proofs.Hash, error) {
	var out []proofs.Hash
	for _, s := range list {
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || len(b) != len(proofs.Hash{}) {
			return nil, refuse(codeMalformed, "growth: %q: want 32 bytes in base64", s)
		}
		out = append(out, proofs.Hash(b))
	}
	return out, nil
}

// record is what is kept of an offer that was believed.
func (e *examination) record(id string) *offer {
	o := &offer{id: id, Set: e.q.Set, Publication: published.IDOf(e.set).String(), Time: e.now, Version: e.over.Version, File: hashOf([]byte(e.q.Checkpoint)).String(),
		Size: e.x.Size, Root: e.x.Root.String(), RootTile: e.root.Marshal(), Issuers: e.x.Issuers, IssuersRoot: e.x.IssuersRoot.String(), set: e.set}
	if e.over.Set != nil {
		o.Over = e.over.ID.String()
	}
	if e.trust.Epoch > e.trustNow.Epoch {
		o.Trust = string(e.trust.Marshal())
	}
	return o
}

// A taken offer is what came of one.
type taken struct {
	id      string
	o       *offer // nil if it was refused before it was clear what it is
	fresh   bool   // not known before
	current bool   // in force already
}

// attempt tells of the offer, where that is worth it: the same one again is not.
func (t *taken) attempt(err error) (a attempt, worth bool) {
	a = attempt{Step: "offer", Code: attemptTaken}
	if t.o != nil {
		a = t.o.attempt("offer", attemptTaken, "")
	}
	if err != nil {
		r := toldAs(err)
		a.Code, a.Message = r.Code, r.Message
	}
	return a, err != nil || t.fresh
}

// offer takes an offer: the same one again is the same.
func (g *Gate) offer(ctx context.Context, body []byte) (*taken, error) {
	q, t := &offerRequest{}, &taken{}
	if err := json.Unmarshal(body, q); err != nil {
		return t, refuse(codeMalformed, "offer: %v", err)
	}
	e, err := g.examine(ctx, q)
	t.id = hashOf([]byte(q.Set)).String()
	if e != nil && e.x != nil && e.root != nil {
		t.o = e.record(t.id)
	}
	if err != nil {
		return t, err
	}
	if t.current = e.current(); t.current {
		return t, nil
	}
	have, err := g.loadOffer(ctx, t.id)
	if err == nil && have.Over == t.o.Over && have.Version == t.o.Version {
		return t, nil
	}
	var r *Refusal
	if err != nil && !errors.As(err, &r) {
		return t, err
	}
	t.fresh = true
	return t, g.putJSON(ctx, offerObject(t.id), t.o, store.Always)
}

// inForce reports whether the offer is; and that nothing else has come in force since it was made.
func (g *Gate) inForce(ctx context.Context, o *offer) (now *published.Publication, is bool, err error) {
	now, err = g.Source.Current(ctx)
	if err != nil {
		return nil, false, err
	}
	id := ""
	if now.Set != nil {
		id = now.ID.String()
	}
	if id == o.Publication {
		return now, true, nil
	}
	if id != o.Over || now.Version != o.Version {
		return now, false, g.overtaken(ctx, now)
	}
	return now, false, nil
}

func (g *Gate) overtaken(ctx context.Context, now *published.Publication) *Refusal {
	r := refuse(codeOvertaken, "another publication has come in force since this one was offered")
	if now.Set != nil {
		if c, _, err := g.Source.Checkpoint(ctx, now); err == nil {
			r.Size = &c.Size
		}
	}
	return r
}
