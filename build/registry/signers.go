package registry

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"stele/proofs"
)

// A Cosigner is an officer or a witness: a name with the keys that all have to sign, of different kinds.
type Cosigner struct {
	Name string
	Keys []*proofs.Key
	URL  string // where a witness is asked; may be empty
}

// A Quorum is how many of some cosigners have to sign; K is 0 where there are none.
type Quorum struct {
	K  int
	Of []Cosigner
}

// Signers are who has to sign a checkpoint.
type Signers struct {
	Log       *proofs.Key // Ed25519
	LogMLDSA  *proofs.Key
	Officers  Quorum
	Witnesses Quorum
}

// The names in a policy that is written here.
const (
	namedLog       = "log-mldsa44"
	namedOfficers  = "officers"
	namedWitnesses = "witnesses"
	namedAll       = "everyone"
	nobody         = "none"
)

// Policy writes a tlog-policy, and which of its groups are the officers and the witnesses.
func (s Signers) Policy() (text []byte, officers, witnesses string) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Who must have signed a checkpoint: c2sp.org/tlog-policy.\nlog %s\nwitness %s %s\n", s.Log, namedLog, s.LogMLDSA)
	all := []string{namedLog}
	role := func(name, heading string, q Quorum) string {
		if len(q.Of) == 0 {
			return nobody
		}
		fmt.Fprintf(&b, "\n# "+heading+"\n", q.K, len(q.Of))
		q.write(&b, name)
		all = append(all, name)
		return name
	}
	officers = role(namedOfficers, "Officers approve a publication: %d of these %d must.", s.Officers)
	witnesses = role(namedWitnesses, "Witnesses have seen the ledger only grow: %d of these %d must say so.", s.Witnesses)
	if len(all) == 1 {
		return []byte(b.String() + "quorum " + namedLog + "\n"), officers, witnesses
	}
	fmt.Fprintf(&b, "\n# All of them together.\ngroup %s all %s\nquorum %s\n", namedAll, strings.Join(all, " "), namedAll)
	return []byte(b.String()), officers, witnesses
}

func (q Quorum) write(b *strings.Builder, group string) {
	var names []string
	for _, c := range q.Of {
		var each []string
		for _, k := range c.Keys {
			name := c.Name
			if len(c.Keys) > 1 {
				name += "/" + strings.ToLower(k.Type.String())
			}
			fmt.Fprintln(b, strings.TrimSpace("witness "+name+" "+k.String()+" "+c.URL))
			each = append(each, name)
		}
		if len(each) > 1 {
			fmt.Fprintf(b, "group %s all %s\n", c.Name, strings.Join(each, " "))
		}
		names = append(names, c.Name)
	}
	fmt.Fprintf(b, "group %s %d %s\n", group, q.K, strings.Join(names, " "))
}

// signersOf reads them out of a trust file, and fails where its policy is not one of those that are written here.
func signersOf(t *proofs.Trust) (Signers, error) {
	s := Signers{Log: t.Policy.Logs[0].Key, Officers: quorumOf(t, t.Officers), Witnesses: quorumOf(t, t.Witnesses)}
	for _, w := range t.Policy.Witnesses {
		if w.Name == namedLog {
			s.LogMLDSA = w.Key
		}
	}
	if s.LogMLDSA != nil {
		text, officers, witnesses := s.Policy()
		p, err := proofs.ParsePolicy(text)
		if err == nil && officers == t.Officers && witnesses == t.Witnesses && reflect.DeepEqual(p, t.Policy) {
			return s, nil
		}
	}
	return s, hint("write the whole policy: --policy FILE --officers-are NAME --witnesses-are NAME; the one that stands: stele trust --policy-only",
		"the policy in force was written by hand: single officers and witnesses cannot be exchanged in it, nor the log's keys")
}

// quorumOf takes a role's group apart, as far as it is one of those that are written here.
func quorumOf(t *proofs.Trust, role string) Quorum {
	p := t.Policy
	i := slices.IndexFunc(p.Groups, func(g proofs.PolicyGroup) bool { return g.Name == role })
	if i < 0 {
		return Quorum{}
	}
	q := Quorum{K: p.Groups[i].K}
	for _, m := range p.Groups[i].Members {
		c := Cosigner{Name: m}
		for _, w := range p.Leaves(m) {
			c.Keys, c.URL = append(c.Keys, p.Witnesses[w].Key), p.Witnesses[w].URL
		}
		q.Of = append(q.Of, c)
	}
	return q
}

