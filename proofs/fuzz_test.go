package proofs_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stele/proofs"
)

// material is what the vectors hold of each format: the seeds of the fuzz targets.
type material struct {
	trusts, policies, keys, heads, receipts, checkpoints, slots, tiles, issuers, records, entries, texts, conflicts [][]byte
}

func gather(f testing.TB) *material {
	m := &material{}
	for _, v := range vectors(f, "authentic", "map-split-receipt", "sealed-receipt", "link-foreign", "unknown-", "memory-fork", "withdraw-", "supersede-", "form-", "root-signed") {
		m.trusts = append(m.trusts, v.trust)
		if t, err := proofs.ParseTrust(v.trust); err == nil {
			m.policies = append(m.policies, t.PolicyText)
			m.keys = append(m.keys, []byte(t.Publication.String()), []byte(t.Policy.Witnesses[0].Key.String()))
		}
		if v.receipt != nil {
			m.receipts = append(m.receipts, v.receipt)
			if c, err := proofs.ParseReceipt(v.receipt); err == nil && c.Present != nil {
				m.records = append(m.records, c.Present.Body)
			}
		}
		for path, b := range v.portal {
			m.addFile(path, b)
		}
		if v.remembered != nil {
			m.conflicts = append(m.conflicts, proofs.FormatConflict(v.remembered, v.portal[proofs.HeadPath]))
		}
	}
	return m
}

func (m *material) addFile(path string, b []byte) {
	if path == proofs.HeadPath {
		m.heads = append(m.heads, b)
		if h, err := proofs.ParseHead(b); err == nil {
			m.checkpoints = append(m.checkpoints, h.Proof.Checkpoint)
			m.tiles = append(m.tiles, h.RootTile)
			m.addEntry(h.Statement)
		}
		return
	}
	if bytes.HasPrefix(b, []byte("stele.issuers/1\n")) {
		m.issuers = append(m.issuers, b)
		return
	}
	m.slots = append(m.slots, b)
	s, err := proofs.ParseSlot(b)
	for i := 0; err == nil && i < len(s.Records) && i < 3; i++ {
		m.records = append(m.records, s.Records[i].Body)
		entries, _ := s.Records[i].Entries()
		for _, e := range entries {
			m.addEntry(e.Bytes)
		}
	}
}

func (m *material) addEntry(b []byte) {
	m.entries = append(m.entries, b)
	if n, err := proofs.ParseNote(b); err == nil {
		m.texts = append(m.texts, []byte(n.Text))
	}
}

// roundTrip fuzzes a parser: what it takes, its formatter writes again as the same bytes; what it refuses is
// malformed and nothing else. use may do more with what was parsed.
func roundTrip[T any](f *testing.F, seeds [][]byte, parse func([]byte) (T, error), format func(T) []byte, use func(*testing.T, T)) {
	for i, s := range seeds {
		f.Add(s)
		if v, err := parse(s); err == nil && !bytes.Equal(format(v), s) {
			f.Errorf("seed %d does not round-trip", i)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		given := bytes.Clone(b)
		v, err := parse(b)
		var m *proofs.MalformedError
		if err != nil && !errors.As(err, &m) {
			t.Fatalf("%T: %v", err, err)
		}
		if err != nil {
			return
		}
		if got := format(v); !bytes.Equal(got, given) {
			t.Fatalf("%q formats back to %q", given, got)
		}
		if use != nil {
			use(t, v)
		}
		if !bytes.Equal(b, given) {
			t.Fatal("the parser's input was changed")
		}
	})
}

func FuzzKey(f *testing.F) {
	roundTrip(f, gather(f).keys, func(b []byte) (*proofs.Key, error) { return proofs.ParseKey(string(b)) },
		func(k *proofs.Key) []byte { return []byte(k.String()) }, nil)
}

func FuzzNote(f *testing.F) {
	m := gather(f)
	roundTrip(f, append(m.entries, m.checkpoints...), proofs.ParseNote, (*proofs.Note).Marshal, nil)
}

func FuzzCheckpoint(f *testing.F) {
	trust := goodTrust(f)
	roundTrip(f, gather(f).checkpoints, func(b []byte) (*proofs.Note, error) {
		c, n, err := proofs.ParseCheckpoint(b)
		if err == nil && c.Text() != n.Text {
			f.Errorf("checkpoint %q formats back to %q", n.Text, c.Text())
		}
		return n, err
	}, (*proofs.Note).Marshal, func(t *testing.T, n *proofs.Note) {
		trust.VerifyCheckpoint(n.Marshal(), 1_800_000_000)
	})
}

func goodTrust(f testing.TB) *proofs.Trust {
	t, err := proofs.ParseTrust(vectors(f, "authentic")[0].trust)
	if err != nil {
		f.Fatal(err)
	}
	return t
}

