package main

import (
	"fmt"
	"slices"
	"strings"

	"stele/proofs"
)

// A rotation is a change of trust file: what is changed, and what is wrong with it.
type rotation struct {
	log, own, publication bool     // keys that are replaced, by new ones of the epoch's label
	cosigners             []string // labels, likewise
	root                  bool
	threshold             int // of the root keys; 0 where it stays

	// What a handover cannot be: the trust file that is published, the statement, who signs it, entries between it and the index
	// statement, and the file.
	edit    func(next *proofs.Trust)
	say     func(s *proofs.Statement)
	signers []*signer
	between func()
	file    func(h *proofs.Handover)
}

// everything replaces every key of a registry.
func everything(r *registry) rotation {
	x := rotation{log: true, own: true, publication: true, root: true}
	for _, c := range r.cosigners[1:] {
		x.cosigners = append(x.cosigners, c.label)
	}
	return x
}

// rotate changes the trust file after the last publication, and publishes the change with its handover.
func (r *registry) rotate(x rotation, time int64) *view {
	before := *r
	before.cosigners = slices.Clone(r.cosigners)
	last := r.views[len(r.views)-1]
	r.files[proofs.TrustPath(r.trust.Epoch)] = r.trust.Marshal()
	next := r.trust.Successor(last.cp)
	r.renew(x, fmt.Sprintf("epoch %d ", next.Epoch))
	if r.nameKeys(next); x.threshold > 0 {
		next.RootThreshold = x.threshold
	}
	r.useTrust(next)
	r.reopen()
	if x.edit != nil {
		x.edit(next)
	}
	r.files[proofs.TrustPath(next.Epoch)] = next.Marshal()
	s := &proofs.Statement{Action: proofs.ActionTrust, Issuer: rootName, Digest: next.ID(), Epoch: next.Epoch}
	signers := before.rootSigners()
	if x.signers != nil {
		signers = x.signers
	}
	if x.say != nil {
		x.say(s)
	}
	r.say(s, signers...)
	if x.between != nil {
		x.between()
	}
	v := r.publish(time)
	r.files[proofs.HandoverPath(next.Epoch)] = before.handover(r, v, x.file)
	return v
}

// renew replaces keys by new ones.
func (r *registry) renew(x rotation, label string) {
	if x.log {
		r.log = newSigner(label+"log", r.trust.Origin, proofs.Ed25519Key)
	}
	if x.publication {
		r.publication = newSigner(label+"publication", r.publication.Key().Name, proofs.Ed25519Key)
	}
	if x.root {
		r.root = newRoot(label, len(r.root))
	}
	r.cosigners = slices.Clone(r.cosigners)
	for i, c := range r.cosigners {
		if c.label == "own" && x.own || slices.Contains(x.cosigners, c.label) {
			r.cosigners[i].signer = newSigner(label+c.label, c.Key().Name, c.Key().Type)
		}
	}
}

// handover is the file by which the registry as it was before agrees to what was published.
func (before *registry) handover(r *registry, v *view, change func(h *proofs.Handover)) []byte {
	place := before.views[len(before.views)-1].cp.Size
	old := *v
	old.r = before
	h := &proofs.Handover{Statement: r.entries[place]}
	h.Proof.Index = place
	h.Proof.Checkpoint = old.signedAt(v.time).head.Proof.Checkpoint
	h.Proof.Proof, _ = r.nodes().Inclusion(place, v.cp.Size)
	h.Growth, _ = r.nodes().Consistency(place, v.cp.Size)
	if change != nil {
		change(h)
	}
	return h.Marshal()
}

// newEpochs is a registry of two publications, and its only trust file so far.
func newEpochs(doc string) (*registry, *proofs.Trust) {
	r := newOne(newState())
	r.publish(start)
	r.register(education, doc)
	r.register(education, "gone")
	r.do("revoke", education, "gone", r.leaves[len(r.leaves)-1])
	r.publish(start + hour)
	return r, r.trust
}

// turned is the same after a change of trust file and one publication more.
func turned(x func(r *registry) rotation) (r *registry, t1 *proofs.Trust, v2, v4 *view) {
	r, t1 = newEpochs("two")
	v2 = r.views[1]
	r.rotate(x(r), start+2*hour)
	r.accredit(court, "judgment")
	st := registration(court, ref("three"))
	st.Kind = "judgment"
	r.say(st, key(court, 1))
	return r, t1, v2, r.publish(start + 3*hour)
}

