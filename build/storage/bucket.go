package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"stele/site/headers"
)

const (
	// objectTime is how long one object may take, retries included.
	objectTime = 2 * time.Minute
	// objectsAtOnce are how many objects are written at the same time.
	objectsAtOnce = 64
)

// A bucket is Files in a part of an S3-compatible bucket. Puts go on in the background until Sync.
type bucket struct {
	client *s3.Client
	name   string
	prefix string // ends with a slash
	// fence, if set, is asked before a file is replaced: whoever has lost the publisher's lock replaces nothing.
	fence func() error

	free    chan struct{} // one for each object under way
	syncing sync.Mutex    // two that wait for all to end would wait for each other
	mu      sync.Mutex
	putting map[string]chan struct{} // closed when the object is there
	err     error                    // of a Put, until the next one or Sync tells it
}

func newBucket(client *s3.Client, name, prefix string, fence func() error) *bucket {
	return &bucket{client: client, name: name, prefix: prefix, fence: fence, free: make(chan struct{}, objectsAtOnce), putting: map[string]chan struct{}{}}
}

// Path is an address as other programs for S3 write it.
func (b *bucket) Path(name string) string { return "s3://" + b.name + "/" + b.prefix + name }

func (b *bucket) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), objectTime)
}

// Read reads an object; one that is being put is waited for.
func (b *bucket) Read(name string) ([]byte, error) {
	b.mu.Lock()
	done := b.putting[name]
	b.mu.Unlock()
	if done != nil {
		<-done
	}
	return b.get(name)
}

func (b *bucket) get(name string) ([]byte, error) {
	ctx, cancel := b.context()
	defer cancel()
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: aws.String(b.prefix + name)})
	if err != nil {
		return nil, b.failed("read", name, err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, b.failed("read", name, err)
	}
	return content, nil
}

// failed says what could not be done with which object. One that is not there is an fs.ErrNotExist.
func (b *bucket) failed(op, name string, err error) error {
	var none *types.NoSuchKey
	var api smithy.APIError
	if errors.As(err, &none) || errors.As(err, &api) && api.ErrorCode() == "NotFound" {
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: op, Path: b.Path(name), Err: err}
}

// Put begins to write an object. If an earlier one has failed it says so, in its stead: whoever writes a publication gives it up
// with the first error.
func (b *bucket) Put(name string, content []byte) error {
	b.mu.Lock()
	err, busy := b.err, b.putting[name] != nil
	b.err = nil
	b.mu.Unlock()
	if err != nil || busy { // it never changes: whoever is putting it puts the same
		return err
	}
	b.free <- struct{}{}
	done := make(chan struct{})
	b.mu.Lock()
	b.putting[name] = done
	b.mu.Unlock()
	go func() {
		err := b.putOnce(name, content)
		b.mu.Lock()
		b.err = errors.Join(b.err, err)
		delete(b.putting, name)
		b.mu.Unlock()
		close(done)
		<-b.free
	}()
	return nil
}

// putOnce writes an object that is not there, or is not as it should be, and reads it back.
func (b *bucket) putOnce(name string, content []byte) error {
	err := b.put(name, content, aws.String("*"))
	var api smithy.APIError
	switch {
	case err == nil:
	case !errors.As(err, &api):
		// A server may refuse what is there already before it has read it, and break off the connection: the refusal can be lost.
		if have, errGet := b.get(name); errGet == nil && bytes.Equal(have, content) {
			return nil
		}
	case api.ErrorCode() == "PreconditionFailed" || api.ErrorCode() == "ConditionalRequestConflict":
		have, errGet := b.get(name)
		if errGet != nil || bytes.Equal(have, content) {
			return errGet
		}
		err = b.put(name, content, nil)
	}
	if err != nil {
		return b.failed("write", name, err)
	}
	have, err := b.get(name)
	if err == nil && !bytes.Equal(have, content) {
		err = b.failed("write", name, errReadBack)
	}
	return err
}

func (b *bucket) put(name string, content []byte, ifNone *string) error {
	ctx, cancel := b.context()
	defer cancel()
	kind, cache := headers.Of(name)
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: aws.String(b.prefix + name), Body: bytes.NewReader(content),
		IfNoneMatch: ifNone, ContentType: aws.String(kind), CacheControl: aws.String(cache)})
	return err
}

// Sync waits for all that was Put.
func (b *bucket) Sync() error {
	b.syncing.Lock()
	defer b.syncing.Unlock()
	for range objectsAtOnce {
		b.free <- struct{}{}
	}
	for range objectsAtOnce {
		<-b.free
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.err
	b.err = nil
	return err
}

// Replace writes an object, once all that was Put is there.
func (b *bucket) Replace(name string, content []byte) error {
	if err := b.Sync(); err != nil {
		return err
	}
	if b.fence != nil {
		if err := b.fence(); err != nil {
			return err
		}
	}
	if err := b.put(name, content, nil); err != nil {
		return b.failed("write", name, err)
	}
	return nil
}

// Remove deletes objects, and all below names that end with a slash.
func (b *bucket) Remove(names ...string) error {
	var all []string
	for _, name := range names {
		if !strings.HasSuffix(name, "/") {
			all = append(all, name)
			continue
		}
		if err := b.List(name, func(name string, _ int64) error { all = append(all, name); return nil }); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(all, RemoveAtOnce) {
		if err := b.remove(some); err != nil {
			return err
		}
	}
	return nil
}

func (b *bucket) remove(names []string) error {
	ctx, cancel := b.context()
	defer cancel()
	var ids []types.ObjectIdentifier
	for _, name := range names {
		ids = append(ids, types.ObjectIdentifier{Key: aws.String(b.prefix + name)})
	}
	out, err := b.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b.name, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
	if err != nil {
		return b.failed("remove", names[0], err)
	}
	if len(out.Errors) > 0 {
		e := out.Errors[0]
		return b.failed("remove", strings.TrimPrefix(aws.ToString(e.Key), b.prefix), fmt.Errorf("%s: %s", aws.ToString(e.Code), aws.ToString(e.Message)))
	}
	return nil
}

// List lists by a thousand objects a request.
func (b *bucket) List(below string, f func(name string, size int64) error) error {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: aws.String(b.prefix + below)})
	for pages.HasMorePages() {
		ctx, cancel := b.context()
		page, err := pages.NextPage(ctx)
		cancel()
		if err != nil {
			return b.failed("list", below, err)
		}
		for _, o := range page.Contents {
			if err := f(strings.TrimPrefix(aws.ToString(o.Key), b.prefix), aws.ToInt64(o.Size)); err != nil {
				return err
			}
		}
	}
	return nil
}
