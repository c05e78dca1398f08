//go:build cgo

package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"stele/build/pkcs11/wire"
)

// What PKCS#11 3.0 has for Ed25519, and the binding does not name.
const (
	ckkEdwards   = 0x40   // CKK_EC_EDWARDS
	ckmEdwardsKP = 0x1055 // CKM_EC_EDWARDS_KEY_PAIR_GEN
	ckmEdDSA     = 0x1057 // CKM_EDDSA
)

// ed25519Params is CKA_EC_PARAMS: the object identifier 1.3.101.112 of RFC 8410.
var ed25519Params = []byte{0x06, 0x03, 0x2b, 0x65, 0x70}

// A session is a token's, with its key.
type session struct {
	ctx     *pkcs11.Ctx
	handle  pkcs11.SessionHandle
	private pkcs11.ObjectHandle
	point   []byte
}

// connect logs in to the token and finds the key, having generated it if it is to.
func connect(k wire.Key, pin []byte, generate bool) (token, error) {
	s, err := load(k.Module)
	if err != nil {
		return nil, err
	}
	if err := s.open(k, pin, generate); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func load(module string) (*session, error) {
	ctx := pkcs11.New(module)
	if ctx == nil {
		return nil, &wire.Error{Code: wire.NoModule, Text: fmt.Sprintf("the PKCS#11 module %q cannot be loaded: it is not there, or not such a library for this machine", module)}
	}
	if err := ctx.Initialize(); err != nil {
		ctx.Destroy()
		return nil, &wire.Error{Code: wire.NoModule, Text: fmt.Sprintf("the PKCS#11 module %q does not start: %v", module, err)}
	}
	return &session{ctx: ctx}, nil
}

func (s *session) open(k wire.Key, pin []byte, generate bool) error {
	slot, err := s.slot(k.Token)
	if err != nil {
		return err
	}
	flags := uint(pkcs11.CKF_SERIAL_SESSION)
	if generate {
		flags |= pkcs11.CKF_RW_SESSION
	}
	if s.handle, err = s.ctx.OpenSession(slot, flags); err != nil {
		return explain("opening a session with the token", err)
	}
	if err := s.ctx.Login(s.handle, pkcs11.CKU_USER, string(pin)); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return explain("logging in to the token", err)
	}
	if generate {
		if k.ID, err = s.generate(k.Object); err != nil {
			return err
		}
	}
	if s.private, err = s.find(pkcs11.CKO_PRIVATE_KEY, k); err != nil {
		return err
	}
	public, err := s.find(pkcs11.CKO_PUBLIC_KEY, k)
	if err != nil {
		return err
	}
	s.point, err = s.readPoint(public)
	return err
}

// slot finds the token of a label. A wrong PIN is not tried where it would be the last: a token that is locked needs its
// administrator.
func (s *session) slot(label string) (uint, error) {
	slots, err := s.ctx.GetSlotList(true)
	if err != nil {
		return 0, explain("listing the tokens", err)
	}
	var found []uint
	var labels []string
	var flags uint
	for _, slot := range slots {
		info, err := s.ctx.GetTokenInfo(slot)
		if err != nil || info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			continue
		}
		if labels = append(labels, info.Label); info.Label == label {
			found, flags = append(found, slot), info.Flags
		}
	}
	switch {
	case len(found) == 0:
		return 0, &wire.Error{Code: wire.NoToken, Text: fmt.Sprintf("no token is labelled %q; tokens that are there: %q", label, labels)}
	case len(found) > 1:
		return 0, &wire.Error{Code: wire.TwoTokens, Text: fmt.Sprintf("%d tokens are labelled %q: which one is meant cannot be told", len(found), label)}
	case flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return 0, &wire.Error{Code: wire.Locked, Text: fmt.Sprintf("the PIN of token %q is locked", label)}
	case flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0:
		return 0, &wire.Error{Code: wire.LastTry, Text: fmt.Sprintf("one more wrong PIN would lock token %q, so it was not tried", label)}
	}
	return found[0], nil
}

// generate makes a key pair under a label that is free, and returns its id.
func (s *session) generate(label string) ([]byte, error) {
	for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} {
		have, err := s.objects(pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
		if err != nil {
			return nil, err
		}
		if len(have) > 0 {
			return nil, &wire.Error{Code: wire.InUse, Text: fmt.Sprintf("the token has a key labelled %q already", label)}
		}
	}
	id := make([]byte, 8)
	rand.Read(id)
	public := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, false),
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, ed25519Params),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
	}
	private := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_SIGN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
	}
	_, _, err := s.ctx.GenerateKeyPair(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(ckmEdwardsKP, nil)}, public, private)
	if err != nil {
		return nil, explain("generating an Ed25519 key", err)
	}
	return id, nil
}

