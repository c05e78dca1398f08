package monitor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"stele/build/follow"
	"stele/build/witness"
	"stele/proofs"
)

// witnesses asks every witness of the policy that has an address what it has cosigned last, and compares that with what is published: whoever
// is shown another ledger than the witnesses are shows it here.
func (r *round) witnesses() error {
	peers, views, errs, err := r.askWitnesses(nil)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, witness.ErrNotSigned) }) {
		if peers, views, errs, err = r.askWitnesses(r.nextLogs()); err != nil {
			return err
		}
	}
	r.state.Witnesses = map[string]uint64{}
	for i, p := range peers {
		step := "witness " + p.Name
		r.asked = append(r.asked, step)
		if errs[i] != nil {
			r.found(step, r.unseen(p, errs[i]))
			continue
		}
		r.state.Witnesses[p.Name] = views[i].Checkpoint.Size
		r.found(step, r.compareWitness(p, views[i]))
	}
	return nil
}

// askWitnesses asks all at once. Each shows what it has cosigned last, which may be of an epoch that is over, or signed with one of the keys besides.
func (r *round) askWitnesses(besides []*proofs.Key) ([]witness.Peer, []*witness.View, []error, error) {
	t := r.Follower.Trust
	earlier, err := r.earlier()
	if err != nil {
		return nil, nil, nil, err
	}
	logs := slices.Clone(besides)
	for _, t := range append(earlier[:len(earlier):len(earlier)], t) {
		for _, k := range logKeys(t) {
			if !slices.ContainsFunc(logs, k.Equal) {
				logs = append(logs, k)
			}
		}
	}
	peers := witness.Peers(t.Policy, t.Witnesses)
	views := make([]*witness.View, len(peers))
	errs := make([]error, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() { views[i], errs[i] = r.Witness.View(r.ctx, p, t.Origin, logs) })
	}
	wg.Wait()
	return peers, views, errs, nil
}

func logKeys(t *proofs.Trust) (keys []*proofs.Key) {
	for _, l := range t.Policy.Logs {
		keys = append(keys, l.Key)
	}
	return keys
}

// nextLogs are the keys with which the log will sign: witnesses see a publication of a new epoch before it is out. Where that has come out since this round
// began, its trust file is taken up, and there are none besides.
func (r *round) nextLogs() []*proofs.Key {
	if r.Follower.NewerTrust(r.ctx) {
		return nil
	}
	v, err := r.Follower.Proposal(r.ctx)
	if err != nil || v == nil || v.Next == nil {
		return nil
	}
	return logKeys(v.Next)
}

// unseen is why a witness has shown nothing that can be compared. Where this machine's clock may be the one that is wrong, no witness is accused.
func (r *round) unseen(p witness.Peer, err error) error {
	f := &Fault{Code: CodeWitness, Subject: p.Name, Severity: Warning, What: err.Error(), Hint: "ask who runs the witness, if it stays so", version: CodeWitness, undecided: true}
	var fault *witness.Fault
	clock := slices.ContainsFunc(r.faults, func(f Fault) bool { return f.Code == follow.CodeClock })
	if errors.As(err, &fault) && fault.Kind == witness.Broken && !clock {
		f.Code, f.version, f.Severity = CodeWitnessWrong, CodeWitnessWrong, Alarm
		if errors.Is(err, witness.ErrNotSigned) && !r.lasts(*f) {
			f.Severity = Warning // it may have cosigned what a new key of the log has signed, and that is not out yet
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		f.What = "witness " + p.Name + " has cosigned nothing of this ledger, or shows it to nobody"
	}
	return f
}

// lasts reports whether a fault of a witness has stood for longer than a publication may be under way.
func (r *round) lasts(f Fault) bool {
	f.Step = "witness " + f.Subject
	stood, ok := r.state.Alarms[f.key()]
	return ok && r.now-stood.Since > aheadFor
}

// compareWitness compares what a witness has cosigned with what is published. One that is ahead of it by a publication that is under way
// is in order; what it has cosigned for longer should be out.
func (r *round) compareWitness(p witness.Peer, v *witness.View) error {
	err := r.compare(v.Note)
	var fork *follow.Fork
	if errors.As(err, &fork) || v.Checkpoint.Size <= r.Follower.Last().Size {
		return err
	}
	if r.now-v.Time <= aheadFor {
		return nil
	}
	what := fmt.Sprintf("witness %s has cosigned a ledger of %d entries at %s, and %d are published", p.Name, v.Checkpoint.Size, stamp(v.Time), r.Follower.Last().Size)
	if err != nil {
		what += "; whether the one goes on from the other could not be proved: " + err.Error()
	}
	return &Fault{Code: CodeAhead, Subject: p.Name, Severity: Alarm, What: what, version: fmt.Sprint(v.Checkpoint.Size),
		Hint: "the registry shows you less than the witness has seen: compare with what others see, and ask its operator"}
}
