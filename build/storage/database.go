package storage

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver called mysql
)

// The tables beside Tessera's own. A database holds one registry.
var tables = []string{
	"CREATE TABLE IF NOT EXISTS stele_registry (id TINYINT PRIMARY KEY, origin VARBINARY(128) NOT NULL, fence BIGINT UNSIGNED NOT NULL)",
	"CREATE TABLE IF NOT EXISTS stele_state (name VARBINARY(255) PRIMARY KEY, content LONGBLOB NOT NULL)",
	"CREATE TABLE IF NOT EXISTS stele_queue (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, statements INT UNSIGNED NOT NULL, content LONGBLOB NOT NULL)",
}

const (
	// queryTime is how long one statement of SQL may take.
	queryTime = 2 * time.Minute
	// rowBytes is the most that one row of the queue holds: max_allowed_packet is 16 MiB in MariaDB.
	rowBytes = 4 << 20
	// poolConnections are how many connections a process keeps to the database.
	poolConnections = 16
)

// A database keeps a registry's state and queue, and its publisher's lock.
type database struct {
	db   *sql.DB
	name string // for people

	mu    sync.Mutex
	token uint64 // of the publisher's lock that this process holds; 0 for none
}

// openDatabase opens the database of a registry, or makes its tables in an empty one.
func openDatabase(source, name, origin string) (*database, error) {
	db, err := sql.Open("mysql", source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(poolConnections)
	d := &database{db: db, name: name}
	if err := d.begin(origin); err != nil {
		db.Close()
		return nil, fmt.Errorf("database %s: %w", name, err)
	}
	return d, nil
}

func (d *database) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), queryTime)
}

func (d *database) begin(origin string) error {
	ctx, cancel := d.context()
	defer cancel()
	for _, t := range tables {
		if _, err := d.db.ExecContext(ctx, t); err != nil {
			return err
		}
	}
	if _, err := d.db.ExecContext(ctx, "INSERT IGNORE INTO stele_registry (id, origin, fence) VALUES (0, ?, 0)", origin); err != nil {
		return err
	}
	var have string
	if err := d.db.QueryRowContext(ctx, "SELECT origin FROM stele_registry WHERE id = 0").Scan(&have); err != nil {
		return err
	}
	if have != origin {
		return fmt.Errorf("it holds the registry %s, want %s: a database holds one registry", have, origin)
	}
	return nil
}

// ErrFenced says that another publisher has taken over.
var ErrFenced = errors.New("another publisher has taken over, since this one has lost its connection to the database for a while")

// lockName names a lock of one database among those of its server, in at most 64 characters.
const lockName = "CONCAT('stele ', LEFT(SHA1(DATABASE()), 16), ' ', ?)"

// A hold is the publisher's lock, or another one.
type hold struct {
	d         *database
	conn      *sql.Conn
	name      string
	publisher bool
	ended     chan struct{}
	awake     sync.WaitGroup
}

// keepAwake is how often the connection of a lock says something: servers, proxies and firewalls end those that are silent, and
// a large publication says nothing over it for a long time.
var keepAwake = 15 * time.Second

func (h *hold) keep() {
	tick := time.NewTicker(keepAwake)
	defer tick.Stop()
	for {
		select {
		case <-h.ended:
			return
		case <-tick.C:
			ctx, cancel := h.d.context()    // one that ends takes the connection with it: no shorter than any other's
			h.conn.ExecContext(ctx, "DO 1") // a lock that is lost shows at the fence
			cancel()
		}
	}
}

// tryLock takes a lock of the database's for as long as one connection lasts. Whoever takes the publisher's raises the fence:
// what an earlier holder still tries to write, having missed the end of its connection, is refused.
func (d *database) tryLock(name string, publisher bool) (io.Closer, error) {
	ctx, cancel := d.context()
	defer cancel()
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", d.name, err)
	}
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", 0)", name).Scan(&got)
	if err == nil && got.Int64 != 1 {
		conn.Close() // it holds nothing: whoever waits looks fifty times a second
		return nil, fmt.Errorf("database %s: lock %s: %w", d.name, name, ErrLocked)
	}
	if err == nil && publisher {
		err = d.raiseFence(ctx, conn)
	}
	if err != nil {
		d.drop(conn)
		return nil, fmt.Errorf("database %s: lock %s: %w", d.name, name, err)
	}
	h := &hold{d: d, conn: conn, name: name, publisher: publisher, ended: make(chan struct{})}
	h.awake.Go(h.keep)
	return h, nil
}

