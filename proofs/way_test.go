package proofs_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stele/proofs"
)

// A told way is followed with nothing but SHA-256 and FORMAT.md, sections 2 and 8, in hand.
type way struct {
	*testing.T
	told []proofs.Evidence
}

func (w way) text(label string) string {
	w.Helper()
	for _, e := range w.told {
		if e.Label == label {
			return e.Value
		}
	}
	w.Fatalf("the way has no %q", label)
	return ""
}

func (w way) bytes(label string) []byte {
	w.Helper()
	b, err := hex.DecodeString(w.text(label))
	if err != nil {
		w.Fatalf("%s: %v", label, err)
	}
	return b
}

func (w way) number(label string) uint64 {
	w.Helper()
	n, err := strconv.ParseUint(w.text(label), 10, 64)
	if err != nil {
		w.Fatalf("%s: %v", label, err)
	}
	return n
}

func sum(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "")))
	return string(h[:])
}

// climb follows a path from a hash and demands that every line comes to what it says.
func (w way) climb(label, h string) string {
	w.Helper()
	for line := range strings.Lines(w.text(label)) {
		f := strings.Fields(line)
		beside, _ := hex.DecodeString(f[1])
		switch f[0] {
		case "before":
			h = sum("\x01", string(beside), h)
		case "after":
			h = sum("\x01", h, string(beside))
		default:
			w.Fatalf("%s: %q", label, line)
		}
		if hex.EncodeToString([]byte(h)) != f[2] {
			w.Fatalf("%s: %q does not lead there", label, line)
		}
	}
	return h
}

func (w way) same(label, got string) {
	w.Helper()
	if got != string(w.bytes(label)) {
		w.Errorf("%s: got %x, want %s", label, got, w.text(label))
	}
}

// inSlot follows a record up to the root of its slot's records.
func (w way) inSlot(key string) string {
	w.Helper()
	record := sum("stele.record/1\n", key, string(w.bytes("body-sha256")))
	w.same("record", record)
	return w.climb("slot-path", record)
}

// records follows what the slot holds of the key, or beside it, and returns the root of its records.
func (w way) records() string {
	key := string(w.bytes("key"))
	starts := func(e proofs.Evidence) bool { return e.Label == "before" || e.Label == "after" }
	i := slices.IndexFunc(w.told, starts)
	if w.number("slot-keys") == 0 {
		return sum()
	}
	if i < 0 {
		w.same("body-sha256", sum(string(w.bytes("body"))))
		return w.inSlot(key)
	}
	roots := map[string]bool{}
	last := ""
	for ; i >= 0; i = slices.IndexFunc(w.told[1:], starts) + 1 {
		w.told = w.told[i:]
		beside := string(w.bytes(w.told[0].Label))
		if (beside < key) != (w.told[0].Label == "before") || beside == key {
			w.Errorf("%x does not lie %s %x", beside, w.told[0].Label, key)
		}
		last = w.inSlot(beside)
		roots[last] = true
		if !slices.ContainsFunc(w.told[1:], starts) {
			break
		}
	}
	if len(roots) != 1 {
		w.Errorf("the neighbours lead to %d roots", len(roots))
	}
	return last
}

// TestWay follows the way of every answer from the key to the checkpoint, and finds one exactly where there is an answer that rests on one.
func TestWay(t *testing.T) {
	told := 0
	for _, v := range vectors(t) {
		r := v.answer(t).Report
		i := slices.IndexFunc(r.Steps, func(s proofs.Step) bool { return s.ID == "way" })
		if (i >= 0) != (r.Source != proofs.FromNothing && r.Verdict != proofs.Unavailable) {
			t.Errorf("%s: %s from %q with a way at %d", v.name, r.Verdict, r.Source, i)
		}
		if i < 0 {
			continue
		}
		told++
		w := way{t, r.Steps[i].Evidence}
		w.followTo(v.name, r)
	}
	if told < 50 {
		t.Errorf("%d ways followed", told)
	}
}

func (w way) followTo(name string, r *proofs.Report) {
	selector := "sha256:" + r.Steps[0].Evidence[0].Value
	if slices.Contains(r.Notices, proofs.NoticeSealed) {
		selector = "sealed:" + w.text("sealed")
	}
	w.same("key", sum("stele.key/1\n", selector))
	whole := w
	records := w.records()
	w = whole
	w.same("records", records)
	count := binary.BigEndian.AppendUint32(nil, uint32(w.number("slot-keys")))
	slot := sum("stele.slot/1\n", string([]byte{byte(w.number("depth"))}), string(w.bytes("prefix")), string(count), records)
	w.same("slot", slot)
	w.same("map", w.climb("path", slot))
	if want := "\nmap sha256:" + w.text("map") + "\n"; !strings.Contains(w.text("index"), want) {
		w.Errorf("%s: the index statement has no line %q", name, want)
	}
	leaf := sum("\x00", w.text("index"))
	w.same("leaf", leaf)
	root := w.climb("ledger-path", leaf)
	w.same("root", root)
	if root != string(r.Root[:]) || w.number("size") != r.Size || w.number("place") != r.Size-1 {
		w.Errorf("%s: leads to %x of %s, want %s of %d", name, root, w.text("size"), r.Root, r.Size)
	}
	c, err := proofs.ParseCheckpointText(w.text("checkpoint"))
	if err != nil || c != (proofs.Checkpoint{Origin: r.Registry, Size: r.Size, Root: r.Root}) {
		w.Errorf("%s: checkpoint %v, %v", name, c, err)
	}
}
