package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"stele/proofs"
)

const (
	testPass = "correct horse battery"
	testWork = 4 // log2 N: milliseconds matter over thousands of tries
)

// seeds is a reproducible source of seeds.
func seeds(s string) io.Reader {
	sum := sha256.Sum256([]byte(s))
	return bytes.NewReader(sum[:])
}

// newStore makes a store whose scrypt is cheap.
func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := create(filepath.Join(t.TempDir(), "keys"), Fixed(testPass), false, testWork)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func generate(t *testing.T, s *Store, file, name string, role Role, kt proofs.KeyType) *proofs.Key {
	t.Helper()
	k, err := s.Generate(file, name, role, kt, seeds(file))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// reopen opens the store's folder anew.
func reopen(t *testing.T, s *Store, pass Passphrase) *Store {
	t.Helper()
	o, err := Open(s.dir, pass)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func unasked(string, bool) ([]byte, error) { return nil, errors.New("a passphrase was asked for") }

// want checks an error's cause and hint, and that it holds no secret.
func want(t *testing.T, err, target error, hint string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
	if i := strings.LastIndex(err.Error(), "\nhint: "); hint != "" && (i < 0 || !strings.Contains(err.Error()[i:], hint)) {
		t.Errorf("got error %q, want a hint with %q", err, hint)
	}
	noSecret(t, err.Error())
}

func noSecret(t *testing.T, s string) {
	t.Helper()
	for _, secret := range []string{testPass, "AGE-SECRET-KEY", "\nseed "} {
		if strings.Contains(s, secret) {
			t.Errorf("%q holds a secret", s)
		}
	}
}

// names lists everything in the folder, to see that nothing was left behind.
func names(t *testing.T, s *Store) string {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

var all = []struct {
	file, name string
	role       Role
	kt         proofs.KeyType
}{
	{"education", "education.gov.example", Issuer, proofs.Ed25519Key},
	{"log", "registry.gov.example/ledger", Log, proofs.Ed25519Key},
	{"log-mldsa44", "registry.gov.example/ledger", LogMLDSA44, proofs.MLDSA44Key},
	{"officer-1", "registry.gov.example/officer-1", Officer, proofs.CosignatureKey},
	{"officer-2", "registry.gov.example/officer-2", Officer, proofs.MLDSA44Key},
	{"publication", "registry.gov.example/publication", Publication, proofs.Ed25519Key},
	{"root.1", "registry.gov.example/root", Root, proofs.Ed25519Key},
	{"witness_a", "witness.example", Witness, proofs.CosignatureKey},
}

// TestRoundTrip is the one test with scrypt at its real cost.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	s, err := Create(filepath.Join(t.TempDir(), "registry", "keys"), Fixed(testPass), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		generate(t, s, k.file, k.name, k.role, k.kt)
	}
	asked := 0
	s = reopen(t, s, func(string, bool) ([]byte, error) { asked++; return []byte(testPass), nil })
	infos, err := s.List()
	if err != nil || len(infos) != len(all) || asked != 0 {
		t.Fatalf("got %d keys, %v, passphrase asked for %d times; want %d, nil, 0", len(infos), err, asked, len(all))
	}
	for i, k := range all {
		checkRoundTrip(t, s, infos[i], k.file, k.name, k.role, k.kt)
	}
	if asked != 1 {
		t.Errorf("passphrase asked for %d times, want 1", asked)
	}
}

func checkRoundTrip(t *testing.T, s *Store, got Info, file, name string, role Role, kt proofs.KeyType) {
	t.Helper()
	direct, err := proofs.NewMemorySigner(name, kt, must(io.ReadAll(seeds(file))))
	if err != nil {
		t.Fatal(err)
	}
	if got.File != file || got.Role != role || !got.Key.Equal(direct.Key()) || got.Demo || !got.Private {
		t.Errorf("got %+v, want key %s with role %s", got, direct.Key(), role)
	}
	signer, err := s.Signer(file)
	if err != nil || !signer.Key().Equal(direct.Key()) {
		t.Fatalf("signer %s: got %v, %v", file, signer, err)
	}
	sig, err := signer.Sign([]byte("message"))
	if err != nil || kt != proofs.MLDSA44Key && !ed25519.Verify(direct.Key().Public, []byte("message"), sig) {
		t.Errorf("sign with %s: %v", file, err)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestFiles(t *testing.T) {
	s := newStore(t)
	k := generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	if got := names(t, s); got != "identity.age log.key log.pub" {
		t.Errorf("got files %s", got)
	}
	for name, mode := range map[string]fs.FileMode{".": 0o700, "identity.age": 0o600, "log.key": 0o600, "log.pub": 0o644} {
		if fi, err := os.Stat(s.path(name)); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: got mode %v, %v, want %v", name, fi.Mode().Perm(), err, mode)
		}
	}
	got, err := os.ReadFile(s.path("log.pub"))
	if want := "stele.public-key/1\nrole log\npublic " + k.String() + "\n"; err != nil || string(got) != want {
		t.Errorf("got .pub %q, %v, want %q", got, err, want)
	}
}

// TestAge reads a key with age's library alone, in the way age's tool does.
func TestAge(t *testing.T) {
	s := newStore(t)
	k := generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	pass, err := age.NewScryptIdentity(testPass)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(ageDecrypt(t, s.path(identityFile), pass)))
	if err != nil {
		t.Fatal(err)
	}
	got := ageDecrypt(t, s.path("log.key"), ids...)
	want := "stele.secret-key/1\nrole log\npublic " + k.String() + "\nseed "
	if !strings.HasPrefix(string(got), want) || len(got) != len(want)+44+1 {
		t.Errorf("got %q, want %q and a seed", got, want)
	}
}

func ageDecrypt(t *testing.T, path string, ids ...age.Identity) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := age.Decrypt(armor.NewReader(f), ids...)
	if err != nil {
		t.Fatal(err)
	}
	return must(io.ReadAll(r))
}