func just(x rotation) func(*registry) rotation { return func(*registry) rotation { return x } }

// handovers: a trust file follows another, and what does not make it follow.
func handovers(s set) {
	r, t1, _, v4 := turned(everything)
	s.add("epoch-followed", online(v4, "three").trusting(t1), proofs.Authentic, "", "Every key was replaced, and the epoch before has agreed to it.",
		"followed 2", "epoch 2", "issuer "+court, "remember registry")
	s.add("epoch-followed-absent", online(v4, "four").trusting(t1), proofs.NotRegistered, proofs.ReasonAbsent, "Absence is proved likewise.", "followed 2")
	s.add("epoch-followed-receipt", online(v4, "three").trusting(t1).withReceipt(receiptFor(v4, "three")), proofs.Authentic, "",
		"A receipt of the later epoch counts once the trust file has been followed to.", "followed 2")
	s.add("epoch-receipt-of-a-later", offline(v4, "three", receiptFor(v4, "three")).trusting(t1), proofs.Unavailable, proofs.ReasonQuorum,
		"A receipt of a later epoch, and nobody to ask for its trust file.")
	r.rotate(everything(r), start+4*hour)
	r.register(education, "five")
	s.add("epoch-followed-twice", online(r.publish(start+5*hour), "five").trusting(t1), proofs.Authentic, "", "Two changes of every key.", "followed 3", "epoch 3")

	only := func(name, about string, x rotation) {
		_, t1, _, v4 := turned(just(x))
		s.add("epoch-"+name, online(v4, "three"), proofs.Authentic, "", about, "epoch 2")
		s.add("epoch-"+name+"-followed", online(v4, "three").trusting(t1), proofs.Authentic, "", about+" With the trust file before in hand.", "followed 2", "epoch 2")
		if x.publication {
			s.add("epoch-"+name+"-receipt-of-a-later", offline(v4, "three", receiptFor(v4, "three")).trusting(t1), proofs.Unavailable, proofs.ReasonOtherEpoch,
				about+" A later receipt is not called forged for it.")
		}
	}
	only("root-rotated", "The root's keys alone were replaced.", rotation{root: true})
	only("root-threshold", "Of the same root keys, three have to sign in place of two.", rotation{threshold: 3})
	only("publication-rotated", "The publication key alone was replaced.", rotation{publication: true})
	only("log-rotated", "The log's keys alone were replaced.", rotation{log: true, own: true})
	only("officers-rotated", "Two of the three officers were replaced.", rotation{cosigners: []string{"officer-1", "officer-2"}})

	r, t1 = newEpochs("two")
	s.add("epoch-not-needed", online(r.rotate(rotation{root: true}, start+2*hour), "one").trusting(t1), proofs.Authentic, "",
		"The root's keys were replaced and nothing is signed with the new ones yet: nobody needs the next trust file.", "epoch 1")
	notFollowed(s)
}

