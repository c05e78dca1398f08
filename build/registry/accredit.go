package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"stele/build/issuer"
	"stele/build/keys"
	"stele/proofs"
)

// IssuerKeyFile is the name of the file of an issuer's first key.
func IssuerKeyFile(name string) string { return issuer.KeyFile(name, 1) }

// names is what an origin, an authority and a key's name look like: FORMAT.md, section 2.
const names = "want lower-case letters, digits and . - _ / inside, at most 128"

// CheckAuthority says why an authority cannot have a name. Those that are taken are what the registry itself signs under.
func CheckAuthority(name string, taken ...string) error {
	switch {
	case !proofs.IsName(name):
		return hint("use a name like education.gov.example", "authority %q: %s", name, names)
	case slices.Contains(taken, name):
		return hint("use a name of the authority's own, like education.gov.example", "authority %q: the registry itself signs under that name", name)
	case keys.CheckFile(IssuerKeyFile(name)) != nil:
		return hint("use a shorter name, or hyphens for underscores", "authority %q: too long for the name of its key's file", name)
	}
	return nil
}

// An Authority is what the root has said about one, pending statements included.
type Authority struct {
	Name     string
	Title    string
	Standing *proofs.Statement // nil if it is withdrawn
	Said     []*proofs.Entry   // the statements that took effect, or will, in order
}

// Last is the latest statement about the authority.
func (a *Authority) Last() *proofs.Entry { return a.Said[len(a.Said)-1] }

// keys are those of the latest accreditation, as long as they are believed.
func (a *Authority) keys() []*proofs.Key {
	for _, e := range slices.Backward(a.Said) {
		if e.Statement.From != nil {
			return nil
		}
		if e.Statement.Action == proofs.ActionAccredit {
			return e.Statement.Keys
		}
	}
	return nil
}

// Had reports whether the authority was ever accredited with a key.
func (a *Authority) Had(k *proofs.Key) bool {
	return slices.ContainsFunc(a.Said, func(e *proofs.Entry) bool { return slices.ContainsFunc(e.Statement.Keys, k.Equal) })
}

// Authorities lists all authorities by name, as they stand once everything pending is published.
func (r *Registry) Authorities(ctx context.Context) ([]*Authority, error) {
	d := r.Desk()
	as, _, err := d.Authorities(ctx)
	if err != nil {
		return nil, err
	}
	var out []*Authority
	for _, name := range slices.Sorted(maps.Keys(as)) {
		entries, err := d.Record(ctx, proofs.IssuerKey(name))
		if err != nil {
			return nil, err
		}
		a := &Authority{Name: name, Title: as[name].LatestTitle(), Standing: as[name].Stands()}
		before := proofs.Authorities{}
		for _, e := range entries {
			if before.Apply(e) {
				a.Said = append(a.Said, e)
			}
		}
		if len(a.Said) > 0 {
			out = append(out, a)
		}
	}
	return out, nil
}

// Authority finds one, or returns one of which nothing has been said.
func (r *Registry) Authority(ctx context.Context, name string) (*Authority, error) {
	all, err := r.Authorities(ctx)
	for _, a := range all {
		if a.Name == name {
			return a, nil
		}
	}
	return &Authority{Name: name}, err
}

// ErrStands says that an authority stands accredited with the very same title, kinds and keys.
var ErrStands = errors.New("accredited just so already")

// An Accreditation is what the root is to say about an authority. Its keys stay as they are but for what is said of them here; a
// new authority without any gets one that is made here, and so does one whose keys were disowned.
type Accreditation struct {
	Authority string
	Title     string
	Kinds     []string
	Add       []*proofs.Key // whose private halves are elsewhere
	NewKey    bool          // make one here, which signs from then on
	Retire    []string      // key IDs

	// Say is given the statement in place of the queue, unsigned; nil for the queue.
	Say func(*proofs.Statement) error
}

// Accredit lets an authority issue kinds.
func (r *Registry) Accredit(name, title string, kinds []string) error {
	_, err := r.AccreditKeys(Accreditation{Authority: name, Title: title, Kinds: kinds})
	return err
}

// AccreditKeys queues an accreditation, and returns the keys that it names. Where it would change nothing, it queues
// nothing and returns ErrStands.
func (r *Registry) AccreditKeys(a Accreditation) ([]*proofs.Key, error) {
	if err := CheckAuthority(a.Authority, r.names()...); err != nil {
		return nil, err
	}
	known, err := r.Authority(context.Background(), a.Authority)
	if err != nil {
		return nil, err
	}
	all, err := r.keysFor(a, known)
	if err != nil {
		return nil, err
	}
	s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionAccredit, Issuer: r.Trust.RootName(),
		Authority: a.Authority, Title: a.Title, Keys: all, Kinds: a.Kinds}
	s.SortKeys()
	if known.Standing != nil {
		if s.After = known.Standing.After; s.Text() == known.Standing.Text() {
			return all, ErrStands
		}
	}
	s.After = known.after()
	return all, r.say(s, a.Say)
}

// after is the leaf hash that the next statement about the authority has to name, nil if it is the first.
func (a *Authority) after() *proofs.Hash {
	if len(a.Said) == 0 {
		return nil
	}
	return &a.Last().Leaf
}

