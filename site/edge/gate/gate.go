// Package gate takes publications: what a publisher uploads is served only once it was proved to belong to what the registry has signed.
//
//	set, head, checkpoint, growth  ──offer──▶ offers/ID/offer      verified against the trust file and the publication in force, before a byte is stored
//	packs of files                 ──────────▶ staged/SHA256        whatever was uploaded; nothing is served from there
//	right edge, map tiles          ──plan───▶ offers/ID/part/HASH  from the prepared root downwards: which files are new, and what each has to hash to
//	a chunk of them                ──────────▶ kept/PATH, set/HEX   each verified by itself; then offers/ID/done/HASH
//	                               ──finish─▶ current              one compare-and-swap, once every chunk is done
//
// What the object current names is whole: every file of its set is there, and every file that its checkpoint leads to. All else rests on that: a plan leaves out
// what the publication in force has already. Files that never change lie under their names before the publication that needs them is in force; nothing leads to
// them yet, and no others can lie there, since each was verified by a hash that the quorum has signed.
//
// An offer is addressed by the SHA-256 of its signed set. Whoever has stolen the token, and not the log's key, can neither make an offer that is taken nor name
// one that is under way: nothing here tells its name but the answer to whoever brought the set. The gate does not rebuild the map, and believes the quorum
// that it follows from the ledger; officers and monitors rebuild it.
//
// A step can be broken off anywhere and done again, by the same publisher or another one, at this process or another one: an object is written before what says
// that it is there, and everything but current only adds to what is there. FORMAT.md, section 21, is the protocol.
package gate

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// Objects in the store, besides those of package published.
const (
	stagedPrefix     = "staged/"
	offersPrefix     = "offers/"
	supersededPrefix = "superseded/"
	attemptsPrefix   = "attempts/"
	restsPrefix      = "rests/"   // by a publication's ID: the ID of the deployment among whose static files some of its own are
	cleaningObject   = "cleaning" // which run of Clean was the last, or is under way
)

// Limits are what one request and one day may come to. A zero stands for the default.
type Limits struct {
	Pack   int64 // bytes of a pack's body: default, and least, one object with its length
	Object int64 // bytes of one file: default proofs.MaxSetFile
	Chunk  int   // files in a chunk: 200. A request asks the store at most four times as often, and some forty times more: Workers stop at 1,000 subrequests on a paid plan
	Clean  int   // requests of the store in one run of Clean: 400, and least 100. A Worker asks for what else is scheduled in the same run
	Held   int64 // bytes of all bodies that are being read at once: 256 MiB

	Body    time.Duration // how long a body may take: 5 minutes, which are 90 kB/s for the largest. In a Worker the host's own limits hold
	Staged  time.Duration // how long an upload is kept that nothing has come of: 2 days
	Offered time.Duration // and an offer: 7 days
	Grace   time.Duration // how long what was superseded can still be read, as at the publisher: 7 days
	Told    time.Duration // how long attempts are kept: 90 days
}

func (l Limits) withDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	long := func(v *time.Duration, d time.Duration) { def((*int64)(v), int64(d)) }
	def(&l.Object, proofs.MaxSetFile)
	l.Pack = max(l.Pack, l.Object+lengthBytes)
	def(&l.Held, 256<<20)
	if l.Chunk <= 0 {
		l.Chunk = 200
	}
	if l.Clean <= 0 {
		l.Clean = 400
	}
	l.Clean = max(l.Clean, 100)
	const day = 24 * time.Hour
	long(&l.Body, 5*time.Minute)
	long(&l.Staged, 2*day)
	long(&l.Offered, 7*day)
	long(&l.Grace, 7*day)
	long(&l.Told, 90*day)
	return l
}

// packed is how many objects a pack may hold, missing how many paths a plan asks for at once.
func (l Limits) packed() int  { return 4 * l.Chunk }
func (l Limits) missing() int { return min(1000, 3*l.Chunk) }

// A Config is what a gate is made of.
type Config struct {
	Source      *published.Source
	TokenSHA256 proofs.Hash // of the token's 64 ASCII characters; zero: nothing is taken
	Limits      Limits
	Now         func() time.Time
	Log         *slog.Logger
	Published   func(context.Context, *published.Publication) // told of each publication when it has come in force, by the process that brought it there; may be nil
}

// A Gate is safe for concurrent use, also by several processes over one store.
type Gate struct {
	Config
	held *pace // bodies
	io   *pace // objects on their way to and from the store
}

// New makes a gate.
func New(c Config) *Gate {
	c.Limits = c.Limits.withDefaults()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Gate{Config: c, held: newPace(1<<20, c.Limits.Held), io: newPace(atOnce, inFlight)}
}

func (g *Gate) store() store.Store { return g.Source.Store }

// get is a store's Get for what may be absent.
func (g *Gate) get(ctx context.Context, name string) (b []byte, ok bool, err error) {
	b, _, err = g.store().Get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return b, err == nil, err
}

// getJSON reads a record of the gate's own.
func (g *Gate) getJSON(ctx context.Context, name string, v any) (version string, ok bool, err error) {
	b, version, err := g.store().Get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return "", false, fmt.Errorf("the object %s: %w", name, err)
	}
	return version, true, nil
}

func (g *Gate) putJSON(ctx context.Context, name string, v any, when store.Condition) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return g.store().Put(ctx, name, b, when)
}

func hashOf(b []byte) proofs.Hash { return sha256.Sum256(b) }
