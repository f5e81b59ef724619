package repo

import (
	"crypto/sha1" //nolint:gosec // git names objects by SHA-1
	"encoding/hex"
	"fmt"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo/wire"
)

// Hash is the name of an object. The zero Hash is no object.
type Hash [wire.IDSize]byte

// ParseHash reads forty hexadecimal digits; anything else is fault.NotFound, since no
// object has such a name.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != hex.EncodedLen(len(h)) {
		return h, noObject()
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, noObject()
	}
	return h, nil
}

// String returns forty hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h names no object.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	*h = parsed
	return err
}

// Mode is what a tree says a name is.
type Mode uint32

// The modes a tree of ours holds; a folder is never in a list of files.
const (
	Regular    Mode = 0o100644
	Executable Mode = 0o100755
	folder     Mode = 0o040000
)

// hashOf returns the name of an object.
func hashOf(kind wire.Kind, data []byte) Hash {
	h := sha1.New() //nolint:gosec // see above
	h.Write(objectHead(kind, int64(len(data))))
	h.Write(data) // a hash takes everything
	return Hash(h.Sum(nil))
}

// objectHead is what git hashes before an object's bytes.
func objectHead(kind wire.Kind, size int64) []byte {
	return append(strconv.AppendInt([]byte(kind.String()+" "), size, 10), 0)
}

func emptyTree() Hash { return hashOf(wire.Tree, nil) }

func noObject() *fault.Error {
	return fault.New(fault.NotFound, "no_such_object", "There is no such version of these files.")
}

// missing is about an object that a stored one points at: never the caller's fault.
func missing(kind wire.Kind, h Hash) error { return fmt.Errorf("%s %s is missing", kind, h) }
