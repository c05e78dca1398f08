package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stele/build/ledger"
)

// LockPublish is the name of the publisher's lock, the one that raises the fence.
const LockPublish = "publish.lock"

// InCloud is the storage of a registry that lies in a bucket and a database. Several machines may have it open at once.
func InCloud(ctx context.Context, s *Settings, origin string, getenv func(string) string) (*Storage, error) {
	source, err := s.source(getenv)
	if err != nil {
		return nil, err
	}
	sdk, err := config.LoadDefaultConfig(ctx, config.WithRegion(s.Region))
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", s.Bucket, err)
	}
	options := func(o *s3.Options) {
		if s.Endpoint != "" {
			o.BaseEndpoint = aws.String(s.Endpoint)
			o.UsePathStyle = true
		}
	}
	client := s3.NewFromConfig(sdk, options)
	// The bucket first: the database is bound to the origin for good.
	if _, err := newBucket(client, s.Bucket, s.prefix()+"public/", nil).Read("ledger/checkpoint"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	d, err := openDatabase(source, s.Database, origin)
	if err != nil {
		return nil, err
	}
	private := newBucket(client, s.Bucket, s.prefix()+"ledger/", nil)
	return &Storage{
		AtOnce: objectsAtOnce,
		Public: newBucket(client, s.Bucket, s.prefix()+"public/", d.fence),
		State:  rows{d},
		Queue:  tableQueue{d},
		Ledger: ledger.InCloud(ledger.Cloud{SDK: sdk, Options: options, Bucket: s.Bucket, Prefix: s.prefix() + "ledger/",
			Database: source, Files: private}, origin),
		TryLock: func(name string) (io.Closer, error) { return d.tryLock(name, name == LockPublish) },
	}, nil
}
