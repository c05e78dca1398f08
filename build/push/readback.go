package push

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"stele/proofs"
	"stele/site"
)

// mostOther is how often a file is read that is not the one that was uploaded: a cache may have an answer of just before.
const mostOther = 3

// errOther is that something else was read than was uploaded.
var errOther = errors.New("other bytes")

// readBackRest compares what could be read only once the publication is in force: checkpoint and head, and the files that are new.
// Where another publication has come into force since, that one is for its own publisher to compare.
func (r *run) readBackRest(ctx context.Context) error {
	names := append([]string{checkpointPath, proofs.HeadPath}, r.changed...)
	slices.Sort(names)
	names = slices.Compact(names)
	r.tell(Progress{Stage: "reading back what the edge serves", Total: len(names)})
	err := each(ctx, atOnce, len(names), func(ctx context.Context, i int) error {
		return r.readOne(ctx, names[i], r.made.set.File(names[i]).SHA256)
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	now, errState := r.askState(ctx)
	if errState != nil {
		return errState
	}
	if now.Set != "" && now.Time > r.made.set.Time {
		return nil
	}
	return err
}

// readOne reads a file as a reader does, and compares it.
func (r *run) readOne(ctx context.Context, name string, want proofs.Hash) error {
	for i := 1; ; i++ {
		_, err := r.insist(ctx, mostFailed, func() ([]byte, error) { return nil, r.readOnce(ctx, name, want) })
		if err == nil {
			r.checked.Add(1)
			return nil
		}
		if !errors.Is(err, errOther) || i == mostOther {
			return err
		}
		if err := r.Pause(ctx, firstWait<<i); err != nil {
			return err
		}
	}
}

func (r *run) readOnce(ctx context.Context, name string, want proofs.Hash) error {
	address := r.URL + "/" + publicPath(name)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Cache-Control", "no-cache")
	res, err := r.HTTP.Do(req)
	if err != nil {
		return silent(r.URL, err)
	}
	defer res.Body.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(res.Body, proofs.MaxSetFile+1))
	if err != nil {
		return silent(r.URL, err)
	}
	switch {
	case res.StatusCode == http.StatusOK && proofs.Hash(h.Sum(nil)) == want:
		return nil
	case res.StatusCode == http.StatusOK:
		return &Error{why: errOther, Message: fmt.Sprintf("%s: the edge serves %d bytes that are not those that were uploaded", address, n),
			Hint: "the edge, or something before it, changes what it serves: look at its cache and its store; the publication before stands as long as this one is not finished"}
	case res.StatusCode == http.StatusNotFound:
		return &Error{why: errOther, Message: fmt.Sprintf("%s: was uploaded, and the edge answers that it is not there", address),
			Hint: "look whether the address is that of the edge itself, and at its cache"}
	}
	return r.answered(res, "/"+publicPath(name), nil)
}

// publicPath is where a reader finds a file: a folder's first page at the folder, where servers of files lead in any case.
func publicPath(name string) string {
	if name == site.Index {
		return ""
	}
	if folder, ok := strings.CutSuffix(name, "/"+site.Index); ok {
		return folder + "/"
	}
	return name
}
