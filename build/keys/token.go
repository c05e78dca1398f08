package keys

// Keys on PKCS#11 tokens: NAME.token in place of NAME.key. The token keeps the private half, and a helper process signs with it:
// package stele/build/pkcs11/wire.

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"stele/build/pkcs11/wire"
	"stele/proofs"
)

const (
	tokenFormat = "stele.token/1"
	tokenExt    = ".token"

	envHelper = "STELE_PKCS11_HELPER"
	envPIN    = "STELE_PIN_FILE"

	// HelperName is the program that speaks to tokens: found by STELE_PKCS11_HELPER, beside this program, or in PATH.
	HelperName = "stele-pkcs11"
)

// A Token says where on a token a key is. There is nothing secret in it.
type Token struct {
	Module string // absolute path of the PKCS#11 module
	Label  string // the token's
	Object string // the key's label
	ID     []byte // its CKA_ID; may be empty
}

func (t Token) wire() wire.Key {
	return wire.Key{Module: t.Module, Token: t.Label, Object: t.Object, ID: t.ID}
}

// check says why something cannot be said in a .token file.
func (t Token) check() error {
	switch {
	case !filepath.IsAbs(t.Module) || !proofs.IsText(t.Module):
		return fmt.Errorf("module %q: want the absolute path of a PKCS#11 library", t.Module)
	case !proofs.IsText(t.Label):
		return fmt.Errorf("token label %q: want text on one line", t.Label)
	case !proofs.IsText(t.Object):
		return fmt.Errorf("object label %q: want text on one line", t.Object)
	}
	return nil
}

// marshal formats a .token file: what a .pub says, and where the key is.
func (t Token) marshal(h half) []byte {
	b := h.lines(tokenFormat)
	b = append(b, "module "+t.Module+"\ntoken "+t.Label+"\nobject "+t.Object+"\n"...)
	if len(t.ID) > 0 {
		b = append(b, "id "+hex.EncodeToString(t.ID)+"\n"...)
	}
	return b
}

func parseToken(b []byte) (Token, half, error) {
	h, rest, err := parseHalf(tokenFormat, b)
	if err != nil {
		return Token{}, half{}, err
	}
	l := &lines{format: tokenFormat, rest: rest}
	t := Token{Module: l.value("module "), Label: l.value("token "), Object: l.value("object ")}
	if len(l.rest) > 0 {
		t.ID, _ = hex.DecodeString(l.value("id "))
	}
	if t.check() != nil || !bytes.Equal(t.marshal(h), b) {
		return Token{}, half{}, malformed(tokenFormat, "not in canonical form")
	}
	return t, h, onToken(h.Key.Type)
}

// ErrNotOnToken says that keys of a type are in files only.
var ErrNotOnToken = errors.New("an ML-DSA-44 key cannot be on a token: PKCS#11 modules that sign with it are not to be had yet; it stays in an encrypted file")

func onToken(t proofs.KeyType) error {
	if t == proofs.MLDSA44Key {
		return ErrNotOnToken
	}
	return nil
}

// AddToken makes a key on a token, or adopts one that is there under the object's label, and writes down where it is. It reports
// whether the key was made. The key has signed once when AddToken returns.
func (s *Store) AddToken(file, name string, role Role, kt proofs.KeyType, t Token) (key *proofs.Key, made bool, err error) {
	path := s.path(file + tokenExt)
	err = checkGenerate(file, role, kt)
	if err == nil {
		err = errors.Join(onToken(kt), t.check())
	}
	if err != nil {
		return nil, false, failed("generate", path, err, "")
	}
	for _, ext := range []string{tokenExt, keyExt, pubExt} {
		if _, err := os.Lstat(s.path(file + ext)); err == nil {
			return nil, false, exists(s.path(file + ext))
		}
	}
	public, made, err := s.reach(path, t)
	if err != nil {
		return nil, false, err
	}
	h := half{Role: role, Key: &proofs.Key{Name: name, Type: kt, Public: public}}
	if _, err := proofs.ParseKey(h.Key.String()); err != nil {
		return nil, made, failed("generate", path, err, "")
	}
	trial := &tokenSigner{store: s, path: path, at: t, key: h.Key}
	defer trial.close()
	if _, err := trial.Sign([]byte("stele: does this key sign?\n")); err != nil {
		return nil, made, err
	}
	if err := putNew(path, t.marshal(h), 0o644); err != nil {
		return nil, made, err
	}
	return h.Key, made, putSame(s.path(file+pubExt), h.marshal())
}

// reach asks a token for a public key, and has it make one if there is none.
func (s *Store) reach(path string, t Token) (public []byte, made bool, err error) {
	h, public, err := s.dial(path, t, wire.Open)
	var no *wire.Error
	if made = errors.As(err, &no) && no.Code == wire.NoObject && len(t.ID) == 0; made {
		h, public, err = s.dial(path, t, wire.Generate)
	}
	if err != nil {
		return nil, false, err
	}
	h.stop()
	return public, made, nil
}

