package registry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"stele/build/issuer"
	"stele/build/keys"
	"stele/build/storage"
	"stele/proofs"
)

// A change of trust goes:
//
//	NextTrust     the next trust file is made of the one in force and what is to be different
//	HoldTrust     state/trust-next holds it: from now on nothing but heartbeats is published, so that `final` stays true while
//	              the holders of root keys sign
//	ChangeTrust   with the root's lines, the `trust` statement joins the queue
//	Publish       puts the statement at the place that `final` names, and from then on goes by the next trust file (rotate.go)
//
// CancelTrust takes it back as long as the statement is not in the ledger.

// stateTrustNext is the next trust file, from when it is prepared until it is in force.
const stateTrustNext = "trust-next"

// ErrChanging says that a change of trust is under way.
var ErrChanging = errors.New("a change of trust is under way")

// A TrustChange is what is to be different in the next trust file. What is not said stays.
type TrustChange struct {
	NewKeys    []keys.Role // log, log-mldsa44, publication, root: keys to be made here, or those that were made for it
	AddRoot    []*proofs.Key
	RemoveRoot []string // key IDs
	Root       int      // how many root keys have to sign; 0: as it is
	Roles
	Fresh       time.Duration
	ApprovalAge time.Duration
	Title       string
}

// Roles say who besides the log signs checkpoints: one by one, or by a whole policy.
type Roles struct {
	Officers      []Cosigner // to be added
	DropOfficers  []string
	NeedOfficers  int
	Witnesses     []Cosigner
	DropWitnesses []string
	NeedWitnesses int

	Policy       []byte // in place of all these; nil for none
	OfficersAre  string
	WitnessesAre string
}

// one reports whether something is said of single officers or witnesses.
func (c Roles) one() bool {
	return len(c.Officers)+len(c.DropOfficers)+c.NeedOfficers+len(c.Witnesses)+len(c.DropWitnesses)+c.NeedWitnesses > 0
}

// apply writes the policy and the roles of a trust file.
func (c Roles) apply(s Signers, t *proofs.Trust) error {
	var err error
	if c.Policy != nil {
		if c.one() {
			return hint("leave one of them out", "a whole policy, and single officers or witnesses: one of the two says it")
		}
		t.Officers, t.Witnesses = cmp.Or(c.OfficersAre, nobody), cmp.Or(c.WitnessesAre, nobody)
		if t.PolicyText, err = s.around(c.Policy); err != nil {
			return err
		}
		return canBeMet(t)
	}
	if s.Officers, err = s.Officers.changed("officer", c.Officers, c.DropOfficers, c.NeedOfficers); err != nil {
		return err
	}
	if s.Witnesses, err = s.Witnesses.changed("witness", c.Witnesses, c.DropWitnesses, c.NeedWitnesses); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	t.PolicyText, t.Officers, t.Witnesses = s.Policy()
	return canBeMet(t)
}

// canBeMet refuses a policy that no publication could ever meet: the log signs, officers are waited for, witnesses that have an address are asked,
// and nobody else. A change of trust to such a one would wait for ever, and is not taken out of the ledger again.
func canBeMet(t *proofs.Trust) error {
	p, err := proofs.ParsePolicy(t.PolicyText)
	if err != nil {
		return err
	}
	officers, witnesses := p.Leaves(t.Officers), p.Leaves(t.Witnesses)
	if len(officers) == 0 && t.Officers != nobody || len(witnesses) == 0 && t.Witnesses != nobody {
		return nil // a role that is not in the policy: said where the trust file is parsed
	}
	asked := func(w int) bool {
		return isOwn(t, p.Witnesses[w].Key) || slices.Contains(officers, w) || slices.Contains(witnesses, w) && p.Witnesses[w].URL != ""
	}
	switch {
	case !p.Met(t.Witnesses, asked):
		return hint("say where they are asked: --witness FILE=URL, or the address at the end of their lines in the policy",
			"too few of the witnesses have an address: a publication could never get their cosignatures")
	case !p.Met(p.Quorum, asked):
		return hint("name the groups that the quorum asks for: --officers-are NAME --witnesses-are NAME",
			"the policy's quorum asks for somebody who is neither an officer nor a witness with an address: a publication could never meet it")
	}
	return nil
}

func (q Quorum) changed(role string, add []Cosigner, drop []string, k int) (Quorum, error) {
	q, err := q.without(role, drop) // first, so that a key is exchanged in one go
	if err != nil {
		return q, err
	}
	if q, err = q.with(role, add); err != nil {
		return q, err
	}
	return q.needing(role, k)
}

