package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// secretBytes is how much randomness a secret carries: 256 bits cannot be
// guessed, so a plain SHA-256 of it is safe to store and to look up by.
const secretBytes = 32

// newSecret returns a secret for a cookie or a link.
func newSecret() string {
	var b [secretBytes]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashOf returns what is stored of a secret.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// secretShaped reports whether s could have come from newSecret, so that rubbish
// costs no query. The length is compared too: the decoder skips line breaks.
func secretShaped(s string) bool {
	if len(s) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == secretBytes
}

const (
	// tokenPrefix makes a leaked token recognisable to secret scanners.
	tokenPrefix = "cof_"
	// crockford is the alphabet of ids (package id): no look-alikes, one case.
	crockford = "0123456789abcdefghjkmnpqrstvwxyz"
	// tokenBody is 256 bits, five to a character.
	tokenBody = 52
	// tokenCheck is a CRC-32, five bits to a character.
	tokenCheck = 7
)

// newTokenSecret returns prefix, random body and checksum of an API token. The
// checksum lets a scanner tell a token from text that only looks like one, and a
// mistyped token be refused without a query.
func newTokenSecret() string {
	var b [secretBytes]byte
	rand.Read(b[:]) // never fails
	var body [tokenBody]byte
	var bits, held uint
	next := 0
	for i := range body {
		for held < 5 {
			var octet uint
			if next < len(b) {
				octet = uint(b[next])
				next++
			}
			bits = bits<<8 | octet
			held += 8
		}
		held -= 5
		body[i] = crockford[bits>>held&31]
	}
	return tokenPrefix + string(body[:]) + checksum(string(body[:]))
}

// checksum returns the last characters of a token with this body.
func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var out [tokenCheck]byte
	for i := tokenCheck - 1; i >= 0; i-- {
		out[i] = crockford[sum&31]
		sum >>= 5
	}
	return string(out[:])
}

// tokenShaped reports whether s has the form and checksum of an API token.
func tokenShaped(s string) bool {
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok || len(rest) != tokenBody+tokenCheck {
		return false
	}
	for i := range len(rest) {
		if strings.IndexByte(crockford, rest[i]) < 0 {
			return false
		}
	}
	return checksum(rest[:tokenBody]) == rest[tokenBody:]
}

// keyOf returns a fixed-size key for a throttle from what is counted, so that no
// address or e-mail somebody typed is stored.
func keyOf(parts ...string) []byte {
	h := sha256.New()
	var size [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}
