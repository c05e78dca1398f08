package registry

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stele/build/storage"
	"stele/proofs"
)

// TestMisplacedIndex: a publisher that had lost its lock unawares has got its index statement into the ledger, behind another's.
// It holds nothing, and the next publication goes on after it.
func TestMisplacedIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	c, _, err := r.signed()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := r.Keys.Signer(keyPublication)
	if err != nil {
		t.Fatal(err)
	}
	var last *proofs.Index
	r.log().Entries(c.Size-1, c.Size, func(_ uint64, e [][]byte) error {
		x, err := r.Trust.Authorise(nil, c.Size-1, e[0])
		if err == nil {
			last = x.Statement.Index
		}
		return err
	})
	x := *last // as another publisher made it for the place just behind c, one place too late
	x.Publication, x.Covers, x.Time = last.Publication+1, c.Size-1, last.Time+1
	note, err := proofs.SignNote((&proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionIndex, Issuer: r.Trust.Publication.Name, Index: &x}).Text(), signer)
	if err != nil {
		t.Fatal(err)
	}
	app, err := r.log().Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Append(context.Background(), [][]byte{note.Marshal()}); err != nil {
		t.Fatal(err)
	}
	register(t, r, office, 100, 102)
	publish(t, r)
	mustAudit(t, r, heartbeat.now)
}

// TestDueClockBack: that the clock has gone back is said, and not taken for another's publication.
func TestDueClockBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	p, err := openAt(t, dir, second.now-24*hour).PublishDue(context.Background(), time.Hour)
	if err == nil {
		t.Errorf("got %v and no error, want one about the clock", p)
	}
}

// failing files fail to be read as long as they are told to.
type failing struct {
	storage.Files
	broken atomic.Bool
	slow   time.Duration
}

func (f *failing) Read(name string) ([]byte, error) {
	if f.broken.Load() {
		return nil, errors.New("the database does not answer")
	}
	time.Sleep(f.slow)
	return f.Files.Read(name)
}

// TestReloadAgain: where what was published could not be read, it is read the next time.
func TestReloadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	state := &failing{Files: r.at.State}
	r.at.State = state
	in, err := r.NewIntake(100)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	other := openAt(t, dir, heartbeat.now)
	register(t, other, office, 100, 101)
	entries, _ := other.pendingEntries(context.Background())
	id := StatementID(entries[0])
	if o, ok, err := in.Find(id, ""); !ok || err != nil || o.State != Pending {
		t.Fatal(o, ok, err)
	}
	publish(t, other)
	state.broken.Store(true)
	if _, _, err := in.Find(id, ""); err == nil {
		t.Fatal("no error")
	}
	state.broken.Store(false)
	if o, ok, err := in.Find(id, documentOf(100).Selector); !ok || err != nil || o.State != Published {
		t.Errorf("after the database is back: %+v %v %v, want published", o, ok, err)
	}
}

// TestRegisteredWithoutState: a question does not panic where state/index is behind what is published.
func TestRegisteredWithoutState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	in, err := r.NewIntake(100)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	old := t.TempDir()
	copyOf(t, second, old)
	b, err := openAt(t, old, second.now).at.State.Read(stateIndex)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.at.State.Replace(stateIndex, b); err != nil { // rolled back
		t.Fatal(err)
	}
	if err := in.Refresh(); err != nil {
		t.Fatal("nothing has changed", err)
	}
	in.mu.Lock()
	in.mark = nil // as by a further heartbeat elsewhere
	in.mu.Unlock()
	if err := in.Refresh(); err == nil {
		t.Fatal("no error")
	}
	in.Registered(documentOf(0).Selector)
}

// TestQuestionsDoNotHoldUp: whoever asks about statements does not keep the queue from being written.
func TestQuestionsDoNotHoldUp(t *testing.T) {
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	register(t, r, office, 100, 101)
	entries, _ := r.pendingEntries(context.Background())
	batches, _ := r.pending(storage.Unknown)
	if err := r.dequeue(batches); err != nil {
		t.Fatal(err)
	}
	r.at.Public = &failing{Files: r.at.Public, slow: 25 * time.Millisecond} // a bucket
	in, err := r.NewIntake(100)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var asked atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	for i := range 100 {
		go func() {
			for ctx.Err() == nil {
				in.Find(proofs.Hash{byte(i)}, documentOf(i).Selector)
				asked.Add(1)
			}
		}()
	}
	time.Sleep(time.Second)
	began := time.Now()
	if _, err := in.Take(context.Background(), in.Check(entries)); err != nil {
		t.Fatal(err)
	}
	t.Logf("one statement taken in %s; %d questions answered", time.Since(began), asked.Load())
	if took := time.Since(began); took > time.Second {
		t.Errorf("one statement took %s while 100 strangers ask", took)
	}
}

// TestDueUnfinished: what one machine has signed and not written, the next one finishes at its turn.
func TestDueUnfinished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	register(t, r, office, 100, 101)
	r.fault = func(when, path string) error {
		if when == "before" && strings.HasSuffix(path, "ledger/head") {
			return errFault
		}
		return nil
	}
	if _, err := r.Publish(context.Background()); !errors.Is(err, errFault) {
		t.Fatal(err)
	}
	other := openAt(t, dir, heartbeat.now+60)
	if p, err := other.PublishDue(context.Background(), time.Hour); p == nil || err != nil {
		t.Errorf("got %v, %v, want the publication to be finished", p, err)
	}
	if p, err := other.PublishDue(context.Background(), time.Hour); p != nil || err != nil {
		t.Errorf("got %v, %v, want nothing to do", p, err)
	}
}

// TestOutageIsNotDamage: where the store does not answer, nobody is told to remove anything.
func TestOutageIsNotDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	register(t, r, office, 100, 101)
	r.at.Public = unread{r.at.Public}
	_, err := r.Publish(context.Background())
	var e *Error
	if err == nil || errors.As(err, &e) {
		t.Errorf("got %v, want an error without a hint; hint: %s", err, hintOf(e))
	}
}

// unread files of the index cannot be read, as by a store that is overloaded.
type unread struct{ storage.Files }

func (u unread) Read(name string) ([]byte, error) {
	if strings.HasPrefix(name, "index/") {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("503 SlowDown")}
	}
	return u.Files.Read(name)
}

func hintOf(e *Error) string {
	if e == nil {
		return "none"
	}
	return e.Hint
}
