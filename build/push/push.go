// Package push brings what a registry has published to an edge: the publisher's side of the gate (package stele/site/edge/gate).
//
//	state → set → offer → plan ⇄ upload → chunks, each read back → finish → read back
//
// Checkpoint and head go first, and nothing is uploaded before the gate has taken them. What never changes under its name is read back over the public
// addresses before the publication is finished, the rest after. Every step can be done again: a push that was broken off is begun anew, and what it has brought
// is there. It knows nothing of passphrases: the caller brings a signer.
package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stele/build/storage"
	"stele/proofs"
)

// A Pusher brings one registry's published files to one edge.
type Pusher struct {
	Files  storage.Files
	Trust  *proofs.Trust // in force
	Signer proofs.Signer // with one of the log's Ed25519 keys
	URL    string        // of the edge
	Token  string
	HTTP   *http.Client

	// Alone calls a function while nobody publishes.
	Alone func(ctx context.Context, f func() error) error
	Now   func() time.Time
	// Progress is told how far it is, by several goroutines, though never by two at once.
	Progress func(Progress)
	// Waiting is told why it waits before it asks again.
	Waiting func(why string, wait time.Duration)
	// Pause waits.
	Pause func(ctx context.Context, wait time.Duration) error

	gate *http.Client // like HTTP, but follows no redirect
	told sync.Mutex
}

// New pushes to the edge at an address, with a client that waits for ten minutes at most.
func New(address, token string) *Pusher {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = chunksAtOnce * packersAtOnce
	return &Pusher{URL: strings.TrimSuffix(address, "/"), Token: token, HTTP: &http.Client{Timeout: 10 * time.Minute, Transport: transport},
		Alone: func(_ context.Context, f func() error) error { return f() }, Now: time.Now,
		Progress: func(Progress) {}, Waiting: func(string, time.Duration) {}, Pause: pause}
}

// Progress is how far a push has come.
type Progress struct {
	Stage       string
	Done, Total int // Total is 0 where it is not known
	Bytes       int64
}

// A Result is what a push has done.
type Result struct {
	Set         proofs.Hash // its ID; zero where the edge had everything
	Publication uint64
	Size        uint64 // of the ledger
	Already     bool   // the edge had all of it, and nothing was done
	Objects     int    // uploaded
	Bytes       int64
	Skipped     int // objects of the publication that were new and that the edge had already, from a push that was broken off
	ReadBack    int // files that were compared over the public addresses
}

// mostBegun is how often a push begins anew, because another publisher was faster or files have changed.
const mostBegun = 5

// errAgain is that the push has to begin anew.
var errAgain = errors.New("begin anew")

// Push brings what is published to the edge, and returns once the edge serves it.
func (p *Pusher) Push(ctx context.Context) (*Result, error) {
	if err := p.prepare(); err != nil {
		return nil, err
	}
	var why error
	for range mostBegun {
		r, err := p.once(ctx)
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, errAgain) {
			return nil, err
		}
		why = err
	}
	return nil, &Error{Message: fmt.Sprintf("begun %d times, and each time %v", mostBegun, why), Hint: "another publisher is at work: run the same command again when it has finished"}
}

// A run is one attempt.
type run struct {
	*Pusher
	state   *state
	made    *made
	offer   string
	known   sync.Map // path → SHA-256, as long as there are not too many
	kept    atomic.Int64
	objects atomic.Int64
	bytes   atomic.Int64
	checked atomic.Int64
	staged  bool // an earlier push has left something

	large sync.Mutex // around packs of one large object

	mu      sync.Mutex
	changed []string // files that can be read back once the publication is finished
}

