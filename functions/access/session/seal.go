package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
)

// A Sealer makes values that only programs with its keys can read or make. It is safe
// for concurrent use.
type Sealer struct {
	seals []cipher.AEAD // the first one seals, and all open
}

// prefix begins every sealed value and names its format. It distinguishes a sealed
// value from a JSON Web Token, which has dots.
const prefix = "s1_"

var errSeal = errors.New("session: the value was not sealed with these keys, or for another purpose")

// NewSealer returns a Sealer that seals with the first key, and opens what any of the
// keys has sealed. To replace a key, put the new one first and keep the old one until
// everything that it sealed has expired.
func NewSealer(keys ...string) (*Sealer, error) {
	s := new(Sealer)
	for _, key := range keys {
		secret, err := hkdf.Key(sha256.New, []byte(key), nil, "seatlock session", 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, err
		}
		seal, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		s.seals = append(s.seals, seal)
	}
	if len(s.seals) == 0 {
		return nil, errors.New("session: a Sealer needs a key")
	}
	return s, nil
}

// Seal returns a sealed v, which must be representable in JSON. It can be opened only
// for the same purpose.
func (s *Sealer) Seal(purpose string, v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return prefix + base64.RawURLEncoding.EncodeToString(s.seals[0].Seal(nil, nil, text, []byte(purpose))), nil
}

// Open opens a sealed value.
func (s *Sealer) Open(purpose, sealed string, v any) error {
	encoded, ok := strings.CutPrefix(sealed, prefix)
	if !ok {
		return errSeal
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return errSeal
	}
	for _, seal := range s.seals {
		if plain, err := seal.Open(nil, nil, text, []byte(purpose)); err == nil {
			return json.Unmarshal(plain, v)
		}
	}
	return errSeal
}
