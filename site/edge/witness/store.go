package witness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"stele/site/edge/store"
)

// Names in a store.
const (
	StatePrefix        = "witness/state/"
	OriginsPrefix      = "witness/origins/"
	MisbehaviourPrefix = "witness/misbehaviour/"
)

// inStore are records in a store.
type inStore struct {
	s store.Store

	mu      sync.Mutex
	durable map[string]string // of each log's record the version that is, where the store does not see to that by itself
}

// InStore is the home of records in a store; several processes may have it at once.
func InStore(s store.Store) Records { return &inStore{s: s, durable: map[string]string{}} }

// Load is Records's. The entry of the origin is looked for first: it is written after the record, so that whoever finds it, and no record
// afterwards, knows that one is gone, also where others write at that moment. A record without its entry is what a process has left that was ended
// between the two, or what another has just begun: the entry is then made up for, before anything is signed or shown by that record.
func (r *inStore) Load(ctx context.Context, origin string) ([]byte, string, error) {
	name := StatePrefix + OriginName(origin)
	seen, err := r.seen(ctx, origin)
	if err != nil {
		return nil, "", err
	}
	b, version, err := r.s.Get(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && seen:
		return nil, "", fmt.Errorf("%s: %w: it is gone, and checkpoints of this log have been cosigned", name, ErrDamaged)
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", nil
	case err != nil:
		return nil, "", fmt.Errorf("read %s: %w", name, err)
	case version == "":
		return nil, "", fmt.Errorf("read %s: the store tells no version of it", name)
	case !seen:
		err = r.see(ctx, origin)
	}
	if err == nil {
		err = r.settle(origin, version)
	}
	return b, version, err
}

// settle makes a record that was read durable, with its entry: of another's Save that is not so far yet, or has never come so far.
func (r *inStore) settle(origin, version string) error {
	s, ok := r.s.(store.Syncer)
	if !ok {
		return nil
	}
	r.mu.Lock()
	done := r.durable[origin] == version
	r.mu.Unlock()
	if done {
		return nil
	}
	for _, prefix := range []string{StatePrefix, OriginsPrefix} {
		if err := s.Sync(prefix + OriginName(origin)); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.durable[origin] = version
	r.mu.Unlock()
	return nil
}

// Save is Records's: first the record and then, of a new log, its entry, so that a crash in between leaves nothing that looks like a loss.
func (r *inStore) Save(ctx context.Context, origin, version string, record []byte) error {
	name, when := StatePrefix+OriginName(origin), store.Absent
	if version != "" {
		when = store.Still(version)
	}
	if err := r.s.Put(ctx, name, record, when); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if version != "" {
		return nil // Load has seen to its entry
	}
	return r.see(ctx, origin)
}

func (r *inStore) seen(ctx context.Context, origin string) (bool, error) {
	name := OriginsPrefix + OriginName(origin)
	_, _, err := r.s.Get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	return true, nil // whatever it holds
}

// see writes the entry of an origin. That somebody else has written it is as good.
func (r *inStore) see(ctx context.Context, origin string) error {
	name := OriginsPrefix + OriginName(origin)
	if err := r.s.Put(ctx, name, []byte(origin+"\n"), store.Absent); err != nil && !errors.Is(err, store.ErrChanged) {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Keep is Records's. Two at once may keep one or two more than MostKept.
func (r *inStore) Keep(ctx context.Context, origin, kind, name string, b []byte) (string, error) {
	prefix := MisbehaviourPrefix + OriginName(origin) + "/" + kind + "/"
	if _, _, err := r.s.Get(ctx, prefix+name); !errors.Is(err, fs.ErrNotExist) { // which costs less than a list, where the same is sent again and again
		return "", err
	}
	have, _, err := r.s.List(ctx, prefix, "")
	if err != nil || len(have) >= MostKept {
		return "", err
	}
	if err := r.s.Put(ctx, prefix+name, b, store.Absent); errors.Is(err, store.ErrChanged) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return prefix + name, nil
}
