package id_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/id"
)

type thing string

func (thing) Prefix() string { return "thg" }

type other string

func (other) Prefix() string { return "oth" }

func at(ms int64) func() time.Time {
	return func() time.Time { return time.UnixMilli(ms) }
}

func TestMintIsSortableAndKnowsItsKind(t *testing.T) {
	t.Parallel()
	var minted []thing
	for _, ms := range []int64{1, 2, 31, 32, 33, 1024, 1_796_000_000_000, 1_796_000_000_001} {
		minted = append(minted, id.Mint[thing](id.NewSource(at(ms))))
	}
	if !slices.IsSorted(minted) {
		t.Errorf("identifiers of later instants do not sort later: %q", minted)
	}
	for _, m := range minted {
		if got, err := id.Parse[thing](string(m)); err != nil || got != m {
			t.Errorf("Parse(%q) = %q, %v", m, got, err)
		}
		if _, err := id.Parse[other](string(m)); err == nil {
			t.Errorf("Parse as another kind accepted %q", m)
		}
	}
}

// TestMintEncoding pins the text form: it is stored, so it may never change.
func TestMintEncoding(t *testing.T) {
	t.Parallel()
	random := strings.NewReader("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09")
	got := id.Mint[thing](id.NewSourceFrom(at(0x0123456789ab), random))
	if want := thing("thg_014d2pf2db000g40r40m30e209"); got != want {
		t.Errorf("Mint = %q, want %q", got, want)
	}
}

func TestMintIsUnique(t *testing.T) {
	t.Parallel()
	src, seen := id.NewSource(at(7)), map[thing]bool{}
	for range 10_000 {
		seen[id.Mint[thing](src)] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("10 000 identifiers of one millisecond, %d different", len(seen))
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := string(id.Mint[thing](id.NewSource(at(1))))
	cases := map[string]string{
		"empty":             "",
		"prefix only":       "thg_",
		"other prefix":      "oth" + good[3:],
		"no underscore":     strings.Replace(good, "_", "-", 1),
		"too short":         good[:len(good)-1],
		"too long":          good + "0",
		"upper case":        strings.ToUpper(good),
		"letter not in use": good[:len(good)-1] + "u",
		"over 128 bits":     "thg_8" + good[5:],
		"path":              "thg_../../../../../etc/passwd",
		"NUL":               good[:len(good)-1] + "\x00",
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := id.Parse[thing](s); err == nil {
				t.Errorf("Parse(%q) = %q, want an error", s, got)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(id.Mint[thing](id.NewSource(at(1)))))
	f.Add("thg_")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := id.Parse[thing](s)
		if err == nil && (string(got) != s || len(s) != 30) {
			t.Errorf("Parse(%q) = %q", s, got)
		}
	})
}