// NextTrust makes the next trust file, and the keys that are to be made for it. Nothing is changed by it.
func (r *Registry) NextTrust(c TrustChange) (next *proofs.Trust, made []*proofs.Key, err error) {
	if _, _, err := r.Changing(); !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, cmp.Or(err, r.changing())
	}
	final, err := r.final()
	if err != nil {
		return nil, nil, err
	}
	next = r.Trust.Successor(final)
	if made, err = r.applyKeys(c, next); err != nil {
		return nil, nil, err
	}
	next.Title = cmp.Or(c.Title, next.Title)
	next.StaleAfter = cmp.Or(int64(c.Fresh/time.Second), next.StaleAfter)
	next.ApprovalAge = cmp.Or(int64(c.ApprovalAge/time.Second), next.ApprovalAge)
	parsed, err := proofs.ParseTrust(next.Marshal())
	if err == nil {
		err = r.Trust.CheckSuccessor(parsed)
	}
	if err == nil && same(parsed, r.Trust) {
		err = hint("stele help trust tells what can be changed", "nothing would be different")
	}
	return parsed, made, err
}

// same reports whether two trust files say the same but for their place in time.
func same(a, b *proofs.Trust) bool {
	bare := func(t *proofs.Trust) []byte {
		c := *t
		c.Epoch, c.Previous, c.Eras, c.FinalSize = 1, nil, nil, 0
		return c.Marshal()
	}
	return bytes.Equal(bare(a), bare(b))
}

func (r *Registry) changing() error {
	return hint("see it: stele trust; take it back: stele trust cancel", "%w", ErrChanging)
}

// applyKeys exchanges keys. The policy of a trust file is written anew only where something in it changes.
func (r *Registry) applyKeys(c TrustChange, next *proofs.Trust) (made []*proofs.Key, err error) {
	root, publication := slices.Clone(next.RootKeys), next.Publication
	logs := map[keys.Role]*proofs.Key{}
	if root, err = withoutRoot(root, c.RemoveRoot); err != nil {
		return nil, err
	}
	for _, k := range c.AddRoot {
		if k.Name != next.RootName() || k.Type != proofs.Ed25519Key {
			return nil, hint("its holder makes one: stele key "+next.RootName()+" --role root", "%s is no root key of this registry: want an Ed25519 key named %s", KeyID(k), next.RootName())
		}
		root = append(root, k)
	}
	s, handwritten := signersOf(r.Trust)
	if c.Policy == nil && (c.one() || slices.Contains(c.NewKeys, keys.Log) || slices.Contains(c.NewKeys, keys.LogMLDSA44)) && handwritten != nil {
		return nil, handwritten // before keys are made
	}
	for _, role := range c.NewKeys {
		k, err := r.newKey(role)
		if err != nil {
			return nil, err
		}
		made = append(made, k)
		switch role {
		case keys.Root:
			root = append(root, k)
		case keys.Publication:
			publication = k
		default:
			logs[role] = k
		}
	}
	slices.SortFunc(root, func(a, b *proofs.Key) int { return cmp.Compare(a.String(), b.String()) })
	root = slices.CompactFunc(root, (*proofs.Key).Equal)
	next.RootKeys, next.Publication, next.RootThreshold = root, publication, cmp.Or(c.Root, next.RootThreshold)
	if next.RootThreshold > len(root) || len(root) == 0 {
		return nil, hint("add some with --add-root or --new-key root, or say --root K", "%d root keys would have to sign, and there would be %d", next.RootThreshold, len(root))
	}
	if len(logs) == 0 && c.Policy == nil && !c.one() {
		return made, nil
	}
	s.Log, s.LogMLDSA = cmp.Or(logs[keys.Log], s.Log), cmp.Or(logs[keys.LogMLDSA44], s.LogMLDSA)
	if s.LogMLDSA == nil {
		s.LogMLDSA = ownKey(r.Trust)
	}
	return made, c.apply(s, next)
}

// ownKey is the log's ML-DSA-44 key in a policy that was written by hand.
func ownKey(t *proofs.Trust) *proofs.Key {
	for _, w := range t.Policy.Witnesses {
		if w.Key.Name == t.Origin && w.Key.Type == proofs.MLDSA44Key {
			return w.Key
		}
	}
	return nil
}

func withoutRoot(all []*proofs.Key, ids []string) ([]*proofs.Key, error) {
	for _, id := range ids {
		i := slices.IndexFunc(all, func(k *proofs.Key) bool { return KeyID(k) == id || k.String() == id })
		if i < 0 {
			return nil, hint("stele trust lists them", "there is no root key %q; the root's keys: %s", id, keyIDs(all))
		}
		all = slices.Delete(all, i, i+1)
	}
	return all, nil
}

// keyOf is what a role's key of this registry is called, and of which type it is.
func keyOf(role keys.Role, origin string) (name string, t proofs.KeyType) {
	switch role {
	case keys.Root:
		return rootName(origin), proofs.Ed25519Key
	case keys.Publication:
		return publicationName(origin), proofs.Ed25519Key
	case keys.LogMLDSA44:
		return origin, proofs.MLDSA44Key
	}
	return origin, proofs.Ed25519Key
}