// notFollowed: whatever is wrong with a successor or its handover, what was wrong before is what is told.
func notFollowed(s set) {
	refused := func(name, about string, x rotation) {
		_, t1, _, v4 := turned(func(r *registry) rotation {
			e := everything(r)
			e.edit, e.say, e.signers, e.between, e.file = x.edit, x.say, x.signers, x.between, x.file
			return e
		})
		s.add("handover-"+name, online(v4, "three").trusting(t1), proofs.Unavailable, proofs.ReasonQuorum, "Not followed: "+about+".", "remember kept")
	}
	missing := func(name, path, about string) {
		_, t1, _, v4 := turned(everything)
		s.add("handover-"+name, online(v4.with(path, nil), "three").trusting(t1), proofs.Unavailable, proofs.ReasonQuorum, about, "remember kept")
	}
	missing("missing", proofs.HandoverPath(2), "The next trust file is there without a handover: the epoch before could not agree any more.")
	missing("trust-missing", proofs.TrustPath(2), "There is a handover without its trust file.")
	garbage := func(name, path, about string) {
		_, t1, _, v4 := turned(everything)
		s.add("handover-"+name, online(v4.with(path, []byte("<!doctype html>\n")), "three").trusting(t1), proofs.Unavailable, proofs.ReasonQuorum, about, "remember kept")
	}
	garbage("garbage", proofs.HandoverPath(2), "The handover is no such file.")
	garbage("trust-garbage", proofs.TrustPath(2), "The next trust file is no such file.")

	other := newRoot("thief ", 3)
	refused("root-by-thief", "the trust statement is signed by keys of the root's name that are not the root's", rotation{signers: other[:2]})
	refused("root-too-few", "one root key of the two has signed", rotation{signers: newRoot("", 3)[:1]})
	refused("root-by-next", "the next epoch's root cannot agree for this one's", rotation{signers: newRoot("epoch 2 ", 3)[:2]})
	refused("statement-digest", "the trust statement names another file", rotation{say: func(s *proofs.Statement) { s.Digest[0] ^= 1 }})
	refused("statement-epoch", "the trust statement names another epoch", rotation{say: func(s *proofs.Statement) { s.Epoch = 3 }})
	refused("statement-action", "the root's statement at that place is a rollover", rotation{say: func(s *proofs.Statement) {
		s.Action, s.NextRegistry = proofs.ActionRollover, "next.example/ledger"
	}})
	refused("other-previous", "the next trust file names another one as its previous", rotation{edit: func(t *proofs.Trust) { t.Previous[0] ^= 1 }})
	refused("other-final-root", "the next trust file names another end of the epoch", rotation{edit: func(t *proofs.Trust) { t.FinalRoot[0] ^= 1 }})
	refused("other-eras", "the next trust file says that other keys ruled before", rotation{edit: func(t *proofs.Trust) { t.Eras[0].RootThreshold = 1 }})
	refused("demo", "the next trust file is a demonstration's", rotation{edit: func(t *proofs.Trust) { t.Demo = true }})
	refused("inclusion", "the trust statement is not proved to stand in the ledger", rotation{file: func(h *proofs.Handover) { h.Proof.Proof[0][0] ^= 1 }})
	refused("growth", "the ledger is not proved to have grown from the end", rotation{file: func(h *proofs.Handover) { h.Growth[0][0] ^= 1 }})
	refused("growth-short", "the proof of growth lacks a hash", rotation{file: func(h *proofs.Handover) { h.Growth = h.Growth[1:] }})
	refused("place", "the proof is said to be of another place", rotation{file: func(h *proofs.Handover) { h.Proof.Index++ }})
	lines := func(keep func(s proofs.Signature) bool) func(h *proofs.Handover) {
		return func(h *proofs.Handover) {
			n, err := proofs.ParseNote(h.Proof.Checkpoint)
			check(err)
			n.Signatures = slices.DeleteFunc(n.Signatures, func(s proofs.Signature) bool { return !keep(s) })
			h.Proof.Checkpoint = n.Marshal()
		}
	}
	refused("log-alone", "the log's keys alone have signed: they may be stolen", rotation{file: lines(func(s proofs.Signature) bool { return s.Name == origin })})
	refused("no-witnesses", "no witness of this epoch has signed", rotation{file: lines(func(s proofs.Signature) bool { return !strings.HasPrefix(s.Name, "witness") })})
	refused("no-officers", "no officer of this epoch has approved", rotation{file: lines(func(s proofs.Signature) bool { return !strings.HasPrefix(s.Name, "officer") })})

	r, t1 := newEpochs("two")
	x := everything(r)
	x.between = func() { r.register(education, "between") }
	v := r.rotate(x, start+2*hour)
	s.add("handover-entry-between", online(v, "two").trusting(t1), proofs.Unavailable, proofs.ReasonQuorum, "Not followed: something else was published with the trust statement.", "remember kept")
	r, t1, _, v4 := turned(everything)
	h, err := proofs.ParseHandover(r.files[proofs.HandoverPath(2)])
	check(err)
	h.Proof.Checkpoint = v4.head.Proof.Checkpoint
	s.add("handover-signed-by-next", online(v4.with(proofs.HandoverPath(2), h.Marshal()), "three").trusting(t1), proofs.Unavailable, proofs.ReasonQuorum,
		"Not followed: the next epoch's keys agree for this one's, on a larger tree.", "remember kept")
}

