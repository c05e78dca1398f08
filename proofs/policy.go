package proofs

// Who must have signed: c2sp.org/tlog-policy.

import "strings"

const (
	maxPolicy      = 262144 // bytes
	maxPolicyNames = 64     // each of logs, witnesses and groups; the specification asks for 32
)

// A Policy is a tlog-policy.
type Policy struct {
	Logs      []PolicyKey
	Witnesses []PolicyKey
	Groups    []PolicyGroup
	Quorum    string // name of a witness or group, or "none"

	members map[string]bool // names defined so far
}

// A PolicyKey is a log or witness line.
type PolicyKey struct {
	Name string // empty for logs
	Key  *Key
	URL  string // may be empty
}

// A PolicyGroup is a group line: met when K of its members are.
type PolicyGroup struct {
	Name    string
	K       int
	Members []string
}

// ParsePolicy parses a policy file. White space and comments may vary, as the
// specification lets them; everything else is strict.
func ParsePolicy(b []byte) (*Policy, error) {
	if len(b) > maxPolicy {
		return nil, malformed("policy", itoa(len(b)), " bytes, want at most ", itoa(maxPolicy))
	}
	// "each line is terminated by ASCII newline"
	if len(b) == 0 || b[len(b)-1] != '\n' {
		return nil, malformed("policy", "no newline at the end")
	}
	p := &Policy{members: map[string]bool{}}
	for i, line := range strings.Split(string(b[:len(b)-1]), "\n") {
		if err := p.parseLine(line); err != nil {
			return nil, malformed("policy", "line ", itoa(i+1), ": ", err.Error())
		}
	}
	if p.Quorum == "" {
		return nil, malformed("policy", "no quorum line")
	}
	return p, nil
}

type policyError string

func (e policyError) Error() string { return string(e) }

func (p *Policy) parseLine(line string) error {
	for i := 0; i < len(line); i++ {
		// "the allowed octet values are 0x09, 0x0A, 0x20-0x7E, and 0x80-0xFF"
		if c := line[i]; c != '\t' && c < 0x20 || c == 0x7f {
			return policyError("control character " + quote(string(rune(c))))
		}
	}
	f := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(f) == 0 || f[0][0] == '#' {
		return nil
	}
	switch f[0] {
	case "log":
		return p.parseLog(f[1:])
	case "witness":
		return p.parseWitness(f[1:])
	case "group":
		return p.parseGroup(f[1:])
	case "quorum":
		return p.parseQuorum(f[1:])
	}
	return policyError("unknown keyword " + quote(f[0]))
}

func (p *Policy) parseLog(f []string) error {
	if len(f) < 1 || len(f) > 2 {
		return policyError("want: log VKEY [URL]")
	}
	k, err := newPolicyKey(p.Logs, "", f)
	if err == nil && k.Key.Type == CosignatureKey {
		return policyError("a log key cannot be of type 0x04")
	}
	p.Logs = append(p.Logs, k)
	return err
}

func (p *Policy) parseWitness(f []string) error {
	if len(f) < 2 || len(f) > 3 {
		return policyError("want: witness NAME VKEY [URL]")
	}
	k, err := newPolicyKey(p.Witnesses, f[0], f[1:])
	if err != nil {
		return err
	}
	if k.Key.Type == Ed25519Key {
		return policyError("a witness key cannot be of type 0x01")
	}
	p.Witnesses = append(p.Witnesses, k)
	return p.define(k.Name)
}

// newPolicyKey parses VKEY [URL]. "Two vkeys are considered duplicate if they wrap
// the same underlying public key, even if they differ by key name and key id."
func newPolicyKey(have []PolicyKey, name string, f []string) (PolicyKey, error) {
	k, err := ParseKey(f[0])
	if err != nil {
		return PolicyKey{}, err
	}
	if len(have) == maxPolicyNames {
		return PolicyKey{}, policyError("more than " + itoa(maxPolicyNames) + " keys")
	}
	for _, o := range have {
		if string(o.Key.Public) == string(k.Public) {
			return PolicyKey{}, policyError("duplicate public key of " + quote(k.Name))
		}
	}
	pk := PolicyKey{Name: name, Key: k}
	if len(f) > 1 {
		pk.URL = f[1]
	}
	return pk, nil
}