// with adds keys, each under its name: a further key of another kind joins those of one name.
func (q Quorum) with(role string, add []Cosigner) (Quorum, error) {
	q.Of = slices.Clone(q.Of)
	for _, a := range add {
		i := slices.IndexFunc(q.Of, func(c Cosigner) bool { return c.Name == a.Name })
		if i < 0 {
			q.Of = append(q.Of, a)
			continue
		}
		c := &q.Of[i]
		for _, k := range a.Keys {
			if slices.ContainsFunc(c.Keys, func(o *proofs.Key) bool { return o.Type == k.Type }) {
				return q, hint("to exchange its key, leave the old one out with it: --drop-"+role+" "+a.Name, "%s %s has an %s key already, and one of a kind is all that one can have", role, a.Name, k.Type)
			}
		}
		if a.URL != "" && c.URL != "" && a.URL != c.URL {
			return q, hint("give its keys one address", "%s %s: two addresses, %s and %s", role, a.Name, c.URL, a.URL)
		}
		c.Keys = append(slices.Clone(c.Keys), a.Keys...)
		if c.URL == "" {
			c.URL = a.URL
		}
	}
	return q, nil
}

// without leaves names out.
func (q Quorum) without(role string, names []string) (Quorum, error) {
	q.Of = slices.Clone(q.Of)
	for _, name := range names {
		i := slices.IndexFunc(q.Of, func(c Cosigner) bool { return c.Name == name })
		if i < 0 {
			return q, hint("stele trust tells who they are", "there is no %s %q", role, name)
		}
		q.Of = slices.Delete(q.Of, i, i+1)
	}
	return q, nil
}

// needing sets how many have to sign: k, or as many as before, or where there were none more than half of them.
func (q Quorum) needing(role string, k int) (Quorum, error) {
	switch {
	case len(q.Of) == 0 && k == 0:
		return Quorum{}, nil
	case k == 0 && q.K == 0:
		k = len(q.Of)/2 + 1
	case k == 0:
		k = q.K
	}
	if k < 1 || k > len(q.Of) {
		return q, hint(fmt.Sprintf("say how many of them have to sign: --%ss K, from 1 to %d", role, len(q.Of)), "%d of %d %ss cannot be: there are not so many", k, len(q.Of), role)
	}
	q.K = k
	return q, nil
}

// check refuses what no policy can say, or no checkpoint can hold.
func (s Signers) check() error {
	taken := map[string]string{namedLog: "the log's own key", namedOfficers: "the officers", namedWitnesses: "the witnesses", namedAll: "all of them", nobody: "nobody"}
	lines := 2
	for _, by := range []struct {
		role string
		Quorum
	}{{"officer", s.Officers}, {"witness", s.Witnesses}} {
		var counts []int
		for _, c := range by.Of {
			if who := taken[c.Name]; who != "" {
				return hint("its holder makes a key under another name: stele key NAME --role "+by.role, "the name %s is taken by %s", c.Name, who)
			}
			taken[c.Name] = "another " + by.role
			counts = append(counts, len(c.Keys))
		}
		slices.Sort(counts)
		for _, n := range counts[len(counts)-by.K:] {
			lines += n
		}
	}
	if lines > proofs.MaxSignatures {
		return hint("ask for fewer, or for one key each", "%d signatures would be needed, and a checkpoint holds %d", lines, proofs.MaxSignatures)
	}
	return nil
}

// around puts the log's keys into a policy of others, which names none of this log.
func (s Signers) around(policy []byte) ([]byte, error) {
	p, err := proofs.ParsePolicy(policy)
	if err != nil {
		return nil, err
	}
	own := func(k proofs.PolicyKey) bool { return k.Key.Name == s.Log.Name }
	switch {
	case len(p.Logs) > 0 && !slices.ContainsFunc(p.Logs, own):
		return nil, hint("take the log lines out of it, and the log's keys are put in", "the policy is one of another log, %s", p.Logs[0].Key.Name)
	case len(p.Logs) > 0:
		return policy, nil // it says everything
	}
	var b strings.Builder
	fmt.Fprintf(&b, "log %s\nwitness %s %s\n", s.Log, namedLog, s.LogMLDSA)
	for line := range strings.Lines(string(policy)) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == "quorum" {
			line = "quorum " + namedLog + "\n"
			if p.Quorum != nobody {
				line = fmt.Sprintf("group %s all %s %s\nquorum %s\n", namedAll, namedLog, p.Quorum, namedAll)
			}
		}
		b.WriteString(line)
	}
	if _, err := proofs.ParsePolicy([]byte(b.String())); err != nil {
		return nil, hint("put the log's own lines in: log, and its ML-DSA-44 key as a witness that the quorum asks for; they stand in what is published as /policy",
			"the log's keys cannot be put into this policy: %w", err)
	}
	return []byte(b.String()), nil
}
