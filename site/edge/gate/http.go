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
		if r.ContentLength != 0 { // the server waits for a little of a body that was not read
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.Limits.Slow))
		}
		v, err := h(w, r)
		status := http.StatusOK
		if c, ok := v.(created); ok {
			v, status = c.any, http.StatusCreated
		}
		if err != nil {
			refusal := toldAs(err)
			if refusal.Code == codeOutage {
				g.Log.ErrorContext(r.Context(), "publication", "route", r.Pattern, "err", nameless(err))
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

// nameless is an error for the log, without the names of offers: whoever has the token and such a name can upload.
func nameless(err error) string {
	parts := strings.Split(err.Error(), offersPrefix)
	for i := range parts[1:] {
		parts[1+i] = "ID" + strings.TrimLeft(parts[1+i], "0123456789abcdef")
	}
	return strings.Join(parts, offersPrefix)
}

// authorised answers whoever has the token. Of the others nothing is read but the header, and nothing is kept.
func (g *Gate) authorised(h handler) http.HandlerFunc {
	return g.answer(func(w http.ResponseWriter, r *http.Request) (any, error) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := hashOf([]byte(token))
		if !ok || g.TokenSHA256 == (proofs.Hash{}) || subtle.ConstantTimeCompare(got[:], g.TokenSHA256[:]) != 1 {
			g.Log.WarnContext(r.Context(), "publication without the token", "route", r.Pattern, "remote", remote(r))
			w.Header().Set("WWW-Authenticate", "Bearer")
			return nil, refuse(codeUnauthorised, "the token of this deployment is needed")
		}
		return h(w, r)
	})
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
	body, err := g.body(w, r, g.unknown, maxOffer)
	if err == nil {
		defer body.done()
		var b []byte
		if b, err = body.whole(); err == nil {
			return g.takeOffer(r, b)
		}
	}
	a, _ := (&taken{}).attempt(err)
	g.tell(r, a)
	return nil, err
}

func (g *Gate) takeOffer(r *http.Request, b []byte) (any, error) {
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
}

// onOffer finds the offer that a request is about, and tells of refusals.
func (g *Gate) onOffer(r *http.Request, step string, f func(o *offer) (any, error)) (any, error) {
	o, err := g.loadOffer(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v, err := f(o)
	g.tellRefused(r, o.attempt(step, "", ""), err)
	return v, err
}

// tellRefused tells of an attempt, if it was refused: not where the same request is to be made again, unless that is for its body.
func (g *Gate) tellRefused(r *http.Request, a attempt, err error) {
	var refused *Refusal
	if !errors.As(err, &refused) || !refused.ofBody && (refused.Code == codeBusy || refused.Code == codeMissing) {
		return
	}
	a.Code, a.Message = refused.Code, refused.Message
	g.tell(r, a)
}

// bodyOnOffer begins to read the body of a request that is about an offer, and says what is to be told of it. The offer is looked for first: of a body about
// none, nothing is read, and there is other room for it than for offers. It is not kept meanwhile, since it can be large.
func (g *Gate) bodyOnOffer(w http.ResponseWriter, r *http.Request, step string, limit int64) (*body, attempt, error) {
	o, err := g.loadOffer(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, attempt{}, err
	}
	a := o.attempt(step, "", "")
	b, err := g.body(w, r, g.known, limit)
	g.tellRefused(r, a, err)
	return b, a, err
}

// jsonOnOffer does something on an offer once the body was parsed into q.
func (g *Gate) jsonOnOffer(w http.ResponseWriter, r *http.Request, step string, q any, f func(o *offer) (any, error)) (any, error) {
	body, a, err := g.bodyOnOffer(w, r, step, maxJSON)
	if err != nil {
		return nil, err
	}
	defer body.done()
	all, err := body.whole()
	if err == nil {
		if e := json.Unmarshal(all, q); e != nil {
			err = refuse(codeMalformed, "%s: %v", step, e)
		}
	}
	if err != nil {
		g.tellRefused(r, a, err)
		return nil, err
	}
	return g.onOffer(r, step, f)
}

func (o *offer) attempt(step, code, message string) attempt {
	return attempt{Step: step, Code: code, Message: message, Publication: o.Publication, Number: o.set.Publication, Size: &o.Size}
}

func (g *Gate) serveObjects(w http.ResponseWriter, r *http.Request) (any, error) {
	body, a, err := g.bodyOnOffer(w, r, "objects", g.Limits.Pack)
	if err != nil {
		return nil, err
	}
	defer body.done()
	n, err := g.unpack(r.Context(), body)
	g.tellRefused(r, a, err)
	return map[string]any{"stored": n}, err
}

// unpack stores the objects of a pack, as they come in. On their way to the store they count there, and have no room here any more.
func (g *Gate) unpack(ctx context.Context, body *body) (n int, err error) {
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
			body.give(int64(len(b)))
		}
		if err != nil {
			c.wait()
			return n, err
		}
	}
	return n, c.wait()
}

// nextObject reads one object; nil at the end of the pack.
func (g *Gate) nextObject(body *body, n int) ([]byte, error) {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(body, length[:]); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, body.readErr(err)
	}
	size := int64(binary.BigEndian.Uint32(length[:]))
	if size > g.Limits.Object {
		return nil, refuse(codeTooLarge, "object %d: %d bytes, want at most %d", n, size, g.Limits.Object)
	}
	if body.left >= 0 && size > body.left {
		return nil, refuse(codeMalformed, "object %d: %d bytes, and %d are left of the body", n, size, body.left)
	}
	if n >= g.Limits.packed() {
		return nil, refuse(codeTooLarge, "more than %d objects in a pack", g.Limits.packed())
	}
	return body.bytes(size)
}

func (g *Gate) servePlan(w http.ResponseWriter, r *http.Request) (any, error) {
	var q struct {
		Have map[string]string `json:"have"`
	}
	return g.jsonOnOffer(w, r, "plan", &q, func(o *offer) (any, error) { return g.plan(r.Context(), o, q.Have) })
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
	var q struct {
		SHA256 []string `json:"sha256"`
	}
	return g.jsonOnOffer(w, r, "chunk", &q, func(o *offer) (any, error) {
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
}

func (g *Gate) serveFinish(_ http.ResponseWriter, r *http.Request) (any, error) {
	return g.onOffer(r, "finish", func(o *offer) (any, error) {
		is, err := g.finish(r.Context(), o)
		if !is {
			return nil, err
		}
		first, e := g.tellPublished(r, o)
		if first && g.Published != nil {
			if now, e := g.Source.Current(r.Context()); e == nil {
				g.Published(r.Context(), now)
			}
		}
		err = errors.Join(err, e)
		return map[string]any{"current": o.Publication}, err
	})
}
