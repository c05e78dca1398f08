package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"stele/build/issuer"
	"stele/build/keys"
	"stele/proofs"
	"stele/site"
)

// The verifier in one file, verify.html, is registered in the ledger as any document is, so that whoever has a copy can ask whether it is the
// registry's and still the newest. The registry does it itself, by an authority with a key of its own that may issue nothing else: ORIGIN/verifier,
// which init accredits. Before a publication it registers the file that the portal will serve, if that is a new one, and says of the one
// before that it is superseded. Where that authority is not accredited, or its key is not here, nothing is registered.
//
// What was registered last is noted in state/verifier, with what it was made of: as long as that is the same, nothing is made and nothing is
// looked up. The note is written when the statements are durable. A run that is broken off before does all of it again, and says nothing twice.

const (
	kindVerifier  = "verifier"
	stateVerifier = "verifier"
	stateServed   = "verifier-served"
)

// VerifierName is the name of the authority that registers the verifier in one file.
func VerifierName(origin string) string { return origin + "/verifier" }

// AccreditVerifier has that authority accredited, with a key that is made here.
func (r *Registry) AccreditVerifier() error {
	return r.Accredit(VerifierName(r.Trust.Origin), r.Trust.Title, []string{kindVerifier})
}

// A verifierNote is state/verifier.
type verifierNote struct {
	ID     string `json:"made_of"` // site.SingleInput.ID
	SHA256 string `json:"sha256"`  // of the file that was registered last; empty where none was
	Told   string `json:"told"`    // as made_of: of the one of which it was told that nobody here may register it
}

// ErrNoVerifierKey says that nobody here may register the verifier in one file.
var ErrNoVerifierKey = errors.New("who registers the verifier in one file is not accredited, or its key is not here")

// RegisterVerifier registers the verifier in one file that the portal will serve, unless that was done before. It reports whether there was
// anything new to register. ErrNoVerifierKey is returned once for each new file.
func (r *Registry) RegisterVerifier(ctx context.Context, wasm, exec []byte) (bool, error) {
	now, err := r.current()
	if err != nil {
		return false, err
	}
	in := site.SingleInput{TrustFile: now.Trust.Marshal(), WASM: wasm, WASMExec: exec}
	id, err := in.ID()
	if err != nil {
		return false, err
	}
	before, err := r.verifierNote()
	if err != nil || before.ID == id.String() {
		return false, err
	}
	own := VerifierName(now.Trust.Origin)
	may, err := now.mayRegister(own)
	if err != nil {
		return false, err
	}
	if !may {
		if before.Told == id.String() {
			return false, nil
		}
		before.Told = id.String()
		return false, errors.Join(ErrNoVerifierKey, r.keepVerifierNote(before))
	}
	file, err := site.RenderSingle(in)
	if err != nil {
		return false, err
	}
	digests := proofs.DigestsOf(file)
	if err := now.registerVerifier(ctx, own, digests); err != nil {
		return false, fmt.Errorf("register %s: %w", site.Single, err)
	}
	if before.SHA256 != "" && before.SHA256 != digests.SHA256.String() {
		if err := now.supersedeVerifier(ctx, own, before, digests); err != nil {
			return false, fmt.Errorf("supersede the earlier %s: %w", site.Single, err)
		}
	}
	return true, r.keepVerifierNote(verifierNote{ID: id.String(), SHA256: digests.SHA256.String()})
}

// mayRegister tells whether an authority may register a verifier now, by a key that is here.
func (r *Registry) mayRegister(own string) (bool, error) {
	infos, err := r.Keys.List()
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(infos, func(i keys.Info) bool { return i.Role == keys.Issuer && i.Private && i.Key.Name == own }) {
		return false, nil
	}
	as, err := r.AuthoritiesPending()
	if err != nil {
		return false, err
	}
	standing := as[own].Stands()
	return standing != nil && standing.MayIssue(kindVerifier), nil
}

func (r *Registry) registerVerifier(ctx context.Context, own string, digests proofs.Digests) error {
	var failed error
	req := Request{Issuer: own, Kind: kindVerifier, Issued: r.Now().UTC().Format(time.DateOnly)}
	var one iter.Seq2[Document, error] = func(yield func(Document, error) bool) {
		yield(Document{File: site.Single, Line: 1, Digests: digests}, nil)
	}
	err := r.RegisterList(ctx, req, one, func(done Registered) { failed = done.Err })
	return errors.Join(err, failed)
}

// supersedeVerifier says that a newer file has taken the place of an older one. Where that cannot be said any more, such as after a
// revocation or of an older program that comes back, it need not be.
func (r *Registry) supersedeVerifier(ctx context.Context, own string, before verifierNote, by proofs.Digests) error {
	old, err := proofs.ParseHash(before.SHA256)
	if err != nil {
		return err
	}
	ring, err := r.Ring()
	if err != nil {
		return err
	}
	clerk, err := issuer.Begin(ctx, r.Desk(), ring)
	if err != nil {
		return err
	}
	var refused *issuer.Refusal
	_, err = clerk.Say(ctx, issuer.Draft{Action: proofs.ActionSupersede, Issuer: own, Document: issuer.Document{Selector: "sha256:" + old.String()},
		Successor: issuer.DocumentOf(proofs.Ref{Digests: by}), Reason: "A newer verifier has taken its place."})
	if errors.As(err, &refused) {
		return nil
	}
	if err != nil {
		return err
	}
	return clerk.Deliver(ctx)
}

// A servedNote is state/verifier-served: what the file that was published last is made of. Packing it anew takes longer than making all pages,
// and it is the same in every publication until program, wording or trust file change.
type servedNote struct {
	ID     string `json:"made_of"` // site.SingleInput.ID
	SHA256 string `json:"sha256"`
}

// servedVerifier returns the verifier in one file as it is published, and the note of it, if it is made of the same; otherwise a nil file. A note or
// a file that cannot be relied on is as none.
func (r *Registry) servedVerifier(in site.SingleInput) (file []byte, note servedNote, err error) {
	id, err := in.ID()
	if err != nil {
		return nil, note, err
	}
	b, err := r.at.State.Read(stateServed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, servedNote{ID: id.String()}, nil
	}
	if err != nil {
		return nil, note, err
	}
	if json.Unmarshal(b, &note) != nil || note.ID != id.String() {
		return nil, servedNote{ID: id.String()}, nil
	}
	file, err = r.at.Public.Read(site.Single)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, note, nil
	}
	if sum := proofs.Hash(sha256.Sum256(file)); err != nil || sum.String() != note.SHA256 {
		return nil, note, err
	}
	return file, note, nil
}

// keepServedNote notes what was published, if that is not what was noted.
func (r *Registry) keepServedNote(note servedNote, file []byte) error {
	sum := proofs.Hash(sha256.Sum256(file)).String()
	if note.SHA256 == sum {
		return nil
	}
	note.SHA256 = sum
	b, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return r.replace(r.at.State, stateServed, append(b, '\n'))
}

func (r *Registry) verifierNote() (n verifierNote, err error) {
	b, err := r.at.State.Read(stateVerifier)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		return n, hint("remove it: stele publish then makes it again", "%s: %w", r.at.State.Path(stateVerifier), err)
	}
	return n, nil
}

func (r *Registry) keepVerifierNote(n verifierNote) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return r.replace(r.at.State, stateVerifier, append(b, '\n'))
}
