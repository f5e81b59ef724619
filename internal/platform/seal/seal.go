// Package seal keeps small things unreadable at rest: it encrypts and marks
// bytes under keys derived from the installation's secret.
//
// Terms. A purpose names what is sealed ("idempotency answer"); each has a key of
// its own, so that what was sealed for one cannot be opened as another. The
// additional bytes are not encrypted but bound: opening needs the same ones, so
// that a sealed value moved to another row does not open.
//
// Keys are HKDF-SHA256 of the secret (RFC 5869); sealing is AES-256-GCM with a
// random 96-bit nonce, good for 2³² values of one purpose (NIST SP 800-38D). A
// sealed value is one byte of format, the nonce, the ciphertext and its tag. A
// change of keys or cipher takes the next format byte and keeps the old one
// readable.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	format1 = 1
	keySize = 32

	// MinSecret is the least length in bytes of a secret.
	MinSecret = 32
	// Overhead is how much longer a sealed value is than what was sealed.
	Overhead = 1 + 12 + 16
)

// ErrUnreadable is returned for whatever cannot be opened: sealed under another
// secret, for another purpose, with other additional bytes, or altered. Which of
// these it was cannot be told.
var ErrUnreadable = errors.New("seal: cannot be opened with this secret")

// Box seals and opens. It is safe for concurrent use.
type Box struct {
	root []byte
}

// New returns a Box over the installation's secret, which must be random and at
// least MinSecret bytes long.
func New(secret string) (*Box, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("seal: the secret has %d bytes and needs at least %d", len(secret), MinSecret)
	}
	root, err := hkdf.Extract(sha256.New, []byte(secret), []byte("cofounder seal"))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return &Box{root: root}, nil
}

// Seal encrypts plain for a purpose and binds it to additional, which may be
// empty. Sealing the same bytes twice gives different values.
func (b *Box) Seal(purpose string, plain, additional []byte) []byte {
	out := make([]byte, 1, Overhead+len(plain))
	out[0] = format1
	return b.aead(purpose).Seal(out, nil, plain, additional) //nolint:gosec // no nonce is passed: the AEAD draws a random one
}

// Open returns what was sealed for this purpose with the same additional bytes,
// or ErrUnreadable.
func (b *Box) Open(purpose string, sealed, additional []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != format1 {
		return nil, ErrUnreadable
	}
	plain, err := b.aead(purpose).Open(nil, nil, sealed[1:], additional)
	if err != nil {
		return nil, ErrUnreadable
	}
	return plain, nil
}

// Mark returns 32 bytes that stand for data and tell nothing about it to whoever
// lacks the secret (HMAC-SHA256): equal for equal data of one purpose. It is for
// recognising what must not be kept, such as a body that holds a password.
func (b *Box) Mark(purpose string, data []byte) []byte {
	mac := hmac.New(sha256.New, b.key("mark", purpose))
	mac.Write(data)
	return mac.Sum(nil)
}

func (b *Box) aead(purpose string) cipher.AEAD {
	block, err := aes.NewCipher(b.key("seal", purpose))
	if err != nil {
		panic("seal: " + err.Error()) // the key has the right size
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("seal: " + err.Error()) // the cipher is AES
	}
	return aead
}

func (b *Box) key(use, purpose string) []byte {
	key, err := hkdf.Expand(sha256.New, b.root, use+"\x00"+purpose, keySize)
	if err != nil {
		panic("seal: " + err.Error()) // the length is far below HKDF's limit
	}
	return key
}