// retired: what is signed with the keys of an epoch that has ended.
func retired(s set) {
	r, t1, v2, v4 := turned(everything)
	t2 := r.trust
	old := receiptFor(v2, "two")
	notice, first := "notice retired-keys", "epoch 1"
	s.add("epoch-old-receipt", offline(v2, "two", old).trusting(t2).having(t1), proofs.Recorded, "", "An hour old, and of the epoch before: never fresh.", notice, first, "source receipt")
	s.add("epoch-old-receipt-online", online(v4, "two").withReceipt(old), proofs.Authentic, "", "The registry answers beside it; the receipt's trust file is published.", "epoch 2", "source registry")
	s.add("epoch-old-receipt-alone", offline(v2, "two", old).trusting(t2), proofs.Unavailable, proofs.ReasonOtherEpoch, "The trust file of its epoch is not at hand.")
	title := *t1
	title.Title = "Another Registry"
	s.add("epoch-old-receipt-other-file", offline(v2, "two", old).trusting(t2).having(&title), proofs.Unavailable, proofs.ReasonOtherEpoch,
		"Another trust file than the one whose hash `previous` names.")
	s.add("epoch-old-receipt-withheld", online(v4.with(proofs.TrustPath(1), nil), "two").withReceipt(old), proofs.Authentic, "",
		"The portal withholds the older trust file: the registry's answer is not touched.", "epoch 2", "source registry", "notice broken-receipt")
	s.add("epoch-old-receipt-broken", offline(v2, "two", edit(old, func(c *proofs.Receipt) { c.Count++ })).trusting(t2).having(t1), proofs.Malformed, proofs.ReasonReceiptUnverified,
		"A broken receipt is broken under any keys.")
	s.add("epoch-old-receipt-absent", offline(v2, "four", receiptFor(v2, "four")).trusting(t2).having(t1), proofs.Stale, proofs.ReasonAbsent, "Absence under retired keys is stale.", notice, first)
	s.add("epoch-old-receipt-revoked", offline(v2, "gone", receiptFor(v2, "gone")).trusting(t2).having(t1), proofs.Revoked, "", "Bad news survives a change of keys.", notice, first)
	s.add("epoch-old-receipt-at-the-end", offline(v2, "two", old).trusting(t2).having(t1).at(v2.time), proofs.Recorded, "",
		"The end of an epoch is the last that its keys prove.", notice, first)
	s.add("epoch-old-head", online(v2, "two").trusting(t2), proofs.Stale, "", "The portal shows the state before the change.", notice, first)
	s.add("epoch-old-head-absent", online(v2, "three").trusting(t2), proofs.Stale, proofs.ReasonAbsent, "What is registered since is not called unknown.", notice, first)

	// The thief of an epoch's keys goes on signing with them.
	thief := *r
	thief.log, thief.cosigners = newState().log, newState().cosigners
	stolen := *v4
	stolen.r = &thief
	beyond := stolen.signedAt(v4.time)
	s.add("epoch-retired-beyond", online(beyond, "three").trusting(t2), proofs.Unavailable, proofs.ReasonQuorum, "A larger tree than the epoch's last, with all of that epoch's signatures.", "remember kept")
	s.add("epoch-retired-beyond-receipt", offline(beyond, "three", edit(receiptFor(v4, "three"), func(c *proofs.Receipt) { c.Proof.Checkpoint = beyond.head.Proof.Checkpoint })).trusting(t2).having(t1),
		proofs.Unavailable, proofs.ReasonQuorum, "The same in a receipt.")

	r.rotate(everything(r), start+4*hour)
	s.add("epoch-old-receipt-two-back", offline(v2, "two", old).trusting(r.trust).having(t2, t1), proofs.Recorded, "", "Two epochs back.", notice, first)
	s.add("epoch-old-receipt-gap", offline(v2, "two", old).trusting(r.trust).having(t1), proofs.Unavailable, proofs.ReasonOtherEpoch, "A trust file between is missing.")
	s.add("epoch-two-epochs", offline(v4, "three", receiptFor(v4, "three")).trusting(r.trust).having(t2, t1), proofs.Recorded, "", "One epoch back, with entries of two eras.", notice, "epoch 2")
	memories(s)
	eraKeys(s)
}

