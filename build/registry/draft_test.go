package registry

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"stele/proofs"
)

// TestSixteenLines: of more lines than a checkpoint holds, those are chosen that meet the policy with the newest as-of.
func TestSixteenLines(t *testing.T) {
	t.Parallel()
	const origin = "test.example/many"
	c := proofs.Checkpoint{Origin: origin, Size: 7, Root: proofs.Hash{1}}
	log, own := signerOf(t, origin, proofs.Ed25519Key), signerOf(t, origin, proofs.MLDSA44Key)
	var policy strings.Builder
	fmt.Fprintf(&policy, "log %s\nwitness own %s\n", log.Key(), own.Key())
	name := func(role string, i int) string { return fmt.Sprintf("%s%02d", role, i) }
	names := func(role string, from, to int) string {
		var all []string
		for i := from; i < to; i++ {
			all = append(all, name(role, i))
		}
		return strings.Join(all, " ")
	}
	for i := range 8 {
		fmt.Fprintf(&policy, "witness %s %s\n", name("o", i), signerOf(t, name("o", i), proofs.CosignatureKey).Key())
	}
	for i := range 12 {
		fmt.Fprintf(&policy, "witness %s %s http://%s/\n", name("w", i), signerOf(t, name("w", i), proofs.CosignatureKey).Key(), name("w", i))
	}
	// One of three offices, one of which is of six people: the cheap ones are to be found. Of twelve witnesses five, or a pair.
	fmt.Fprintf(&policy, "group six all %s\ngroup officers any six %s\n", names("o", 0, 6), names("o", 6, 8))
	fmt.Fprintf(&policy, "group witnesses 5 %s\ngroup all all own officers witnesses\nquorum all\n", names("w", 0, 12))
	root := signerOf(t, "test.example/root", proofs.Ed25519Key).Key()
	trust := parsed(t, &proofs.Trust{Origin: origin, Epoch: 1, Title: "Many", RootThreshold: 1, RootKeys: []*proofs.Key{root},
		Publication: signerOf(t, "test.example/publication", proofs.Ed25519Key).Key(), StaleAfter: 1000, ApprovalAge: 100_000,
		Officers: "officers", Witnesses: "witnesses", PolicyText: []byte(policy.String())})
	d := &draft{Checkpoint: c}
	add := func(s proofs.Signer, at int64) {
		sig, err := proofs.Cosign(s, c, at)
		if err != nil {
			t.Fatal(err)
		}
		d.add(sig)
	}
	plain, err := proofs.SignCheckpoint(log, c)
	if err != nil {
		t.Fatal(err)
	}
	d.add(plain)
	add(own, start)
	for i := range 8 {
		add(signerOf(t, name("o", i), proofs.CosignatureKey), start-int64(i))
	}
	for i := range 12 { // the newest five are the last
		add(signerOf(t, name("w", i), proofs.CosignatureKey), start-100+int64(i))
	}
	note, left, err := d.note(trust, start)
	if err != nil {
		t.Fatal(err)
	}
	s, err := trust.VerifyCheckpoint(note, start)
	if err != nil {
		t.Fatal(err)
	}
	if want := start - 100 + 7; s.AsOf != want {
		t.Errorf("as of %d, want %d", s.AsOf, want)
	}
	if len(s.Signers) != proofs.MaxSignatures || len(left) != 22-proofs.MaxSignatures {
		t.Errorf("%d lines and %d left out, want %d and %d", len(s.Signers), len(left), proofs.MaxSignatures, 22-proofs.MaxSignatures)
	}
	again, _, err := d.note(trust, start)
	if err != nil || !bytes.Equal(again, note) {
		t.Error("not chosen the same way twice")
	}
	// A policy that cannot be met by 16 lines is not met by chance either.
	trust.PolicyText = []byte(strings.Replace(policy.String(), "group witnesses 5 ", "group witnesses 12 ", 1))
	trust.PolicyText = []byte(strings.Replace(string(trust.PolicyText), "group officers any six", "group officers all six", 1))
	if _, _, err := d.note(parsed(t, trust), start); err == nil {
		t.Error("22 lines are wanted, and 16 were chosen")
	}
}

// TestDraft: a draft holds the newest line of each key, and is read back as it was written.
func TestDraft(t *testing.T) {
	t.Parallel()
	c := proofs.Checkpoint{Origin: "test.example", Size: 3}
	s := signerOf(t, officers[0], proofs.MLDSA44Key)
	d := &draft{Checkpoint: c}
	for _, at := range []int64{start, start + 5, start + 2} {
		sig, err := proofs.Cosign(s, c, at)
		if err != nil {
			t.Fatal(err)
		}
		d.add(sig)
	}
	if len(d.lines) != 1 || timeOf(d.lines[0]) != start+5 {
		t.Errorf("%d lines, of %d", len(d.lines), timeOf(d.lines[0]))
	}
	b := d.marshal()
	again, err := parseDraft(b)
	if err != nil || !bytes.Equal(again.marshal(), b) || again.Checkpoint != c {
		t.Errorf("read back: %+v, %v", again, err)
	}
	for _, bad := range [][]byte{nil, b[:len(b)-1], append(b[:len(b):len(b)], '\n'), []byte(c.Text())} {
		if _, err := parseDraft(bad); err == nil {
			t.Errorf("parsed %q", short(string(bad)))
		}
	}
}