func TestWrongPassphrase(t *testing.T) {
	s := newStore(t)
	generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	for _, p := range []string{"correct horse batterz", testPass + " ", "demo", strings.Repeat("x", 2000)} {
		_, err := reopen(t, s, Fixed(p)).Signer("log")
		want(t, err, ErrPassphrase, envFile)
	}
	_, err := reopen(t, s, Fixed("")).Signer("log")
	want(t, err, ErrNoPassphrase, envFile)

	p := Fixed("wrong passphrase")
	again := reopen(t, s, func(d string, n bool) ([]byte, error) { return p(d, n) })
	want(t, again.Unlock(), ErrPassphrase, "")
	p = Fixed(testPass)
	if err := again.Unlock(); err != nil {
		t.Errorf("right passphrase after a wrong one: %v", err)
	}
}

func TestNewPassphrase(t *testing.T) {
	for _, p := range []string{"demo", "seven77", strings.Repeat("x", 1025), "with a\nnewline", "not utf-8 \xff"} {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, err := Create(dir, Fixed(p), false); err == nil || strings.Contains(err.Error(), p) {
			t.Errorf("create with passphrase %q: %v", p, err)
		}
		if _, err := os.Stat(filepath.Join(dir, identityFile)); err == nil {
			t.Errorf("passphrase %q: identity was written", p)
		}
	}
}

