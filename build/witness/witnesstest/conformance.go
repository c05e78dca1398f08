package witnesstest

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"

	"stele/proofs"
	"stele/site/edge/witness"
)

// Conformance holds a witness of ours against c2sp.org/tlog-witness, and against what its cosignatures promise. open puts a witness into a house, with
// the policy of the house's log.
func Conformance(t *testing.T, open func(h *House)) {
	for _, c := range []struct {
		name string
		test func(h *House)
	}{
		{"growth", growth}, {"empty tree", emptyTree}, {"refusals", refusals}, {"malformed", malformed}, {"many lines", manyLines},
		{"one key, Ed25519", func(h *House) { oneKey(h, 0) }}, {"one key, ML-DSA-44", func(h *House) { oneKey(h, 1) }},
		{"extensions", extensions}, {"shown", shown}, {"clock", clock}, {"fork", fork}, {"together", together}, {"same for a minute", sameForAWhile},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := NewHouse(t)
			open(h)
			c.test(h)
		})
	}
}

func growth(h *House) {
	h.Want(h.Send("GET", "/"+witness.OriginPath(Origin), nil), 404, "")
	for _, step := range []struct{ old, size uint64 }{{0, 7}, {7, 7}, {7, 8}, {8, 33}, {33, 40}} {
		h.Now += witness.SameFor
		h.WantCosigned(h.Grow(step.old, step.size), h.Ledger.Checkpoint(step.size), h.Now)
	}
	h.Again()
	h.Want(h.Grow(7, 40), 409, "40\n")
	h.Now += witness.SameFor
	h.WantCosigned(h.Grow(40, 40), h.Ledger.Checkpoint(40), h.Now)
}

// emptyTree: "A checkpoint of size zero MUST have the root hash of the empty tree".
func emptyTree(h *House) {
	wrong := h.Ledger.Checkpoint(1)
	wrong.Size = 0
	h.Want(h.Post(0, nil, h.Ledger.Sign(wrong)), 422, "empty tree")
	h.WantCosigned(h.Grow(0, 0), h.Ledger.Checkpoint(0), h.Now)
	h.WantCosigned(h.Grow(0, 0), h.Ledger.Checkpoint(0), h.Now)
	h.Want(h.Post(0, nil, h.Ledger.Sign(wrong)), 422, "empty tree")
	h.WantCosigned(h.Grow(0, 3), h.Ledger.Checkpoint(3), h.Now)
	h.Want(h.Grow(0, 0), 409, "3\n")
}

func refusals(h *House) {
	h.WantCosigned(h.Grow(0, 20), h.Ledger.Checkpoint(20), h.Now)
	other := NewLog(h, "log.example/two", "true", 40)
	forked := NewLog(h, Origin, "false", 40)
	proof, _ := h.Ledger.Growth(30)(20)
	unsigned := bytes.ReplaceAll(h.Ledger.Note(30), []byte("— "+Origin), []byte("— elsewhere.example"))
	broken := bytes.Replace(h.Ledger.Note(30), []byte("\n30\n"), []byte("\n31\n"), 1)
	half := (&proofs.Note{Text: h.Ledger.Checkpoint(30).Text(), Signatures: []proofs.Signature{Lines(h, h.Ledger.Note(30))[0], Lines(h, h.Ledger.Note(31))[1]}}).Marshal()
	for _, c := range []struct {
		why   string
		old   uint64
		proof []proofs.Hash
		note  []byte
		code  int
		body  string
	}{
		{"another log", 0, nil, other.Note(5), 404, "not known"},
		{"no line of the log", 20, proof, unsigned, 403, "no signature"},
		{"a known key's line that is wrong", 20, proof, broken, 403, "does not verify"},
		{"one of two that is wrong", 20, proof, half, 403, "does not verify"},
		{"an old size beyond", 31, nil, h.Ledger.Note(30), 400, "old size 31"},
		{"another old size", 19, proof, h.Ledger.Note(30), 409, "20\n"},
		{"nothing yet", 0, nil, h.Ledger.Note(30), 409, "20\n"},
		{"a smaller tree", 0, nil, h.Ledger.Note(10), 409, "20\n"},
		{"no proof", 20, nil, h.Ledger.Note(30), 422, ""},
		{"a proof that is too long", 20, append(slices.Clone(proof), proof[0]), h.Ledger.Note(30), 422, ""},
		{"a proof that is wrong", 20, append(slices.Clone(proof[1:]), proof[0]), h.Ledger.Note(30), 422, ""},
		{"another history", 20, proof, forked.Note(30), 422, ""},
		{"another tree of the same size", 20, nil, forked.Note(20), 422, ""},
		{"a proof of nothing", 20, proof, h.Ledger.Note(20), 422, ""},
	} {
		w := h.Post(c.old, c.proof, c.note)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) {
			h.Errorf("%s: got %d %q, want %d with %q", c.why, w.Code, w.Body, c.code, c.body)
		}
		if kind := w.Header().Get("Content-Type"); c.code == 409 && kind != "text/x.tlog.size" {
			h.Errorf("%s: content type %q", c.why, kind)
		}
	}
	h.WantCosigned(h.Post(20, proof, h.Ledger.Note(30)), h.Ledger.Checkpoint(30), h.Now)
}

