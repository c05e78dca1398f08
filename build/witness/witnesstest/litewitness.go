package witnesstest

import (
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stele/build/witness"
	"stele/proofs"
)

// patience is how long a program is waited for until it listens.
const patience = 30 * time.Second

// Litewitness starts filippo.io/torchwood's witness, with an ssh-agent that has its key, for logs with an Ed25519 key. Where
// the programs are not installed the test is skipped, unless STELE_TOOLS says that they must be.
func Litewitness(t testing.TB, name string, logs ...*proofs.Key) witness.Peer {
	t.Helper()
	tool := tools(t)
	dir := socketDir(t)
	key, fingerprint := sshKey(t, tool, name, filepath.Join(dir, "key"))
	socket := filepath.Join(dir, "agent")
	start(t, exec.Command(tool["ssh-agent"], "-D", "-a", socket))
	wait(t, "ssh-agent", func() error { return dial("unix", socket) })
	add := exec.Command(tool["ssh-add"], "-q", filepath.Join(dir, "key"))
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	output(t, add)
	address := freePort(t)
	db := filepath.Join(dir, "db")
	start(t, exec.Command(tool["litewitness"], "-db", db, "-name", name, "-key", fingerprint, "-ssh-agent", socket, "-listen", address))
	wait(t, "litewitness", func() error { return dial("tcp", address) })
	for _, k := range logs {
		know(t, tool["sqlite3"], db, k)
	}
	return witness.Peer{Name: name, URL: "http://" + address, Keys: []*proofs.Key{key}}
}

// know tells litewitness of a log, as its witnessctl does: that program is not installed, because one of the modules that it
// needs for other things is not always to be had.
func know(t testing.TB, sqlite, db string, k *proofs.Key) {
	t.Helper()
	empty := proofs.EmptyRoot()
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	output(t, exec.Command(sqlite, "-cmd", ".timeout 10000", db, fmt.Sprintf(
		"INSERT OR IGNORE INTO log (origin, tree_size, tree_hash) VALUES (%s, 0, %s); INSERT INTO key (origin, key) VALUES (%s, %s);",
		quote(k.Name), quote(empty.Base64()), quote(k.Name), quote(k.String()))))
}

// tools finds the programs: litewitness in the folder named by STELE_TOOLS, or on the path.
func tools(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	dir := os.Getenv("STELE_TOOLS")
	for _, name := range []string{"litewitness", "ssh-agent", "ssh-add", "ssh-keygen", "sqlite3"} {
		where := name
		if name == "litewitness" && dir != "" {
			where = filepath.Join(dir, name)
		}
		path, err := exec.LookPath(where)
		if err != nil && dir == "" {
			t.Skipf("%v: sh build/test.sh installs it", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		found[name] = path
	}
	return found
}

// socketDir is a folder with a short name: a socket's path has 108 bytes at most.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// sshKey makes an Ed25519 key, and tells what cosignatures by it are verified with.
func sshKey(t testing.TB, tool map[string]string, name, path string) (key *proofs.Key, fingerprint string) {
	t.Helper()
	output(t, exec.Command(tool["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", path))
	listed := strings.Fields(output(t, exec.Command(tool["ssh-keygen"], "-l", "-f", path)))
	b, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	blob, err := base64.StdEncoding.DecodeString(strings.Fields(string(b))[1])
	if err != nil || len(blob) < 32 || len(listed) < 2 {
		t.Fatalf("ssh-keygen has written %q (%v)", b, err)
	}
	return &proofs.Key{Name: name, Type: proofs.CosignatureKey, Public: blob[len(blob)-32:]}, listed[1]
}

func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// start starts a program until the test's end.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if b, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s: %s", cmd.Path, b)
		}
	})
}

func wait(t testing.TB, what string, ready func() error) {
	t.Helper()
	err := ready()
	for end := time.Now().Add(patience); err != nil; err = ready() {
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func dial(network, address string) error {
	c, err := net.Dial(network, address)
	if err == nil {
		c.Close()
	}
	return err
}

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