func FuzzTLogProof(f *testing.F) {
	m := gather(f)
	seeds := append(m.heads, m.receipts...)
	for _, s := range []string{"index 0\n\n", "extra \nindex 0\n\n", "index 9223372036854775807\n\nx", "index 00\n\n", "index +1\n\n", "index 1\r\n\n"} {
		seeds = append(seeds, []byte("c2sp.org/tlog-proof@v1\n"+s))
	}
	roundTrip(f, seeds, proofs.ParseTLogProof, (*proofs.TLogProof).Marshal, nil)
}

func FuzzHead(f *testing.F) {
	trust := goodTrust(f)
	roundTrip(f, gather(f).heads, proofs.ParseHead, (*proofs.Head).Marshal, func(t *testing.T, h *proofs.Head) { h.Verify(trust, 1_800_000_000) })
}

// FuzzHeadExtra is FuzzHead within the base64 of the extra line.
func FuzzHeadExtra(f *testing.F) {
	fuzzExtra(f, gather(f).heads, func(b []byte) ([]byte, error) {
		h, err := proofs.ParseHead(b)
		if err != nil {
			return nil, err
		}
		return h.Marshal(), nil
	})
}

func FuzzReceipt(f *testing.F) {
	trust := goodTrust(f)
	roundTrip(f, gather(f).receipts, proofs.ParseReceipt, (*proofs.Receipt).Marshal, func(t *testing.T, c *proofs.Receipt) { c.Verify(trust, 1_800_000_000) })
}

// FuzzReceiptExtra is FuzzReceipt within the base64 of the extra line.
func FuzzReceiptExtra(f *testing.F) {
	fuzzExtra(f, gather(f).receipts, func(b []byte) ([]byte, error) {
		c, err := proofs.ParseReceipt(b)
		if err != nil {
			return nil, err
		}
		return c.Marshal(), nil
	})
}

func fuzzExtra(f *testing.F, seeds [][]byte, reformat func([]byte) ([]byte, error)) {
	for _, s := range seeds {
		if p, err := proofs.ParseTLogProof(s); err == nil {
			f.Add(p.Extra)
		}
	}
	f.Fuzz(func(t *testing.T, extra []byte) {
		b := (&proofs.TLogProof{Extra: extra, Checkpoint: []byte("x\n")}).Marshal()
		if got, err := reformat(b); err == nil && !bytes.Equal(got, b) {
			t.Fatalf("%x formats back to %q", extra, got)
		}
	})
}

func FuzzSet(f *testing.F) {
	var seeds [][]byte
	for _, s := range sets() {
		seeds = append(seeds, []byte(s.Text()))
	}
	parse := func(b []byte) (*proofs.Set, error) { return proofs.ParseSetText(string(b)) }
	roundTrip(f, seeds, parse, func(s *proofs.Set) []byte { return []byte(s.Text()) }, func(t *testing.T, s *proofs.Set) {
		if _, err := proofs.ParseCheckpointText(s.Text()); err == nil {
			t.Fatal("is a checkpoint too")
		}
		for _, f := range s.Files {
			if got := s.File(f.Name); got == nil || *got != f || !proofs.IsSetName(f.Name) {
				t.Fatalf("%q: %v", f.Name, got)
			}
		}
	})
}

func FuzzTrust(f *testing.F) {
	roundTrip(f, gather(f).trusts, proofs.ParseTrust, (*proofs.Trust).Marshal, func(t *testing.T, p *proofs.Trust) {
		if p.Policy.Met(p.Policy.Quorum, func(int) bool { return false }) {
			t.Fatal("a quorum that nobody meets")
		}
	})
}

// FuzzPolicy: white space may vary, so that the round trip is one of meaning.
func FuzzPolicy(f *testing.F) {
	for _, p := range gather(f).policies {
		f.Add(p)
	}
	f.Add([]byte("quorum none\n"))
	f.Add([]byte("# nothing\n\n \t\nquorum\tnone \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := proofs.ParsePolicy(b)
		if err != nil {
			return
		}
		again, err := proofs.ParsePolicy(formatPolicy(p))
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%q formats back to %q: %v", b, formatPolicy(p), err)
		}
		if !p.Met(p.Quorum, func(int) bool { return true }) {
			t.Fatalf("%q: a quorum that cannot be met", b)
		}
	})
}

