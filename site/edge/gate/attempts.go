package gate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"stele/site/edge/store"
)

const (
	// mostRefused is how many attempts of a day are kept once others than publications that came in force are among them: whoever has the token cannot fill the store.
	mostRefused = 900
	// mostTold is how many attempts one answer tells.
	mostTold = 100
)

// An attempt is one offer, or one end of one, and what came of it.
type attempt struct {
	Time        string  `json:"time"`
	Step        string  `json:"step"`                  // offer, plan, chunk, finish
	Code        string  `json:"code"`                  // taken, published, or why it was refused
	Message     string  `json:"message,omitempty"`     // of a refusal
	Publication string  `json:"publication,omitempty"` // the set's ID; not the offer's name, which is nobody's but the publisher's
	Number      uint64  `json:"number,omitempty"`
	Size        *uint64 `json:"size,omitempty"`
	Remote      string  `json:"remote"`
}

// tell logs an attempt, and keeps it. That it could not be kept is logged, and changes nothing.
func (g *Gate) tell(r *http.Request, a attempt) {
	now := g.Now().UTC()
	a.Time, a.Remote = now.Format(time.RFC3339), remote(r)
	g.Log.InfoContext(r.Context(), "publication", "step", a.Step, "code", a.Code, "message", a.Message, "set", a.Publication, "remote", a.Remote)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
	defer cancel()
	if err := g.keepAttempt(ctx, now, a); err != nil {
		g.Log.ErrorContext(ctx, "an attempt at publication could not be kept", "err", err)
	}
}

func (g *Gate) keepAttempt(ctx context.Context, now time.Time, a attempt) error {
	day := attemptsPrefix + now.Format(time.DateOnly) + "/"
	if a.Code != attemptPublished {
		have, more, err := g.store().List(ctx, day, "")
		if err != nil || more || len(have) >= mostRefused {
			return err
		}
	}
	var id [4]byte
	rand.Read(id[:])
	return g.putJSON(ctx, day+now.Format("150405.000000000")+"-"+hex.EncodeToString(id[:])+".json", a, store.Always)
}

const (
	attemptTaken     = "taken"
	attemptPublished = "published"
)

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