// memories: what was seen before a change of keys is held against what is shown after it, and the other way round.
func memories(s set) {
	_, t1, v2, v4 := turned(everything)
	s.add("epoch-memory", online(v4, "two").remembering(v2), proofs.Authentic, "", "What was seen under the keys before is held against what is shown.", "remember registry")
	s.add("epoch-memory-followed", online(v4, "two").remembering(v2).trusting(t1), proofs.Authentic, "", "The same, with the trust file before in hand.", "remember registry", "followed 2")
	s.add("epoch-memory-withheld", online(v4.with(proofs.TrustPath(1), nil), "two").remembering(v2), proofs.Authentic, "",
		"The portal withholds the older trust file: what was seen cannot be compared, and is not forgotten.", "remember kept")
	s.add("epoch-memory-rollback", online(v2, "two").remembering(v4), proofs.Stale, proofs.ReasonRollback, "The state before the change is shown to who has seen more.", "remember kept", "epoch 1", "notice retired-keys")
	s.add("epoch-memory-rollback-followed", online(v2, "two").remembering(v4).trusting(t1), proofs.Stale, proofs.ReasonRollback,
		"The same, with the trust file before in hand: what was seen leads to the next one.", "remember kept", "followed 2", "notice retired-keys")
	s.add("epoch-memory-rollback-withheld", online(v2.with(proofs.TrustPath(2), nil), "two").remembering(v4).trusting(t1), proofs.Authentic, "",
		"And who withholds the next trust file as well: nothing can be compared, and nothing is forgotten.", "remember kept", "epoch 1")

	beyond, _ := newEpochs("two")
	beyond.register(education, "last")
	beyond.publish(start + 90*60)
	beyond.register(education, "three")
	b4 := beyond.publish(start + 2*hour)
	s.add("epoch-memory-beyond", online(v4, "two").remembering(b4), proofs.Stale, proofs.ReasonRollback,
		"What was seen lies beyond the end of the epoch before: this proves nothing to others, and is not forgotten.", "remember kept")
	s.add("epoch-memory-beyond-followed", online(v4, "two").remembering(b4).trusting(t1), proofs.Stale, proofs.ReasonRollback, "The same, with the trust file before in hand.",
		"remember kept", "followed 2")

	stolen := newOne(newDemo())
	stolen.publish(start)
	office := newOne(newDemo())
	office.publish(start)
	stolen.register(education, "two")
	stolen.publish(start + 90*60)
	stolen.register(education, "three")
	thief := stolen.publish(start + 2*hour)
	office.rotate(everything(office), start+2*hour)
	office.register(education, "two")
	alone := office.publish(start + 3*hour)
	s.add("epoch-memory-beyond-alone", online(alone, "two").remembering(thief), proofs.Authentic, "",
		"Where the log signed alone, a thief of its key can have shown anything beyond the end: it is forgotten.", "remember registry")

	other, _ := newEpochs("another")
	w2 := other.views[1]
	s.add("epoch-fork", online(v4, "one").remembering(w2), proofs.Inconsistent, proofs.ReasonFork, "Another tree was seen at the very end of the epoch before.", "remember kept", "conflict yes")
	s.add("epoch-fork-followed", online(v4, "one").remembering(w2).trusting(t1), proofs.Inconsistent, proofs.ReasonFork, "The same, with the trust file before in hand.", "remember kept", "conflict yes", "followed 2")
	s.add("epoch-fork-receipt", online(v4, "one").withReceipt(receiptFor(w2, "one")), proofs.Inconsistent, proofs.ReasonFork, "The same by a receipt.", "conflict yes")
	s.add("epoch-other-end-receipt", offline(w2, "one", receiptFor(w2, "one")).trusting(v4.r.trust).having(t1), proofs.Malformed, proofs.ReasonReceiptUnverified,
		"A receipt of another end than the trust file names, and nothing to hold it against.")
	other.rotate(everything(other), start+2*hour)
	other.register(education, "last")
	w4 := other.publish(start + 3*hour)
	s.add("epoch-fork-both-followed", online(w4, "one").remembering(v2).trusting(t1), proofs.Inconsistent, proofs.ReasonFork, "The fork changes its keys as well.", "remember kept", "conflict yes", "followed 2")
	handed(s, b4)
}

