package proofs_test

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"stele/proofs"
)

// The vectors are embedded, so that the same test runs natively, under js/wasm and under wasip1.
//
//go:embed testdata/*.txtar
var testdata embed.FS

// A vector is one question and its answer. testdata/README.md describes the files.
type vector struct {
	name       string
	now        int64
	sha256     proofs.Hash
	sha3       *proofs.Hash512
	online     bool
	verdict    proofs.Verdict
	reason     proofs.Reason
	lines      []string // what more is said of the answer
	missing    map[string]bool
	trust      []byte
	receipt    []byte
	remembered []byte
	earlier    map[string][]byte // trust files that are at hand from the start, by their paths
	portal     map[string][]byte
}

// vectors reads all vectors, or those whose names begin with one of the prefixes.
func vectors(t testing.TB, prefixes ...string) []*vector {
	t.Helper()
	files, err := testdata.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var vs []*vector
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".txtar")
		if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		b, err := testdata.ReadFile("testdata/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		v, err := parseVector(name, b)
		if err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
		vs = append(vs, v)
	}
	if len(vs) == 0 {
		t.Fatalf("no vectors %q", prefixes)
	}
	return vs
}

func parseVector(name string, b []byte) (*vector, error) {
	v := &vector{name: name, missing: map[string]bool{}, earlier: map[string][]byte{}, portal: map[string][]byte{}}
	for _, f := range txtar.Parse(b).Files {
		data := f.Data
		if n, ok := strings.CutSuffix(f.Name, ".b64"); ok {
			f.Name = n
			var err error
			if data, err = base64.StdEncoding.DecodeString(string(data)); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		path, portal := strings.CutPrefix(f.Name, "portal/")
		epoch, earlier := strings.CutPrefix(f.Name, "earlier/")
		switch {
		case portal:
			v.portal[path] = data
		case earlier:
			v.earlier["trust/"+epoch] = data
		case f.Name == "case":
			if err := v.parseCase(string(data)); err != nil {
				return nil, err
			}
		case f.Name == "trust":
			v.trust = data
		case f.Name == "receipt":
			v.receipt = data
		case f.Name == "remembered":
			v.remembered = data
		default:
			return nil, fmt.Errorf("unknown file %q", f.Name)
		}
	}
	return v, nil
}

func (v *vector) parseCase(text string) error {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		var err error
		switch key {
		case "now":
			_, err = fmt.Sscan(value, &v.now)
		case "sha256":
			v.sha256, err = proofs.ParseHash(value)
		case "sha3-512":
			if value != "none" {
				var b []byte
				b, err = hex.DecodeString(value)
				v.sha3 = new(proofs.Hash512)
				copy(v.sha3[:], b)
			}
		case "online":
			v.online = value == "yes"
		case "verdict":
			v.verdict = proofs.Verdict(value)
		case "reason":
			v.reason = proofs.Reason(strings.TrimPrefix(value, "-"))
		case "missing":
			v.missing[value] = true
		default:
			v.lines = append(v.lines, strings.TrimSpace(line))
		}
		if err != nil {
			return fmt.Errorf("case: %q: %w", line, err)
		}
	}
	return nil
}

// question is the vector's question with no file of the portal read yet.
func (v *vector) question() (proofs.Question, error) {
	trust, err := proofs.ParseTrust(v.trust)
	return proofs.Question{Trust: trust, Now: v.now, SHA256: v.sha256, SHA3512: v.sha3, Receipt: v.receipt, Online: v.online,
		Remembered: v.remembered, Files: maps.Clone(v.earlier)}, err
}