const mostKeys = 8 // FORMAT.md, section 5

func (r *Registry) keysFor(a Accreditation, known *Authority) ([]*proofs.Key, error) {
	all, err := retired(known.keys(), a)
	if err != nil {
		return nil, err
	}
	for _, k := range a.Add {
		if !slices.ContainsFunc(all, k.Equal) {
			all = append(all, k)
		}
	}
	if a.NewKey || len(all) == 0 && len(a.Retire) == 0 {
		if len(all) == mostKeys {
			return nil, hint("stele accredit "+a.Authority+" --retire-key KEYID with it", "%s has %d keys, and no more can stand", a.Authority, mostKeys)
		}
		k, err := r.freshKey(known)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	switch {
	case len(all) == 0:
		return nil, hint("add --new-key or --key VKEY; or end its standing: stele withdraw "+a.Authority, "%s would be left without a key", a.Authority)
	case len(all) > mostKeys:
		return nil, hint("retire some with --retire-key KEYID", "%s would have %d keys, and at most %d can stand", a.Authority, len(all), mostKeys)
	}
	return all, nil
}

// retired are the keys without those that are to be retired.
func retired(all []*proofs.Key, a Accreditation) ([]*proofs.Key, error) {
	all = slices.Clone(all)
	for _, id := range a.Retire {
		i := slices.IndexFunc(all, func(k *proofs.Key) bool { return KeyID(k) == id || k.String() == id })
		if i < 0 {
			return nil, hint("stele issuers lists them", "%s has no key %q; its keys: %s", a.Authority, id, keyIDs(all))
		}
		all = slices.Delete(all, i, i+1)
	}
	return all, nil
}

// KeyID is a key's ID as a vkey writes it.
func KeyID(k *proofs.Key) string { return fmt.Sprintf("%08x", k.ID()) }

func keyIDs(all []*proofs.Key) string {
	if len(all) == 0 {
		return "none"
	}
	var ids []string
	for _, k := range all {
		ids = append(ids, KeyID(k))
	}
	return strings.Join(ids, ", ")
}

// freshKey makes a key, or finds one that a run which was cut off has made.
func (r *Registry) freshKey(a *Authority) (*proofs.Key, error) {
	ring, err := r.Ring()
	if err != nil {
		return nil, err
	}
	for _, k := range slices.Backward(ring.Keys(a.Name)) {
		if !a.Had(k) {
			return k, nil
		}
	}
	k, err := ring.Make(a.Name)
	var e *keys.Error
	if err != nil && !errors.As(err, &e) {
		return nil, hint("look into "+r.path("keys"), "%w", err)
	}
	return k, err
}

// Ring is the keys in this folder.
func (r *Registry) Ring() (*issuer.Ring, error) { return issuer.OpenRing(r.Keys) }

// issuerSigner unlocks the newest key of an authority here that an accreditation names.
func (r *Registry) issuerSigner(name string, standing *proofs.Statement) (proofs.Signer, error) {
	ring, err := r.Ring()
	if err != nil {
		return nil, err
	}
	s, err := ring.Signer(name, standing)
	var refusal *issuer.Refusal
	if errors.As(err, &refusal) {
		return nil, hint("work where that key is; or give it another: stele accredit "+name+" --new-key", "%w", err)
	}
	return s, err
}

// say hands a statement of the root to whoever wants it, or has it signed and queued.
func (r *Registry) say(s *proofs.Statement, to func(*proofs.Statement) error) error {
	if _, err := proofs.ParseStatement(s.Text()); err != nil {
		return err
	}
	if to != nil {
		return to(s)
	}
	return r.submitRoot(s)
}

// submitRoot signs a statement with the root's keys and queues it.
func (r *Registry) submitRoot(s *proofs.Statement) error {
	ring, err := r.Ring()
	if err != nil {
		return err
	}
	signers, err := ring.Root(r.Trust)
	var refusal *issuer.Refusal
	if errors.As(err, &refusal) {
		return hint("work where the root's keys are; or add --out FILE, and have that file signed there: stele sign FILE --keys DIR --policy TRUST", "%w", err)
	}
	if err != nil {
		return err
	}
	note, err := proofs.SignNote(s.Text(), signers...)
	if err != nil {
		return err
	}
	return r.Desk().Deliver(context.Background(), [][]byte{note.Marshal()})
}

// A Withdrawal ends an authority's standing.
type Withdrawal struct {
	Authority string
	From      *uint64 // the place from which on its keys are not to be believed; nil: what it has said stands
	Reason    string

	// Say is given the statement in place of the queue, unsigned; nil for the queue.
	Say func(*proofs.Statement) error
}

// Withdraw queues a withdrawal.
func (r *Registry) Withdraw(w Withdrawal) error {
	a, err := r.mayWithdraw(w)
	if err != nil {
		return err
	}
	return r.say(&proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionWithdraw, Issuer: r.Trust.RootName(),
		Authority: w.Authority, After: a.after(), From: w.From, Reason: w.Reason}, w.Say)
}