// handed: heads of the tree by which a trust file is handed over, and of the last one before it.
func handed(s set, beyond *view) {
	// The tree of a change of trust is signed by both quorums: the handover is a head of the epoch before, for whoever puts it together.
	r, t1 := newEpochs("two")
	v3 := r.rotate(rotation{cosigners: []string{"officer-1", "officer-2"}}, start+2*hour)
	h, err := proofs.ParseHandover(r.files[proofs.HandoverPath(2)])
	check(err)
	seen := v3.withCheckpoint(h.Proof.Checkpoint)
	r.register(education, "three")
	v4 := r.publish(start + 3*hour)
	r.register(education, "four")
	v5 := r.publish(start + 4*hour)
	s.add("epoch-memory-handed-seen", online(seen.with(proofs.TrustPath(2), nil), "two").trusting(t1), proofs.Authentic, "",
		"Out of a handover somebody makes a head, and withholds the next trust file: it is the registry's tree.", "remember registry", "epoch 1")
	s.add("epoch-memory-handed", online(v4, "two").remembering(seen), proofs.Authentic, "", "What the handover is of was seen under the keys before: the registry has grown from it.", "remember registry")
	s.add("epoch-memory-handed-later", online(v5, "two").remembering(seen), proofs.Authentic, "", "The same, of a head that does not name its size.", "remember registry")
	s.add("epoch-memory-handed-rollback", online(r.views[1], "two").remembering(seen), proofs.Stale, proofs.ReasonRollback, "The same, and the registry shows less than that.", "remember kept", "notice retired-keys")

	forked, _ := newEpochs("two")
	forked.register(education, "another")
	handedOther := forked.publish(start + 2*hour)
	s.add("epoch-memory-handed-fork", online(v4, "two").remembering(handedOther), proofs.Stale, proofs.ReasonRollback,
		"Another tree of that size was seen under the keys before: this proves nothing to others, and is not forgotten.", "remember kept")

	r.rotate(everything(r), start+5*hour)
	r.register(education, "five")
	v7 := r.publish(start + 6*hour)
	s.add("epoch-memory-handed-two-back", online(v7, "two").remembering(seen), proofs.Authentic, "", "The same after one more change of keys.", "remember registry")
	s.add("epoch-memory-beyond-two-back", online(v7, "two").remembering(beyond), proofs.Stale, proofs.ReasonRollback,
		"After one more change of keys: what lies beyond the end of its epoch is still not forgotten.", "remember kept")

	third := func(doc string) (*registry, *view) {
		r, _ := newEpochs("two")
		r.register(education, doc)
		return r, r.publish(start + 90*60)
	}
	r, _ = third("three")
	_, w3 := third("another")
	r.rotate(everything(r), start+2*hour)
	r.register(education, "four")
	s.add("epoch-other-end-memory", online(r.publish(start+3*hour), "one").remembering(w3), proofs.Unavailable, proofs.ReasonBadData,
		"Another tree was seen at the very end of the epoch before. The registry's head does not name that size any more; its trust file does.", "remember kept")
}

// eraKeys: in each part of the ledger its own root and publication keys count, whichever trust file is in hand.
func eraKeys(s set) {
	accreditation := func() *proofs.Statement {
		return &proofs.Statement{Action: proofs.ActionAccredit, Issuer: rootName, Authority: court, Title: titles[court],
			Keys: []*proofs.Key{key(court, 1).Key()}, Kinds: []string{"diploma"}}
	}
	speak := func(r *registry, by []*signer) {
		r.say(accreditation(), by...)
		r.register(court, "three")
	}
	before, after := newRoot("", 3)[:2], newRoot("epoch 2 ", 3)[:2]

	r, _ := newEpochs("two")
	r.rotate(rotation{root: true}, start+2*hour)
	speak(r, before)
	s.add("era-old-root-after", online(r.publish(start+3*hour), "three"), proofs.NotRegistered, proofs.ReasonAbsent, "The old root accredits after its era: void.")
	r, _ = newEpochs("two")
	speak(r, after)
	r.publish(start + 2*hour)
	v := r.rotate(rotation{root: true}, start+3*hour)
	s.add("era-new-root-before", online(v, "three"), proofs.NotRegistered, proofs.ReasonAbsent, "The new root accredits before its era: void.")
	r, _ = newEpochs("two")
	speak(r, before)
	r.publish(start + 2*hour)
	v = r.rotate(rotation{root: true}, start+3*hour)
	s.add("era-old-root-before", online(v, "three"), proofs.Authentic, "", "What the old root accredited in its era stands.", "issuer "+court)

	r, _ = newEpochs("two")
	r.rotate(rotation{publication: true}, start+2*hour)
	r.publication = newRegistry(origin, 1, 1, "none", "none", nil).publication
	r.register(education, "three")
	x, err := r.ledger.Prepare(start + 3*hour)
	check(err)
	s.add("era-old-publication-after", online(r.publishIndex(x, r.ledger.State().RootTile), "three"), proofs.Unavailable, proofs.ReasonOtherEpoch,
		"The publication key of the era before signs an index statement after it.")
}
