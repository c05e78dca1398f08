package mirror

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"stele/build/durable"
	"stele/proofs"
)

// adopt puts the publication in place: immutable files first, durably; then what leads to them. Then it is looked after what was superseded, the pages are
// made, and the mirror signs.
func (r *round) adopt() error {
	checked := r.m.checked
	r.m.checked = 0 // if this is broken off, the next round looks at everything
	if err := r.move(); err != nil {
		return err
	}
	if !r.same() {
		if err := r.remember(); err != nil {
			return err
		}
	}
	if err := r.m.replaceAll(&r.m.adopted.memory); err != nil {
		return err
	}
	if err := r.m.writePages(); err != nil {
		return err
	}
	if err := r.m.cosign(); err != nil {
		return err
	}
	if r.whole {
		if err := r.collect(); err != nil {
			return err
		}
		checked = r.x.AsOf
	}
	if err := r.m.step(string(r.m.incoming), func() error { return os.RemoveAll(string(r.m.incoming)) }); err != nil {
		return err
	}
	r.m.checked = checked
	return nil
}

// move moves what was fetched to where it is served. The content is durable before the name is.
func (r *round) move() error {
	if len(r.staged) == 0 {
		return nil
	}
	if err := r.m.sync(); err != nil {
		return err
	}
	last := ""
	for _, path := range slices.Sorted(maps.Keys(r.staged)) {
		from, to := r.m.incoming.Path(path), r.m.public.Path(path)
		if dir := filepath.Dir(to); dir != last {
			if err := durable.MakeDirsUnsynced(dir); err != nil {
				return err
			}
			last = dir
		}
		if err := r.m.step(to, func() error { return os.Rename(from, to) }); err != nil {
			return err
		}
	}
	return r.m.sync()
}

func (m *Mirror) sync() error {
	if err := durable.MakeDirs(m.Dir); err != nil {
		return err
	}
	return m.step(m.Dir, func() error { return durable.SyncTree(m.Dir) })
}

// remember makes the publication the mirror's own.
func (r *round) remember() error {
	s := &memory{policy: r.m.Trust.PolicyText, list: proofs.FormatHistory(r.list), statistics: r.statistics, head: r.raw}
	if err := r.m.replace(r.m.state, stateAdopted, s.marshal()); err != nil {
		return err
	}
	var err error
	if r.m.adopted, err = r.m.understand(s); err != nil {
		return fmt.Errorf("what was just adopted cannot be understood: %w", err)
	}
	return nil
}
