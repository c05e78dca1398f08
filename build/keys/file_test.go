package keys

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"stele/proofs"
)

func TestPathUnderFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	overwrite(t, file, nil)
	_, err := Create(filepath.Join(file, "keys"), Fixed(testPass), false)
	want(t, err, syscall.ENOTDIR, "")
	_, err = Open(filepath.Join(file, "keys"), unasked)
	want(t, err, syscall.ENOTDIR, "")
	_, err = Open(file, unasked)
	if err == nil {
		t.Error("a file was opened as a folder")
	}
}

func TestNotRegular(t *testing.T) {
	s := newStore(t)
	if err := unix.Mkfifo(s.path("log.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Signer("log"); err == nil { // and does not wait
		t.Error("a FIFO was read")
	}
}

// TestFullDisk writes in a process whose files may not grow, so that write(2) fails
// half-way.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("KEYS_TEST_FULL_DISK"); dir != "" {
		writeOnFullDisk(t, dir)
		return
	}
	s := newStore(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), "KEYS_TEST_FULL_DISK="+s.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := names(t, s); got != "identity.age" {
		t.Errorf("left behind: %s", got)
	}
	generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key) // now there is room
}

func writeOnFullDisk(t *testing.T, dir string) {
	limit := unix.Rlimit{Cur: 200, Max: 200} // bytes; the files have more
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Fixed(testPass))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Generate("log", "registry.gov.example/ledger", Log, proofs.Ed25519Key, seeds("log"))
	want(t, err, syscall.EFBIG, "")
	_, err = create(filepath.Join(dir, "more"), Fixed(testPass), false, testWork)
	want(t, err, syscall.EFBIG, "")
	if err := os.Remove(filepath.Join(dir, "more")); err != nil { // and it is empty
		t.Error(err)
	}
}

// readerFunc does something in the middle of Generate, when it draws the seed.
type readerFunc func()

func (f readerFunc) Read(p []byte) (int, error) {
	f()
	return len(p), nil
}

var _ io.Reader = readerFunc(nil)

// TestPubInTheWay: the private half is taken back if the public one cannot be written.
func TestPubInTheWay(t *testing.T) {
	s := newStore(t)
	_, err := s.Generate("log", "registry.gov.example/ledger", Log, proofs.Ed25519Key,
		readerFunc(func() { overwrite(t, s.path("log.pub"), []byte("someone's")) }))
	want(t, err, fs.ErrExist, "another name")
	if got := names(t, s); got != "identity.age log.pub" {
		t.Errorf("got files %s", got)
	}
	var m *proofs.MalformedError
	if _, err := s.List(); !errors.As(err, &m) {
		t.Errorf("list: got %v, want a malformed .pub", err)
	}
}

func TestFolderGone(t *testing.T) {
	s := newStore(t)
	_, err := s.Generate("log", "registry.gov.example/ledger", Log, proofs.Ed25519Key,
		readerFunc(func() { os.RemoveAll(s.dir) }))
	want(t, err, fs.ErrNotExist, "")
}

func TestStrangeFiles(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"README", "log.key.bak", ".hidden", ".pub", "notes.txt"} {
		overwrite(t, s.path(name), nil)
	}
	if infos, err := s.List(); err != nil || len(infos) != 0 {
		t.Errorf("got %v, %v", infos, err)
	}
	overwrite(t, s.path("Log (copy).key"), nil)
	if _, err := s.List(); err == nil {
		t.Error("a misnamed key was passed over")
	}
}

func TestShell(t *testing.T) {
	for _, path := range []string{"/srv/keys", "with space", "it's", `$(x) "y" \z`, "-"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shell(path)).Output()
		if err != nil || string(out) != path {
			t.Errorf("%q: the shell makes it %q, %v", path, out, err)
		}
	}
}
