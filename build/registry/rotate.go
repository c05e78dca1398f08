package registry

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"stele/build/durable"
	"stele/build/storage"
	"stele/proofs"
)

// A change of trust is prepared as state/trust-next, the next trust file, and the root's statement about it in the queue. The
// publication that takes the statement holds nothing but it and the index statement, signed by the new publication key. Its tree
// has to meet the old policy, which makes the handover that clients follow, and the new one, under which it is published.
// From the moment at which a next trust file is there until it is published or cancelled, nothing else is put into the ledger:
// the statement's place is written in the file.

// stateTrusts is the folder of trust files and handovers, as they are published.
const stateTrusts = "trust/"

// A change is a change of trust under way. The publisher's own trust file is then the next one: its eras judge every place.
type change struct {
	old       *proofs.Trust
	statement []byte
	queued    []storage.Batch // that hold the statement
}

// nextTrust is the trust file that is prepared, nil if there is none.
func (r *Registry) nextTrust() (*proofs.Trust, error) {
	b, err := r.at.State.Read(stateTrustNext)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	next, err := proofs.ParseTrust(b)
	if err == nil && next.ID() == r.Trust.ID() {
		return nil, nil // it has become the present one
	}
	if err == nil {
		err = r.Trust.CheckSuccessor(next)
	}
	if err != nil {
		return nil, hint("stele trust cancel", "%s: cannot be used: %w", r.at.State.Path(stateTrustNext), err)
	}
	return next, nil
}

// reloadChange looks whether a change of trust is prepared, and whether the root has signed it.
func (p *publisher) reloadChange() error {
	next, err := p.nextTrust()
	if next == nil || err != nil {
		return err
	}
	c := &change{old: p.Trust}
	if err := p.findStatement(c, next); err != nil {
		return err
	}
	if p.held = c.statement == nil; p.held {
		p.out.Held = true
		return nil
	}
	r := *p.Registry
	r.Trust, r.before = next, p.Trust
	p.Registry, p.change = &r, c
	return nil
}

