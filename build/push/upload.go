package push

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"sync"

	"stele/proofs"
	"stele/site/headers"
)

const (
	// packBytes is how large a pack is made, unless one object alone is larger.
	packBytes = 2 << 20
	// lengthBytes stand before each object of a pack.
	lengthBytes = 4
	// packersAtOnce read and send packs of one chunk, chunksAtOnce chunks are in work. A Worker starts a program for each, and has 128 MiB for all that are at work in it.
	packersAtOnce = 2
	chunksAtOnce  = 2
	// mostKnown is how many hashes are remembered between upload and promotion, some 40 MB; of more files, those beyond are hashed again.
	mostKnown = 200_000
	// mostHave is how many paths the gate is told of with one plan request.
	mostHave = 3000
	// mostTold is how often the gate may say that the same things are missing.
	mostTold = 4
)

// bring uploads what is missing and has the publication put in force. It returns how many objects were new.
func (r *run) bring(ctx context.Context) (items int, err error) {
	work, err := r.plan(ctx)
	if err != nil {
		return 0, again(err, "overtaken", "unknown-offer")
	}
	r.staged = true
	for _, part := range [][2]int{{0, work.First}, {work.First, work.Chunks}} {
		if err := r.chunks(ctx, part[0], part[1], work); err != nil {
			return 0, again(err, "overtaken", "unknown-offer", "missing")
		}
	}
	r.tell(Progress{Stage: "putting the publication in force", Done: work.Items, Total: work.Items, Bytes: r.bytes.Load()})
	var answer struct{ Current string }
	if err := r.call(ctx, http.MethodPost, "/publish/offers/"+r.offer+"/finish", nil, &answer); err != nil {
		return 0, again(err, "overtaken", "unknown-offer", "missing")
	}
	return work.Items, nil
}

// work is what the gate's plan came to.
type work struct {
	Missing []string
	Again   bool
	Items   int
	Chunks  int
	First   int // chunks that have to be done before the others
}

// plan lets the gate find out what is new: where it cannot go on without a file, that is uploaded.
func (r *run) plan(ctx context.Context) (*work, error) {
	have := map[string]string{}
	told := map[string]int{}
	for {
		r.tell(Progress{Stage: "finding out what the edge has not", Done: int(r.objects.Load()), Bytes: r.bytes.Load()})
		w := &work{}
		if err := r.call(ctx, http.MethodPost, "/publish/offers/"+r.offer+"/plan", map[string]any{"have": have}, w); err != nil {
			return nil, err
		}
		if len(w.Missing) == 0 && !w.Again {
			return w, nil
		}
		if len(have)+len(w.Missing) > mostHave {
			clear(have)
			clear(told)
		}
		for _, path := range w.Missing {
			if told[path]++; told[path] > mostTold {
				return nil, &Error{Message: fmt.Sprintf("the gate does not keep %s, which was uploaded %d times", shown(path), mostTold), Hint: "look at the edge's own log, and at its store"}
			}
		}
		sums, err := r.upload(ctx, w.Missing)
		if err != nil {
			return nil, err
		}
		for i, path := range w.Missing {
			have[path] = sums[i].String()
		}
	}
}

