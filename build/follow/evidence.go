package follow

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	"stele/build/durable"
	"stele/proofs"
)

// Evidence is the file that proves the fork to whoever has the trust file (FORMAT.md, section 20).
func (e *Fork) Evidence() []byte { return proofs.FormatFork(e.One, e.Other, e.Root, e.Growth) }

// KeepEvidence keeps, durably and below evidence/ in the follower's folder, what an error that Advance has returned about a view rests on, and
// returns where: for a fork one file, which anybody can check offline; for a wrong index, a rollback or a wrong change of trust a folder with all that
// is needed to see it again. For other errors there is none. The same evidence is kept once.
func (f *Follower) KeepEvidence(err error, v *View) (string, error) {
	var (
		fork  *Fork
		wrong *WrongIndex
		back  *Rollback
		trust *BadTrust
	)
	switch {
	case errors.As(err, &fork):
		b := fork.Evidence()
		path := f.path("evidence", fmt.Sprintf("fork-%d-%s.stele-evidence", fork.Size, fingerprint(b)))
		return path, durable.WriteFile(path, b, 0o644)
	case errors.As(err, &wrong):
		return f.KeepFiles(fmt.Sprintf("index-%d", wrong.Place), map[string][]byte{"what": []byte(wrong.Error() + "\n"), "head": v.Raw, "statement": wrong.Entry,
			"rebuilt": f.rebuilt(wrong), "seen-before": f.LastHead()})
	case errors.As(err, &back):
		return f.KeepFiles(fmt.Sprintf("rollback-%d", back.Got.Size), map[string][]byte{"what": []byte(back.Error() + "\n"), "head": v.Raw, "seen-before": f.LastHead()})
	case errors.As(err, &trust) && v != nil:
		files := map[string][]byte{"what": []byte(trust.Error() + "\n"), "head": v.Raw, "seen-before": f.LastHead()}
		if v.Next != nil {
			files["trust-proposed"] = v.Next.Marshal()
		}
		return f.KeepFiles(fmt.Sprintf("trust-%d", v.Checkpoint().Size), files)
	}
	return "", nil
}

// rebuilt is the index statement's text as it should be.
func (f *Follower) rebuilt(e *WrongIndex) []byte {
	if e.Rebuilt == nil {
		return nil
	}
	return []byte((&proofs.Statement{Registry: f.Trust.Origin, Action: proofs.ActionIndex, Issuer: f.Trust.Publication.Name, Index: e.Rebuilt}).Text())
}

// KeepFiles keeps files as evidence, in a folder whose name says what they are, and which.
func (f *Follower) KeepFiles(name string, files map[string][]byte) (string, error) {
	var parts [][]byte
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, files[name])
	}
	dir := f.path("evidence", name+"-"+fingerprint(parts...))
	for name, b := range files {
		if b == nil {
			continue
		}
		if err := durable.WriteFile(dir+"/"+name, b, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func fingerprint(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:4])
}
