package edgestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"stele/site/edge/store"
)

// requestTime is how long one request to a bucket may take, retries included.
const requestTime = 2 * time.Minute

// An S3 is a store in a part of an S3-compatible bucket. An object's version is its ETag.
type S3 struct {
	client *s3.Client
	bucket string
	prefix string // empty, or ends with a slash
}

// A Bucket says where an S3 store lies. The secrets come from where every program for S3 takes them: AWS_ACCESS_KEY_ID, AWS_PROFILE, …
type Bucket struct {
	Name     string
	Prefix   string // within the bucket, without slashes at its ends; may be empty
	Region   string
	Endpoint string // empty for AWS's own
}

// OpenS3 opens the store in a bucket that is there already. One that does not keep the conditions of writes is refused: two publishers
// would overwrite one another unawares.
func OpenS3(ctx context.Context, b Bucket) (*S3, error) {
	sdk, err := config.LoadDefaultConfig(ctx, config.WithRegion(b.Region))
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", b.Name, err)
	}
	s := &S3{bucket: b.Name, client: s3.NewFromConfig(sdk, func(o *s3.Options) {
		if b.Endpoint != "" {
			o.BaseEndpoint = aws.String(b.Endpoint)
			o.UsePathStyle = true
		}
	})}
	if b.Prefix != "" {
		s.prefix = b.Prefix + "/"
	}
	if err := s.mustKeepConditions(ctx); err != nil {
		return nil, fmt.Errorf("bucket %s: %w", b.Name, err)
	}
	return s, nil
}

// ErrConditions is that a server writes whatever the conditions are.
var ErrConditions = errors.New("two publishers would overwrite one another")

// probePrefix is where the bucket is tried out.
const probePrefix = "probe/"

// mustKeepConditions tries each condition, where it holds and where it does not.
func (s *S3) mustKeepConditions(ctx context.Context) (err error) {
	name := probePrefix + rand.Text()
	defer func() { err = errors.Join(err, s.Delete(ctx, name)) }()
	if err := s.Put(ctx, name, []byte("1"), store.Absent); err != nil {
		return err
	}
	_, first, err := s.Get(ctx, name)
	if err != nil {
		return err
	}
	if err := s.Put(ctx, name, []byte("2"), store.Still(first)); err != nil {
		return err
	}
	for _, c := range []struct {
		header string
		when   store.Condition
	}{{"If-None-Match", store.Absent}, {"If-Match", store.Still(first)}} {
		if err := s.Put(ctx, name, []byte("3"), c.when); !errors.Is(err, store.ErrChanged) {
			return fmt.Errorf("the server does not keep %s when it writes (got %v, want a refusal): %w", c.header, err, ErrConditions)
		}
	}
	return nil
}

func (s *S3) key(name string) *string { return aws.String(s.prefix + name) }

// failed says what could not be done with which object.
func (s *S3) failed(op, name string, err error) error {
	var none *types.NoSuchKey
	var api smithy.APIError
	switch {
	case errors.As(err, &none), errors.As(err, &api) && (api.ErrorCode() == "NotFound" || api.ErrorCode() == "NoSuchKey"):
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: op, Path: "s3://" + s.bucket + "/" + s.prefix + name, Err: err}
}

// readTries is how often an object is read whose bytes break off, or are not those of the checksum that was sent with them: a server that keeps files can be
// caught between an object's old and new bytes. readPause is the first pause between them; each is twice the one before.
const (
	readTries = 7
	readPause = 10 * time.Millisecond
)

// Get is store.Store's.
func (s *S3) Get(ctx context.Context, name string) (b []byte, version string, err error) {
	return s.GetMost(ctx, name, math.MaxInt64)
}

// GetMost is store.Store's: the answer's header tells how many bytes there are.
func (s *S3) GetMost(ctx context.Context, name string, most int64) (b []byte, version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	for i := range readTries {
		out, failed := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: s.key(name)})
		if failed != nil {
			return nil, "", s.failed("read", name, failed)
		}
		if size := aws.ToInt64(out.ContentLength); size > most {
			out.Body.Close()
			return nil, "", &store.LargeError{Name: name, Size: size, Most: most}
		}
		if out.ContentLength == nil && most < math.MaxInt64 {
			out.Body.Close()
			return nil, "", s.failed("read", name, errors.New("the server does not say how many bytes it has"))
		}
		b, err = io.ReadAll(out.Body)
		out.Body.Close()
		if err == nil {
			return b, aws.ToString(out.ETag), nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(readPause << i):
		}
	}
	return nil, "", s.failed("read", name, err)
}

// Put is store.Store's. With a condition it is sent once: a request that has taken effect and whose answer was lost would find, sent again, that it does
// not hold any more.
func (s *S3) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: s.key(name), Body: bytes.NewReader(b)}
	if version, ok := when.Version(); ok {
		in.IfMatch = aws.String(version)
	} else if !when.IsAlways() {
		in.IfNoneMatch = aws.String("*")
	}
	_, err := s.client.PutObject(ctx, in, func(o *s3.Options) {
		if !when.IsAlways() {
			o.RetryMaxAttempts = 1
		}
	})
	if err == nil {
		return nil
	}
	if when.IsAlways() || !refused(err) {
		return s.failed("write", name, err)
	}
	return store.ErrChanged
}

// refused reports whether a condition was not met. S3 answers 409 where another write was under way, and 404 where what should be of a version is gone.
func refused(err error) bool {
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.HTTPStatusCode() {
	case http.StatusPreconditionFailed, http.StatusConflict:
		return true
	case http.StatusNotFound:
		var api smithy.APIError
		return errors.As(err, &api) && api.ErrorCode() == "NoSuchKey"
	}
	return false
}

// Delete is store.Store's.
func (s *S3) Delete(ctx context.Context, names ...string) error {
	for some := range slices.Chunk(names, store.MostDeleted) {
		if err := s.delete(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (s *S3) delete(ctx context.Context, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	var ids []types.ObjectIdentifier
	for _, name := range names {
		ids = append(ids, types.ObjectIdentifier{Key: s.key(name)})
	}
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
	if err != nil {
		return s.failed("remove", names[0], err)
	}
	if len(out.Errors) > 0 {
		e := out.Errors[0]
		return s.failed("remove", strings.TrimPrefix(aws.ToString(e.Key), s.prefix), fmt.Errorf("%s: %s", aws.ToString(e.Code), aws.ToString(e.Message)))
	}
	return nil
}

// List is store.Store's.
func (s *S3) List(ctx context.Context, prefix, after string) (objects []store.Object, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.key(prefix), MaxKeys: aws.Int32(store.MostListed)}
	if after != "" {
		in.StartAfter = s.key(after)
	}
	page, err := s.client.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, false, s.failed("list", prefix, err)
	}
	for _, o := range page.Contents {
		objects = append(objects, store.Object{Name: strings.TrimPrefix(aws.ToString(o.Key), s.prefix), Size: aws.ToInt64(o.Size), Time: aws.ToTime(o.LastModified)})
	}
	return objects, aws.ToBool(page.IsTruncated), nil
}
