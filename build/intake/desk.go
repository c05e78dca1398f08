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
// file, what is said goes to the daemon. Of what is pending it knows the agency's own.
type Desk struct {
	trust  *proofs.Trust
	portal portal.Portal
	client *Client

	Now func() time.Time

	own   map[proofs.Hash][]said // by key
	saids int

	head    *proofs.VerifiedIndex
	as      proofs.Authorities
	issuers *proofs.IssuerList
	finder  *index.Finder
}

// said is a statement of the agency's own that may be pending.
type said struct {
	number int // in the order in which they were said
	entry  []byte
}

// NewDesk reads from the portal of a registry's daemon, and submits to it.
func NewDesk(trust *proofs.Trust, client *Client) (*Desk, error) {
	p, err := portal.Open(client.URL)
	return &Desk{trust: trust, portal: p, client: client, Now: time.Now, own: map[proofs.Hash][]said{}}, err
}

// Trust is the agency's own trust file.
func (d *Desk) Trust() *proofs.Trust { return d.trust }

// Own adds statements of the agency that may be pending.
func (d *Desk) Own(entries [][]byte) {
	for _, e := range entries {
		if _, env, err := proofs.ParseEntry(e); err == nil && env.Selector != "" {
			key := proofs.KeyOf(env.Selector)
			d.own[key] = append(d.own[key], said{d.saids, e})
		}
		d.saids++
	}
}

// Authorities are the authorities as published, with the place after all that the desk knows of.
func (d *Desk) Authorities(ctx context.Context) (proofs.Authorities, uint64, error) {
	if err := d.look(ctx); err != nil {
		return nil, 0, err
	}
	return d.as.Clone(), d.place(d.saids), nil
}

// place is where the agency's own statements might come to stand: only the order matters.
func (d *Desk) place(i int) uint64 { return d.head.Size + uint64(i) }

// Portal is where the desk reads from.
func (d *Desk) Portal() portal.Portal { return d.portal }

// Follow goes on to the registry's newest trust file, if there is a later one that the registry proves that it agreed to.
func (d *Desk) Follow(ctx context.Context) bool {
	newest, _ := portal.Follow(ctx, d.portal, d.trust, d.Now().Unix())
	changed := newest != d.trust
	d.trust = newest
	return changed
}

// look reads the head and the issuer list, with a later trust file if the one in hand does not do.
func (d *Desk) look(ctx context.Context) error {
	err := d.lookOnce(ctx)
	if (errors.As(err, new(*proofs.InsufficientError)) || errors.As(err, new(*proofs.OtherEpochError))) && d.Follow(ctx) {
		err = d.lookOnce(ctx)
	}
	return err
}

// lookOnce reads the head and the issuer list: the head is signed, and all else follows from it by hash.
func (d *Desk) lookOnce(ctx context.Context) error {
	b, err := d.portal.Read(ctx, proofs.HeadPath)
	if err != nil {
		return err
	}
	h, err := proofs.ParseHead(b)
	if err != nil {
		return err
	}
	if d.head, _, err = h.Verify(d.trust, d.Now().Unix()); err != nil {
		d.head = nil
		return err
	}
	d.finder = index.NewFinder(portalStore{ctx, d.portal}, h.RootTile)
	d.issuers = &proofs.IssuerList{}
	if d.head.IssuersRoot != proofs.EmptyRoot() {
		if err := d.lookAtIssuers(ctx); err != nil {
			return err
		}
	}
	d.as, err = d.trust.ReadAuthorities(d.issuers, d.head.Covers, d.head.Time)
	return err
}

func (d *Desk) lookAtIssuers(ctx context.Context) error {
	path := proofs.IndexPath(d.head.IssuersRoot)
	b, err := d.portal.Read(ctx, path)
	if err != nil {
		return err
	}
	if d.issuers, err = proofs.ParseIssuerList(b); err == nil && d.issuers.Root() != d.head.IssuersRoot {
		err = fmt.Errorf("%s: the issuer list hashes to %s", path, d.issuers.Root())
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

// Record returns what the published index holds for a key, and the agency's own statements about it that it does not hold.
func (d *Desk) Record(ctx context.Context, key proofs.Hash) ([]*proofs.Entry, error) {
	if d.head == nil {
		if err := d.look(ctx); err != nil {
			return nil, err
		}
	}
	entries, err := d.published(key)
	if err != nil {
		return nil, err
	}
	for _, own := range d.own[key] {
		e, err := d.trust.Authorise(d.as, d.place(own.number), own.entry)
		if err == nil && !holds(entries, registry.StatementID(own.entry)) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func (d *Desk) published(key proofs.Hash) ([]*proofs.Entry, error) {
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

func holds(entries []*proofs.Entry, id proofs.Hash) bool {
	return slices.ContainsFunc(entries, func(e *proofs.Entry) bool { return registry.StatementID(e.Bytes) == id })
}

// Deliver hands statements in. They are durable at the registry when it returns without an error.
func (d *Desk) Deliver(ctx context.Context, entries [][]byte) error {
	outcomes, err := d.client.Submit(ctx, entries)
	if err != nil {
		return err
	}
	d.Own(entries)
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
	if err := d.look(ctx); err != nil {
		return false, err
	}
	entries, err := d.published(proofs.KeyOf(selector))
	return holds(entries, id), err
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