// answer puts the question to Check until there is a report.
func (v *vector) answer(t testing.TB) proofs.Answer {
	q, err := v.question()
	if err != nil {
		return proofs.Answer{Report: proofs.NoTrust(err)}
	}
	for range 100 {
		a := proofs.Check(q)
		if a.NeedSHA3 {
			t.Fatal("Check wants SHA3-512, the vector has none")
		}
		if a.Report != nil {
			return a
		}
		if len(a.Need) == 0 {
			t.Fatal("Check gives neither a report nor a need")
		}
		for _, path := range a.Need {
			b, ok := v.portal[path]
			// Damage may lead to a question for a trust file that the vector as it is does not lead to.
			if !ok && !v.missing[path] && !strings.HasPrefix(path, "trust/") {
				t.Fatalf("Check wants %s, the vector has it neither as a file nor as missing", path)
			}
			q.Files[path] = b
		}
	}
	t.Fatal("Check wants more and more")
	return proofs.Answer{}
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			a := v.answer(t)
			if a.Report.Verdict != v.verdict || a.Report.Reason != v.reason {
				t.Errorf("got %s %q (%s), want %s %q", a.Report.Verdict, a.Report.Reason, a.Report.Detail, v.verdict, v.reason)
			}
			v.checkLines(t, a)
			v.checkNotices(t, a.Report)
			v.checkReceipt(t, a)
		})
	}
}

// checkLines compares what more the vector says of the answer.
func (v *vector) checkLines(t *testing.T, a proofs.Answer) {
	r := a.Report
	life := r.Life
	if life == nil {
		life = &proofs.LifeReport{}
	}
	effects := map[bool]string{true: "effective", false: "void"}
	var events []string
	for _, e := range life.Events {
		events = append(events, "event "+e.Action+" "+effects[e.Effect])
	}
	remember := "kept"
	if a.Remember != nil {
		remember = "registry"
	}
	have := append(events, "state "+life.State, "issuer "+life.Issuer, fmt.Sprint("place ", life.Place), "successor "+life.Successor,
		fmt.Sprint("as-of ", r.AsOf), "source "+string(r.Source), "remember "+remember,
		fmt.Sprint("epoch ", r.Epoch))
	if a.Trust != nil {
		next, err := proofs.ParseTrust(a.Trust)
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, fmt.Sprint("followed ", next.Epoch))
	}
	if a.Conflict != nil {
		have = append(have, "conflict yes")
		v.checkConflict(t, a)
	}
	for _, line := range v.lines {
		i := slices.Index(have, line)
		if i >= 0 {
			have = slices.Delete(have, i, i+1) // so that seventeen lines stand for seventeen events
		} else if !strings.HasPrefix(line, "notice ") {
			t.Errorf("want %q, have %q", line, have)
		}
	}
}

// checkConflict: what accuses has to convince a third party.
func (v *vector) checkConflict(t *testing.T, a proofs.Answer) {
	q, _ := v.question()
	trust, earlier := v.trustFiles(t, a)
	r, err := trust.CheckEvidence(a.Conflict, earlier, q.Now)
	if err != nil {
		t.Errorf("conflict: %v", err)
	} else if r.Roots[0] == r.Roots[1] || r.Kind != proofs.EvidenceConflict || r.Strength != proofs.StrengthPolicy || !json.Valid(r.AppendJSON(nil)) {
		t.Errorf("conflict: %s", r.AppendJSON(nil))
	}
}

// trustFiles are the newest one that the vector leads to, and those before it.
func (v *vector) trustFiles(t *testing.T, a proofs.Answer) (newest *proofs.Trust, earlier []*proofs.Trust) {
	all := [][]byte{v.trust}
	if a.Trust != nil {
		all = [][]byte{a.Trust, v.trust}
	}
	for _, files := range []map[string][]byte{v.earlier, v.portal} {
		for path, b := range files {
			if strings.HasPrefix(path, "trust/") && !strings.HasSuffix(path, ".tlog-proof") {
				all = append(all, b)
			}
		}
	}
	for i, b := range all {
		f, err := proofs.ParseTrust(b)
		if err != nil && i == 0 {
			t.Fatal(err)
		}
		if err == nil {
			earlier = append(earlier, f)
		}
	}
	return earlier[0], earlier[1:]
}

