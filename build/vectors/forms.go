package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"stele/proofs"
)

// A damage changes a file in a way that a strict parser or a check behind it notices.
type damage struct {
	name string
	do   func([]byte) []byte
}

var anyFile = []damage{
	{"empty", func(b []byte) []byte { return []byte{} }},
	{"truncated", func(b []byte) []byte { return b[:len(b)*2/3] }},
	{"bit-flipped", func(b []byte) []byte { return flip(b, len(b)/2) }},
	{"longer", func(b []byte) []byte { return append(bytes.Clone(b), 0) }},
	{"twice", func(b []byte) []byte { return append(bytes.Clone(b), b...) }},
	{"html", func(b []byte) []byte { return []byte("<!doctype html><title>Sign in to the hotel's network</title>\n") }},
}

var textFile = []damage{
	{"crlf", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }},
	{"newline", func(b []byte) []byte { return append(bytes.Clone(b), '\n') }},
	{"byte-order-mark", func(b []byte) []byte { return append([]byte("\ufeff"), b...) }},
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// swap exchanges two texts of a file, a rule for the first place of each.
func swap(old, new string) func([]byte) []byte {
	return func(b []byte) []byte {
		if !bytes.Contains(b, []byte(old)) {
			panic("no " + old)
		}
		return bytes.Replace(b, []byte(old), []byte(new), 1)
	}
}

// forms: what is published in a form that it must not have gives unavailable, a trust file likewise.
func forms(s set) {
	r := newOne(newDemo())
	r.register(education, "two")
	v := r.publish(start)
	file := func(kind, path string, more ...damage) {
		good, _ := v.file(path)
		for _, d := range append(append([]damage{}, anyFile...), more...) {
			s.add("form-"+kind+"-"+d.name, online(v.with(path, d.do(good)), "one"), proofs.Unavailable, proofs.ReasonBadData, "The "+kind+" is damaged: "+d.name+".")
		}
	}
	slot, issuers := v.slotPath(), v.issuersPath()
	file("head", proofs.HeadPath, append(headForms(), textFile...)...)
	file("slot", slot, slotForms(r)...)
	file("issuers", issuers, damage{"other-record", func([]byte) []byte { return (&proofs.IssuerList{}).Marshal() }})
	head, _ := v.file(proofs.HeadPath)
	s.add("form-head-of-another-registry", online(v.with(proofs.HeadPath, swapHead(head)), "one"), proofs.Unavailable, proofs.ReasonOtherRegistry, "The head is another registry's.")
	checkpointForms(s, v)
	trustForms(s, v)
}

func swapHead([]byte) []byte {
	return newOne(newRegistry("other.example/ledger", 1, 1, "none", "none", nil)).publish(start).head.Marshal()
}

func headForms() []damage {
	return []damage{
		{"index-zero", swap("\nindex ", "\nindex 0")},
		{"index-plus", swap("\nindex ", "\nindex +")},
		{"index-other", swap("\nindex 3", "\nindex 2")},
		{"no-extra", func(b []byte) []byte {
			i, j := bytes.Index(b, []byte("extra ")), bytes.Index(b, []byte("index "))
			return append(bytes.Clone(b[:i]), b[j:]...)
		}},
		{"version", swap("@v1", "@v2")},
		{"hash-bits", func(b []byte) []byte { // a last digit that decodes to the same hash
			lines := bytes.SplitAfter(b, []byte("\n"))
			l := bytes.Clone(lines[3])
			digits := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
			l[42] = digits[strings.IndexByte(digits, l[42])+1]
			lines[3] = l
			return bytes.Join(lines, nil)
		}},
		{"hash-missing", func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			return bytes.Join(append(lines[:3:3], lines[4:]...), nil)
		}},
		{"hash-more", func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			return bytes.Join(append(append(lines[:4:4], lines[3]), lines[4:]...), nil)
		}},
		{"extra-left-over", func(b []byte) []byte { return inExtra(b, func(e []byte) []byte { return append(e, 0) }) }},
		{"extra-short", func(b []byte) []byte { return inExtra(b, func(e []byte) []byte { return e[:len(e)-1] }) }},
		{"unused-hash", func(b []byte) []byte {
			return inExtra(b, func(e []byte) []byte { // no sizes, yet a hash for their proofs
				return append(append(e[:len(e)-4:len(e)-4], 0, 1), make([]byte, 34)...)
			})
		}},
	}
}

// inExtra changes the extra data of a tlog-proof.
func inExtra(b []byte, f func([]byte) []byte) []byte {
	p, err := proofs.ParseTLogProof(b)
	check(err)
	p.Extra = f(p.Extra)
	return p.Marshal()
}