// malformed: what is no request gets 400, and nothing is kept of it.
func malformed(h *House) {
	note := string(h.Ledger.Note(3))
	hash := h.Ledger.Checkpoint(1).Root.Base64() + "\n"
	for _, body := range []string{"", "\n", "\n\n", "old", "old 0", "old 0\n", "old 0\n\n", "old 0\n" + note, "old 00\n\n" + note, "old +0\n\n" + note, "old -1\n\n" + note,
		"old 0 \n\n" + note, "old  0\n\n" + note, "Old 0\n\n" + note, "new 0\n\n" + note, "old 0\r\n\n" + note, "old 18446744073709551616\n\n" + note, "old 0x0\n\n" + note,
		"\nold 0\n\n" + note, "old 1\nx\n\n" + note, "old 1\n" + hash[:40] + "\n\n" + note, "old 1\n" + strings.Replace(hash, "=", "", 1) + "\n" + note,
		"old 1\n" + strings.TrimSuffix(hash, "\n") + " \n\n" + note, "old 1\n" + strings.Repeat(hash, 64) + "\n" + note, "old 0\n\n\n" + note,
		"old 0\n\n" + strings.Replace(note, "\n3\n", "\n03\n", 1), "old 0\n\n" + strings.Replace(note, Origin, "", 1), "old 0\n\n" + strings.TrimSuffix(note, "\n"),
		"old 0\n\n" + strings.Replace(note, "\n3\n", "\n3\n\x00", 1), "old 0\n\n" + strings.Replace(note, "\n3\n", "\n\xff\n", 1), "old 0\n\n" + note + "trailing\n",
		"old 0\n\n" + strings.Split(note, "\n\n")[0] + "\n", "old 0\n\n" + note[:len(Origin)+1] + "\n— x AAAAAAA=\n", "old 0\n\n\n3\n" + note[len(Origin)+3:],
	} {
		if w := h.Send("POST", "/add-checkpoint", []byte(body)); w.Code != 400 {
			h.Errorf("%.60q: got %d %q, want 400", body, w.Code, w.Body)
		}
	}
	h.Want(h.Send("POST", "/add-checkpoint", make([]byte, witness.MaxRequest+1)), 413, "bytes")
	h.Want(h.Send("GET", "/add-checkpoint", nil), 405, "")
	h.Want(h.Send("PUT", "/"+witness.OriginPath(Origin), nil), 405, "")
	h.WantCosigned(h.Grow(0, 3), h.Ledger.Checkpoint(3), h.Now)
}

// manyLines: "MUST accept at least up to 16 signatures", and unknown ones are ignored, under whatever name.
func manyLines(h *House) {
	var more []proofs.Signature
	for i := range 14 {
		name := []string{Origin, "stranger.example"}[i%2]
		more = append(more, proofs.Signature{Name: name, ID: uint32(i), Bytes: make([]byte, 2428)})
	}
	w := h.Post(0, nil, h.Ledger.Note(3, more...))
	h.WantCosigned(w, h.Ledger.Checkpoint(3), h.Now)
	h.Want(h.Post(3, nil, h.Ledger.Note(3, append(more, more...)...)), 400, "signature lines")
}

