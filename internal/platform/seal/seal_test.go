package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"cofounder/internal/platform/seal"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const purpose = "test answer"

var secret = strings.Repeat("s3cr", 8)

func open(t *testing.T, s string) *seal.Box {
	t.Helper()
	box, err := seal.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestSealedOpensAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(rt, "plain")
		additional := rapid.SliceOf(rapid.Byte()).Draw(rt, "additional")
		name := rapid.String().Draw(rt, "purpose")

		sealed := open(t, secret).Seal(name, plain, additional)
		if got, want := len(sealed), len(plain)+seal.Overhead; got != want {
			rt.Errorf("sealed length = %d, want %d", got, want)
		}
		// A second box over the same secret is a restarted process.
		got, err := open(t, secret).Open(name, sealed, additional)
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(got, plain) {
			rt.Errorf("opened %x, want %x", got, plain)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	plain, row := []byte("cof_the key"), []byte("row 1")
	sealed := open(t, secret).Seal(purpose, plain, row)
	if bytes.Contains(sealed, plain) {
		t.Fatal("the plain bytes can be read in the sealed ones")
	}

	tests := []struct {
		name               string
		secret, purpose    string
		sealed, additional []byte
	}{
		{name: "another secret", secret: strings.Repeat("0ther", 8), purpose: purpose, sealed: sealed, additional: row},
		{name: "another purpose", secret: secret, purpose: "test answer ", sealed: sealed, additional: row},
		{name: "another row", secret: secret, purpose: purpose, sealed: sealed, additional: []byte("row 2")},
		{name: "no row", secret: secret, purpose: purpose, sealed: sealed},
		{name: "an unknown format", secret: secret, purpose: purpose, sealed: append([]byte{2}, sealed[1:]...), additional: row},
		{name: "cut short", secret: secret, purpose: purpose, sealed: sealed[:len(sealed)-1], additional: row},
		{name: "only a format", secret: secret, purpose: purpose, sealed: sealed[:1], additional: row},
		{name: "nothing", secret: secret, purpose: purpose, additional: row},
		{name: "the plain bytes", secret: secret, purpose: purpose, sealed: plain, additional: row},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := open(t, tt.secret).Open(tt.purpose, tt.sealed, tt.additional)
			if !errors.Is(err, seal.ErrUnreadable) {
				t.Errorf("Open = %q, %v; want ErrUnreadable", got, err)
			}
		})
	}
}

func TestEveryAlteredBitIsNoticed(t *testing.T) {
	t.Parallel()
	box := open(t, secret)
	sealed := box.Seal(purpose, []byte("amount 9"), nil)
	for i := range len(sealed) * 8 {
		altered := bytes.Clone(sealed)
		altered[i/8] ^= 1 << (i % 8)
		if got, err := box.Open(purpose, altered, nil); !errors.Is(err, seal.ErrUnreadable) {
			t.Errorf("bit %d altered: Open = %q, %v; want ErrUnreadable", i, got, err)
		}
	}
}

func TestNoncesDiffer(t *testing.T) {
	t.Parallel()
	box := open(t, secret)
	seen := map[string]bool{}
	for range 10_000 {
		sealed := box.Seal(purpose, []byte("same"), nil)
		if nonce := string(sealed[1:13]); seen[nonce] {
			t.Fatalf("nonce %x came twice", nonce)
		} else {
			seen[nonce] = true
		}
	}
}

// The bytes below were sealed by this version; later versions must open them.
func TestFormatIsKept(t *testing.T) {
	t.Parallel()
	sealed, err := hex.DecodeString("01db2e38e319e3053660d8e0fbab95c854ad172b0304a56346a9c0feda41" +
		"8a495ba7677a7a8f19a398944cf381c6cd37")
	if err != nil {
		t.Fatal(err)
	}
	got, err := open(t, secret).Open(purpose, sealed, []byte("row 1"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("kept since format 1", string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestMark(t *testing.T) {
	t.Parallel()
	box := open(t, secret)
	mark := box.Mark(purpose, []byte("hunter2"))
	if len(mark) != 32 {
		t.Errorf("length = %d, want 32", len(mark))
	}
	if !bytes.Equal(mark, open(t, secret).Mark(purpose, []byte("hunter2"))) {
		t.Error("equal data has different marks")
	}
	others := map[string][]byte{
		"other data":    box.Mark(purpose, []byte("hunter3")),
		"other purpose": box.Mark("other", []byte("hunter2")),
		"other secret":  open(t, strings.Repeat("0ther", 8)).Mark(purpose, []byte("hunter2")),
	}
	for name, other := range others {
		if bytes.Equal(mark, other) {
			t.Errorf("%s has the same mark", name)
		}
	}
}

func TestShortSecretIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", strings.Repeat("x", seal.MinSecret-1)} {
		if _, err := seal.New(s); err == nil {
			t.Errorf("New with %d bytes: no error", len(s))
		} else if s != "" && strings.Contains(err.Error(), s) {
			t.Error("the error shows the secret")
		}
	}
}