// newKey finds a key of a role that no trust file of this registry has named yet, since it was made for this, on a token say, or for a change
// that was broken off; or makes one.
func (r *Registry) newKey(role keys.Role) (*proofs.Key, error) {
	name, t := keyOf(role, r.Trust.Origin)
	epochs, err := r.Epochs()
	if err != nil {
		return nil, err
	}
	infos, err := r.Keys.List()
	if err != nil {
		return nil, err
	}
	for _, i := range slices.Backward(infos) {
		if i.Private && i.Role == role && i.Key.Name == name && !slices.ContainsFunc(epochs, func(t *proofs.Trust) bool { return Names(t, i.Key) != "" }) {
			return i.Key, nil
		}
	}
	return r.Keys.Generate(FreeFile(infos, string(role)), name, role, t, rand.Reader)
}

// FreeFile is the first file name in a folder of keys that is free: role, role2, role3…
func FreeFile(infos []keys.Info, base string) string {
	file := base
	for n := 2; slices.ContainsFunc(infos, func(i keys.Info) bool { return i.File == file }); n++ {
		file = base + strconv.Itoa(n)
	}
	return file
}

// Names says as what a trust file names a key in its own epoch: root, publication, log, officer, witness; "" if it does not.
func Names(t *proofs.Trust, k *proofs.Key) string {
	if slices.ContainsFunc(t.RootKeys, k.Equal) {
		return "root"
	}
	if t.Publication.Equal(k) {
		return "publication"
	}
	if slices.ContainsFunc(t.Policy.Logs, func(l proofs.PolicyKey) bool { return l.Key.Equal(k) }) {
		return "log"
	}
	i := slices.IndexFunc(t.Policy.Witnesses, func(w proofs.PolicyKey) bool { return w.Key.Equal(k) })
	switch {
	case i < 0:
		return ""
	case k.Equal(ownKey(t)):
		return "log"
	case slices.Contains(t.Policy.Leaves(t.Officers), i):
		return "officer"
	}
	return "witness"
}

// Epochs are the trust files of the registry, that in force last.
func (r *Registry) Epochs() ([]*proofs.Trust, error) {
	all := []*proofs.Trust{r.Trust}
	for t := r.Trust; t.Previous != nil; t = all[0] {
		before, err := r.trustBefore(t)
		if err != nil {
			return nil, err
		}
		all = slices.Insert(all, 0, before)
	}
	return all, nil
}

// final is the tree with which the epoch in force will have ended: the published one, or the one that is proposed after it. That may never be
// published, because officers or witnesses are lost, and a change of trust is then the way out: it goes on from where the ledger is.
func (r *Registry) final() (proofs.Checkpoint, error) {
	b, err := r.at.Public.Read(checkpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return proofs.Checkpoint{}, hint("stele publish", "nothing is published yet, so that there is nothing for an epoch to end with")
	}
	if err != nil {
		return proofs.Checkpoint{}, err
	}
	s, err := r.Trust.VerifyCheckpoint(b, proofs.AnyTime)
	if err != nil {
		return proofs.Checkpoint{}, hint("stele publish writes it again", "%s: %w", r.at.Public.Path(checkpointPath), err)
	}
	state, err := r.lastState()
	if err != nil || state.Size <= s.Size {
		return s.Checkpoint, err
	}
	d, err := r.readDraft()
	if err == nil && (d == nil || d.Size != state.Size) {
		err = hint("bring that to its end first: stele publish", "the ledger has %d entries, and %d are published: a publication is under way", state.Size, s.Size)
	}
	if err != nil {
		return proofs.Checkpoint{}, err
	}
	return d.Checkpoint, nil
}

// A Stage is how far a change of trust has come.
type Stage string

const (
	ChangeHeld     Stage = "held"     // the root has not signed it as yet
	ChangePending  Stage = "pending"  // its statement is in the queue
	ChangeProposed Stage = "proposed" // its statement is in the ledger, and waits for officers and witnesses
)

// Changing is the next trust file, and how far the change has come; an fs.ErrNotExist if none is under way.
func (r *Registry) Changing() (next *proofs.Trust, stage Stage, err error) {
	b, err := r.at.State.Read(stateTrustNext)
	if err != nil {
		return nil, "", err
	}
	next, err = proofs.ParseTrust(b)
	if err == nil && next.Epoch <= r.Trust.Epoch {
		return nil, "", fs.ErrNotExist // in force: an interrupted publication has left it
	}
	if err == nil {
		err = r.Trust.CheckSuccessor(next)
	}
	if err != nil {
		return nil, "", hint("take it back: stele trust cancel", "%s: %w", r.at.State.Path(stateTrustNext), err)
	}
	if there, err := r.inLedger(next); there || err != nil {
		return next, ChangeProposed, err
	}
	batch, err := r.trustBatch()
	if batch == nil {
		return next, ChangeHeld, err
	}
	return next, ChangePending, err
}