// extensions: checkpoints of other logs may have extension lines, which Ed25519 signs and ML-DSA-44 does not.
func extensions(h *House) {
	c := h.Ledger.Checkpoint(6)
	text := c.Text() + "Timestamp: 1679315147702\nand more\n"
	ed, err := proofs.SignNote(text, h.Ledger.Signers[0])
	if err != nil {
		h.Fatal(err)
	}
	ml := Lines(h, h.Ledger.Note(6))[1]
	w := h.Post(0, nil, ed.Marshal())
	if w.Code != 200 {
		h.Fatalf("got %d %q", w.Code, w.Body)
	}
	got := Lines(h, append([]byte(text+"\n"), w.Body.Bytes()...))
	if _, err := got[0].CheckCheckpoint(h.Signers()[0].Key(), c); err != nil {
		h.Error(err)
	}
	if _, err := got[1].CheckCheckpoint(h.Signers()[1].Key(), c); err == nil {
		h.Error("the Ed25519 cosignature leaves out the extension lines")
	}
	h.Again() // and the record with them is read back
	w = h.Send("GET", "/"+witness.OriginPath(Origin), nil)
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), text+"\n") {
		h.Errorf("shown: %d %q", w.Code, w.Body)
	}
	ed.Signatures = append(ed.Signatures, ml)
	h.Want(h.Post(6, nil, ed.Marshal()), 200, "")
	ed.Signatures = []proofs.Signature{ml}
	h.Want(h.Post(6, nil, ed.Marshal()), 403, "not covered")
	ed.Text = c.Text() + "changed\n"
	ed.Signatures = Lines(h, h.Ledger.Note(6))
	h.Want(h.Post(6, nil, ed.Marshal()), 403, "does not verify")
	ed.Text = c.Text() + "\nan empty line before\n"
	h.Want(h.Post(6, nil, ed.Marshal()), 400, "empty")
}

// shown: "it MUST include the cosignature(s) from the witness's key(s) that were returned from add-checkpoint and the
// cosignature from the log key(s) that the witness verified".
func shown(h *House) {
	stranger := proofs.Signature{Name: "stranger.example", ID: 1, Bytes: []byte("xxxxxxxx")}
	returned := h.Post(0, nil, h.Ledger.Note(9, stranger)).Body.String()
	w := h.Send("GET", "/"+witness.OriginPath(Origin), nil)
	if w.Code != 200 || !strings.HasSuffix(w.Body.String(), returned) || !strings.HasPrefix(w.Body.String(), h.Ledger.Checkpoint(9).Text()) {
		h.Fatalf("got %d %q", w.Code, w.Body)
	}
	got := Lines(h, w.Body.Bytes())
	if len(got) != 4 || !got[0].By(h.Ledger.Keys()[0]) || !got[1].By(h.Ledger.Keys()[1]) {
		h.Errorf("got %d lines", len(got))
	}
	h.Configure("quorum none\n")
	h.Want(h.Send("GET", "/"+witness.OriginPath(Origin), nil), 404, "")
	h.Want(h.Grow(9, 10), 404, "")
}

// oneKey: either of the log's signatures will do, and only the one that the witness knows is asked for.
func oneKey(h *House, i int) {
	h.Configure("log " + h.Ledger.Keys()[i].String() + " https://log.example/\nquorum none\n")
	note := h.Ledger.Note(5)
	alone := &proofs.Note{Text: h.Ledger.Checkpoint(5).Text(), Signatures: Lines(h, note)[i : i+1]}
	h.WantCosigned(h.Post(0, nil, alone.Marshal()), h.Ledger.Checkpoint(5), h.Now)
	h.WantCosigned(h.Post(5, nil, note), h.Ledger.Checkpoint(5), h.Now)
	shown := Lines(h, h.Send("GET", "/"+witness.OriginPath(Origin), nil).Body.Bytes())
	if len(shown) != 3 || !shown[0].By(h.Ledger.Keys()[i]) {
		h.Errorf("%d lines are shown, want the log's known one and two of the witness", len(shown))
	}
}

