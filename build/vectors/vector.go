package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"stele/proofs"
)

// A vector is one question and the answer that is right.
type vector struct {
	about      string
	now        int64
	doc        proofs.Digests
	sha3       bool // the verifier has computed SHA3-512 too
	trust      []byte
	view       *view // nil: not online
	receipt    []byte
	remembered []byte
	earlier    []*proofs.Trust // trust files at hand from the start
}

// online asks a view about a document an hour after it was signed.
func online(v *view, doc string) *vector {
	return &vector{now: v.time + hour, doc: digests(doc), trust: v.r.trust.Marshal(), view: v}
}

// offline asks a receipt about a document.
func offline(v *view, doc string, receipt []byte) *vector {
	return &vector{now: v.time + hour, doc: digests(doc), trust: v.r.trust.Marshal(), receipt: receipt}
}

func (c *vector) at(now int64) *vector         { c.now = now; return c }
func (c *vector) withSHA3() *vector            { c.sha3 = true; return c }
func (c *vector) withReceipt(b []byte) *vector { c.receipt = b; return c }
func (c *vector) remembering(v *view) *vector  { c.remembered = v.head.Marshal(); return c }
func (c *vector) having(earlier ...*proofs.Trust) *vector {
	c.earlier = earlier
	return c
}
func (c *vector) trusting(t *proofs.Trust) *vector   { c.trust = t.Marshal(); return c }
func (c *vector) trustingBytes(trust string) *vector { c.trust = []byte(trust); return c }

// receiptFor makes a receipt of what a view shows about a document.
func receiptFor(v *view, doc string) []byte {
	c := online(v, doc)
	_, a := c.run()
	return a.Receipt
}

// run puts the question, reading from the view what is asked for.
func (c *vector) run() (*proofs.Question, proofs.Answer) {
	t, err := proofs.ParseTrust(c.trust)
	if err != nil {
		return &proofs.Question{}, proofs.Answer{Report: proofs.NoTrust(err)}
	}
	q := proofs.Question{Trust: t, Now: c.now, SHA256: c.doc.SHA256, Receipt: c.receipt, Online: c.view != nil,
		Remembered: c.remembered, Files: map[string][]byte{}}
	for _, t := range c.earlier {
		q.Files[proofs.TrustPath(t.Epoch)] = t.Marshal()
	}
	if c.sha3 {
		q.SHA3512 = &c.doc.SHA3512
	}
	for {
		a := proofs.Check(q)
		if a.NeedSHA3 && q.SHA3512 == nil {
			panic("the case needs SHA3-512: say withSHA3")
		}
		if a.Report != nil {
			return &q, a
		}
		for _, path := range a.Need {
			q.Files[path], _ = c.view.file(path)
		}
	}
}

// wrong says where author and program differ.
var wrong []error

// A set collects vectors by file name.
type set map[string][]byte

// add makes a vector's file. The verdict is the author's, not the program's: where they differ, the program
// or the author is wrong, and nothing is written. More lines may follow it; the README says which.
func (s set) add(name string, c *vector, verdict proofs.Verdict, reason proofs.Reason, about string, lines ...string) {
	if s[name] != nil {
		panic("two vectors " + name)
	}
	if reason == "" {
		reason = "-"
	}
	q, a := c.run()
	if got := a.Report; got.Verdict != verdict || got.Reason != reason && !(got.Reason == "" && reason == "-") {
		wrong = append(wrong, fmt.Errorf("%s: got %s %s (%s), want %s %s", name, got.Verdict, got.Reason, got.Detail, verdict, reason))
	}
	sha3 := "none"
	if c.sha3 {
		sha3 = c.doc.SHA3512.String()
	}
	ar := &txtar.Archive{Comment: []byte(about + "\n")}
	var b bytes.Buffer
	fmt.Fprintf(&b, "now %d\nsha256 %s\nsha3-512 %s\nonline %s\nverdict %s\nreason %s\n", c.now, c.doc.SHA256, sha3, yesNo(c.view != nil), verdict, reason)
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	add := func(name string, data []byte) {
		if data == nil {
			return
		}
		ar.Files = append(ar.Files, fileOf(name, data))
	}
	var files []txtar.File
	for _, t := range c.earlier {
		files = append(files, fileOf(fmt.Sprintf("earlier/%d", t.Epoch), t.Marshal()))
		delete(q.Files, proofs.TrustPath(t.Epoch))
	}
	for _, path := range sortedKeys(q.Files) {
		if q.Files[path] == nil {
			fmt.Fprintf(&b, "missing %s\n", path)
		} else {
			files = append(files, fileOf("portal/"+path, q.Files[path]))
		}
	}
	add("case", b.Bytes())
	add("trust", c.trust)
	add("receipt", c.receipt)
	add("remembered", c.remembered)
	ar.Files = append(ar.Files, files...)
	s[name] = txtar.Format(ar)
}

// fileOf writes binary files, and text that an editor or git could change, in base64.
func fileOf(name string, data []byte) txtar.File {
	text := utf8.Valid(data) && bytes.HasSuffix(data, []byte("\n")) && !bytes.ContainsAny(data, "\r\x00") && !bytes.Contains(data, []byte("-- "))
	if text {
		return txtar.File{Name: name, Data: data}
	}
	b64 := base64.StdEncoding.EncodeToString(data)
	var lines []byte
	for len(b64) > 76 {
		lines = append(append(lines, b64[:76]...), '\n')
		b64 = b64[76:]
	}
	return txtar.File{Name: name + ".b64", Data: append(append(lines, b64...), '\n')}
}

func sortedKeys(m map[string][]byte) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// write writes the set into a folder and removes vectors that are no longer in it.
func (s set) write(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if s[strings.TrimSuffix(filepath.Base(path), ".txtar")] == nil {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, b := range s {
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
