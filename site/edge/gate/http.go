package gate

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stele/proofs"
	"stele/site/edge/store"
)

const (
	lengthBytes = 4 // of an object in a pack
	maxJSON     = 4 << 20
	retryAfter  = 1 // seconds
)

// Handler answers the paths under /publish/.
func (g *Gate) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /publish/state", g.answer(g.serveState))
	mux.HandleFunc("GET /publish/attempts", g.authorised(g.serveAttempts))
	mux.HandleFunc("POST /publish/offers", g.authorised(g.serveOffer))
	mux.HandleFunc("POST /publish/offers/{id}/objects", g.authorised(g.serveObjects))
	mux.HandleFunc("POST /publish/offers/{id}/plan", g.authorised(g.servePlan))
	mux.HandleFunc("GET /publish/offers/{id}/chunks/{number}", g.authorised(g.serveChunk))
	mux.HandleFunc("POST /publish/offers/{id}/chunks/{number}", g.authorised(g.servePromote))
	mux.HandleFunc("POST /publish/offers/{id}/finish", g.authorised(g.serveFinish))
	return mux
}

// A handler returns what to answer, with a status other than 200 where it says so.
type handler func(w http.ResponseWriter, r *http.Request) (answer any, err error)

type created struct{ any } // 201

func (g *Gate) answer(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h(w, r)
		status := http.StatusOK
		if c, ok := v.(created); ok {
			v, status = c.any, http.StatusCreated
		}
		if err != nil {
			refusal := toldAs(err)
			if refusal.Code == codeOutage {
				g.Log.ErrorContext(r.Context(), "publication", "path", r.URL.Path, "err", err)
			}
			if status = statuses[refusal.Code]; status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", strconv.FormatInt(max(refusal.wait, retryAfter), 10))
			}
			v = map[string]any{"error": refusal}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
}

// authorised answers whoever has the token. Of the others nothing is read but the header, and nothing is kept.
func (g *Gate) authorised(h handler) http.HandlerFunc {
	return g.answer(func(w http.ResponseWriter, r *http.Request) (any, error) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := hashOf([]byte(token))
		if !ok || g.TokenSHA256 == (proofs.Hash{}) || subtle.ConstantTimeCompare(got[:], g.TokenSHA256[:]) != 1 {
			g.Log.WarnContext(r.Context(), "publication without the token", "path", r.URL.Path, "remote", remote(r))
			w.Header().Set("WWW-Authenticate", "Bearer")
			return nil, refuse(codeUnauthorised, "the token of this deployment is needed")
		}
		return h(w, r)
	})
}

// body reads a request's body while there is room for it; the room is given back by the function returned.
func (g *Gate) body(w http.ResponseWriter, r *http.Request, limit int64) (body io.Reader, done func(), err error) {
	size := r.ContentLength
	if size > limit {
		return nil, nil, refuse(codeTooLarge, "%d bytes, want at most %d", size, limit)
	}
	if size < 0 {
		size = limit
	}
	if ok, _ := g.held.try(size); !ok {
		return nil, nil, refuse(codeBusy, "other bodies are being read, of as many bytes as can be held")
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.Limits.Body)) // where the server can do that
	return http.MaxBytesReader(w, r.Body, limit), func() { g.held.end(size) }, nil
}

// readErr says what was wrong with a body.
func readErr(err error) error {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return refuse(codeTooLarge, "more than %d bytes", long.Limit)
	}
	return refuse(codeMalformed, "the body was broken off: %v", err)
}

// with reads a whole body, and gives it to f.
func (g *Gate) with(w http.ResponseWriter, r *http.Request, limit int64, f func(body []byte) (any, error)) (any, error) {
	body, done, err := g.body(w, r, limit)
	if err != nil {
		return nil, err
	}
	defer done()
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, readErr(err)
	}
	return f(b)
}

func (g *Gate) serveState(_ http.ResponseWriter, r *http.Request) (any, error) {
	now, err := g.Source.Current(r.Context())
	if err != nil {
		return nil, err
	}
	trust, err := g.Source.TrustNow(r.Context())
	if err != nil {
		return nil, err
	}
	state := map[string]any{"origin": trust.Origin, "epoch": trust.Epoch, "publication": 0, "time": 0, "size": 0, "root": "", "set": "", "checkpoint": "",
		"limits": map[string]any{"pack": g.Limits.Pack, "object": g.Limits.Object, "chunk": g.Limits.Chunk, "objects": g.Limits.packed()}}
	if now.Set != nil {
		c, b, err := g.Source.Checkpoint(r.Context(), now)
		if err != nil {
			return nil, err
		}
		state["publication"], state["time"], state["set"] = now.Publication, now.Time, now.ID.String()
		state["size"], state["root"], state["checkpoint"] = c.Size, c.Root.String(), hashOf(b).String()
	}
	return state, nil
}

func (g *Gate) serveAttempts(_ http.ResponseWriter, r *http.Request) (any, error) {
	list, next, err := g.attempts(r.Context(), r.FormValue("day"), r.FormValue("after"))
	return map[string]any{"attempts": list, "next": next}, err
}

