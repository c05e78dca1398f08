package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stele/proofs"
)

// The most that is read of a file, in bytes: c2sp.org/tlog-tiles, and FORMAT.md, section 16. What is larger is not what it should be, and is
// read no further, so that no origin can fill memory or disk.
const (
	maxTile      = proofs.TileWidth * len(proofs.Hash{})
	maxBundle    = proofs.TileWidth * (2 + 1<<16 - 1)
	maxMapTile   = 17 << 10
	maxIssuers   = 64 << 20
	maxHead      = 4 << 20
	maxTrust     = 512 << 10
	maxHandover  = 4 << 20
	maxListing   = 64 << 20 // the history list, a line of some 75 bytes a checkpoint, and the statistics
	maxAnything  = 64 << 20
	patience     = 30 * time.Second // without a byte
	mostPatience = 15 * time.Minute // for a whole file
)

// atOnce is how many files are fetched at once. From a folder or over loopback a few would do; over a network each has to be waited for.
const atOnce = 24

// A source is where the origin's files are read from, by several goroutines at once. What is not there is an fs.ErrNotExist; what has more than
// limit bytes is an error.
type source interface {
	read(ctx context.Context, path string, limit int) ([]byte, error)
	String() string
}

func openSource(where string) (source, error) {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = 2*atOnce, atOnce, atOnce
		t.ReadBufferSize = 64 << 10
		return &web{strings.TrimSuffix(where, "/"), &http.Client{Transport: t}, patience, retryAfter}, nil
	}
	if info, err := os.Stat(where); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: want a folder or an address", where)
	}
	return folder(where), nil
}

// folder is a published folder, such as one that was brought on a disk.
type folder string

func (d folder) String() string { return string(d) }

func (d folder) read(ctx context.Context, path string, limit int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(string(d), filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int64(0)
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	return readUpTo(f, size, limit)
}

// web is a portal over HTTP.
type web struct {
	base     string
	client   *http.Client
	patience time.Duration
	pause    time.Duration // before the first request that is made again
}

func (w *web) String() string { return w.base }

// An outage is an answer that says nothing about a file: it may be there.
type outage struct {
	what string
	err  error
}

func (o *outage) Error() string { return o.what + ": " + o.err.Error() }
func (o *outage) Unwrap() error { return o.err }

// retries is how often a request is made again that has not come to an answer, and retryAfter how long after the first, in doubling steps.
const (
	retries    = 3
	retryAfter = 200 * time.Millisecond
)

func (w *web) read(ctx context.Context, path string, limit int) ([]byte, error) {
	for try := 0; ; try++ {
		b, err := w.get(ctx, path, limit)
		var o *outage
		if !errors.As(err, &o) || try == retries || ctx.Err() != nil {
			return b, err
		}
		if err := wait(ctx, w.pause<<try); err != nil {
			return nil, err
		}
	}
}

// get makes one request. It waits as long as something comes, but not for ever: another reader wants the connection.
func (w *web) get(ctx context.Context, path string, limit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, mostPatience)
	defer cancel()
	silence := time.AfterFunc(w.patience, cancel)
	defer silence.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, &outage{path, err}
	}
	defer res.Body.Close()
	switch code := res.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		return nil, fmt.Errorf("%s/%s: %w", w.base, path, fs.ErrNotExist)
	case code == http.StatusTooManyRequests || code >= 500:
		return nil, &outage{w.base + "/" + path, fmt.Errorf("the server answered %s", res.Status)}
	case code != http.StatusOK:
		return nil, fmt.Errorf("%s/%s: the server answered %s", w.base, path, res.Status)
	}
	b, err := readUpTo(&patient{res.Body, silence, w.patience}, res.ContentLength, limit)
	if large := (*tooLarge)(nil); err != nil && !errors.As(err, &large) {
		err = &outage{w.base + "/" + path, err}
	}
	return b, err
}

// A patient reader puts off the end of patience with every byte.
type patient struct {
	r       io.Reader
	silence *time.Timer
	each    time.Duration
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n > 0 {
		p.silence.Reset(p.each)
	}
	return n, err
}

// A tooLarge file is not what it should be.
type tooLarge struct{ limit int }

func (e *tooLarge) Error() string { return fmt.Sprintf("over %d bytes", e.limit) }

// readUpTo reads a file of some announced size.
func readUpTo(r io.Reader, announced int64, limit int) ([]byte, error) {
	if announced > int64(limit) {
		return nil, &tooLarge{limit}
	}
	var b bytes.Buffer
	if announced > 0 {
		b.Grow(int(announced) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1)); err != nil {
		return nil, err
	}
	if b.Len() > limit {
		return nil, &tooLarge{limit}
	}
	return b.Bytes(), nil
}

// asPortal is a source for those who read a portal.
type asPortal struct{ source }

func (p asPortal) Read(ctx context.Context, path string) ([]byte, error) {
	return p.source.read(ctx, path, maxAnything)
}