func (p *Pusher) once(ctx context.Context) (*Result, error) {
	r := &run{Pusher: p}
	var err error
	r.tell(Progress{Stage: "asking the edge what it has"})
	if r.state, err = p.askState(ctx); err != nil {
		return nil, err
	}
	if err := r.compareRegistry(); err != nil {
		return nil, err
	}
	r.tell(Progress{Stage: "reading what is published"})
	if r.made, err = p.make(ctx); err != nil {
		return nil, err
	}
	if r.state.Set != "" && r.state.Size > r.made.checkpoint.Size {
		return nil, &Error{Message: fmt.Sprintf("the edge serves a ledger of %d entries, what is published here has %d: an edge never goes back", r.state.Size, r.made.checkpoint.Size),
			Hint: "push from where the registry is published now; a restored backup must first get back what was published since"}
	}
	if r.isThere() {
		return &Result{Publication: r.made.set.Publication, Size: r.made.checkpoint.Size, Already: true}, nil
	}
	r.made.set.Time = max(p.Now().Unix(), r.state.Time+1)
	current, err := r.makeOffer(ctx)
	if err != nil {
		return nil, err
	}
	items := 0
	if !current {
		if items, err = r.bring(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.readBackRest(ctx); err != nil {
		return nil, err
	}
	return r.result(items), nil
}

func (r *run) result(items int) *Result {
	objects := int(r.objects.Load())
	return &Result{Set: sha256.Sum256([]byte(r.made.set.Text())), Publication: r.made.set.Publication, Size: r.made.checkpoint.Size, Objects: objects, Bytes: r.bytes.Load(),
		Skipped: max(0, items-objects), ReadBack: int(r.checked.Load())}
}

// compareRegistry refuses what the gate would, where an official can be told more about it here.
func (r *run) compareRegistry() error {
	switch s := r.state; {
	case s.Origin != r.Trust.Origin:
		return &Error{Message: fmt.Sprintf("%s is the edge of another registry: %s, this one is %s", r.URL, shown(s.Origin), r.Trust.Origin),
			Hint: "look at the address after --to"}
	case s.Epoch > r.Trust.Epoch:
		return &Error{Message: fmt.Sprintf("the edge follows the trust file of epoch %d, the one here is of epoch %d", s.Epoch, r.Trust.Epoch),
			Hint: "push from where the registry is published now"}
	}
	return nil
}

// isThere reports whether the edge serves these very files: their set, made at the time of its own, is its own.
func (r *run) isThere() bool {
	if r.state.Set == "" {
		return false
	}
	theirs := *r.made.set
	theirs.Time = r.state.Time
	return proofs.Hash(sha256.Sum256([]byte(theirs.Text()))).String() == r.state.Set
}

// makeOffer offers set, checkpoint and head. It reports whether the set is in force already.
func (r *run) makeOffer(ctx context.Context) (current bool, err error) {
	signed, err := proofs.SignSet(r.made.set, r.Signer)
	if err != nil {
		return false, err
	}
	o := offerBody{Set: string(signed), Checkpoint: string(r.made.checkpointFile), Head: string(r.made.headFile), Old: r.state.Size, Consistency: []string{}, Trust: []handover{}}
	if o.Trust, err = r.handovers(); err != nil {
		return false, err
	}
	if r.state.Size > 0 {
		proof, err := r.nodes().Consistency(r.state.Size, r.made.checkpoint.Size)
		if err != nil {
			return false, err
		}
		for _, h := range proof {
			o.Consistency = append(o.Consistency, base64.StdEncoding.EncodeToString(h[:]))
		}
	}
	r.tell(Progress{Stage: "offering the checkpoint"})
	var answer struct {
		Offer   string
		Current bool
	}
	if err := r.call(ctx, http.MethodPost, "/publish/offers", o, &answer); err != nil {
		return false, again(err, "overtaken")
	}
	if _, err := proofs.ParseHash(answer.Offer); err != nil { // it becomes a part of addresses
		return false, &Error{Message: fmt.Sprintf("the gate calls the offer %s", shown(answer.Offer)), Hint: notAnEdge}
	}
	r.offer = answer.Offer
	return answer.Current, nil
}

// again marks refusals after which a push begins anew.
func again(err error, codes ...string) error {
	var e *Error
	if errors.As(err, &e) && slices.Contains(codes, e.Code) {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}

// handovers are the trust files since the one that the edge knows.
func (r *run) handovers() ([]handover, error) {
	all := []handover{}
	for epoch := r.state.Epoch + 1; epoch <= r.Trust.Epoch; epoch++ {
		file, err := r.Files.Read(proofs.TrustPath(epoch))
		if err != nil {
			return nil, err
		}
		proof, err := r.Files.Read(proofs.HandoverPath(epoch))
		if err != nil {
			return nil, &Error{Message: fmt.Sprintf("the edge knows the trust file of epoch %d, and nothing leads from there to epoch %d: %v", r.state.Epoch, epoch, err),
				Hint: "deploy the edge anew, with the trust file in force: stele deploy"}
		}
		all = append(all, handover{string(file), string(proof)})
	}
	return all, nil
}

func (r *run) nodes() proofs.Nodes {
	return proofs.TileNodes(r.made.checkpoint.Size, func(t proofs.Tile) ([]byte, error) { return r.Files.Read("ledger/" + t.Path()) })
}

func (p *Pusher) tell(now Progress) {
	p.told.Lock()
	defer p.told.Unlock()
	p.Progress(now)
}