// inLedger looks into the ledger itself, where the publisher may have come further than it remembers.
func (r *Registry) inLedger(next *proofs.Trust) (bool, error) {
	err := r.log().Entries(next.FinalSize, next.FinalSize+1, func(uint64, [][]byte) error { return nil })
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// trustBatch finds the `trust` statement in the queue.
func (r *Registry) trustBatch() (*storage.Batch, error) {
	batches, err := r.pending(storage.Unknown)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		if len(b.Entries) == 1 && isTrust(b.Entries[0], r.Trust) {
			return &b, nil
		}
	}
	return nil, nil
}

func isTrust(entry []byte, t *proofs.Trust) bool {
	_, env, err := proofs.ParseEntry(entry)
	return err == nil && env.Action == proofs.ActionTrust && env.Issuer == t.RootName()
}

// TrustStatement is what the root has to sign for a trust file to follow.
func (r *Registry) TrustStatement(next *proofs.Trust) *issuer.Joint {
	b := next.Marshal()
	s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionTrust, Issuer: r.Trust.RootName(), Digest: sha256.Sum256(b), Epoch: next.Epoch}
	return &issuer.Joint{Text: s.Text(), Next: b}
}

// HoldTrust prepares a change: nothing but heartbeats is published until it is queued and published, or cancelled.
func (r *Registry) HoldTrust(ctx context.Context, next *proofs.Trust) error {
	l, err := r.lock(ctx, lockPublish)
	if err != nil {
		return err
	}
	defer l.Close()
	return r.holdTrust(next)
}

func (r *Registry) holdTrust(next *proofs.Trust) error {
	if err := r.Trust.CheckSuccessor(next); err != nil {
		return err
	}
	have, _, err := r.Changing()
	switch {
	case err == nil && have.ID() == next.ID():
		return nil
	case err == nil:
		return r.changing()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	final, err := r.final()
	if err != nil {
		return err
	}
	if final.Size != next.FinalSize || final.Root != next.FinalRoot {
		return hint("prepare it anew: stele trust change", "something was published since the change was prepared: it ends the epoch at %d entries, and %d are published", next.FinalSize, final.Size)
	}
	return r.replace(r.at.State, stateTrustNext, next.Marshal())
}

// ChangeTrust queues the root's statement that a trust file follows, and has the publisher do nothing else before it. To queue it twice does no
// harm.
func (r *Registry) ChangeTrust(ctx context.Context, next *proofs.Trust, statement []byte) error {
	if err := r.checkTrustStatement(next, statement); err != nil {
		return err
	}
	l, err := r.lock(ctx, lockPublish)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := r.holdTrust(next); err != nil {
		return err
	}
	if _, stage, err := r.Changing(); err != nil || stage != ChangeHeld {
		return err
	}
	return r.Enqueue(ctx, [][]byte{statement})
}

func (r *Registry) checkTrustStatement(next *proofs.Trust, statement []byte) error {
	e, err := r.Trust.Authorise(nil, next.FinalSize, statement)
	if err != nil {
		return err
	}
	if s := e.Statement; s == nil || s.Action != proofs.ActionTrust || s.Epoch != next.Epoch || s.Digest != next.ID() {
		return errors.New("the statement does not commit to the next trust file")
	}
	return nil
}

// CancelTrust takes a change back that is not in the ledger yet.
func (r *Registry) CancelTrust(ctx context.Context) error {
	l, err := r.lock(ctx, lockPublish)
	if err != nil {
		return err
	}
	defer l.Close()
	b, err := r.at.State.Read(stateTrustNext)
	if errors.Is(err, fs.ErrNotExist) {
		return hint("stele trust tells what is in force", "no change of trust is under way")
	}
	if err != nil {
		return err
	}
	if next, err := proofs.ParseTrust(b); err == nil {
		if err := r.mayCancel(next); err != nil {
			return err
		}
	}
	batch, err := r.trustBatch() // the statement first: without the file it would be refused, and without the statement the file only holds
	if err == nil && batch != nil {
		err = r.dequeue([]storage.Batch{*batch})
	}
	if err != nil {
		return err
	}
	return r.remove(r.at.State, stateTrustNext)
}

// mayCancel refuses what is in the ledger.
func (r *Registry) mayCancel(next *proofs.Trust) error {
	if next.Epoch <= r.Trust.Epoch {
		return nil
	}
	there, err := r.inLedger(next)
	if there {
		err = hint("stele publish brings it to its end; what it changed can be changed back after that", "the change of trust is in the ledger already, and nothing is taken out of there")
	}
	return err
}