func (p *Policy) define(name string) error {
	if _, ok := p.members[name]; ok || name == "none" {
		return policyError("name " + quote(name) + " is taken")
	}
	p.members[name] = false // not yet a member of a group
	return nil
}

func (p *Policy) parseGroup(f []string) error {
	if len(f) < 3 {
		return policyError("want: group NAME all|any|K NAME…")
	}
	g := PolicyGroup{Name: f[0], Members: f[2:]}
	switch n, ok := parseDecimal(f[1]); {
	case f[1] == "all":
		g.K = len(g.Members)
	case f[1] == "any":
		g.K = 1
	case ok && n >= 1 && n <= uint64(len(g.Members)):
		g.K = int(n)
	default:
		return policyError("threshold " + quote(f[1]) + " of " + itoa(len(g.Members)) + " members")
	}
	for _, m := range g.Members {
		// "Each defined name can be listed as a group member at most once."
		if used, ok := p.members[m]; !ok || used {
			return policyError("member " + quote(m) + " is not defined above or is a member already")
		}
		p.members[m] = true
	}
	if len(p.Groups) == maxPolicyNames {
		return policyError("more than " + itoa(maxPolicyNames) + " groups")
	}
	p.Groups = append(p.Groups, g)
	return p.define(g.Name)
}

func (p *Policy) parseQuorum(f []string) error {
	if len(f) != 1 || p.Quorum != "" {
		return policyError("want one line: quorum NAME")
	}
	if _, ok := p.members[f[0]]; !ok && f[0] != "none" {
		return policyError("quorum " + quote(f[0]) + " is not defined above")
	}
	p.Quorum = f[0]
	return nil
}

// group returns the group of a name.
func (p *Policy) group(name string) (PolicyGroup, bool) {
	for _, g := range p.Groups {
		if g.Name == name {
			return g, true
		}
	}
	return PolicyGroup{}, false
}

// witness returns the index of a witness by its name, or -1.
func (p *Policy) witness(name string) int {
	for i, w := range p.Witnesses {
		if w.Name == name {
			return i
		}
	}
	return -1
}

// Met reports whether a witness, a group or "none" is met by the witnesses
// (by index) that have signed.
func (p *Policy) Met(name string, signed func(witness int) bool) bool {
	if name == "none" {
		return true
	}
	if i := p.witness(name); i >= 0 {
		return signed(i)
	}
	g, ok := p.group(name)
	have := 0
	for _, m := range g.Members {
		if p.Met(m, signed) {
			have++
		}
	}
	return ok && have >= g.K
}

// Leaves lists the witnesses (by index) below a name.
func (p *Policy) Leaves(name string) []int {
	if i := p.witness(name); i >= 0 {
		return []int{i}
	}
	g, _ := p.group(name)
	var leaves []int
	for _, m := range g.Members {
		leaves = append(leaves, p.Leaves(m)...)
	}
	return leaves
}

// progress says how much of a name's quorum is met, down to every key: by the witnesses that count, of those that have signed at
// these times.
func (p *Policy) progress(name string, times map[int]int64, counts func(int) bool) QuorumReport {
	q := QuorumReport{Name: name, Met: p.Met(name, counts)}
	if name == "none" {
		return q
	}
	members := []string{name}
	q.Needed = 1
	if g, ok := p.group(name); ok {
		members, q.Needed = g.Members, g.K
	}
	q.Of = len(members)
	for _, m := range members {
		q.Members = append(q.Members, p.member(m, times, counts))
		if p.Met(m, counts) {
			q.Have++
		}
	}
	return q
}

func (p *Policy) member(name string, times map[int]int64, counts func(int) bool) MemberReport {
	w := p.witness(name)
	if w < 0 {
		return MemberReport{QuorumReport: p.progress(name, times, counts)}
	}
	k := p.Witnesses[w].Key
	return MemberReport{QuorumReport: QuorumReport{Name: name, Met: counts(w)}, Key: k.Name, Algorithm: k.Type.String(), Time: times[w]}
}
