package gate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"path"
	"strings"
	"time"

	"stele/site/edge/store"
)

const (
	// mostRefused is how many refused attempts of a day are kept: whoever has the token cannot fill the store. What needs the log's key is always kept.
	mostRefused = 900
	// mostTold is how many attempts one answer tells.
	mostTold = 100
)

// An attempt is one offer, or one end of one, and what came of it.
type attempt struct {
	Time        string  `json:"time"`
	Step        string  `json:"step"`                  // offer, objects, plan, chunk, finish
	Code        string  `json:"code"`                  // taken, published, or why it was refused
	Message     string  `json:"message,omitempty"`     // of a refusal
	Publication string  `json:"publication,omitempty"` // the set's ID; not the offer's name, which is nobody's but the publisher's
	Number      uint64  `json:"number,omitempty"`
	Size        *uint64 `json:"size,omitempty"`
	Remote      string  `json:"remote"`
}

const (
	attemptTaken     = "taken"
	attemptPublished = "published"
)

// stamp says when and where from.
func (g *Gate) stamp(r *http.Request, a *attempt) {
	a.Time, a.Remote = g.Now().UTC().Format(time.RFC3339), remote(r)
	g.Log.InfoContext(r.Context(), "publication", "step", a.Step, "code", a.Code, "message", a.Message, "set", a.Publication, "remote", a.Remote)
}

// keeping is how long an attempt may take to be kept, whoever has made it has gone or not.
func keeping(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
}

// tell logs an attempt, and keeps it. That it could not be kept is logged, and changes nothing.
func (g *Gate) tell(r *http.Request, a attempt) {
	g.stamp(r, &a)
	ctx, cancel := keeping(r)
	defer cancel()
	if err := g.keepAttempt(ctx, a); err != nil {
		g.Log.ErrorContext(ctx, "an attempt at publication could not be kept", "err", err)
	}
}

func (g *Gate) keepAttempt(ctx context.Context, a attempt) error {
	name := g.attemptName(a.Code)
	if !neededKey(name) {
		day, _ := path.Split(name)
		refused := 0
		err := g.list(ctx, day, func(o store.Object) error {
			if !neededKey(o.Name) {
				refused++
			}
			if refused >= mostRefused {
				return errMany
			}
			return nil
		})
		if errors.Is(err, errMany) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return g.putJSON(ctx, name, a, store.Always)
}

var errMany = errors.New("enough are kept")

// attemptName is a name for an attempt that is made now.
func (g *Gate) attemptName(code string) string {
	var id [4]byte
	rand.Read(id[:])
	now := g.Now().UTC()
	return attemptsPrefix + now.Format(time.DateOnly) + "/" + now.Format("150405.000000000") + "-" + hex.EncodeToString(id[:]) + "-" + code + ".json"
}

// neededKey reports whether an attempt, by its name, needed the log's key.
func neededKey(name string) bool {
	return strings.HasSuffix(name, "-"+attemptTaken+".json") || strings.HasSuffix(name, "-"+attemptPublished+".json")
}

// A claim is the record that an offer has come in force, under which name it is kept. It is written first: whoever finds the offer in force writes that record, if it
// is not there, and no other.
type claim struct {
	Name    string  `json:"name"`
	Attempt attempt `json:"attempt"`
}

// tellPublished keeps, once, that an offer has come in force. first reports whether nobody has done that before.
func (g *Gate) tellPublished(r *http.Request, o *offer) (first bool, err error) {
	ctx, cancel := keeping(r)
	defer cancel()
	object := offersPrefix + o.id + "/told"
	var c claim
	_, ok, err := g.getJSON(ctx, object, &c)
	if err == nil && !ok {
		c = claim{g.attemptName(attemptPublished), o.attempt("finish", attemptPublished, "")}
		g.stamp(r, &c.Attempt)
		if err = g.putJSON(ctx, object, c, store.Absent); errors.Is(err, store.ErrChanged) {
			_, _, err = g.getJSON(ctx, object, &c)
		}
	}
	if err != nil {
		return false, err
	}
	err = g.putJSON(ctx, c.Name, c.Attempt, store.Absent)
	if errors.Is(err, store.ErrChanged) {
		return false, nil
	}
	return err == nil, err
}

// remote is where a request came from: as the edge's own front says, or else the connection's other end. It proves nothing.
func remote(r *http.Request) string {
	s := r.Header.Get("CF-Connecting-IP")
	if s == "" {
		s = r.RemoteAddr
	}
	return s[:min(len(s), 64)]
}

// attempts returns those of a day, oldest first, after one of them by its name.
func (g *Gate) attempts(ctx context.Context, day, after string) (list []attempt, next string, err error) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, "", refuse(codeMalformed, "day %.20q: want one as 2027-01-31", day)
	}
	prefix := attemptsPrefix + t.Format(time.DateOnly) + "/"
	if after != "" {
		after = prefix + after
	}
	objects, more, err := g.store().List(ctx, prefix, after)
	if err != nil {
		return nil, "", err
	}
	list = make([]attempt, min(len(objects), mostTold))
	err = each(ctx, g.io, objects[:len(list)], func(o store.Object) int64 { return o.Size }, func(ctx context.Context, i int, o store.Object) error {
		_, _, err := g.getJSON(ctx, o.Name, &list[i])
		return err
	})
	if more || len(objects) > len(list) {
		next = objects[len(list)-1].Name[len(prefix):]
	}
	return list, next, err
}