// fork: two ledgers of one size are kept as evidence, whatever old size was named, and not without limit.
func fork(h *House) {
	h.WantCosigned(h.Grow(0, 20), h.Ledger.Checkpoint(20), h.Now)
	forked := NewLog(h, Origin, "false", 20)
	h.Want(h.Post(0, nil, forked.Note(20)), 409, "20\n")
	h.Want(h.Post(20, nil, forked.Note(20)), 422, "two roots of size 20")
	forks := h.Kept(witness.Fork)
	if len(forks) != 1 {
		h.Fatalf("%d pieces of evidence, want one", len(forks))
	}
	h.WantEvidence(forks[0], 20, h.Ledger.Checkpoint(20).Root, forked.Checkpoint(20).Root)
	if !strings.Contains(h.Said.String(), "TWO LEDGERS") {
		h.Errorf("not told:\n%s", &h.Said)
	}
	for i := range 2 * witness.MostKept {
		c := h.Ledger.Checkpoint(20)
		c.Root[0] ^= byte(i + 1)
		h.Want(h.Post(20, nil, h.Ledger.Sign(c)), 422, "")
		h.Want(h.Post(20, nil, h.Ledger.Note(uint64(21+i%19))), 422, "")
	}
	if n := len(h.Kept(witness.Fork)); n != witness.MostKept {
		h.Errorf("%d pieces of evidence, want %d", n, witness.MostKept)
	}
	requests := h.Kept(witness.Unproved)
	if len(requests) != witness.MostKept {
		h.Errorf("%d requests that prove nothing, want %d", len(requests), witness.MostKept)
	}
	for _, b := range requests {
		if _, err := witness.ParseRequest(b); err != nil {
			h.Error(err)
		}
	}
	h.WantCosigned(h.Grow(20, 21), h.Ledger.Checkpoint(21), h.Now)
}

// clock: no cosignature is of a time before the last one.
func clock(h *House) {
	began := h.Now
	h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), began)
	h.Now = began - witness.Backwards
	h.WantCosigned(h.Grow(10, 11), h.Ledger.Checkpoint(11), began)
	h.Again()
	h.Now = began - witness.Backwards - 1
	h.Want(h.Grow(11, 12), 500, "operator")
	h.Want(h.Send("GET", "/health", nil), 503, "clock")
	h.Now = began + 1
	h.WantCosigned(h.Grow(11, 12), h.Ledger.Checkpoint(12), began+1)
}

// together: of many requests at once each answer fits what was cosigned before it, and none rolls another back.
func together(h *House) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for size := uint64(1); size <= 40; size++ {
		wg.Go(func() {
			w := h.Grow(0, size)
			mu.Lock()
			defer mu.Unlock()
			codes[w.Code]++
		})
	}
	wg.Wait()
	if codes[200] != 1 || codes[409] != 39 {
		h.Errorf("got %v, want one that was first and 39 conflicts", codes)
	}
	c, _, err := proofs.ParseCheckpoint(h.Send("GET", "/"+witness.OriginPath(Origin), nil).Body.Bytes())
	if err != nil {
		h.Fatal(err)
	}
	for last := c.Size; last < 40; { // then from where it stands, several at a time: one wins
		won := make(chan uint64, 40)
		for size := last + 1; size <= 40; size++ {
			wg.Go(func() {
				if h.Grow(last, size).Code == 200 {
					won <- size
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			h.Fatalf("%d of those from size %d were cosigned, want one", len(won), last)
		}
		last = <-won
	}
}

// sameForAWhile: what is public can be sent by anybody again and again; it is signed and written once in SameFor, by whichever process. What is new waits for nothing.
func sameForAWhile(h *House) {
	began := h.Now
	first := h.Grow(0, 5).Body.String()
	for _, later := range []int64{0, 1, witness.SameFor - 1, -1} {
		h.Now = began + later
		if again := h.Grow(5, 5); again.Code != 200 || again.Body.String() != first {
			h.Errorf("after %d seconds: got %d %q, want the same as at first", later, again.Code, again.Body)
		}
		h.Again()
	}
	h.Now = began + witness.SameFor
	h.WantCosigned(h.Grow(5, 5), h.Ledger.Checkpoint(5), h.Now)
	h.Now++
	h.WantCosigned(h.Grow(5, 6), h.Ledger.Checkpoint(6), h.Now)
}