func formatPolicy(p *proofs.Policy) []byte {
	var s strings.Builder
	line := func(words ...string) { s.WriteString(strings.TrimSpace(strings.Join(words, " ")) + "\n") }
	for _, l := range p.Logs {
		line("log", l.Key.String(), l.URL)
	}
	for _, w := range p.Witnesses {
		line("witness", w.Name, w.Key.String(), w.URL)
	}
	for _, g := range p.Groups {
		line(append([]string{"group", g.Name, strconv.Itoa(g.K)}, g.Members...)...)
	}
	line("quorum", p.Quorum)
	return []byte(s.String())
}

func FuzzStatement(f *testing.F) {
	for _, s := range gather(f).texts {
		f.Add(string(s))
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, errEnvelope := proofs.ParseEnvelope(text)
		s, err := proofs.ParseStatement(text)
		var bad *proofs.MalformedError
		var old *proofs.NotUnderstoodError
		switch {
		case err == nil && s.Text() != text:
			t.Fatalf("%q formats back to %q", text, s.Text())
		case errors.As(err, &bad) != (errEnvelope != nil):
			t.Fatalf("envelope %v, statement %v", errEnvelope, err)
		case err != nil && !errors.As(err, &bad) && !errors.As(err, &old):
			t.Fatalf("%T: %v", err, err)
		}
	})
}

func FuzzSlot(f *testing.F) {
	roundTrip(f, gather(f).slots, proofs.ParseSlot, (*proofs.Slot).Marshal, func(t *testing.T, s *proofs.Slot) {
		s.Hash()
		if left, right := s.Split(); left != nil && len(left.Records)+len(right.Records) != len(s.Records) {
			t.Fatal("records lost in a split")
		}
	})
}

func FuzzMapTile(f *testing.F) {
	seeds := gather(f).tiles
	for _, depth := range []int{9, 243, 252} { // the deepest tiles there can be
		seeds = append(seeds, (&proofs.MapTile{Depth: depth, Leaves: []proofs.MapTileLeaf{{Depth: 1}, {Depth: 2}, {Depth: 3}, {Depth: 3}}}).Marshal())
	}
	roundTrip(f, seeds, proofs.ParseMapTile, (*proofs.MapTile).Marshal, func(t *testing.T, tile *proofs.MapTile) {
		for _, b := range []byte{0, 0x55, 0xaa, 0xff} {
			key := proofs.Hash(bytes.Repeat([]byte{b}, 32))
			if leaf, siblings := tile.Descend(key); leaf.Depth != len(siblings) {
				t.Fatalf("%d siblings of a leaf at depth %d", len(siblings), leaf.Depth)
			}
		}
		tile.Hash()
	})
}

func FuzzIssuerList(f *testing.F) {
	trust := goodTrust(f)
	roundTrip(f, gather(f).issuers, proofs.ParseIssuerList, (*proofs.IssuerList).Marshal, func(t *testing.T, l *proofs.IssuerList) {
		l.Root()
		as, _ := trust.ReadAuthorities(l, 1<<62, 1<<62)
		for _, a := range as {
			a.FirstSince()
			a.LatestTitle()
		}
	})
}

func FuzzRecord(f *testing.F) {
	roundTrip(f, gather(f).records, func(b []byte) ([]proofs.RecordEntry, error) { return proofs.Record{Body: b}.Entries() }, proofs.MarshalBody, nil)
}

func FuzzConflict(f *testing.F) {
	trust := goodTrust(f)
	type pair struct{ a, b []byte }
	roundTrip(f, gather(f).conflicts, func(b []byte) (pair, error) {
		x, y, err := proofs.ParseConflict(b)
		return pair{x, y}, err
	}, func(p pair) []byte { return proofs.FormatConflict(p.a, p.b) }, func(t *testing.T, p pair) {
		if _, err := trust.CheckEvidence(proofs.FormatConflict(p.a, p.a), nil, 1_800_000_000); err == nil {
			t.Fatal("a view contradicts itself")
		}
	})
}

func FuzzTilePath(f *testing.F) {
	for _, s := range []string{"tile/0/000", "tile/7/x123/456.p/7", "tile/entries/x001/x234/067.p/255", "tile/0/x000/001", "tile/8/000", "tile/0/001.p/0",
		"tile/0/001.p/256", "tile/00/000", "tile/entries/1", "tile/entries/x9999999999999999999999/000"} {
		f.Add([]byte(s))
	}
	roundTrip(f, nil, func(b []byte) (proofs.Tile, error) { return proofs.ParseTilePath(string(b)) },
		func(t proofs.Tile) []byte { return []byte(t.Path()) }, nil)
}

func FuzzBundle(f *testing.F) {
	var bundle []byte
	for _, e := range gather(f).entries[:3] {
		bundle = proofs.AppendBundleEntry(bundle, e)
	}
	f.Add(bundle, 3)
	f.Add([]byte{0, 0}, 1)
	f.Fuzz(func(t *testing.T, b []byte, width int) {
		entries, err := proofs.ParseBundle(b, width)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			again = proofs.AppendBundleEntry(again, e)
		}
		if len(entries) != width || !bytes.Equal(again, b) {
			t.Fatalf("%d entries, want %d; formats back to %x", len(entries), width, again)
		}
	})
}

