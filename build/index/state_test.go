package index

import (
	"bytes"
	"reflect"
	"testing"

	"stele/build/durable"
	"stele/proofs"
)

// savedHistory is a registry's history with its state as it is kept.
func savedHistory(t testing.TB) (*history, State, []byte) {
	h := newHistory(t, NewMemory(), 5)
	for range 60 {
		h.step()
	}
	h.publish()
	s := h.ledger.State()
	b, err := s.Marshal()
	must(t, err)
	return h, s, b
}

// TestState: what is kept is read again as it was, and nothing that was changed is.
func TestState(t *testing.T) {
	h, want, b := savedHistory(t)
	got, err := ParseState(b, h.ledger.store.Get)
	must(t, err)
	if again, err := got.Marshal(); err != nil || !bytes.Equal(again, b) {
		t.Errorf("formats back to\n%s\nwant\n%s (%v)", again, b, err)
	}
	if !reflect.DeepEqual(got.Issuers.Records, want.Issuers.Records) || got.SHA3.Root() != want.SHA3.Root() {
		t.Error("another issuer list or tree")
	}
	l, err := Open(h.trust, h.ledger.store, got)
	must(t, err)
	if _, err := l.Prepare(got.Time + 60); err != nil {
		t.Errorf("it cannot be gone on from: %v", err)
	}
	if _, err := ParseState(bytes.Replace(b, []byte(`"keys": `), []byte(`"keys": 1`), 1), h.ledger.store.Get); err == nil {
		t.Error("a changed state is read")
	}
	if _, err := ParseState(b, func(proofs.Hash) ([]byte, error) { return (&proofs.IssuerList{}).Marshal(), nil }); err == nil {
		t.Error("another issuer list is taken")
	}
}

func FuzzState(f *testing.F) {
	_, _, b := savedHistory(f)
	f.Add(b)
	f.Add(bytes.Replace(b, []byte("1"), []byte("2"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s savedState
		if err := durable.UnmarshalSummed(b, &s, &s.Sum); err != nil {
			return
		}
		if again, err := durable.MarshalSummed(&s, &s.Sum); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q formats back to %q (%v)", b, again, err)
		}
	})
}