// clockSlack is how far the clocks of this machine and of the database's may be apart, in seconds: FORMAT.md, section 13.
const clockSlack = 300

// raiseFence takes over. A clock that is far ahead would keep everybody else from publishing for as long; one of another
// machine tells.
func (d *database) raiseFence(ctx context.Context, conn *sql.Conn) error {
	var theirs int64
	if err := conn.QueryRowContext(ctx, "SELECT UNIX_TIMESTAMP()").Scan(&theirs); err != nil {
		return err
	}
	if ours := time.Now().Unix(); ours > theirs+clockSlack || ours < theirs-clockSlack {
		return fmt.Errorf("this machine's clock says %s, that of the database's %s: set the one that is wrong",
			time.Unix(ours, 0).UTC().Format(time.RFC3339), time.Unix(theirs, 0).UTC().Format(time.RFC3339))
	}
	if _, err := conn.ExecContext(ctx, "UPDATE stele_registry SET fence = fence + 1 WHERE id = 0"); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return conn.QueryRowContext(ctx, "SELECT fence FROM stele_registry WHERE id = 0").Scan(&d.token)
}

// drop ends a connection, and with it what it holds: given back to the pool, it would go on holding it.
func (d *database) drop(conn *sql.Conn) {
	conn.Raw(func(any) error { return errors.New("not to be used again") })
	conn.Close()
}

// Close releases the lock.
func (h *hold) Close() error {
	close(h.ended)
	h.awake.Wait()
	if h.publisher {
		h.d.mu.Lock()
		h.d.token = 0
		h.d.mu.Unlock()
	}
	ctx, cancel := h.d.context()
	defer cancel()
	_, err := h.conn.ExecContext(ctx, "SELECT RELEASE_LOCK("+lockName+")", h.name)
	h.d.drop(h.conn)
	return err
}

// fence fails if another publisher has taken over since this process took the publisher's lock.
func (d *database) fence() error {
	ctx, cancel := d.context()
	defer cancel()
	return d.fenced(ctx, d.db)
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (d *database) fenced(ctx context.Context, q querier) error {
	d.mu.Lock()
	token := d.token
	d.mu.Unlock()
	if token == 0 {
		return nil
	}
	var now uint64
	if err := q.QueryRowContext(ctx, "SELECT fence FROM stele_registry WHERE id = 0 LOCK IN SHARE MODE").Scan(&now); err != nil {
		return err
	}
	if now != token {
		return ErrFenced
	}
	return nil
}

// change does something in a transaction, behind the fence.
func (d *database) change(do func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := d.context()
	defer cancel()
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := d.fenced(ctx, tx); err != nil {
		return err
	}
	if err := do(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// rows is Files in the table stele_state.
type rows struct{ *database }

func (s rows) Path(name string) string { return "database " + s.name + ", stele_state " + name }

func (s rows) failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: op, Path: s.Path(name), Err: err}
}

func (s rows) Read(name string) ([]byte, error) {
	ctx, cancel := s.context()
	defer cancel()
	var b []byte
	err := s.db.QueryRowContext(ctx, "SELECT content FROM stele_state WHERE name = ?", name).Scan(&b)
	return b, s.failed("read", name, err)
}

func (s rows) Put(name string, b []byte) error { return s.Replace(name, b) }

func (s rows) Replace(name string, b []byte) error {
	if b == nil {
		b = []byte{}
	}
	return s.failed("write", name, s.change(func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "REPLACE INTO stele_state (name, content) VALUES (?, ?)", name, b)
		return err
	}))
}

func (s rows) Remove(names ...string) error {
	for _, name := range names {
		if err := s.remove(name); err != nil {
			return err
		}
	}
	return nil
}

