// Package storagetest starts a real S3-compatible store and a real database for tests: versitygw and MariaDB, on loopback, in
// folders of the test's own.
package storagetest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver called mysql
)

const (
	access, secret = "stele-test", "stele-test-secret"
	password       = "stele-test-password"
	bucketName     = "stele-test"
	startTime      = time.Minute
)

// Servers are a store and a database, for one test.
type Servers struct {
	Endpoint string
	Address  string // of the database

	database *exec.Cmd
	begin    func() *exec.Cmd
}

// Versitygw is where the S3 server is found: in the folder named by STELE_TOOLS, or on the path.
func versitygw() (string, error) {
	if dir := os.Getenv("STELE_TOOLS"); dir != "" {
		return exec.LookPath(filepath.Join(dir, "versitygw"))
	}
	return exec.LookPath("versitygw")
}

func mariadb(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

// Start starts both, and sets the environment in which a registry finds them. Where they are not installed the test is
// skipped, unless STELE_TOOLS says that they must be.
func Start(t testing.TB) *Servers {
	t.Helper()
	gateway, err := versitygw()
	server, err2 := mariadb("mariadbd")
	install, err3 := mariadb("mariadb-install-db")
	for _, err := range []error{err, err2, err3} {
		if err != nil && os.Getenv("STELE_TOOLS") == "" {
			t.Skipf("%v: sh build/test.sh installs it", err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &Servers{}
	s.startStore(t, gateway)
	s.startDatabase(t, server, install)
	setEnvironment()
	return s
}

// StartStore starts the store alone, and returns the name of its bucket and its address.
func StartStore(t testing.TB) (bucket, endpoint string) {
	t.Helper()
	gateway, err := versitygw()
	if err != nil && os.Getenv("STELE_TOOLS") == "" {
		t.Skipf("%v: sh build/test.sh installs it", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &Servers{}
	s.startStore(t, gateway)
	setEnvironment()
	return bucketName, s.Endpoint
}

// setEnvironment is the same for all servers, so that tests with servers of their own can run side by side.
var setEnvironment = sync.OnceFunc(func() {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_EC2_METADATA_DISABLED": "true", "STELE_DATABASE_PASSWORD": password,
	} {
		os.Setenv(name, value)
	}
})

// freePort is a port that nobody listens on just now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *Servers) startStore(t testing.TB, gateway string) {
	t.Helper()
	address, dir := freePort(t), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, bucketName), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(gateway, "--access", access, "--secret", secret, "--port", address, "--quiet", "posix", "--sidecar", t.TempDir(), dir)
	s.Endpoint = "http://" + address
	run(t, cmd)
	wait(t, cmd, "the store", func() error { return dial(address) })
}

func (s *Servers) startDatabase(t testing.TB, server, install string) {
	t.Helper()
	dir := t.TempDir()
	tmp := "TMPDIR=" + t.TempDir() // a server that starts removes what others have under way in theirs
	made := exec.Command(install, "--no-defaults", "--datadir="+dir, "--auth-root-authentication-method=normal", "--skip-test-db")
	made.Env = append(os.Environ(), tmp)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	s.Address = freePort(t)
	_, port, _ := net.SplitHostPort(s.Address)
	first := filepath.Join(dir, "first.sql")
	users := fmt.Sprintf("CREATE DATABASE IF NOT EXISTS stele;\nCREATE USER IF NOT EXISTS 'stele'@'127.0.0.1' IDENTIFIED BY '%s';\n"+
		"GRANT ALL ON stele.* TO 'stele'@'127.0.0.1';\n", password)
	if err := os.WriteFile(first, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	s.begin = func() *exec.Cmd {
		cmd := exec.Command(server, "--no-defaults", "--datadir="+dir, "--bind-address=127.0.0.1", "--port="+port, "--socket="+filepath.Join(dir, "sock"),
			"--pid-file="+filepath.Join(dir, "pid"), "--init-file="+first, "--user=root", "--skip-name-resolve", "--performance-schema=OFF", "--innodb-buffer-pool-size=64M")
		cmd.Env = append(os.Environ(), tmp)
		run(t, cmd)
		wait(t, cmd, "the database", func() error { return s.Ping() })
		return cmd
	}
	s.database = s.begin()
}

// Ping reports whether the database answers.
func (s *Servers) Ping() error {
	db, err := sql.Open("mysql", fmt.Sprintf("stele:%s@tcp(%s)/stele", password, s.Address))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return db.PingContext(ctx)
}

// DB is a connection to the database beside the registry's own.
func (s *Servers) DB(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", fmt.Sprintf("stele:%s@tcp(%s)/stele", password, s.Address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Settings is a registry's storage file for these servers.
func (s *Servers) Settings(prefix string) []byte {
	return fmt.Appendf(nil, "stele.storage/1\nbucket %s\nprefix %s\nregion us-east-1\nendpoint %s\ndatabase stele@tcp(%s)/stele\n", bucketName, prefix, s.Endpoint, s.Address)
}

// KillDatabase kills the database as a power cut would, and starts it again.
func (s *Servers) KillDatabase(t testing.TB) {
	t.Helper()
	s.database.Process.Signal(syscall.SIGKILL)
	s.database.Wait()
	s.database = s.begin()
}

// run starts a server that ends with the test.
func run(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

func wait(t testing.TB, cmd *exec.Cmd, what string, ready func() error) {
	t.Helper()
	deadline := time.Now().Add(startTime)
	for {
		err := ready()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || cmd.Process.Signal(syscall.Signal(0)) != nil {
			t.Fatalf("%s does not answer: %v\n%.4000s%.4000s", what, err, cmd.Stdout, cmd.Stderr)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func dial(address string) error {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		c.Close()
	}
	return err
}
