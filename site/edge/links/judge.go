package links

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"stele/proofs"
	"stele/site/edge/published"
)

// judge refuses a receipt that gets no short address: only what proves that a document of a public kind is registered here gets one. It returns the
// document's key, which is proved too.
func (l *Links) judge(ctx context.Context, b []byte) (key proofs.Hash, err error) {
	rc, err := proofs.ParseReceipt(b)
	if err != nil {
		return key, &refusal{http.StatusBadRequest, "malformed", "this is no receipt: " + err.Error(), "send the bytes of a .tlog-proof file"}
	}
	document, err := l.public(rc)
	if err != nil {
		return key, err
	}
	p, err := l.c.Source.Current(ctx)
	if err != nil {
		return key, err
	}
	if p.Set == nil {
		return key, errors.New("nothing is published here yet")
	}
	if err := l.known(ctx, p, rc); err != nil {
		return key, err
	}
	return rc.Key, l.verify(ctx, p, rc, b, document)
}

// public finds the document in a receipt, and refuses what is not for everybody. Nothing is verified yet.
func (l *Links) public(rc *proofs.Receipt) (*proofs.Ref, error) {
	sealed := &refusal{http.StatusForbidden, "sealed", "a sealed document was registered so that nobody can find it, and its receipt is what finds it", "hand the receipt to whom it concerns"}
	if rc.Salt != nil {
		return nil, sealed
	}
	if rc.Present == nil {
		return nil, &refusal{http.StatusForbidden, "absent", "the receipt says that its document is not registered", "register it first"}
	}
	entries, err := rc.Present.Entries()
	if err != nil {
		return nil, unverified(err.Error())
	}
	var document *proofs.Ref
	for _, e := range entries {
		s, err := statement(e.Bytes)
		if err != nil {
			return nil, unverified(fmt.Sprintf("the entry at place %d: %v", e.Place, err))
		}
		for _, ref := range []*proofs.Ref{s.Document, s.Successor, s.Target} {
			if ref != nil && ref.Sealed {
				return nil, sealed
			}
		}
		if s.Document != nil && s.Document.Key() == rc.Key {
			document = s.Document
		}
		if s.Action == proofs.ActionRegister && (slices.Contains(proofs.SensitiveKinds, s.Kind) || slices.Contains(l.c.Sensitive, s.Kind)) {
			return nil, &refusal{http.StatusForbidden, "sensitive", fmt.Sprintf("documents of the kind %q can be guessed and are not for everybody", s.Kind), "hand the receipt to whom it concerns"}
		}
	}
	if document == nil {
		return nil, unverified("its record holds nothing about its own document")
	}
	return document, nil
}

// statement reads an entry. One that is not understood may be of a kind, or be sealed, in a way that nobody here knows of.
func statement(entry []byte) (*proofs.Statement, error) {
	_, envelope, err := proofs.ParseEntry(entry)
	if err != nil {
		return nil, err
	}
	return envelope.Statement()
}

func unverified(detail string) *refusal {
	return &refusal{http.StatusForbidden, "unverified", "the receipt proves nothing: " + detail, "make another one: check the document on the portal's page"}
}

// known refuses a receipt from a ledger larger than the one that is served here, or another one of the same size: what leads here must be what is shown here.
func (l *Links) known(ctx context.Context, p *published.Publication, rc *proofs.Receipt) error {
	got, _, err := proofs.ParseCheckpoint(rc.Proof.Checkpoint)
	if err != nil {
		return unverified(err.Error())
	}
	here, _, err := l.c.Source.Checkpoint(ctx, p)
	if err != nil {
		return err
	}
	switch {
	case got.Origin != here.Origin:
		return &refusal{http.StatusForbidden, "other-registry", fmt.Sprintf("the receipt is of the registry %q, and this is the portal of %q", got.Origin, here.Origin), "ask that registry's portal"}
	case got.Size > here.Size:
		return &refusal{http.StatusConflict, "ahead", fmt.Sprintf("the receipt is of a ledger of %d entries, and this portal shows %d", got.Size, here.Size), "try again when the newer publication is served here"}
	case got.Size == here.Size && got.Root != here.Root:
		return unverified("its ledger is not the one that is served here")
	}
	return nil
}

// settled are the verdicts about a document of which a receipt proves that it is registered, whatever has become of it since.
var settled = []proofs.Verdict{proofs.Authentic, proofs.Recorded, proofs.Revoked, proofs.Unaccredited, proofs.Superseded, proofs.Suspended, proofs.Expired}

// verify has the receipt decided about the document that it names itself, as any page would do without a network.
func (l *Links) verify(ctx context.Context, p *published.Publication, rc *proofs.Receipt, b []byte, document *proofs.Ref) error {
	trust, err := l.c.Source.TrustOf(ctx, p)
	if err != nil {
		return err
	}
	files, err := l.earlier(ctx, p, trust, rc)
	if err != nil {
		return err
	}
	d := document.Digests
	a := proofs.Check(proofs.Question{Trust: trust, Now: l.c.Now().Unix(), SHA256: d.SHA256, SHA3512: &d.SHA3512, Named: true, Receipt: b, Files: files})
	if r := a.Report; r == nil || !slices.Contains(settled, r.Verdict) || r.Source != proofs.FromReceipt {
		return unverified(detailOf(a))
	}
	return nil
}

func detailOf(a proofs.Answer) string {
	if a.Report == nil {
		return "it cannot be decided"
	}
	if a.Report.Detail == "" {
		return string(a.Report.Verdict)
	}
	return a.Report.Detail
}

// earlier reads the trust files by which a receipt may have to be judged that is older than the one in force.
func (l *Links) earlier(ctx context.Context, p *published.Publication, trust *proofs.Trust, rc *proofs.Receipt) (map[string][]byte, error) {
	c, _, err := proofs.ParseCheckpoint(rc.Proof.Checkpoint)
	files := map[string][]byte{}
	for t := trust; err == nil && t.Previous != nil && c.Size <= t.FinalSize; {
		path := proofs.TrustPath(t.Epoch - 1)
		var b []byte
		if b, err = l.c.Source.Read(ctx, p, path); err != nil {
			return nil, err
		}
		files[path] = b
		t, err = proofs.ParseTrust(b)
	}
	return files, err
}