// The notices that follow from the trust file alone are not written down in each vector.
var plainNotices = []proofs.Notice{proofs.NoticeDemo, proofs.NoticeNoOfficers, proofs.NoticeNoWitnesses}

func (v *vector) checkNotices(t *testing.T, r *proofs.Report) {
	var want, got []string
	for _, line := range v.lines {
		if n, ok := strings.CutPrefix(line, "notice "); ok {
			want = append(want, n)
		}
	}
	for _, n := range r.Notices {
		if !slices.Contains(plainNotices, n) {
			got = append(got, string(n))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("notices: got %q, want %q", got, want)
	}
	if q, err := v.question(); err == nil && q.Trust.Demo != slices.Contains(r.Notices, proofs.NoticeDemo) {
		t.Error("a demonstration must be called one, and nothing else")
	}
}

// checkReceipt: the receipt that an answer gives leads to the same verdict without network.
func (v *vector) checkReceipt(t *testing.T, a proofs.Answer) {
	r := a.Report
	if a.Receipt == nil || r.Source != proofs.FromRegistry {
		return
	}
	q, _ := v.question()
	q.Online, q.Receipt, q.Remembered = false, a.Receipt, nil
	maps.Copy(q.Files, v.portal) // earlier trust files
	if a.Trust != nil {
		q.Trust, _ = proofs.ParseTrust(a.Trust)
	}
	got := proofs.Check(q).Report
	want := r.Verdict
	switch {
	case r.Reason == proofs.ReasonRollback && want == proofs.Stale:
		return // a matter between the registry and this device
	case want == proofs.Stale && r.Reason == "": // of an old age, or under retired keys
		want = proofs.Recorded
	}
	if got.Verdict != want || got.AsOf != r.AsOf {
		t.Errorf("from the receipt: got %s %q (%s) as of %d, want %s as of %d", got.Verdict, got.Reason, got.Detail, got.AsOf, want, r.AsOf)
	}
}

// TestVectorsCover holds that every verdict and every reason has a vector.
func TestVectorsCover(t *testing.T) {
	verdicts, reasons := map[proofs.Verdict]int{}, map[proofs.Reason]int{}
	for _, v := range vectors(t) {
		verdicts[v.verdict]++
		reasons[v.reason]++
	}
	for _, v := range proofs.Verdicts() {
		if verdicts[v] == 0 {
			t.Errorf("no vector for the verdict %s", v)
		}
	}
	for _, r := range []proofs.Reason{proofs.ReasonReceiptMalformed, proofs.ReasonReceiptUnverified, proofs.ReasonOtherFile, proofs.ReasonOtherRegistry,
		proofs.ReasonOutage, proofs.ReasonBadData, proofs.ReasonQuorum, proofs.ReasonClock, proofs.ReasonTooOld, proofs.ReasonOtherEpoch, proofs.ReasonTrust,
		proofs.ReasonRollback, proofs.ReasonFork, proofs.ReasonKind, proofs.ReasonWithdrawn, proofs.ReasonAbsent} {
		if reasons[r] == 0 {
			t.Errorf("no vector for the reason %s", r)
		}
	}
}

// TestPortalIsNeverBelieved damages each file that a lookup reads, a byte after the other, and cuts it at
// many places: what is published and is not what was signed gives unavailable, whatever it is.
func TestPortalIsNeverBelieved(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of signatures")
	}
	for _, v := range vectors(t, "authentic", "not-registered") {
		if v.name == "authentic-state" {
			continue // it has more signatures than it needs; TestTamper has it
		}
		for path, good := range v.portal {
			for i := 0; i < len(good); i += 1 + len(good)/250 {
				for _, bad := range [][]byte{flipped(good, i), good[:i]} {
					v.portal[path] = bad
					if r := v.answer(t).Report; r.Verdict != proofs.Unavailable {
						t.Errorf("%s: %s damaged at byte %d: got %s", v.name, path, i, r.Verdict)
					}
				}
			}
			v.portal[path] = good
		}
	}
}

func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1 << (i % 8)
	return b
}