// TestTampered flips a bit of every byte of every file.
func TestTampered(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	for _, name := range []string{"identity.age", "log.key", "log.pub"} {
		path := s.path(name)
		whole := must(os.ReadFile(path))
		for i := range whole {
			b := bytes.Clone(whole)
			b[i] ^= 1 << (i % 8)
			overwrite(t, path, b)
			checkBroken(t, s, fmt.Sprintf("%s, byte %d", name, i))
		}
		overwrite(t, path, whole)
	}
	if _, err := reopen(t, s, Fixed(testPass)).Signer("log"); err != nil {
		t.Error(err)
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	for _, name := range []string{"identity.age", "log.key", "log.pub"} {
		path := s.path(name)
		whole := must(os.ReadFile(path))
		for n := range whole {
			overwrite(t, path, whole[:n])
			checkBroken(t, s, fmt.Sprintf("%s, %d bytes", name, n))
		}
		for _, more := range []string{"\n", " ", "x", string(whole), strings.Repeat("\n", maxFile)} {
			overwrite(t, path, append(bytes.Clone(whole), more...))
			checkBroken(t, s, fmt.Sprintf("%s and %.10q", name, more))
		}
		overwrite(t, path, bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n")))
		checkBroken(t, s, name+" with CRLF")
		overwrite(t, path, whole)
	}
}

func overwrite(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func checkBroken(t *testing.T, s *Store, what string) {
	t.Helper()
	signer, err := reopen(t, s, Fixed(testPass)).Signer("log")
	var e *Error
	if signer != nil || !errors.As(err, &e) {
		t.Fatalf("%s: got signer %v, error %v", what, signer, err)
	}
	noSecret(t, err.Error())
}

func TestSwapped(t *testing.T) {
	s := newStore(t)
	generate(t, s, "a", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	generate(t, s, "b", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	a, b := must(os.ReadFile(s.path("a.pub"))), must(os.ReadFile(s.path("b.pub")))
	for what, pub := range map[string][]byte{
		"another key's": b,
		"another role":  bytes.Replace(a, []byte("role log"), []byte("role root"), 1),
		"demo added":    bytes.Replace(a, []byte("\npublic"), []byte("\ndemo\npublic"), 1),
	} {
		overwrite(t, s.path("a.pub"), pub)
		t.Run(what, func(t *testing.T) {
			_, err := s.Signer("a")
			want(t, err, ErrMismatch, "move "+s.path("a.pub")+" away")
		})
	}
	os.Remove(s.path("a.pub")) // as the hint says
	if _, err := s.Signer("a"); err != nil {
		t.Error(err)
	}
	if got := must(os.ReadFile(s.path("a.pub"))); !bytes.Equal(got, a) {
		t.Errorf("the .pub that was made again is %q, want %q", got, a)
	}
}

func TestOtherFoldersKey(t *testing.T) {
	s, o := newStore(t), newStore(t)
	generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	generate(t, o, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	overwrite(t, s.path("log.key"), must(os.ReadFile(o.path("log.key"))))
	_, err := s.Signer("log")
	want(t, err, ErrDamaged, "copy of the same folder")
}

// TestSeedOfAnotherKey plants a key whose seed does not make its public key, by one
// who has the passphrase.
func TestSeedOfAnotherKey(t *testing.T) {
	s := newStore(t)
	k := generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	wrong := &secret{half{Log, false, k}, make([]byte, seedSize)}
	overwrite(t, s.path("log.key"), must(seal(wrong.marshal(), s.id.Recipient())))
	_, err := s.Signer("log")
	want(t, err, ErrDamaged, "")
}

func TestPermissions(t *testing.T) {
	s := newStore(t)
	generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	for _, name := range []string{"identity.age", "log.key"} {
		for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666} {
			chmod(t, s.path(name), mode)
			_, err := reopen(t, s, Fixed(testPass)).Signer("log")
			want(t, err, ErrTooOpen, "chmod 600 "+s.path(name))
		}
		chmod(t, s.path(name), 0o400)
		if _, err := reopen(t, s, Fixed(testPass)).Signer("log"); err != nil {
			t.Error(err)
		}
	}
	for _, mode := range []fs.FileMode{0o770, 0o707, 0o722} {
		chmod(t, s.dir, mode)
		_, err := Open(s.dir, Fixed(testPass))
		want(t, err, ErrTooOpen, "chmod 700 "+s.dir)
		_, err = Create(s.dir, Fixed(testPass), false)
		want(t, err, ErrTooOpen, "chmod 700 "+s.dir)
	}
	chmod(t, s.dir, 0o755)
	reopen(t, s, unasked)
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := Create(dir, unasked, true)
	if err != nil {
		t.Fatal(err)
	}
	generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	if got := must(os.ReadFile(s.path("log.pub"))); !strings.HasPrefix(string(got), "stele.public-key/1\nrole log\ndemo\npublic ") {
		t.Errorf("got .pub %q", got)
	}
	s = reopen(t, s, unasked)
	_, err = s.Signer("log")
	want(t, err, ErrDemo, "stele init")
	_, err = s.Generate("more", "registry.gov.example/ledger", Log, proofs.Ed25519Key, rand.Reader)
	want(t, err, ErrDemo, "stele init")
	want(t, s.Unlock(), ErrDemo, "stele init")

	s = reopen(t, s, unasked)
	s.AllowDemo = true
	if _, err := s.Signer("log"); err != nil {
		t.Error(err)
	}
	if infos, err := s.List(); err != nil || len(infos) != 1 || !infos[0].Demo {
		t.Errorf("got %+v, %v", infos, err)
	}
}

// TestDemoMark: a demonstration stays one under a real passphrase, and its keys
// cannot be slipped into a real folder.
func TestDemoMark(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := create(dir, Fixed(DemoPassphrase), true, demoWork)
	if err != nil {
		t.Fatal(err)
	}
	k := generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	overwrite(t, s.path(identityFile), must(sealIdentity(s.id, true, []byte(testPass), testWork)))
	_, err = reopen(t, s, Fixed(testPass)).Signer("log")
	want(t, err, ErrDemo, "")

	overwrite(t, s.path(identityFile), must(sealIdentity(s.id, false, []byte(testPass), testWork)))
	_, err = reopen(t, s, Fixed(testPass)).Signer("log")
	want(t, err, ErrDamaged, "")

	overwrite(t, s.path(identityFile), must(sealIdentity(s.id, false, []byte(DemoPassphrase), demoWork)))
	_, err = reopen(t, s, unasked).Signer("log")
	want(t, err, ErrPublished, "rotate")

	real := newStore(t)
	real.AllowDemo = true // a demonstration may run on real keys
	generate(t, real, "log", k.Name, Log, proofs.Ed25519Key)
	if _, err := real.Signer("log"); err != nil {
		t.Error(err)
	}
}

func TestExists(t *testing.T) {
	s := newStore(t)
	k := generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	for _, gone := range []string{"", "log.pub", "log.key"} {
		if gone != "" {
			b := must(os.ReadFile(s.path(gone)))
			os.Remove(s.path(gone))
			defer overwrite(t, s.path(gone), b)
		}
		_, err := s.Generate("log", "registry.gov.example/ledger", Log, proofs.Ed25519Key, rand.Reader)
		want(t, err, fs.ErrExist, "another name")
		if gone == "log.pub" { // what a crash between the two halves leaves
			if infos, err := s.List(); err != nil || len(infos) != 1 || !infos[0].Key.Equal(k) {
				t.Errorf("list without .pub: %+v, %v", infos, err)
			}
		}
	}
	_, err := Create(s.dir, unasked, false)
	want(t, err, fs.ErrExist, "was made before")
}

// TestPublicOnly: a root key may lie in a safe, with its .pub left behind.
func TestPublicOnly(t *testing.T) {
	s := newStore(t)
	k := generate(t, s, "root", "registry.gov.example/root", Root, proofs.Ed25519Key)
	os.Remove(s.path("root.key"))
	infos, err := s.List()
	if err != nil || len(infos) != 1 || infos[0].Private || !infos[0].Key.Equal(k) {
		t.Errorf("got %+v, %v", infos, err)
	}
	_, err = s.Signer("root")
	want(t, err, fs.ErrNotExist, "bring the key file here")
}

func TestMissing(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none"), unasked)
	want(t, err, fs.ErrNotExist, "stele init")
	dir := t.TempDir()
	chmod(t, dir, 0o700)
	_, err = Open(dir, unasked)
	want(t, err, fs.ErrNotExist, "stele init")
	s := newStore(t)
	_, err = s.Signer("log")
	want(t, err, fs.ErrNotExist, "ls ")
}

// TestHint: a folder that is there and not to be read is no reason to make another.
func TestHint(t *testing.T) {
	for err, want := range map[error]string{fs.ErrNotExist: "stele init", syscall.EACCES: "ls -ld 'my keys'", syscall.EIO: ""} {
		got := missingHint("my keys", &fs.PathError{Op: "stat", Path: "my keys", Err: err})
		if !strings.Contains(got, want) || (got == "") != (want == "") || want != "stele init" && strings.Contains(got, "stele init") {
			t.Errorf("%v: hint %q, want %q", err, got, want)
		}
	}
}

func TestGenerateRejects(t *testing.T) {
	s := newStore(t)
	for _, file := range []string{"", ".", "..", "../log", "a/b", `a\b`, "Log", "-log", ".log", "log ", "l\x00g", strings.Repeat("x", maxName+1)} {
		if _, err := s.Generate(file, "n.example", Log, proofs.Ed25519Key, rand.Reader); err == nil {
			t.Errorf("file name %q was taken", file)
		}
		if _, err := s.Signer(file); err == nil {
			t.Errorf("file name %q was opened", file)
		}
	}
	for role, kt := range map[Role]proofs.KeyType{
		Root: proofs.MLDSA44Key, Log: proofs.CosignatureKey, LogMLDSA44: proofs.Ed25519Key, Officer: proofs.Ed25519Key,
		Witness: 9, "": proofs.Ed25519Key, "king": proofs.Ed25519Key, Issuer: proofs.CosignatureKey, Publication: proofs.MLDSA44Key,
	} {
		if _, err := s.Generate("x", "n.example", role, kt, rand.Reader); err == nil {
			t.Errorf("role %q with a key of type %d was taken", role, kt)
		}
	}
	for _, name := range []string{"", "two words", "a+b", strings.Repeat("n", maxPlain)} {
		if _, err := s.Generate("x", name, Log, proofs.Ed25519Key, rand.Reader); err == nil {
			t.Errorf("key name %.20q was taken", name)
		}
	}
	if _, err := s.Generate("x", "n.example", Log, proofs.Ed25519Key, strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short randomness: got %v", err)
	}
	if got := names(t, s); got != "identity.age" {
		t.Errorf("left behind: %s", got)
	}
}

// TestConcurrent has many make the same key; one wins, and its pair is whole.
func TestConcurrent(t *testing.T) {
	s := newStore(t)
	o := reopen(t, s, Fixed(testPass))
	var wg sync.WaitGroup
	made := make(chan *proofs.Key, 32)
	for i := range cap(made) {
		wg.Go(func() {
			k, err := []*Store{s, o}[i%2].Generate("log", "registry.gov.example/ledger", Log, proofs.Ed25519Key, rand.Reader)
			if err == nil {
				made <- k
			} else if !errors.Is(err, fs.ErrExist) {
				t.Errorf("got %v, want it to exist", err)
			}
		})
		wg.Go(func() { s.List() }) // which may complete a pair that is being written
	}
	wg.Wait()
	if len(made) != 1 {
		t.Fatalf("%d keys were made, want 1", len(made))
	}
	if signer, err := s.Signer("log"); err != nil || !signer.Key().Equal(<-made) {
		t.Errorf("signer: %v", err)
	}
	if got := names(t, s); got != "identity.age log.key log.pub" {
		t.Errorf("got files %s", got)
	}
}

func TestConcurrentCreate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	var wg sync.WaitGroup
	made := make(chan *Store, 16)
	for range cap(made) {
		wg.Go(func() {
			s, err := create(dir, Fixed(testPass), false, testWork)
			if err == nil {
				made <- s
			} else if !errors.Is(err, fs.ErrExist) {
				t.Errorf("got %v, want it to exist", err)
			}
		})
	}
	wg.Wait()
	if len(made) != 1 {
		t.Fatalf("%d stores were made, want 1", len(made))
	}
	s := <-made
	generate(t, s, "log", "registry.gov.example/ledger", Log, proofs.Ed25519Key)
	if _, err := reopen(t, s, Fixed(testPass)).Signer("log"); err != nil {
		t.Error(err)
	}
}
