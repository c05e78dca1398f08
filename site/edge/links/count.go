package links

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stele/proofs"
	"stele/site/edge/store"
)

// These are no code's: they are in small letters.
const (
	countObject = prefix + "count"
	byPrefix    = prefix + "by/"
)

// attempts is how often the count is tried when others count too. R2 takes one write a second to an object: more would only wait longer.
const attempts = 8

// A tally is how many addresses were given: of all, or for one document. Its object is
//
//	stele.links/1
//	total N
//	day YYYY-MM-DD N
//
// The total only ever grows, so that no two counts are the same bytes.
type tally struct {
	Total uint64
	Date  string // in UTC
	Day   uint64 // on that date
}

func (t tally) marshal() []byte {
	return fmt.Appendf(nil, "stele.links/1\ntotal %d\nday %s %d\n", t.Total, t.Date, t.Day)
}

func parseTally(object string, b []byte) (t tally, err error) {
	if f := strings.Fields(string(b)); len(f) == 6 {
		t.Total, _ = strconv.ParseUint(f[2], 10, 64)
		t.Date = f[4]
		t.Day, _ = strconv.ParseUint(f[5], 10, 64)
	}
	if string(t.marshal()) != string(b) {
		return t, fmt.Errorf("the object %s is no count of short addresses: %q", object, b)
	}
	return t, nil
}

// A counter is what is counted, and what is said once a bound is reached.
type counter struct {
	object      string
	most        Bounds
	full, today *refusal
}

var (
	full      = &refusal{http.StatusInsufficientStorage, "full", "this portal has given all the short addresses that it gives", "give the receipt's file away itself"}
	fullDay   = &refusal{http.StatusTooManyRequests, "full-today", "this portal has given all the short addresses that it gives in a day", "try again tomorrow"}
	enough    = &refusal{http.StatusForbidden, "enough", "this document was given all the short addresses that it gets", "give one of those away, or the receipt's file itself"}
	enoughDay = &refusal{http.StatusTooManyRequests, "enough-today", "this document was given all the short addresses that it gets in a day", "give one of those away, or try again tomorrow"}
)

func (l *Links) all() counter { return counter{countObject, l.c.Most, full, fullDay} }

// of counts a document's. Its object has no other name than a hash of the document's key in the index, which stands in the receipts: a newer publication makes
// another receipt for the same document, and lines can be left out of one.
func (l *Links) of(document proofs.Hash) counter {
	name := proofs.Hash(sha256.Sum256(append([]byte("stele.links/1\n"), document[:]...)))
	return counter{byPrefix + name.String(), l.c.Each, enough, enoughDay}
}

// count takes one of the addresses that a document gets, and one of all. Whether there are any left is looked at first, so that none of the document's
// is taken on a day on which it gets none.
func (l *Links) count(ctx context.Context, document proofs.Hash) error {
	all, its := l.all(), l.of(document)
	have, _, err := l.tally(ctx, all)
	if err == nil {
		err = all.room(have)
	}
	if err == nil {
		err = l.take(ctx, its)
	}
	if err == nil {
		err = l.take(ctx, all)
	}
	var why *refusal
	if err == nil || errors.As(err, &why) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), its.object, byPrefix+"DOCUMENT"))
}

// tally reads how many were given, as of today, and on what condition that is replaced.
func (l *Links) tally(ctx context.Context, c counter) (tally, store.Condition, error) {
	b, version, err := l.c.Source.Store.Get(ctx, c.object)
	when, have := store.Still(version), tally{}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		when = store.Absent
	case err != nil:
		return have, when, err
	default:
		if have, err = parseTally(c.object, b); err != nil {
			return have, when, err
		}
	}
	if today := l.c.Now().UTC().Format(time.DateOnly); have.Date != today {
		have.Date, have.Day = today, 0
	}
	return have, when, nil
}

// take takes one.
func (l *Links) take(ctx context.Context, c counter) error {
	for range attempts {
		have, when, err := l.tally(ctx, c)
		if err == nil {
			err = c.room(have)
		}
		if err != nil {
			return err
		}
		have.Total++
		have.Day++
		err = l.c.Source.Store.Put(ctx, c.object, have.marshal(), when)
		if !errors.Is(err, store.ErrChanged) {
			return err
		}
	}
	return &refusal{http.StatusServiceUnavailable, "busy", "many ask for short addresses at once", "try again in a minute"}
}

// room refuses once the bounds are reached.
func (c counter) room(t tally) error {
	switch {
	case t.Total >= c.most.Total:
		return c.full
	case t.Day >= c.most.Day:
		return c.today
	}
	return nil
}