func slotForms(r *registry) []damage {
	edit := func(f func(*proofs.Slot)) func([]byte) []byte {
		return func(b []byte) []byte {
			s, err := proofs.ParseSlot(b)
			check(err)
			f(s)
			return s.Marshal()
		}
	}
	return []damage{
		{"reordered", edit(func(s *proofs.Slot) { s.Records[0], s.Records[1] = s.Records[1], s.Records[0] })},
		{"record-missing", edit(func(s *proofs.Slot) { s.Records = s.Records[1:] })},
		{"record-twice", edit(func(s *proofs.Slot) { s.Records = append(s.Records[:1:1], s.Records[0]) })},
		{"deeper", edit(func(s *proofs.Slot) { s.Depth = 1 })},
		{"another-body", edit(func(s *proofs.Slot) { s.Records[0].Body = s.Records[1].Body })},
		{"prefix", edit(func(s *proofs.Slot) { s.Prefix[0] = 0x80 })},
	}
}

// checkpointForms: the checkpoint inside a head.
func checkpointForms(s set, v *view) {
	note := v.head.Proof.Checkpoint
	lines := v.lines()
	junk := proofs.Signature{Name: "junk.example", ID: 1, Bytes: make([]byte, 64)}
	many := append([]proofs.Signature{}, lines...)
	for i := range 15 {
		many = append(many, proofs.Signature{Name: fmt.Sprintf("junk-%d.example", i), ID: 1, Bytes: make([]byte, 64)})
	}
	upper := strings.Split(string(note), "\n")
	for _, c := range []struct {
		name, about string
		note        []byte
		reason      proofs.Reason
	}{
		{"size-plus", "the size with a sign", swap("\n4\n", "\n+4\n")(note), proofs.ReasonBadData},
		{"size-zero", "the size with a leading zero", swap("\n4\n", "\n04\n")(note), proofs.ReasonBadData},
		{"size-other", "another size", swap("\n4\n", "\n5\n")(note), proofs.ReasonBadData},
		{"size-huge", "a size of 2^63", swap("\n4\n", "\n9223372036854775808\n")(note), proofs.ReasonBadData},
		{"extension", "an extension line", swap("\n\n— ", "\nextension\n\n— ")(note), proofs.ReasonBadData},
		{"no-newline", "no newline at the end", note[:len(note)-1], proofs.ReasonBadData},
		{"newline", "a newline more at the end", append(bytes.Clone(note), '\n'), proofs.ReasonBadData},
		{"hyphen", "a hyphen in place of the dash", swap("— ", "- ")(note), proofs.ReasonBadData},
		{"two-spaces", "two spaces in a signature line", swap("— "+origin+" ", "— "+origin+"  ")(note), proofs.ReasonBadData},
		{"root-padding", "the root without its padding", swap(upper[2], strings.TrimSuffix(upper[2], "="))(note), proofs.ReasonBadData},
		{"root-url-alphabet", "the root in another alphabet", swap(upper[2], base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 32)))(note), proofs.ReasonBadData},
		{"same-line-twice", "the log's line twice", v.withLines([]proofs.Signature{lines[0], lines[1], lines[1]}).head.Proof.Checkpoint, proofs.ReasonBadData},
		{"unknown-line-twice", "an unknown key's line twice", v.withLines(append([]proofs.Signature{junk, junk}, lines...)).head.Proof.Checkpoint, proofs.ReasonBadData},
		{"seventeen-lines", "seventeen signature lines", v.withLines(many).head.Proof.Checkpoint, proofs.ReasonBadData},
		{"no-signature", "no signature at all", []byte(v.cp.Text() + "\n"), proofs.ReasonBadData},
		{"only-unknown", "an unknown key's line alone", v.withLines([]proofs.Signature{junk}).head.Proof.Checkpoint, proofs.ReasonQuorum},
		{"ed25519-flipped", "a bit of the Ed25519 signature is flipped", flipLine(v, 0, 9), proofs.ReasonBadData},
		{"ml-dsa-flipped", "a bit of the ML-DSA-44 signature is flipped", flipLine(v, 1, 1000), proofs.ReasonBadData},
		{"ml-dsa-time", "a bit of the time in the ML-DSA-44 line is flipped", flipLine(v, 1, 7), proofs.ReasonBadData},
		{"ml-dsa-short", "an ML-DSA-44 line of the wrong length", shortLine(v), proofs.ReasonBadData},
	} {
		s.add("form-checkpoint-"+c.name, online(v.withCheckpoint(c.note), "one"), proofs.Unavailable, c.reason, "The checkpoint in the head: "+c.about+".")
	}
	sixteen := v.withLines(many[:16])
	s.add("checkpoint-sixteen-lines", online(sixteen, "one"), proofs.Authentic, "", "Sixteen signature lines are as many as a note may have.")
}