func (g *Gate) serveOffer(w http.ResponseWriter, r *http.Request) (any, error) {
	return g.with(w, r, maxOffer, func(b []byte) (any, error) {
		t, err := g.offer(r.Context(), b)
		if a, worth := t.attempt(err); worth {
			g.tell(r, a)
		}
		if err != nil {
			return nil, err
		}
		answer := map[string]any{"offer": t.id}
		if t.current {
			answer["current"] = true
		}
		if t.fresh {
			return created{answer}, nil
		}
		return answer, nil
	})
}

// onOffer finds the offer that a request is about, and tells of refusals.
func (g *Gate) onOffer(r *http.Request, step string, f func(o *offer) (any, error)) (any, error) {
	o, err := g.loadOffer(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v, err := f(o)
	var refused *Refusal
	if errors.As(err, &refused) && refused.Code != codeBusy && refused.Code != codeMissing {
		g.tell(r, o.attempt(step, refused.Code, refused.Message))
	}
	return v, err
}

func (o *offer) attempt(step, code, message string) attempt {
	return attempt{Step: step, Code: code, Message: message, Publication: o.Publication, Number: o.set.Publication, Size: &o.Size}
}

func (g *Gate) serveObjects(w http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := g.loadOffer(r.Context(), r.PathValue("id")); err != nil {
		return nil, err
	}
	body, done, err := g.body(w, r, g.Limits.Pack)
	if err != nil {
		return nil, err
	}
	defer done()
	n, err := g.unpack(r.Context(), body)
	return map[string]any{"stored": n}, err
}

// unpack stores the objects of a pack, as they come in.
func (g *Gate) unpack(ctx context.Context, body io.Reader) (n int, err error) {
	c := newCrew(ctx, g.io)
	for ; ; n++ {
		b, err := g.nextObject(body, n)
		if b == nil && err == nil {
			break
		}
		if err == nil {
			err = c.do(int64(len(b)), func(ctx context.Context) error {
				return g.store().Put(ctx, stagedPrefix+hashOf(b).String(), b, store.Always)
			})
		}
		if err != nil {
			c.wait()
			return n, err
		}
	}
	return n, c.wait()
}

// nextObject reads one object; nil at the end of the pack.
func (g *Gate) nextObject(body io.Reader, n int) ([]byte, error) {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(body, length[:]); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, readErr(err)
	}
	size := int64(binary.BigEndian.Uint32(length[:]))
	if size > g.Limits.Object {
		return nil, refuse(codeTooLarge, "object %d: %d bytes, want at most %d", n, size, g.Limits.Object)
	}
	if n >= g.Limits.packed() {
		return nil, refuse(codeTooLarge, "more than %d objects in a pack", g.Limits.packed())
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(body, b); err != nil {
		return nil, readErr(err)
	}
	return b, nil
}

func (g *Gate) servePlan(w http.ResponseWriter, r *http.Request) (any, error) {
	return g.with(w, r, maxJSON, func(b []byte) (any, error) {
		var q struct {
			Have map[string]string `json:"have"`
		}
		if err := json.Unmarshal(b, &q); err != nil {
			return nil, refuse(codeMalformed, "plan: %v", err)
		}
		return g.onOffer(r, "plan", func(o *offer) (any, error) { return g.plan(r.Context(), o, q.Have) })
	})
}

func (g *Gate) serveChunk(_ http.ResponseWriter, r *http.Request) (any, error) {
	return g.onOffer(r, "chunk", func(o *offer) (any, error) {
		c, _, err := g.chunk(r.Context(), o, r.PathValue("number"))
		if err != nil {
			return nil, err
		}
		paths := make([]string, len(c.items))
		for i, it := range c.items {
			paths[i] = it.Path
		}
		return map[string]any{"paths": paths}, nil
	})
}

func (g *Gate) servePromote(w http.ResponseWriter, r *http.Request) (any, error) {
	return g.with(w, r, maxJSON, func(b []byte) (any, error) {
		var q struct {
			SHA256 []string `json:"sha256"`
		}
		if err := json.Unmarshal(b, &q); err != nil {
			return nil, refuse(codeMalformed, "chunk: %v", err)
		}
		return g.onOffer(r, "chunk", func(o *offer) (any, error) {
			c, s, err := g.chunk(r.Context(), o, r.PathValue("number"))
			if err != nil {
				return nil, err
			}
			missing, err := g.promote(r.Context(), o, s, c, q.SHA256)
			if len(missing) > 0 {
				return map[string]any{"missing": missing}, err
			}
			return map[string]any{"done": true}, err
		})
	})
}

func (g *Gate) serveFinish(_ http.ResponseWriter, r *http.Request) (any, error) {
	return g.onOffer(r, "finish", func(o *offer) (any, error) {
		fresh, err := g.finish(r.Context(), o)
		if fresh {
			g.tell(r, o.attempt("finish", attemptPublished, ""))
			if now, e := g.Source.Current(r.Context()); e == nil && g.Published != nil {
				g.Published(r.Context(), now)
			}
		}
		return map[string]any{"current": o.Publication}, err
	})
}
