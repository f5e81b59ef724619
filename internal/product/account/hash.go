package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is what one argon2id hash takes.
type cost struct {
	memory  uint32 // KiB
	time    uint32 // passes
	threads uint8
}

// The present cost is the first recommendation of the OWASP Password Storage Cheat
// Sheet (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html):
// m = 19 MiB, t = 2, p = 1. A password hashed at another cost is hashed anew when
// its owner next signs in.
func presentCost() cost { return cost{memory: 19 * 1024, time: 2, threads: 1} }

const (
	saltBytes = 16
	keyBytes  = 32
	// hashesAtOnce bounds the memory that people signing in can claim to
	// 38 MiB; the others wait.
	hashesAtOnce = 2
)

// hasher makes and checks argon2id hashes in the PHC string format
// (https://github.com/P-H-C/phc-string-format). It is safe for concurrent use.
type hasher struct {
	cost   cost
	slots  chan struct{}
	derive func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
	// nobody is a hash that no password has; checking it takes as long as
	// checking a real one.
	nobody string
}

func newHasher() *hasher {
	h := &hasher{cost: presentCost(), slots: make(chan struct{}, hashesAtOnce), derive: argon2.IDKey}
	h.nobody = phc{cost: h.cost, salt: random(saltBytes), key: random(keyBytes)}.String()
	return h
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

// hash returns the PHC string of a password with a fresh salt. It waits for a
// free slot; the error is the context's.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	p := phc{cost: h.cost, salt: random(saltBytes)}
	var err error
	p.key, err = h.run(ctx, password, p, keyBytes)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

// check reports whether password is the one of a PHC string, and whether that
// string was made at another cost than the present one.
func (h *hasher) check(ctx context.Context, stored, password string) (right, stale bool, err error) {
	p, err := parsePHC(stored)
	if err != nil {
		return false, false, err
	}
	if len(password) > maxPassword*4 { // no stored one is longer, hash something short instead
		password, stored = "", h.nobody
	}
	key, err := h.run(ctx, password, p, len(p.key))
	if err != nil {
		return false, false, err
	}
	right = stored != h.nobody && subtle.ConstantTimeCompare(key, p.key) == 1
	return right, p.cost != h.cost, nil
}

func (h *hasher) run(ctx context.Context, password string, p phc, size int) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	defer func() { <-h.slots }()
	return h.derive([]byte(password), p.salt, p.cost.time, p.cost.memory, p.cost.threads, uint32(size)), nil //nolint:gosec // at most 64
}

// phc is one argon2id hash with all that is needed to check it.
type phc struct {
	cost cost
	salt []byte
	key  []byte
}

// String encodes p as $argon2id$v=19$m=…,t=…,p=…$salt$key.
func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.cost.memory, p.cost.time, p.cost.threads, b64.EncodeToString(p.salt), b64.EncodeToString(p.key))
}

var errPHC = errors.New("not a password hash of ours")

// parsePHC reads what String wrote. Costs are bounded, so that a damaged row
// cannot claim the machine.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errPHC
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.cost.memory, &p.cost.time, &p.cost.threads); err != nil {
		return phc{}, errPHC
	}
	if c := p.cost; c.memory < 8 || c.memory > 1<<20 || c.time < 1 || c.time > 16 || c.threads < 1 || c.threads > 16 {
		return phc{}, errPHC
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return phc{}, errPHC
	}
	if p.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return phc{}, errPHC
	}
	if p.String() != s { // one spelling only
		return phc{}, errPHC
	}
	return p, nil
}
