package links

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stele/site/edge/store"
)

// countObject is no code's: it is shorter, and in small letters.
const countObject = prefix + "count"

// attempts is how often the count is tried when others count too. R2 takes one write a second to an object: more would only wait longer.
const attempts = 8

// A tally is how many addresses were given. Its object is
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

func parseTally(b []byte) (t tally, err error) {
	if f := strings.Fields(string(b)); len(f) == 6 {
		t.Total, _ = strconv.ParseUint(f[2], 10, 64)
		t.Date = f[4]
		t.Day, _ = strconv.ParseUint(f[5], 10, 64)
	}
	if string(t.marshal()) != string(b) {
		return t, fmt.Errorf("the object %s is no count of short addresses: %q", countObject, b)
	}
	return t, nil
}

// count takes one of the addresses that may be given.
func (l *Links) count(ctx context.Context) error {
	today := l.c.Now().UTC().Format(time.DateOnly)
	for range attempts {
		b, version, err := l.c.Source.Store.Get(ctx, countObject)
		when, have := store.Still(version), tally{}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			when = store.Absent
		case err != nil:
			return err
		default:
			if have, err = parseTally(b); err != nil {
				return err
			}
		}
		if have.Date != today {
			have.Date, have.Day = today, 0
		}
		if err := l.room(have); err != nil {
			return err
		}
		have.Total++
		have.Day++
		err = l.c.Source.Store.Put(ctx, countObject, have.marshal(), when)
		if !errors.Is(err, store.ErrChanged) {
			return err
		}
	}
	return &refusal{http.StatusServiceUnavailable, "busy", "many ask for short addresses at once", "try again in a minute"}
}

// room refuses once the bounds are reached.
func (l *Links) room(t tally) error {
	switch {
	case t.Total >= l.c.Most.Total:
		return &refusal{http.StatusInsufficientStorage, "full", "this portal has given all the short addresses that it gives", "give the receipt's file away itself"}
	case t.Day >= l.c.Most.Day:
		return &refusal{http.StatusTooManyRequests, "full-today", "this portal has given all the short addresses that it gives in a day", "try again tomorrow"}
	}
	return nil
}
