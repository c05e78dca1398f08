package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"

	"stele/build/registry"
	"stele/proofs"
)

// signerFlags are how init and trust change name officers, witnesses and root keys.
type signerFlags struct {
	officers, witnesses, dropOfficers, dropWitnesses, roots list
	root, needOfficers, needWitnesses                       int
	policy, officersAre, witnessesAre                       string
}

const keyOrFile = "a `KEY` as stele key prints it, or a file with such keys"

func (f *signerFlags) define(fs *flag.FlagSet) {
	fs.Var(&f.officers, "officer", keyOrFile+", of someone who approves publications; may be repeated, and two keys of one name must both sign")
	fs.IntVar(&f.needOfficers, "officers", 0, "how many officers must approve (default: more than half, or as it is)")
	fs.Var(&f.witnesses, "witness", keyOrFile+", of a witness; followed by =URL where it is asked; may be repeated")
	fs.IntVar(&f.needWitnesses, "witnesses", 0, "how many witnesses must have seen the ledger only grow (default: more than half, or as it is)")
	fs.StringVar(&f.policy, "policy", "", "in place of these, a `FILE` in the format c2sp.org/tlog-policy; without log lines, the log's are put in")
	fs.StringVar(&f.officersAre, "officers-are", "", "the `NAME` of the officers' group in that policy")
	fs.StringVar(&f.witnessesAre, "witnesses-are", "", "the `NAME` of the witnesses' group in that policy")
	fs.IntVar(&f.root, "root", 0, "how many root keys must sign what the root says (default: more than half, or as it is)")
}

// roles reads what was given.
func (f *signerFlags) roles() (r registry.Roles, err error) {
	r = registry.Roles{DropOfficers: f.dropOfficers, NeedOfficers: f.needOfficers, DropWitnesses: f.dropWitnesses, NeedWitnesses: f.needWitnesses,
		OfficersAre: f.officersAre, WitnessesAre: f.witnessesAre}
	for _, n := range []int{f.needOfficers, f.needWitnesses, f.root} {
		if n < 0 {
			return r, usage("leave it out, or give a number from 1", "%d signatures cannot be demanded", n)
		}
	}
	if (f.officersAre != "" || f.witnessesAre != "") && f.policy == "" {
		return r, usage("add --policy FILE", "--officers-are and --witnesses-are name groups of a policy, and none is given")
	}
	if f.policy != "" {
		if r.Policy, err = os.ReadFile(f.policy); err != nil {
			return r, err
		}
		if _, err := proofs.ParsePolicy(r.Policy); err != nil {
			return r, usage("its format: c2sp.org/tlog-policy", "--policy %s: %w", shown(f.policy), err)
		}
	}
	if r.Officers, err = cosigners("--officer", f.officers); err != nil {
		return r, err
	}
	r.Witnesses, err = cosigners("--witness", f.witnesses)
	return r, err
}

// address is what may follow a witness's key. Base64 may end with an equals sign itself.
var address = regexp.MustCompile(`=(https?://.*)$`)

func cosigners(flag string, given list) ([]registry.Cosigner, error) {
	var out []registry.Cosigner
	for _, v := range given {
		url := ""
		if m := address.FindStringSubmatch(v); m != nil && flag == "--witness" {
			v, url = strings.TrimSuffix(v, m[0]), m[1]
		}
		if strings.ContainsAny(url, " \t\n") {
			return nil, usage("write the address without spaces", "%s: address %q", flag, url)
		}
		keys, err := readKeys(flag, v)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if k.Type == proofs.Ed25519Key {
				role := strings.TrimPrefix(flag, "--")
				return nil, usage("its holder makes one: stele key "+k.Name+" --role "+role, "%s %s+%s: a key of type 0x01, which signs statements; a cosigner's is of type 0x04 or 0x06",
					flag, k.Name, registry.KeyID(k))
			}
			out = append(out, registry.Cosigner{Name: k.Name, Keys: []*proofs.Key{k}, URL: url})
		}
	}
	return out, nil
}

// readKeys parses a key, or a file of keys: one a line, or as the .pub beside a private key has it.
func readKeys(flag, v string) ([]*proofs.Key, error) {
	const hint = "paste the whole line that stele key has printed, or name a file that holds it"
	if k, err := proofs.ParseKey(v); err == nil {
		return []*proofs.Key{k}, nil
	} else if !exists(v) && !strings.Contains(v, "+") {
		return nil, usage(hint, "%s: %s is no key, and there is no such file", flag, shown(v))
	} else if !exists(v) {
		return nil, usage(hint, "%s: %w", flag, err)
	}
	if err := notAFile(v); err != nil {
		return nil, usage(hint, "%s %s: %w", flag, shown(v), err)
	}
	b, whole, err := readUpTo(v, 64<<10)
	if err == nil && !whole {
		err = errors.New("more than 64 KiB, which is no file of keys")
	}
	if err != nil {
		return nil, usage(hint, "%s %s: %w", flag, shown(v), err)
	}
	var out []*proofs.Key
	pub := bytes.HasPrefix(b, []byte("stele.public-key/1\n"))
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		key, isKey := strings.CutPrefix(line, "public ")
		if line == "" || pub && !isKey {
			continue
		}
		k, err := proofs.ParseKey(key)
		if err != nil {
			return nil, usage(hint, "%s %s: %w", flag, shown(v), err)
		}
		out = append(out, k)
	}
	if len(out) == 0 {
		return nil, usage(hint, "%s %s: no key in it", flag, shown(v))
	}
	return out, nil
}