// readToken reads a .token file, and makes the .pub again that should be beside it.
func (s *Store) readToken(file string) (Token, half, error) {
	path := s.path(file + tokenExt)
	b, err := readFile(path)
	if err != nil {
		return Token{}, half{}, err
	}
	t, inside, err := parseToken(b)
	if err != nil {
		return Token{}, half{}, failed("read", path, err, "restore it from a copy; or move it away, and say again where the key is: stele key NAME --token MODULE --token-label LABEL --object OBJECT")
	}
	outside, err := s.readPub(file)
	if errors.Is(err, fs.ErrNotExist) {
		outside, err = inside, putSame(s.path(file+pubExt), inside.marshal())
	}
	if err == nil && !inside.equal(outside) {
		err = failed("open", path, ErrMismatch, "move "+shell(s.path(file+pubExt))+" away; it is made again from "+shell(path))
	}
	return t, inside, err
}

// tokenSigner finds the signer of a .token file. One process a key goes on running until this one ends.
func (s *Store) tokenSigner(file string) (proofs.Signer, error) {
	if _, err := os.Lstat(s.path(file + keyExt)); err == nil {
		return nil, failed("open", s.path(file+tokenExt), errors.New("there is a private half in a file too"), "move one of the two away: "+shell(s.path(file+keyExt)))
	}
	t, h, err := s.readToken(file)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := string(t.marshal(h))
	if s.tokens[id] == nil {
		if s.tokens == nil {
			s.tokens = map[string]*tokenSigner{}
		}
		s.tokens[id] = &tokenSigner{store: s, path: s.path(file + tokenExt), at: t, key: h.Key}
	}
	return s.tokens[id], nil
}

// A tokenSigner signs with a key on a token. It may be used concurrently.
type tokenSigner struct {
	store *Store
	path  string
	at    Token
	key   *proofs.Key

	mu sync.Mutex // one request at a time
	h  *helper
}

func (s *tokenSigner) Key() *proofs.Key { return s.key }

// Sign has the token sign, and believes the signature only once it is verified. A session that was lost since the last signature is opened again once.
func (s *tokenSigner) Sign(message []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.h != nil
	sig, err := s.signOnce(message)
	if err != nil && old {
		s.drop()
		sig, err = s.signOnce(message)
	}
	if err != nil {
		s.drop()
		return nil, err
	}
	return sig, nil
}

func (s *tokenSigner) signOnce(message []byte) ([]byte, error) {
	if s.h == nil {
		h, public, err := s.store.dial(s.path, s.at, wire.Open)
		if err != nil {
			return nil, err
		}
		if s.h = h; !bytes.Equal(public, s.key.Public) {
			return nil, failed("sign with", s.path, fmt.Errorf("%w: the token's key is another", ErrMismatch),
				"put the right token in; or look what is on it: pkcs11-tool --module "+shell(s.at.Module)+" --list-objects")
		}
	}
	sig, err := s.h.ask(wire.Request{Action: wire.Sign, Message: message})
	if err != nil {
		return nil, tokenError("sign with", s.path, s.at, err)
	}
	if len(sig) != ed25519.SignatureSize || !ed25519.Verify(s.key.Public, message, sig) {
		return nil, failed("sign with", s.path, errors.New("the token's signature does not verify with the public key: it was not used"), "look whether token or module is damaged")
	}
	return sig, nil
}

// drop ends the helper: the next signature begins with a new one.
func (s *tokenSigner) drop() {
	if s.h != nil {
		s.h.stop()
		s.h = nil
	}
}

func (s *tokenSigner) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
}

// dial runs a helper, and opens a key with it. A PIN that was wrong is not tried again by this process: a daemon that tries every minute would
// lock the token.
func (s *Store) dial(path string, t Token, action string) (*helper, []byte, error) {
	pin, err := s.pin(t.Label)
	if err != nil {
		return nil, nil, err
	}
	defer clear(pin)
	h, err := startHelper()
	if err != nil {
		return nil, nil, failed("sign with", path, err, "name the program: export "+envHelper+"=/path/of/"+HelperName+
			"; it is compiled, with a C compiler at hand, by: CGO_ENABLED=1 go build -o "+HelperName+" ./build/pkcs11")
	}
	public, err := h.ask(wire.Request{Action: action, Key: t.wire(), PIN: pin})
	if err == nil && len(public) != ed25519.PublicKeySize {
		err = fmt.Errorf("public key of %d bytes, want %d", len(public), ed25519.PublicKeySize)
	}
	if err != nil {
		h.stop()
		err = tokenError("open", path, t, err)
		s.notePIN(t.Label, err)
		return nil, nil, err
	}
	return h, public, nil
}

// pin is a token's PIN: asked for once.
func (s *Store) pin(label string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.badPINs[label]; err != nil {
		return nil, err
	}
	if s.pins[label] == nil {
		ask := s.PIN
		if ask == nil {
			ask = askPIN(os.Getenv, os.Stdin, os.Stderr)
		}
		p, err := ask(label)
		if err != nil {
			return nil, err
		}
		if s.pins == nil {
			s.pins = map[string][]byte{}
		}
		s.pins[label] = p
	}
	return bytes.Clone(s.pins[label]), nil
}

