package registry

import (
	"bytes"
	"context"
	"errors"
	"time"

	"stele/build/index"
	"stele/build/ledger"
	"stele/build/storage"
	"stele/build/witness"
	"stele/proofs"
)

// How a publication goes, stage by stage:
//
//	reload.go    what was signed, published and proposed, compared with one another and with the ledger
//	append.go    what is pending goes into the ledger and the index; the index statement ends it
//	propose.go   the log's Ed25519 line: the tree is proposed, and officers fetch ledger/proposal
//	approve.go   officers' cosignatures come in, by HTTP or by hand, and are kept as they come
//	cosign.go    with the officers' quorum, the log's ML-DSA-44 line and the witnesses' lines; at most 16 are chosen
//	release.go   with the policy met, the tree is published
//	fresh.go     as long as a proposal waits for officers, the published tree is signed again
//	rotate.go    a change of trust: the same tree under two policies
//	collect.go   what no published head leads to is deleted, late
//
// Where the policy asks for nobody but the log, one run does all of it at once, and there is neither proposal nor approval.
//
// What is signed is remembered before anybody sees it. state/proposed holds the tree that is proposed with every line collected for
// it, state/signed the last one that has met the policy. Both are compared with the ledger before anything is signed: the
// larger one tells a restored snapshot from what it was a snapshot of.

// clockSlack is how far the clock may run behind the last publication, in seconds, for
// the next one to be given the second after it. Beyond that the clock is wrong.
const clockSlack = 60

// A Publication is what Publish has published, and what it has not.
type Publication struct {
	Number      uint64            // of the index statement; 0 where nothing was ever published
	Checkpoint  proofs.Checkpoint // size and root
	Time        int64             // of the signatures, seconds
	Added       int               // statements that were not published before
	Heartbeat   bool              // nothing new: the same tree, signed again
	Keys        uint64            // documents in the index
	Refused     []Refusal         // statements that the rules keep out of the ledger
	RefusedFile string            // where they are kept; empty if there are none

	Epoch     uint64          // of the trust file that the publication satisfies
	Proposal  *Proposal       // what waits for officers or witnesses; nil if there is nothing
	Held      bool            // a change of trust is prepared: until the root has signed it or it is cancelled, nothing is sequenced
	Stale     string          // why the published tree could not be signed again; empty if it was, or need not be
	Witnessed []string        // witnesses that answered, by name
	Faults    []witness.Fault // why others did not
	LeftOut   []string        // signers whose lines did not fit into the 16 of a checkpoint
}

// A Refusal is a pending statement that was not taken.
type Refusal struct {
	Entry []byte
	Why   error
}

// Options are what a publication is to do otherwise than usual.
type Options struct {
	Approvals  [][]byte // checkpoints with officers' cosignatures, brought by hand
	Anew       bool     // what is pending overtakes a proposal that waits
	NoHandover bool     // a change of trust goes without the old policy's quorum, which cannot be had any more
}

// publisher is one run of Publish. Its methods are the stages, in order.
type publisher struct {
	*Registry
	Options
	ctx    context.Context
	log    *ledger.Log
	now    int64              // the clock, not before the last signature
	last   int64              // time of the last signature before the run; 0 if there is none
	signed *proofs.Checkpoint // the last one that has met the policy, nil before the first
	note   []byte             // its bytes
	public uint64             // size of the published checkpoint; 0 if there is none
	before uint64             // the same when the run began
	heal   bool               // the public folder is not as the last publication left it
	edges  uint64             // up to this size, the partial tiles of all checkpoints are there

	draft   *draft        // what is proposed; nil if there is nothing
	kept    []byte        // state/proposed
	done    bool          // this run has published the proposal
	offered uint64        // size of the proposal that is in the public folder with all that it leads to; 0 if there is none
	under   *proofs.Trust // the trust file that the published tree satisfies
	change  *change       // of trust; nil if none is under way
	held    bool          // a change of trust is prepared, and not signed by enough of the root yet: nothing else is sequenced

	ix         *index.Ledger
	past       *index.State  // the index of the published tree; the ledger may go on after it. Not where the log signs alone
	pastKept   bool          // state/published holds it
	superseded []proofs.Hash // index files to which nothing refers after this publication
	strays     bool          // an earlier run was broken off, or what it knew is lost: index files may lie about

	app   *ledger.Appender
	queue []storage.Batch
	out   Publication
}

// Publish takes everything pending into the ledger, updates the index, signs and writes. With nothing new it
// signs the same tree again: the heartbeat that freshness rests on. Another publisher is waited for.
func (r *Registry) Publish(ctx context.Context) (*Publication, error) {
	return r.PublishWith(ctx, Options{})
}

// PublishWith is Publish with options.
func (r *Registry) PublishWith(ctx context.Context, o Options) (*Publication, error) {
	l, err := r.lock(ctx, lockPublish)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return r.publish(ctx, o)
}

// PublishDue is Publish for one of several machines that publish on the same schedule: where another is publishing, or has
// published less than an interval ago, it returns nil.
func (r *Registry) PublishDue(ctx context.Context, interval time.Duration) (*Publication, error) {
	l, err := r.at.TryLock(lockPublish)
	if errors.Is(err, storage.ErrLocked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	_, note, err := r.signed()
	if err != nil {
		return nil, err
	}
	if note != nil {
		since := r.Now().Sub(time.Unix(SignedAt(note, r.Trust.Origin), 0))
		b, _ := r.at.Public.Read(checkpointPath)
		// What was signed and not written is finished at once. A clock that has gone back is for publish to tell.
		if since < interval && since >= -clockSlack*time.Second && bytes.Equal(b, note) {
			return nil, nil
		}
	}
	return r.publish(ctx, Options{})
}

// publish is one run, by the trust file as it is now. The caller holds the publisher's lock.
func (r *Registry) publish(ctx context.Context, o Options) (*Publication, error) {
	r.at.Public.Sync() // what a run that failed has left under way: its errors are not this one's
	now, err := r.current()
	if err != nil {
		return nil, err
	}
	p := &publisher{Registry: now, Options: o, ctx: ctx, log: r.log(), now: r.Now().Unix()}
	return p.run()
}

func (p *publisher) run() (*Publication, error) {
	for _, stage := range []struct {
		name string
		do   func() error
	}{
		{"comparing what is here with what was signed last", p.reload},
		{"opening the ledger", p.open},
		{"finishing what an earlier run has left", p.catchUp},
		{"putting what is pending into ledger and index", p.takeQueue},
		{"checking the ledger and signing it", p.sign},
		{"writing what is published", p.finish},
		{"clearing up", p.clean},
	} {
		if err := p.ctx.Err(); err != nil {
			return nil, err
		}
		p.Stage(stage.name)
		if err := stage.do(); err != nil {
			return nil, err
		}
	}
	return &p.out, nil
}
