package ledger

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/transparency-dev/tessera"
	tesseraaws "github.com/transparency-dev/tessera/storage/aws"
)

// A Cloud is where Tessera's AWS driver keeps a log: in a part of a bucket, and in tables of its own in a database.
type Cloud struct {
	SDK      aws.Config
	Options  func(*s3.Options)
	Bucket   string
	Prefix   string // ends with a slash
	Database string // data source name: github.com/go-sql-driver/mysql
	Files    Files  // the same part of the bucket
}

const (
	// A batch is one row of Tessera's queue: max_allowed_packet is 16 MiB in MariaDB.
	cloudBatchBytes = 4 << 20
	// Tessera gives the integration of a batch ten seconds, and writes its tiles all at once.
	cloudBatch = 1 << 13
	// connections are how many Tessera may open to the database; none stays open, since Tessera never closes its pool.
	connections = 8
)

// InCloud names a log in a bucket and a database. Nothing is opened yet.
func InCloud(c Cloud, origin string) *Log {
	return &Log{origin: origin, files: c.Files, maxBatch: cloudBatch, maxBytes: cloudBatchBytes,
		driver: func(ctx context.Context) (tessera.Driver, error) {
			return tesseraaws.New(ctx, tesseraaws.Config{SDKConfig: &c.SDK, S3Options: c.Options, Bucket: c.Bucket, BucketPrefix: c.Prefix,
				DSN: c.Database, MaxOpenConns: connections, MaxIdleConns: 0})
		}}
}