// MayWithdraw says why a withdrawal would have no effect.
func (r *Registry) MayWithdraw(w Withdrawal) error {
	_, err := r.mayWithdraw(w)
	return err
}

func (r *Registry) mayWithdraw(w Withdrawal) (*Authority, error) {
	a, err := r.Authority(context.Background(), w.Authority)
	if err != nil {
		return nil, err
	}
	_, place, err := r.Desk().Authorities(context.Background())
	if err != nil {
		return nil, err
	}
	if w.From != nil && *w.From > place {
		return nil, hint("leave --from out: from now on it can say nothing in any case", "place %d lies ahead: the ledger has %d entries, what is pending included", *w.From, place)
	}
	return a, a.mayWithdraw(w)
}

func (a *Authority) mayWithdraw(w Withdrawal) error {
	if len(a.Said) == 0 {
		return hint("stele issuers lists them", "%s was never accredited in this registry", w.Authority)
	}
	if a.Standing != nil {
		return nil
	}
	from := a.Last().Statement.From
	if w.From == nil {
		return hint("to disown what it said before as well: stele withdraw "+w.Authority+" --from PLACE|DATE|start", "%s is withdrawn already", w.Authority)
	}
	if from != nil && *from <= *w.From {
		return hint("name an earlier one if need be", "the keys of %s are disowned from place %d on already", w.Authority, *from)
	}
	return nil
}

// PlaceAt is the place of the first entry that was published at a time or after it; of the next entry if none was.
func (r *Registry) PlaceAt(t time.Time) (uint64, error) {
	lines, err := r.History()
	if err != nil {
		return 0, err
	}
	var sizes []uint64
	for _, l := range lines {
		sizes = append(sizes, l.Size)
	}
	sizes = slices.Compact(sizes) // a heartbeat adds nothing
	i := sort.Search(len(sizes), func(i int) bool {
		published, errRead := r.publishedAt(sizes[i])
		err = errors.Join(err, errRead)
		return published >= t.Unix()
	})
	if i == 0 {
		return 0, err
	}
	return sizes[i-1], err
}

// publishedAt is the time of the index statement that ends the first entries of the ledger.
func (r *Registry) publishedAt(size uint64) (int64, error) {
	var time int64
	err := r.log().Entries(size-1, size, func(_ uint64, e [][]byte) error {
		_, env, err := proofs.ParseEntry(e[0])
		if err != nil {
			return err
		}
		s, err := env.Statement()
		if err != nil || s.Index == nil {
			return fmt.Errorf("the ledger's entry at place %d is not an index statement", size-1)
		}
		time = s.Index.Time
		return nil
	})
	return time, err
}

// Undone counts, by action, what an authority has said from a place on and a withdrawal from there takes back that none before has. It
// goes through the ledger, and tells how far it has come.
func (r *Registry) Undone(ctx context.Context, name string, from uint64, told func(done, of uint64)) (map[string]int, error) {
	pending, err := r.pendingEntries(ctx)
	if err != nil {
		return nil, err
	}
	state, err := r.lastState()
	if err != nil {
		return nil, err
	}
	as, err := state.ReadAuthorities(r.Trust)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	count := func(first uint64, entries [][]byte) {
		for i, e := range entries {
			if action := said(e, name); takenBack[action] && !as[name].Disowned(first+uint64(i)) {
				counts[action]++
			}
		}
	}
	err = r.log().Entries(from, state.Size, func(first uint64, entries [][]byte) error {
		told(first-from, state.Size-from)
		count(first, entries)
		return ctx.Err()
	})
	if err == nil && from < state.Size+uint64(len(pending)) {
		first := max(from, state.Size)
		count(first, pending[first-state.Size:])
	}
	return counts, err
}

// takenBack: of what an authority has said while its keys were not to be believed, `revoke` and `suspend` stand.
var takenBack = map[string]bool{proofs.ActionRegister: true, proofs.ActionRestore: true, proofs.ActionSupersede: true, proofs.ActionLink: true}

// said is the action of an entry, if an authority has said it.
func said(entry []byte, name string) string {
	_, env, err := proofs.ParseEntry(entry)
	if err != nil || env.Issuer != name {
		return ""
	}
	return env.Action
}

// SayJointly queues a statement of the root about an authority that has all its lines.
func (r *Registry) SayJointly(ctx context.Context, entry []byte) error {
	d := r.Desk()
	as, place, err := d.Authorities(ctx)
	if err != nil {
		return err
	}
	e, err := r.Trust.Authorise(as, place, entry)
	if err != nil {
		return err
	}
	if _, ok := e.Envelope.Authority(); !ok {
		return fmt.Errorf("a %s, want what the root says about an authority", e.Envelope.Action)
	}
	said, err := d.Record(ctx, proofs.KeyOf(e.Envelope.Selector))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(said, func(o *proofs.Entry) bool { return o.Note.Text == e.Note.Text }) {
		return ErrStands
	}
	if !as.Clone().Apply(e) {
		return hint("say it again: the root has said something else about "+e.Statement.Authority+" since this was written", "it would have no effect any more")
	}
	return d.Deliver(ctx, [][]byte{entry})
}
