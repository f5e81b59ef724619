// Package id mints and reads identifiers: a prefix that says what the thing is,
// an underscore, and 26 characters of Crockford's base 32 in lower case, for
// example prj_01kav5zsk3q8t2m4x7n9p6r0wd.
//
// The first 48 bits are milliseconds since 1970, the other 80 are random, as in
// a ULID (https://github.com/ulid/spec), so that text order is the order of
// creation to the millisecond. Identifiers are opaque to callers: they may be
// compared and sorted, never taken apart.
package id

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	length   = 26
)

// Source mints identifiers. It is safe for concurrent use if its parts are.
type Source struct {
	now  func() time.Time
	rand io.Reader
}

// NewSource returns a source that takes time from now and randomness from the
// operating system.
func NewSource(now func() time.Time) *Source {
	return &Source{now: now, rand: rand.Reader}
}

// NewSourceFrom is NewSource with randomness of the caller's, for tests that
// need the same identifiers each time.
func NewSourceFrom(now func() time.Time, random io.Reader) *Source {
	return &Source{now: now, rand: random}
}

// Kind is an identifier's type: a string type whose values know their prefix.
// Prefix must not depend on the value.
type Kind interface {
	~string
	Prefix() string
}

// Mint returns a new identifier of type T. It panics when the source of
// randomness fails, which leaves nothing safe to do.
func Mint[T Kind](s *Source) T {
	var b [16]byte
	ms := uint64(s.now().UnixMilli())
	binary.BigEndian.PutUint64(b[:8], ms<<16)
	if _, err := io.ReadFull(s.rand, b[6:]); err != nil {
		panic("id: no randomness: " + err.Error())
	}
	var kind T
	return T(kind.Prefix() + "_" + encode(b))
}

// encode writes 128 bits as 26 characters, five bits each, most significant
// first; the first character holds only three.
func encode(b [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [length]byte
	for i := length - 1; i >= 0; i-- {
		out[i] = alphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// Parse checks that s is an identifier of type T and returns it. The error says
// only that it is not; callers answer it as not found.
func Parse[T Kind](s string) (T, error) {
	var kind T
	prefix := kind.Prefix()
	body, ok := strings.CutPrefix(s, prefix+"_")
	if !ok || len(body) != length || body[0] > '7' {
		return "", fmt.Errorf("not an identifier with prefix %s", prefix)
	}
	for i := range len(body) {
		if strings.IndexByte(alphabet, body[i]) < 0 {
			return "", fmt.Errorf("not an identifier with prefix %s", prefix)
		}
	}
	return T(s), nil
}