// A finding is what of an answer nobody without keys may bring about.
type finding struct {
	verdict proofs.Verdict
	issuer  string
}

func (v *vector) finding(t testing.TB) finding {
	r := v.answer(t).Report
	f := finding{verdict: r.Verdict}
	if r.Life != nil {
		f.issuer = r.Life.Issuer
	}
	return f
}

// FuzzCheck changes one file of a question and holds this: a changed file does no more than the file itself or
// its absence. Without a key, nobody makes a verdict that was not there, neither green nor damning.
func FuzzCheck(f *testing.F) {
	vs := vectors(f)
	for i := range vs {
		f.Add(uint16(i), uint8(i), uint32(i*7919), uint8(1), []byte{byte(i)}, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, which uint16, file uint8, at uint32, cut uint8, with []byte, extra bool) {
		tamper(t, vs[int(which)%len(vs)], int(file), int(at), int(cut), with, extra)
	})
}

// TestTamper is a while of FuzzCheck, the same on every run.
func TestTamper(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 100
	}
	vs := vectors(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		with := make([]byte, r.IntN(4))
		for i := range with {
			with[i] = byte(r.Uint32())
		}
		tamper(t, vs[r.IntN(len(vs))], r.IntN(16), r.Int(), r.IntN(4), with, r.IntN(2) == 0)
	}
}

// tamper replaces a few bytes of a file, or of the extra data in it.
func tamper(t *testing.T, v *vector, file, at, cut int, with []byte, extra bool) {
	if _, err := v.question(); err != nil {
		return
	}
	files := v.files()
	if len(files) == 0 {
		return
	}
	target := files[file%len(files)]
	good := *target
	bad := splice(good, at, cut, with)
	if p, err := proofs.ParseTLogProof(good); err == nil && extra {
		p.Extra = splice(p.Extra, at, cut, with)
		bad = p.Marshal()
	}
	if bytes.Equal(good, bad) {
		return
	}
	allowed := []finding{v.finding(t)}
	w := *v
	w.portal, w.missing = maps.Clone(v.portal), maps.Clone(v.missing)
	put := func(b []byte) { w.replace(v, good, b) }
	put(nil)
	allowed = append(allowed, w.finding(t))
	put(bad)
	got := w.finding(t)
	if !v.may(got, allowed, good) {
		t.Errorf("%s: %q with %d bytes at %d replaced by %q (extra %v): got %v, want one of %v", v.name, good[:min(20, len(good))], cut, at, with, extra, got, allowed)
	}
}

// files lists what may be changed: all but the trust file.
func (v *vector) files() []*[]byte {
	var files []*[]byte
	if v.receipt != nil {
		files = append(files, &v.receipt)
	}
	if v.remembered != nil {
		files = append(files, &v.remembered)
	}
	for _, path := range slices.Sorted(maps.Keys(v.portal)) {
		b := v.portal[path]
		files = append(files, &b)
	}
	return files
}

// replace puts other bytes in place of the ones of a file of v.
func (w *vector) replace(v *vector, good, b []byte) {
	switch {
	case v.receipt != nil && bytes.Equal(v.receipt, good):
		w.receipt = b
	case v.remembered != nil && bytes.Equal(v.remembered, good):
		w.remembered = b
	}
	for path, have := range v.portal {
		if bytes.Equal(have, good) {
			w.portal[path] = b
			w.missing[path] = b == nil
		}
	}
}

// may reports whether a changed file may lead to a finding.
func (v *vector) may(got finding, allowed []finding, changed []byte) bool {
	ofReceipt := v.receipt != nil && bytes.Equal(changed, v.receipt)
	for _, a := range allowed {
		if got == a {
			return true
		}
		// A signature less may make evidence look older than it is.
		if a.verdict == proofs.Authentic && (got.verdict == proofs.Stale || got.verdict == proofs.Recorded) && got.issuer == a.issuer {
			return true
		}
	}
	switch got.verdict {
	case proofs.Unavailable:
		return true
	case proofs.Malformed, proofs.Mismatch: // the salt of a receipt is not signed: another one opens another document
		return ofReceipt
	}
	return false
}

func splice(b []byte, at, cut int, with []byte) []byte {
	if len(b) == 0 {
		return with
	}
	at %= len(b)
	cut = min(cut, len(b)-at)
	return append(append(bytes.Clone(b[:at]), with...), b[at+cut:]...)
}