func flipLine(v *view, line, i int) []byte {
	lines := v.lines()
	lines[line].Bytes[i] ^= 1
	return v.withLines(lines).head.Proof.Checkpoint
}

func shortLine(v *view) []byte {
	lines := v.lines()
	lines[1].Bytes = lines[1].Bytes[:100]
	return v.withLines(lines).head.Proof.Checkpoint
}

// trustForms: a trust file that is not one, or that demands too little, trusts nobody.
func trustForms(s set, v *view) {
	good := string(v.r.trust.Marshal())
	demoRoot := v.r.root[0].Key().String()
	state := newState()
	for name, t := range map[string]string{
		"empty":                   "",
		"truncated":               good[:len(good)/2],
		"crlf":                    strings.ReplaceAll(good, "\n", "\r\n"),
		"policy-without-newline":  strings.TrimSuffix(good, "\n"),
		"line-twice":              strings.Replace(good, "demo\n", "demo\ndemo\n", 1),
		"reordered":               strings.Replace(good, "officers none\nwitnesses none\n", "witnesses none\nofficers none\n", 1),
		"version":                 strings.Replace(good, "trust/1", "trust/2", 1),
		"epoch-plus":              strings.Replace(good, "epoch 1", "epoch +1", 1),
		"epoch-zero":              strings.Replace(good, "epoch 1", "epoch 0", 1),
		"epoch-without-previous":  strings.Replace(good, "epoch 1", "epoch 2", 1),
		"root-none-needed":        strings.Replace(good, "\nroot 1\n", "\nroot 0\n", 1),
		"root-too-many-needed":    strings.Replace(good, "\nroot 1\n", "\nroot 2\n", 1),
		"root-key-twice":          strings.Replace(good, "root-key "+demoRoot+"\n", "root-key "+demoRoot+"\nroot-key "+demoRoot+"\n", 1),
		"root-key-id":             strings.Replace(good, demoRoot, strings.Replace(demoRoot, "+", "+0", 1), 1),
		"root-key-upper-case":     strings.Replace(good, demoRoot, upperID(demoRoot), 1),
		"stale-after-zero":        strings.Replace(good, "stale-after 86400", "stale-after 0", 1),
		"stale-after-too-long":    strings.Replace(good, "stale-after 86400", "stale-after 31536001", 1),
		"no-digest":               strings.Replace(good, "digest sha256\n", "", 1),
		"officers-unknown":        strings.Replace(good, "officers none", "officers somebody", 1),
		"officers-log":            strings.Replace(good, "officers none", "officers own", 1),
		"quorum-none":             strings.Replace(good, "quorum own", "quorum none", 1),
		"quorum-missing":          strings.Replace(good, "quorum own\n", "", 1),
		"quorum-twice":            good + "quorum own\n",
		"log-missing":             good[:strings.Index(good, "log ")] + good[strings.Index(good, "witness own"):],
		"log-of-another-name":     strings.Replace(good, "log "+v.r.log.Key().String(), "log "+newSigner("x", "other.example", proofs.Ed25519Key).Key().String(), 1),
		"log-twice":               strings.Replace(good, "log ", "log "+v.r.log.Key().String()+"\nlog ", 1),
		"policy-keyword":          good + "watcher x\n",
		"policy-member-undefined": good + "group g any nobody\n",
		"policy-threshold":        good + "group g 2 own\n",
		"policy-control":          good + "# \x01\n",
		"officers-are-witnesses":  strings.Replace(string(state.trust.Marshal()), "\nwitnesses witnesses\n", "\nwitnesses officer-1\n", 1),
		"without-log-key":         strings.Replace(string(state.trust.Marshal()), "group everybody all own officers", "group everybody all officers", 1),
	} {
		if t == good {
			panic(name)
		}
		s.add("form-trust-"+name, online(v, "one").trustingBytes(t), proofs.Unavailable, proofs.ReasonTrust, "No trust file: "+name+".")
	}
	commented := *v.r.trust
	commented.PolicyText = []byte("# who must sign\n\n \t" + string(v.r.trust.PolicyText))
	s.add("trust-policy-with-comments", online(v, "one").trusting(&commented), proofs.Authentic, "", "A tlog-policy may have comments, empty lines and white space.")
}

func upperID(vkey string) string {
	parts := strings.SplitN(vkey, "+", 3)
	parts[1] = strings.ToUpper(parts[1])
	return strings.Join(parts, "+")
}