func (s *Store) notePIN(label string, err error) {
	var no *wire.Error
	if !errors.As(err, &no) || !slices.Contains([]wire.Code{wire.WrongPIN, wire.Locked, wire.LastTry}, no.Code) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.badPINs == nil {
		s.badPINs = map[string]error{}
	}
	clear(s.pins[label])
	delete(s.pins, label)
	s.badPINs[label] = err
}

// tokenError adds what to do about an answer of the helper.
func tokenError(op, path string, t Token, err error) error {
	var no *wire.Error
	if !errors.As(err, &no) {
		return failed(op, path, fmt.Errorf("the helper %s: %w", HelperName, err), "look whether stele and "+HelperName+" are of one version")
	}
	login := "pkcs11-tool --module " + shell(t.Module) + " --token-label " + shell(t.Label) + " --login --list-objects"
	return failed(op, path, no, map[wire.Code]string{
		wire.NoModule:    "install the token's PKCS#11 module, or correct the line module in " + shell(path),
		wire.NoToken:     "put the token in; what is there: pkcs11-tool --module " + shell(t.Module) + " --list-token-slots",
		wire.TwoTokens:   "take out the tokens that are not meant, or give one another label",
		wire.NoObject:    "look what is on it: " + login,
		wire.TwoObjects:  "say which by a line \"id HEX\" at the end of " + shell(path) + "; the ids: " + login,
		wire.InUse:       "choose another --object; or leave the label to the key that has it, which is then adopted",
		wire.WrongPIN:    "type it again; if " + envPIN + " is set, check what it holds. A token locks after a few wrong ones",
		wire.LastTry:     "log in once with another program, which gives all tries back if the PIN is right: " + login,
		wire.Locked:      "the token's administrator sets a new PIN: pkcs11-tool --module " + shell(t.Module) + " --token-label " + shell(t.Label) + " --login --login-type so --init-pin",
		wire.SessionLost: "put the token in again, and run the command again",
		wire.Unable:      "use a token that does Ed25519 (CKM_EDDSA), or keep the key in a file",
		wire.NoCgo:       "compile it with a C compiler at hand: CGO_ENABLED=1 go build -o " + HelperName + " ./build/pkcs11",
		wire.Malformed:   "look whether stele and " + HelperName + " are of one version",
	}[no.Code])
}

// A PIN says what a token's PIN is. The store clears the result.
type PIN func(label string) ([]byte, error)

// askPIN looks for a token's PIN in the first line of the file named by STELE_PIN_FILE, then on the terminal.
func askPIN(getenv func(string) string, stdin io.Reader, stderr io.Writer) PIN {
	return func(label string) ([]byte, error) {
		if path := getenv(envPIN); path != "" {
			p, err := firstLine(path)
			var e *Error
			if errors.As(err, &e) {
				return nil, failed("read PIN from", e.Path, e.Err, "correct "+envPIN)
			}
			return p, err
		}
		if f, ok := stdin.(*os.File); ok && isTerminal(f) {
			return promptOnce(f, stderr, "PIN of the token "+label+": ")
		}
		return nil, failed("log in to token", label, errors.New("no PIN, and no terminal to ask on"), "set "+envPIN+" to the path of a file with the PIN on its first line")
	}
}

// A helper is a running stele-pkcs11.
type helper struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

func startHelper() (*helper, error) {
	path, err := findHelper()
	if err != nil {
		return nil, err
	}
	h := &helper{cmd: exec.Command(path)}
	h.cmd.Stderr = &h.stderr // what a module prints is told where the helper fails
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewReader(out)
	return h, h.cmd.Start()
}

func findHelper() (string, error) {
	if path := os.Getenv(envHelper); path != "" {
		return path, nil
	}
	if self, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(self), HelperName); isProgram(beside) {
			return beside, nil
		}
	}
	path, err := exec.LookPath(HelperName)
	if err != nil {
		return "", fmt.Errorf("the helper program %s, which speaks to tokens, is neither beside stele nor in PATH", HelperName)
	}
	return path, nil
}

func isProgram(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode().Perm()&0o111 != 0
}

// ask sends a request and waits for the answer.
func (h *helper) ask(r wire.Request) ([]byte, error) {
	line := r.Marshal()
	defer clear(line)
	if len(line) > wire.MaxLine {
		return nil, fmt.Errorf("message of %d bytes is too long to be signed by a token", len(r.Message))
	}
	_, err := h.in.Write(line)
	var got []byte
	if err == nil {
		got, err = wire.ReadLine(h.out)
	}
	if err != nil {
		h.stop()
		why, _, _ := strings.Cut(strings.TrimSpace(h.stderr.String()), "\n")
		return nil, fmt.Errorf("ended without an answer (%w) %s", err, why)
	}
	return wire.ParseAnswer(got)
}

// stop ends the helper, which logs out; it may be called twice.
func (h *helper) stop() {
	h.in.Close()
	h.cmd.Wait()
}
