// Package store is where an edge keeps what was published to it: an R2 bucket in a Worker, a folder, or a bucket of an S3-compatible store.
//
//	current                  which publication is served: the set that is in force (proofs.Set, a signed note)
//	kept/PATH                files that never change under their names (headers.Lasts), under them, once they were proved to belong there
//	set/SHA256               the other files of publications, by the SHA-256 of their bytes
//	staged/SHA256            what was uploaded and is not proved yet
//	offers/ID/…              publications on offer, and how far they have come
//	superseded/…             what publications have replaced, and when
//	rests/ID                 on which deployment a publication rests
//	attempts/DAY/…           every attempt at publication
//	cleaning                 which run of cleaning was the last, or is under way, and where the next goes on
//	witness/…                package witness
//	links/…                  package links
//	status/…                 package status: what the last scheduled check has found, and proofs of forks
package store

import (
	"context"
	"errors"
	"time"
)

// A Store keeps objects by name. It is safe for concurrent use, also by several processes, and strongly consistent: what Put has returned
// from is durable, and everybody who asks afterwards is given it, or what came after it. An object is always whole.
type Store interface {
	// Get returns an object and its version; where there is none, an error that is fs.ErrNotExist.
	Get(ctx context.Context, name string) (b []byte, version string, err error)
	// Put writes an object if the condition holds for what is there at that very moment, else it changes nothing and returns ErrChanged.
	Put(ctx context.Context, name string, b []byte, when Condition) error
	// Delete deletes objects; what is gone already does not matter. At most MostDeleted at once.
	Delete(ctx context.Context, names ...string) error
	// List lists up to MostListed objects whose names begin with a prefix and come after another name, ascending bytewise; more says that there are others.
	List(ctx context.Context, prefix, after string) (objects []Object, more bool, err error)
}

// A Syncer is a Store whose Get may return what is not durable yet: a Put that is under way, or one whose process was killed. Sync makes it so.
type Syncer interface {
	Sync(name string) error
}

// An Object is what List tells of one.
type Object struct {
	Name string
	Size int64
	Time time.Time // when it was written
}

// A Condition says when an object is written: Always, Absent, or Still(version).
type Condition struct {
	version   string
	condition int
}

var (
	Always = Condition{}             // whatever is there
	Absent = Condition{condition: 1} // only if there is nothing
)

// Still is the condition that an object is of the version that Get has told.
func Still(version string) Condition { return Condition{version, 2} }

// IsAlways reports whether there is no condition.
func (c Condition) IsAlways() bool { return c.condition == 0 }

// Version is the version that has to be there; "" and false for Absent and Always.
func (c Condition) Version() (string, bool) { return c.version, c.condition == 2 }

// ErrChanged says that a Put's condition did not hold: somebody else was first.
var ErrChanged = errors.New("changed meanwhile")

const (
	MostListed  = 1000 // R2's and S3's own limit
	MostDeleted = 1000
)