// find finds one object of a key.
func (s *session) find(class uint, k wire.Key) (pkcs11.ObjectHandle, error) {
	want := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, uint(ckkEdwards))}
	if k.Object != "" {
		want = append(want, pkcs11.NewAttribute(pkcs11.CKA_LABEL, k.Object))
	}
	if len(k.ID) > 0 {
		want = append(want, pkcs11.NewAttribute(pkcs11.CKA_ID, k.ID))
	}
	have, err := s.objects(want...)
	half := map[uint]string{pkcs11.CKO_PRIVATE_KEY: "private", pkcs11.CKO_PUBLIC_KEY: "public"}[class]
	switch {
	case err != nil:
		return 0, err
	case len(have) == 0:
		return 0, &wire.Error{Code: wire.NoObject, Text: fmt.Sprintf("token %q has no %s Ed25519 key with label %q and id %x", k.Token, half, k.Object, k.ID)}
	case len(have) > 1:
		return 0, &wire.Error{Code: wire.TwoObjects, Text: fmt.Sprintf("token %q has several %s Ed25519 keys with label %q and id %x", k.Token, half, k.Object, k.ID)}
	}
	return have[0], nil
}

func (s *session) objects(want ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := s.ctx.FindObjectsInit(s.handle, want); err != nil {
		return nil, explain("looking for the key", err)
	}
	defer s.ctx.FindObjectsFinal(s.handle)
	have, _, err := s.ctx.FindObjects(s.handle, 2)
	return have, explain("looking for the key", err)
}

// readPoint reads a public key. Modules write it as a DER octet string, as PKCS#11 wants, or as it is.
func (s *session) readPoint(public pkcs11.ObjectHandle) ([]byte, error) {
	attr, err := s.ctx.GetAttributeValue(s.handle, public, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil)})
	if err != nil {
		return nil, explain("reading the public key", err)
	}
	point := attr[0].Value
	if rest, ok := bytes.CutPrefix(point, []byte{0x04, 0x20}); ok && len(point) == 34 {
		point = rest
	}
	if len(point) != 32 {
		return nil, &wire.Error{Code: wire.Unable, Text: fmt.Sprintf("the token's public key has %d bytes, want the 32 of Ed25519", len(point))}
	}
	return point, nil
}

func (s *session) public() []byte { return s.point }

func (s *session) sign(message []byte) ([]byte, error) {
	if err := s.ctx.SignInit(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(ckmEdDSA, nil)}, s.private); err != nil {
		return nil, explain("signing", err)
	}
	sig, err := s.ctx.Sign(s.handle, message)
	return sig, explain("signing", err)
}

// close logs out. Errors do not matter: the process ends.
func (s *session) close() {
	if s.handle != 0 {
		s.ctx.Logout(s.handle)
		s.ctx.CloseSession(s.handle)
	}
	s.ctx.Finalize()
	s.ctx.Destroy()
}

// explain says in plain words what a module has answered.
func explain(doing string, err error) error {
	var code pkcs11.Error
	if err == nil || !errors.As(err, &code) {
		return err
	}
	switch code {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE:
		return &wire.Error{Code: wire.WrongPIN, Text: "wrong PIN"}
	case pkcs11.CKR_PIN_LOCKED:
		return &wire.Error{Code: wire.Locked, Text: "the token's PIN is locked: it was typed wrongly too often"}
	case pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED,
		pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_DEVICE_ERROR:
		return &wire.Error{Code: wire.SessionLost, Text: fmt.Sprintf("%s: the token was taken away, or its session is lost (%v)", doing, err)}
	case pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_KEY_TYPE_INCONSISTENT, pkcs11.CKR_ATTRIBUTE_VALUE_INVALID, pkcs11.CKR_DOMAIN_PARAMS_INVALID:
		return &wire.Error{Code: wire.Unable, Text: fmt.Sprintf("%s: the token does not do Ed25519 (%v)", doing, err)}
	}
	return &wire.Error{Code: wire.Failed, Text: fmt.Sprintf("%s: %v", doing, err)}
}