// each calls a function for 0 to n-1, several at once, until one fails.
func each(ctx context.Context, atOnce, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(atOnce, n) {
		wg.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// A pack is what goes into one request.
type pack struct {
	b []byte
	n int
}

// upload uploads files, and returns their hashes in order.
func (r *run) upload(ctx context.Context, paths []string) ([]proofs.Hash, error) {
	sums := make([]proofs.Hash, len(paths))
	var mu sync.Mutex
	next := 0
	err := each(ctx, packersAtOnce, min(packersAtOnce, len(paths)), func(ctx context.Context, _ int) error {
		p := &pack{}
		for {
			mu.Lock()
			i := next
			next++
			mu.Unlock()
			if i >= len(paths) {
				return r.sendPack(ctx, p)
			}
			b, err := r.file(paths[i])
			if err != nil {
				return err
			}
			if sums[i] = sha256.Sum256(b); r.kept.Add(1) <= mostKnown {
				r.known.Store(paths[i], sums[i])
			}
			if p.n > 0 && (len(p.b)+lengthBytes+len(b) > packBytes || p.n == r.state.Limits.Objects) {
				if err := r.sendPack(ctx, p); err != nil {
					return err
				}
			}
			p.b = append(binary.BigEndian.AppendUint32(p.b, uint32(len(b))), b...)
			p.n++
		}
	})
	return sums, err
}

// sendPack sends what is in a pack, and empties it.
func (r *run) sendPack(ctx context.Context, p *pack) error {
	if p.n == 0 {
		return nil
	}
	if len(p.b) > 2*packBytes { // an edge has not room for several at once
		r.large.Lock()
		defer r.large.Unlock()
	}
	_, err := r.insist(ctx, mostFailed, func() ([]byte, error) {
		return r.send(ctx, http.MethodPost, "/publish/offers/"+r.offer+"/objects", p.b, "application/octet-stream")
	})
	if err != nil {
		return err
	}
	r.objects.Add(int64(p.n))
	r.bytes.Add(int64(len(p.b) - lengthBytes*p.n))
	if p.b = p.b[:0]; cap(p.b) > 2*packBytes { // a large object's memory is not kept
		p.b = nil
	}
	p.n = 0
	return nil
}

// file reads what the gate asks for. A file of the set has to be the one that the set names.
func (r *run) file(path string) ([]byte, error) {
	if !proofs.IsSetName(path) {
		return nil, &Error{Message: fmt.Sprintf("the gate asks for %s, which cannot be a published file", shown(path)), Hint: notAnEdge}
	}
	b, err := r.Files.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if r.isOld() {
			return nil, fmt.Errorf("%w: what is published has changed", errAgain)
		}
		return nil, &Error{Message: fmt.Sprintf("the edge needs %s, and it is not among what is published here", shown(r.Files.Path(path))), Hint: "stele audit tells what else is missing; stele publish puts back what it can"}
	}
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > r.state.Limits.Object {
		return nil, &Error{Message: fmt.Sprintf("%s: %d bytes, the edge takes %d of one file", shown(r.Files.Path(path)), len(b), r.state.Limits.Object), Hint: "take the file out of the published folder"}
	}
	if f := r.made.set.File(path); f != nil && f.SHA256 != sha256.Sum256(b) {
		return nil, fmt.Errorf("%w: %s has changed since the set was made", errAgain, r.Files.Path(path))
	}
	return b, nil
}

// isOld reports whether something else is published than when the set was made.
func (r *run) isOld() bool {
	b, err := r.Files.Read(checkpointPath)
	return err == nil && string(b) != string(r.made.checkpointFile)
}

// chunks has chunks from first up to end put in place.
func (r *run) chunks(ctx context.Context, first, end int, w *work) error {
	var mu sync.Mutex
	done := first
	return each(ctx, chunksAtOnce, end-first, func(ctx context.Context, i int) error {
		if err := r.chunk(ctx, first+i); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		done++
		r.tell(Progress{Stage: "uploading", Done: w.Items * done / max(1, w.Chunks), Total: w.Items, Bytes: r.bytes.Load()})
		return nil
	})
}

// chunk uploads what one chunk is missing, has it verified and put in place, and reads it back.
func (r *run) chunk(ctx context.Context, i int) error {
	where := "/publish/offers/" + r.offer + "/chunks/" + strconv.Itoa(i)
	var list struct{ Paths []string }
	if err := r.call(ctx, http.MethodGet, where, nil, &list); err != nil {
		return err
	}
	var fresh []string // not uploaded by this run
	for _, path := range list.Paths {
		if _, ok := r.known.Load(path); !ok {
			fresh = append(fresh, path)
		}
	}
	// Only after a push that was broken off is something there already. Those begin with the first chunks: the first one of which nothing is there ends the search.
	search := r.mayBeStaged()
	if !search {
		if _, err := r.upload(ctx, fresh); err != nil {
			return err
		}
	}
	sums, err := r.sums(ctx, list.Paths)
	if err != nil {
		return err
	}
	for range mostTold {
		missing, err := r.promote(ctx, where, sums)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			return r.readBack(ctx, list.Paths, sums)
		}
		if search && len(fresh) > 0 && len(missing) >= len(fresh) {
			r.nothingStaged()
		}
		if _, err := r.upload(ctx, missing); err != nil {
			return err
		}
	}
	return &Error{Message: fmt.Sprintf("the gate does not keep what was uploaded %d times, such as %s", mostTold, shown(list.Paths[0])), Hint: "look at the edge's own log, and at its store"}
}

func (r *run) mayBeStaged() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.staged
}

func (r *run) nothingStaged() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.staged = false
}

// promote has the gate verify a chunk's files and put them in place.
func (r *run) promote(ctx context.Context, where string, sums []proofs.Hash) (missing []string, err error) {
	body := struct {
		SHA256 []string `json:"sha256"`
	}{[]string{}}
	for _, s := range sums {
		body.SHA256 = append(body.SHA256, s.String())
	}
	var answer struct {
		Done    bool
		Missing []string
	}
	if err := r.call(ctx, http.MethodPost, where, body, &answer); err != nil {
		return nil, err
	}
	if !answer.Done && len(answer.Missing) == 0 {
		return nil, &Error{Message: fmt.Sprintf("%s%s says neither that it is done nor what is missing", r.URL, where), Hint: notAnEdge}
	}
	return answer.Missing, nil
}

// sums are the hashes of files.
func (r *run) sums(ctx context.Context, paths []string) ([]proofs.Hash, error) {
	sums := make([]proofs.Hash, len(paths))
	return sums, each(ctx, packersAtOnce, len(paths), func(_ context.Context, i int) error {
		if f := r.made.set.File(paths[i]); f != nil {
			sums[i] = f.SHA256
			return nil
		}
		if h, ok := r.known.Load(paths[i]); ok {
			sums[i] = h.(proofs.Hash)
			return nil
		}
		b, err := r.file(paths[i])
		sums[i] = sha256.Sum256(b)
		return err
	})
}

// readBack compares what was put in place over the public addresses: what never changes under its name at once, the rest when it is in force.
func (r *run) readBack(ctx context.Context, paths []string, sums []proofs.Hash) error {
	return each(ctx, packersAtOnce, len(paths), func(ctx context.Context, i int) error {
		if !headers.Lasts(paths[i]) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.changed = append(r.changed, paths[i])
			return nil
		}
		return r.readOne(ctx, paths[i], sums[i])
	})
}