// findStatement finds the root's statement about the next trust file, in the queue or, where it has got that far, in the ledger.
func (p *publisher) findStatement(c *change, next *proofs.Trust) error {
	batches, err := p.pending(storage.Unknown)
	if err != nil {
		return err
	}
	for _, b := range batches {
		for _, e := range b.Entries {
			if isStatementOf(next, e) {
				c.statement = e
				if len(b.Entries) == 1 {
					c.queued = append(c.queued, b)
				}
			}
		}
	}
	err = p.log.Entries(next.FinalSize, next.FinalSize+1, func(_ uint64, e [][]byte) error {
		if isStatementOf(next, e[0]) {
			c.statement = e[0]
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the ledger is not so large yet
	}
	return err
}

// isStatementOf reports whether an entry is the root's statement that a trust file is the next one.
func isStatementOf(next *proofs.Trust, entry []byte) bool {
	e, err := next.Authorise(nil, next.FinalSize, entry)
	return err == nil && e.Statement != nil && e.Statement.Action == proofs.ActionTrust &&
		e.Statement.Epoch == next.Epoch && e.Statement.Digest == next.ID()
}

// takeChange puts the statement into the ledger, right after what is published or proposed, and the index statement after it.
func (p *publisher) takeChange() error {
	p.queue = p.change.queued
	final := p.Trust.FinalSize
	size := p.app.Size()
	if size == final+2 {
		return nil
	}
	c, err := p.tree() // as it was published, or proposed last
	if err != nil {
		return err
	}
	if size != final || p.latest() == nil || *p.latest() != c || c.Root != p.Trust.FinalRoot {
		return hint("stele trust cancel, stele publish, and then change the trust file again",
			"%s says that its epoch begins after %d entries, but the ledger has %d", p.at.State.Path(stateTrustNext), final, size)
	}
	e, err := p.Trust.Authorise(nil, final, p.change.statement)
	if err != nil {
		return err
	}
	if err := p.append([]*proofs.Entry{e}, true); err != nil {
		return err
	}
	return p.appendIndex()
}

// offerTrust publishes the next trust file beside the proposal that makes it so.
func (p *publisher) offerTrust() error {
	if p.change == nil {
		return nil
	}
	return p.replaceChanged(proofs.ProposedTrustPath, p.Trust.Marshal())
}

// keepHandover keeps the files of the new epoch before anything under it is signed: both trust files, and the proof that the old
// policy was met.
func (p *publisher) keepHandover() error {
	if p.change == nil {
		return nil
	}
	old, epoch := p.change.old, p.Trust.Epoch
	files := []struct {
		path string
		b    []byte
	}{{proofs.TrustPath(old.Epoch), old.Marshal()}, {proofs.TrustPath(epoch), p.Trust.Marshal()}}
	if !p.NoHandover {
		h, err := p.handover()
		if err != nil {
			return err
		}
		files = append(files, struct {
			path string
			b    []byte
		}{proofs.HandoverPath(epoch), h})
	}
	for _, f := range files {
		if err := p.replace(p.at.State, f.path, f.b); err != nil {
			return err
		}
	}
	return nil
}

// handover proves to clients of the old trust file that its quorum agreed to the next: FORMAT.md, section 12.1.
func (p *publisher) handover() ([]byte, error) {
	old, final, size := p.change.old, p.Trust.FinalSize, p.draft.Size
	note, _, err := p.draft.note(old, p.now)
	if err != nil {
		return nil, err
	}
	h := &proofs.Handover{Statement: p.change.statement}
	h.Proof.Index, h.Proof.Checkpoint = final, note
	nodes := p.log.Nodes(size)
	if h.Proof.Proof, err = nodes.Inclusion(final, size); err != nil {
		return nil, err
	}
	if h.Growth, err = nodes.Consistency(final, size); err != nil {
		return nil, err
	}
	b := h.Marshal()
	if _, err := old.Follow(p.Trust.Marshal(), b, p.now); err != nil {
		return nil, fmt.Errorf("the handover just made does not verify: %w", err)
	}
	return b, nil
}

// writeTrust publishes the trust files and their handovers, and the policy of the newest.
func (p *publisher) writeTrust() error {
	files := map[string][]byte{proofs.TrustPath(p.under.Epoch): p.under.Marshal()}
	var order []string
	if p.under.Epoch > 1 {
		err := p.at.State.List(stateTrusts, func(name string, _ int64) error {
			b, err := p.at.State.Read(name)
			if files[name] == nil {
				order = append(order, name)
				files[name] = b
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	// The newest comes last: whoever finds it finds its handover.
	for _, name := range append(order, proofs.TrustPath(p.under.Epoch)) {
		if err := p.put(name, files[name]); err != nil {
			return err
		}
	}
	return p.put("policy", p.under.PolicyText)
}

// finishChange makes the next trust file the registry's own, once the publication under it is out.
func (p *publisher) finishChange() error {
	if p.change != nil {
		if p.under.Epoch != p.Trust.Epoch || p.public <= p.Trust.FinalSize {
			return nil
		}
		if err := p.adopt(p.Trust); err != nil {
			return err
		}
	}
	b, err := p.at.State.Read(stateTrustNext)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(b, p.Trust.Marshal()) {
		return nil
	}
	return cmp.Or(err, p.remove(p.at.State, stateTrustNext))
}

// adopt makes a trust file the registry's own.
func (r *Registry) adopt(t *proofs.Trust) error {
	return r.step(r.path("trust"), func() error { return durable.WriteFile(r.path("trust"), t.Marshal(), 0o644) })
}

// current is the registry by its trust file as it is now: another process, or another machine of the same registry, may have
// published a newer one since it was opened.
func (r *Registry) current() (*Registry, error) {
	now := *r
	b, err := os.ReadFile(r.path("trust"))
	if err != nil {
		return nil, err
	}
	if now.Trust, err = proofs.ParseTrust(b); err != nil {
		return nil, fmt.Errorf("%s: %w", r.path("trust"), err)
	}
	return &now, now.follow()
}

// follow follows the trust files that are published after the registry's own, each by its handover, and keeps the last. What
// this machine has begun itself is for its publisher to finish.
func (r *Registry) follow() error {
	for {
		b, err := r.at.Public.Read(proofs.TrustPath(r.Trust.Epoch + 1))
		if err != nil {
			return nil // there is none, or it cannot be read: whoever needs what is published will hear of that
		}
		if ours, err := r.nextTrust(); ours != nil || err != nil {
			return err
		}
		next, err := r.handedOver(b)
		if err != nil {
			return err
		}
		if err := r.adopt(next); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		r.Trust, r.before = next, r.Trust
	}
}

func (r *Registry) handedOver(b []byte) (*proofs.Trust, error) {
	path := proofs.TrustPath(r.Trust.Epoch + 1)
	proof, err := r.at.Public.Read(proofs.HandoverPath(r.Trust.Epoch + 1))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint("copy the trust file of the machine that has published it to "+r.path("trust"),
			"%s is newer than the trust file here, and was published without a handover", r.at.Public.Path(path))
	}
	if err != nil {
		return nil, err
	}
	next, err := r.Trust.Follow(b, proof, proofs.AnyTime)
	if err != nil {
		return nil, hint("find out who has put it there", "%s is not what this registry's trust file leads to: %w", r.at.Public.Path(path), err)
	}
	return next, nil
}

// judge verifies a checkpoint of this registry's own, whatever its time: by the present trust file, by the one that is prepared,
// or by an earlier one. The tree that an epoch ended with is that epoch's, even where it would satisfy the next policy as well, such as one that
// has lost an officer.
func (r *Registry) judge(b []byte) (*proofs.Signed, *proofs.Trust, error) {
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return nil, nil, err
	}
	t := r.Trust
	for t.Previous != nil && c.Size <= t.FinalSize {
		if t, err = r.trustBefore(t); err != nil {
			return nil, nil, err
		}
	}
	s, err := t.VerifyCheckpoint(b, proofs.AnyTime)
	if err == nil {
		return s, t, nil
	}
	if next, bad := r.nextTrust(); bad == nil && next != nil && c.Size > next.FinalSize {
		if s, bad := next.VerifyCheckpoint(b, proofs.AnyTime); bad == nil {
			return s, next, nil
		}
	}
	return nil, nil, err
}

// trustBefore is the trust file before another, which names its hash: wherever it lies, it is believed for that.
func (r *Registry) trustBefore(t *proofs.Trust) (*proofs.Trust, error) {
	if r.before != nil && r.before.ID() == *t.Previous {
		return r.before, nil
	}
	name := proofs.TrustPath(t.Epoch - 1)
	var err error
	for _, in := range []storage.Files{r.at.State, r.at.Public} {
		var b []byte
		if b, err = in.Read(name); err != nil {
			continue
		}
		var before *proofs.Trust
		if before, err = proofs.ParseTrust(b); err == nil {
			err = before.CheckSuccessor(t)
		}
		if err == nil {
			return before, nil
		}
	}
	return nil, hint("restore it from a backup", "the trust file of epoch %d: %w", t.Epoch-1, err)
}
