package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stele/build/index"
	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

// A Desk is a registry seen from an agency: what stands is read from the portal and verified with the agency's own trust
// file, what is said goes to the daemon. It knows nothing of what is pending.
type Desk struct {
	trust  *proofs.Trust
	portal portal.Portal
	client *Client

	Now func() time.Time
	// Keep is told of what is to be delivered before it is sent, so that it can be sent again after a crash.
	Keep func(entries [][]byte) error

	head    *proofs.VerifiedIndex
	issuers *proofs.IssuerList
	finder  *index.Finder
}

// NewDesk reads from the portal of a registry's daemon, and submits to it.
func NewDesk(trust *proofs.Trust, client *Client) (*Desk, error) {
	p, err := portal.Open(client.URL)
	return &Desk{trust: trust, portal: p, client: client, Now: time.Now, Keep: func([][]byte) error { return nil }}, err
}

// Trust is the agency's own trust file.
func (d *Desk) Trust() *proofs.Trust { return d.trust }

// Authorities are the authorities as published, with the size of the published ledger.
func (d *Desk) Authorities(ctx context.Context) (proofs.Authorities, uint64, error) {
	if err := d.look(ctx); err != nil {
		return nil, 0, err
	}
	as, err := d.trust.ReadAuthorities(d.issuers, d.head.Covers, d.head.Time)
	return as, d.head.Size, err
}

// look reads the head and the issuer list: the head is signed, and all else follows from it by hash.
func (d *Desk) look(ctx context.Context) error {
	b, err := d.portal.Read(ctx, proofs.HeadPath)
	if err != nil {
		return err
	}
	h, err := proofs.ParseHead(b)
	if err != nil {
		return err
	}
	if d.head, _, err = h.Verify(d.trust, d.Now().Unix()); err != nil {
		return err
	}
	d.finder = index.NewFinder(portalStore{ctx, d.portal}, h.RootTile)
	d.issuers = &proofs.IssuerList{}
	if d.head.IssuersRoot == proofs.EmptyRoot() {
		return nil
	}
	if b, err = d.portal.Read(ctx, proofs.IndexPath(d.head.IssuersRoot)); err != nil {
		return err
	}
	if d.issuers, err = proofs.ParseIssuerList(b); err == nil && d.issuers.Root() != d.head.IssuersRoot {
		err = fmt.Errorf("%s: the issuer list hashes to %s", proofs.IndexPath(d.head.IssuersRoot), d.issuers.Root())
	}
	return err
}

// portalStore reads index files from a portal; whoever uses it compares them with their names.
type portalStore struct {
	ctx context.Context
	p   portal.Portal
}

func (s portalStore) Get(h proofs.Hash) ([]byte, error) { return s.p.Read(s.ctx, proofs.IndexPath(h)) }

func (s portalStore) Put(proofs.Hash, []byte) error { return errors.New("a portal is only read") }

// Record returns what the published index holds for a key.
func (d *Desk) Record(ctx context.Context, key proofs.Hash) ([]*proofs.Entry, error) {
	if d.head == nil {
		if err := d.look(ctx); err != nil {
			return nil, err
		}
	}
	i, ok := slices.BinarySearchFunc(d.issuers.Records, key, func(r proofs.Record, k proofs.Hash) int { return bytes.Compare(r.Key[:], k[:]) })
	if ok {
		return index.Entries(d.issuers.Records[i])
	}
	rec, ok, err := d.finder.Find(key)
	if err != nil || !ok {
		return nil, err
	}
	return index.Entries(rec)
}

// Deliver hands statements in. They are durable at the registry when it returns without an error.
func (d *Desk) Deliver(ctx context.Context, entries [][]byte) error {
	if err := d.Keep(entries); err != nil {
		return err
	}
	outcomes, err := d.client.Submit(ctx, entries)
	if err != nil {
		return err
	}
	d.head = nil // there may be a newer one
	for _, o := range outcomes {
		if o.State == registry.Refused {
			err = errors.Join(err, fmt.Errorf("the registry refuses %s %s: %s", o.Action, o.Subject, o.Reason))
		}
	}
	return err
}

// Holds looks in what is published for a statement about a subject.
func (d *Desk) Holds(ctx context.Context, selector string, id proofs.Hash) (bool, error) {
	d.head = nil
	entries, err := d.Record(ctx, proofs.KeyOf(selector))
	return slices.ContainsFunc(entries, func(e *proofs.Entry) bool { return registry.StatementID(e.Bytes) == id }), err
}

// CheckReceipt verifies the receipt of a document against a trust file, and that it holds the statement that is looked for.
func CheckReceipt(t *proofs.Trust, now int64, receipt []byte, doc proofs.Digests, wanted func(*proofs.Entry) bool) (*proofs.Report, error) {
	sha3 := proofs.Hash512(doc.SHA3512)
	a := proofs.Check(proofs.Question{Trust: t, Now: now, SHA256: doc.SHA256, SHA3512: &sha3, Receipt: receipt})
	switch v := a.Report.Verdict; v {
	case proofs.Malformed, proofs.Mismatch, proofs.Inconsistent, proofs.Unavailable:
		return nil, fmt.Errorf("the receipt does not verify: %s %s %s", v, a.Report.Reason, a.Report.Detail)
	}
	c, err := proofs.ParseReceipt(receipt)
	if err != nil {
		return nil, err
	}
	if c.Present == nil {
		return nil, errors.New("the receipt proves that the document is not registered")
	}
	entries, err := index.Entries(c.Present.Record)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(entries, wanted) {
		return nil, errors.New("the receipt does not hold the statement that was submitted")
	}
	return a.Report, nil
}