func (s rows) remove(name string) error {
	return s.failed("remove", name, s.change(func(ctx context.Context, tx *sql.Tx) error {
		query := "DELETE FROM stele_state WHERE name = ?"
		if strings.HasSuffix(name, "/") {
			query = "DELETE FROM stele_state WHERE LEFT(name, LENGTH(?)) = ?"
			_, err := tx.ExecContext(ctx, query, name, name)
			return err
		}
		_, err := tx.ExecContext(ctx, query, name)
		return err
	}))
}

func (s rows) Sync() error { return nil }

func (s rows) List(below string, f func(name string, size int64) error) error {
	type row struct {
		name string
		size int64
	}
	var all []row
	ctx, cancel := s.context()
	defer cancel()
	out, err := s.db.QueryContext(ctx, "SELECT name, LENGTH(content) FROM stele_state WHERE LEFT(name, LENGTH(?)) = ? ORDER BY name", below, below)
	if err != nil {
		return s.failed("list", below, err)
	}
	defer out.Close()
	for out.Next() {
		var r row
		if err := out.Scan(&r.name, &r.size); err != nil {
			return s.failed("list", below, err)
		}
		all = append(all, r)
	}
	if err := out.Err(); err != nil {
		return s.failed("list", below, err)
	}
	for _, r := range all { // f may write
		if err := f(r.name, r.size); err != nil {
			return err
		}
	}
	return nil
}

// tableQueue is a Queue in the table stele_queue.
type tableQueue struct{ *database }

// Add adds rows in one transaction.
func (q tableQueue) Add(entries [][]byte) error {
	if len(entries) == 0 {
		return nil
	}
	ctx, cancel := q.context()
	defer cancel()
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return q.failed(err)
	}
	defer tx.Rollback()
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (n == 0 || size+len(entries[n]) <= rowBytes) {
			size += len(entries[n])
			n++
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO stele_queue (statements, content) VALUES (?, ?)", n, FormatBatch(entries[:n]))
		if err != nil {
			return q.failed(err)
		}
		entries = entries[n:]
	}
	return q.failed(tx.Commit())
}

func (q tableQueue) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("database %s: queue: %w", q.name, err)
}

func (q tableQueue) Batches(known func(name string) bool) ([]Batch, error) {
	ctx, cancel := q.context()
	defer cancel()
	all, err := q.names(ctx)
	if err != nil {
		return nil, q.failed(err)
	}
	first := slices.IndexFunc(all, func(b Batch) bool { return !known(b.Name) })
	if first < 0 {
		return all, nil
	}
	out, err := q.db.QueryContext(ctx, "SELECT id, content FROM stele_queue WHERE id >= ? ORDER BY id", all[first].Name)
	if err != nil {
		return nil, q.failed(err)
	}
	defer out.Close()
	all = all[:first]
	for out.Next() {
		var id uint64
		var content sql.RawBytes
		if err := out.Scan(&id, &content); err != nil {
			return nil, q.failed(err)
		}
		b := Batch{Name: strconv.FormatUint(id, 10)}
		if !known(b.Name) {
			if b.Entries, err = ParseBatch(bytes.Clone(content)); err != nil {
				return nil, &DamagedError{fmt.Sprintf("database %s, stele_queue %d", q.name, id), err}
			}
		}
		all = append(all, b)
	}
	return all, q.failed(out.Err())
}

// names are the batches without their entries.
func (q tableQueue) names(ctx context.Context) ([]Batch, error) {
	out, err := q.db.QueryContext(ctx, "SELECT id FROM stele_queue ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer out.Close()
	var all []Batch
	for out.Next() {
		var id uint64
		if err := out.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, Batch{Name: strconv.FormatUint(id, 10)})
	}
	return all, out.Err()
}

func (q tableQueue) Remove(batches []Batch) error {
	for _, b := range batches {
		err := q.change(func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "DELETE FROM stele_queue WHERE id = ?", b.Name)
			return err
		})
		if err != nil {
			return q.failed(err)
		}
	}
	return nil
}

func (q tableQueue) Len() (int, error) {
	ctx, cancel := q.context()
	defer cancel()
	var n sql.NullInt64
	err := q.db.QueryRowContext(ctx, "SELECT SUM(statements) FROM stele_queue").Scan(&n)
	return int(n.Int64), q.failed(err)
}
