package proofs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stele/proofs"
)

// The example of c2sp.org/signed-note, section "Verifier keys".
const (
	exampleKey  = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
	exampleNote = "This is an example message.\n\n" +
		"— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
	// The example of c2sp.org/tlog-checkpoint and c2sp.org/tlog-cosignature.
	exampleCheckpoint = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" +
		"— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" +
		"— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)

func TestC2SPExamples(t *testing.T) {
	key, err := proofs.ParseKey(exampleKey)
	if err != nil || key.String() != exampleKey || key.ID() != 0x530d903a {
		t.Fatalf("key %v: %v", key, err)
	}
	note, err := proofs.ParseNote([]byte(exampleNote))
	if err != nil || string(note.Marshal()) != exampleNote || !note.Signatures[0].By(key) {
		t.Fatalf("note %+v: %v", note, err)
	}
	c, note, err := proofs.ParseCheckpoint([]byte(exampleCheckpoint))
	if err != nil || c.Size != 20852163 || c.Origin != "example.com/behind-the-sofa" || len(note.Signatures) != 2 {
		t.Fatalf("checkpoint %+v: %v", c, err)
	}
	if string(note.Marshal()) != exampleCheckpoint {
		t.Error("the checkpoint does not round-trip")
	}
}

func TestDates(t *testing.T) {
	for d := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 10000; d = d.AddDate(0, 0, 13) {
		if s := d.Format(time.DateOnly); !proofs.IsDate(s) {
			t.Fatalf("%s is a date", s)
		}
	}
	for _, s := range []string{"", "2027-1-01", "2027-00-01", "2027-13-01", "2027-02-29", "1900-02-29", "2027-04-31", "0000-01-01", "2027-01-00",
		"2027-01-01 ", "+027-01-01", "2027/01/01", "10000-01-01", "２027-01-01"} {
		if proofs.IsDate(s) {
			t.Errorf("%q is no date", s)
		}
	}
	for _, s := range []string{"2000-02-29", "2024-02-29", "9999-12-31"} {
		if !proofs.IsDate(s) {
			t.Errorf("%q is a date", s)
		}
	}
}

func TestTexts(t *testing.T) {
	long := strings.Repeat("a", 129)
	for _, c := range []struct {
		s                string
		name, word, text bool
	}{
		{"", false, false, false},
		{"a", true, true, true},
		{"registry.example/ledger_1", true, false, true},
		{"identity-card", true, true, true},
		{"-a", false, false, true},
		{"a-", false, false, true},
		{"A", false, false, true},
		{"a b", false, false, true},
		{" a", false, false, false},
		{"a ", false, false, false},
		{"a\nb", false, false, false},
		{"a\x7fb", false, false, false},
		{"a\u202eb", false, false, false},
		{"a\u2028b", false, false, false},
		{"\ufeffa", false, false, false},
		{"a\xffb", false, false, false},
		{"Ленин, ١٢٣, 🏛", false, false, true},
		{long[:63], true, true, true},
		{long[:64], true, false, true},
		{long[:128], true, false, true},
		{long, false, false, true},
		{strings.Repeat("é", 500), false, false, true},
		{strings.Repeat("é", 501), false, false, false},
	} {
		if proofs.IsName(c.s) != c.name || proofs.IsWord(c.s) != c.word || proofs.IsText(c.s) != c.text {
			t.Errorf("%q: name %v, word %v, text %v; want %v %v %v", c.s, proofs.IsName(c.s), proofs.IsWord(c.s), proofs.IsText(c.s), c.name, c.word, c.text)
		}
	}
}

// TestOversized: FORMAT.md, section 16. A parser refuses what is too long before it looks at it.
func TestOversized(t *testing.T) {
	for name, c := range map[string]struct {
		limit int
		parse func([]byte) error
	}{
		"checkpoint":  {proofs.MaxCheckpoint, func(b []byte) error { _, _, err := proofs.ParseCheckpoint(b); return err }},
		"entry":       {proofs.MaxStatement, func(b []byte) error { _, _, err := proofs.ParseEntry(b); return err }},
		"tlog-proof":  {4 << 20, func(b []byte) error { _, err := proofs.ParseTLogProof(b); return err }},
		"head":        {4 << 20, func(b []byte) error { _, err := proofs.ParseHead(b); return err }},
		"receipt":     {4 << 20, func(b []byte) error { _, err := proofs.ParseReceipt(b); return err }},
		"policy":      {262144, func(b []byte) error { _, err := proofs.ParsePolicy(b); return err }},
		"trust":       {2 * 262144, func(b []byte) error { _, err := proofs.ParseTrust(b); return err }},
		"slot":        {16 << 20, func(b []byte) error { _, err := proofs.ParseSlot(b); return err }},
		"map tile":    {17 << 10, func(b []byte) error { _, err := proofs.ParseMapTile(b); return err }},
		"issuer list": {64 << 20, func(b []byte) error { _, err := proofs.ParseIssuerList(b); return err }},
	} {
		err := c.parse(make([]byte, c.limit+1))
		var m *proofs.MalformedError
		if !errors.As(err, &m) || !strings.Contains(err.Error(), "at most") {
			t.Errorf("%s of %d bytes: %v", name, c.limit+1, err)
		}
	}
}

// TestOversizedAnswers: what the portal or a receipt holds too much of is as good as not there.
func TestOversizedAnswers(t *testing.T) {
	v := vectors(t, "authentic")[0]
	for path, good := range v.portal {
		v.portal[path] = append(bytes.Clone(good), make([]byte, 65<<20)...)
		if r := v.answer(t).Report; r.Verdict != proofs.Unavailable || r.Reason != proofs.ReasonBadData {
			t.Errorf("%s of 65 MiB: got %s %s", path, r.Verdict, r.Reason)
		}
		v.portal[path] = good
	}
	v.online, v.receipt = false, make([]byte, 5<<20)
	if r := v.answer(t).Report; r.Verdict != proofs.Malformed || r.Reason != proofs.ReasonReceiptMalformed {
		t.Errorf("receipt of 5 MiB: got %s %s", r.Verdict, r.Reason)
	}
}

// TestMapTileDepth: a tile below the last bit of a key has no place.
func TestMapTileDepth(t *testing.T) {
	deep := &proofs.MapTile{Depth: 252, Leaves: []proofs.MapTileLeaf{{Depth: 1}, {Depth: 2}, {Depth: 3}, {Depth: 4}, {Depth: 4}}}
	if _, err := proofs.ParseMapTile(deep.Marshal()); err == nil {
		t.Error("a slot at depth 256 was taken")
	}
}

// TestMapTileOfOneLeaf: only a slot at the top of the map is a tile with one leaf. Elsewhere such a tile would have the slot's hash, and its name.
func TestMapTileOfOneLeaf(t *testing.T) {
	leaf := []proofs.MapTileLeaf{{Hash: (&proofs.Slot{}).Hash()}}
	for depth, good := range map[int]bool{0: true, 9: false, 18: false, 252: false} {
		_, err := proofs.ParseMapTile((&proofs.MapTile{Depth: depth, Leaves: leaf}).Marshal())
		if good && err != nil || !good && (err == nil || !strings.Contains(err.Error(), "one leaf at depth")) {
			t.Errorf("a tile of one leaf at depth %d: %v", depth, err)
		}
	}
}

func TestPublicationList(t *testing.T) {
	for p := uint64(1); p < 2000; p++ {
		var want []uint64
		for n := uint64(1); n < p; n++ {
			keep := n&(n-1) == 0
			for m := uint64(1); m < p; m *= 2 {
				keep = keep || n == (p-1)/m*m
			}
			if keep {
				want = append(want, n)
			}
		}
		if got := proofs.PublicationList(p); !slices.Equal(got, want) {
			t.Fatalf("%d: got %v, want %v", p, got, want)
		}
	}
	if n := len(proofs.PublicationList(1<<63 - 1)); n > 130 {
		t.Errorf("%d publications on the list", n)
	}
}

func TestTilesOf(t *testing.T) {
	tiles := func(size uint64) map[proofs.Tile]bool {
		all := map[proofs.Tile]bool{}
		for _, tile := range proofs.TilesOf(0, size) {
			all[tile] = true
			if again, err := proofs.ParseTilePath(tile.Path()); err != nil || again != tile {
				t.Fatalf("%+v: path %s leads to %+v, %v", tile, tile.Path(), again, err)
			}
		}
		return all
	}
	for _, sizes := range [][2]uint64{{0, 1}, {1, 2}, {255, 256}, {256, 257}, {255, 70000}, {65535, 65536}, {65536, 65537}, {70000, 70000}, {1, 131072}} {
		old, new := tiles(sizes[0]), tiles(sizes[1])
		for _, tile := range proofs.TilesOf(sizes[0], sizes[1]) {
			if old[tile] || !new[tile] {
				t.Errorf("%v: %s is not new", sizes, tile.Path())
			}
			delete(new, tile)
		}
		for tile := range new {
			if !old[tile] {
				t.Errorf("%v: %s is missing", sizes, tile.Path())
			}
		}
	}
}

// TestReportJSON: the hand-made JSON is JSON, and says what the report says.
func TestReportJSON(t *testing.T) {
	for _, v := range vectors(t) {
		r := v.answer(t).Report
		r.Detail += "</script>\u2028\"\\\x00\xff"
		var got struct {
			Verdict, Reason string
			Issuer          *string
			AsOf            *time.Time `json:"as_of"`
			Life            *struct{ Events []struct{ Effect bool } }
			Steps           []struct{ ID, State string }
			Notices         []string
		}
		b := r.AppendJSON(nil)
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v\n%s", v.name, err, b)
		}
		if bytes.ContainsAny(b, "<>&\x00") {
			t.Errorf("%s: JSON that HTML could trip over", v.name)
		}
		if got.Verdict != string(r.Verdict) || got.Reason != string(r.Reason) || (got.AsOf == nil) != (r.AsOf == 0) || len(got.Steps) != len(r.Steps) {
			t.Errorf("%s: got %+v of %+v", v.name, got, r)
		}
	}
}

func TestSealHidesTheDocument(t *testing.T) {
	d := proofs.DigestsOf([]byte("a document"))
	one, two := proofs.Seal("a.example", proofs.Salt{1}, d), proofs.Seal("a.example", proofs.Salt{2}, d)
	if one == two || one == proofs.Seal("b.example", proofs.Salt{1}, d) || one.Key() == (proofs.Ref{Digests: d}).Key() {
		t.Error("salt, registry and domain have to enter a commitment")
	}
}

func TestConflictOfHonestViews(t *testing.T) {
	v := vectors(t, "memory-grown")[0]
	q, err := v.question()
	if err != nil {
		t.Fatal(err)
	}
	b := proofs.FormatConflict(v.remembered, v.portal[proofs.HeadPath])
	if _, err := q.Trust.CheckEvidence(b, nil, v.now); err == nil {
		t.Error("two honest heads accuse nobody")
	}
}
