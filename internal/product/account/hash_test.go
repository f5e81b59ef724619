package account

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"cofounder/internal/product/account/form"
)

func TestHasher(t *testing.T) {
	t.Parallel()
	h := newHasher()
	stored, err := h.hash(t.Context(), "three made up words")
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.hash(t.Context(), "three made up words")
	if err != nil {
		t.Fatal(err)
	}
	if stored == again {
		t.Error("two hashes of one password are equal: the salt is not fresh")
	}
	cheap := newHasher()
	cheap.cost.time = 1
	tests := []struct {
		name         string
		h            *hasher
		stored       string
		password     string
		right, stale bool
		fails        bool
	}{
		{"right", h, stored, "three made up words", true, false, false},
		{"wrong", h, stored, "three made up word", false, false, false},
		{"right at another cost", cheap, stored, "three made up words", true, true, false},
		{"of nobody", h, h.nobody, "three made up words", false, false, false},
		{"of nobody, empty", h, h.nobody, "", false, false, false},
		{"too long to be right", h, stored, strings.Repeat("x", 1<<20), false, false, false},
		{"damaged row", h, "plain text", "plain text", false, false, true},
		{"empty row", h, "", "", false, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			right, stale, err := tt.h.check(t.Context(), tt.stored, tt.password)
			if right != tt.right || stale != tt.stale || (err != nil) != tt.fails {
				t.Errorf("check = %v, %v, %v; want %v, %v, error %v", right, stale, err, tt.right, tt.stale, tt.fails)
			}
		})
	}
}

// The check value is of the tests of the reference implementation
// (phc-winner-argon2, test.c: argon2id, t=2, m=65536, p=1, password, somesalt); RFC
// 9106 has none without a secret.
func TestHashOfAnotherImplementation(t *testing.T) {
	t.Parallel()
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	right, stale, err := newHasher().check(t.Context(), reference, "password")
	if !right || !stale || err != nil {
		t.Errorf("check = %v, %v, %v; want right and stale", right, stale, err)
	}
}

func TestTwoHashesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHasher()
		var running, most, done atomic.Int64
		release := make(chan struct{})
		h.derive = func(_, _ []byte, _, _ uint32, _ uint8, n uint32) []byte {
			most.Store(max(most.Load(), running.Add(1)))
			<-release
			running.Add(-1)
			return make([]byte, n)
		}
		for range 6 {
			go func() {
				if _, err := h.hash(t.Context(), "x"); err != nil {
					t.Error(err)
				}
				done.Add(1)
			}()
		}
		synctest.Wait()
		if got := running.Load(); got != hashesAtOnce {
			t.Errorf("%d hashes run, want %d", got, hashesAtOnce)
		}
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan error)
		go func() {
			_, err := h.hash(ctx, "x")
			waiting <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who gave up got %v", err)
		}
		close(release)
		synctest.Wait()
		if most.Load() != hashesAtOnce || done.Load() != 6 {
			t.Errorf("at most %d ran, %d finished; want %d and 6", most.Load(), done.Load(), hashesAtOnce)
		}
	})
}

func TestCommonPasswords(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSuffix(string(common), "\n"), "\n")
	if len(lines) < 15_000 {
		t.Fatalf("the list has %d entries", len(lines))
	}
	if !slices.IsSorted(lines) {
		t.Fatal("the list is not sorted, so it cannot be searched")
	}
	for _, line := range lines {
		if !isCommon(line) {
			t.Fatalf("%q is in the list and was not found", line)
		}
		if line != strings.ToLower(line) || len([]rune(line)) < minPassword {
			t.Errorf("%q can never be asked for", line)
		}
	}
	for _, other := range []string{"", "\n", "a", "zzzzzzzzzzzzzzzzzzzzz", lines[0] + "x", lines[len(lines)-1] + "x", lines[7][:7], lines[7] + "\n" + lines[8], "three made up words"} {
		if isCommon(other) {
			t.Errorf("%q was found and is not in the list", other)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add(newHasher().nobody)
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Errorf("%q reads as %q", s, p.String())
		}
		if p.cost.memory > 1<<20 || p.cost.time > 16 || p.cost.threads == 0 {
			t.Errorf("%q claims %+v", s, p.cost)
		}
	})
}

func FuzzPassword(f *testing.F) {
	for _, s := range []string{"", "password", "x7#kp!qz", "日本語のことばだ", "\xff\xff\xff\xff\xff\xff\xff\xff", "aaaaaaaa", "ann@example.org"} {
		f.Add(s, "ann@example.org", "Ann")
	}
	f.Fuzz(func(t *testing.T, password, email, name string) {
		var asked form.Form
		checkPassword(&asked, password, email, name)
		n := len([]rune(password))
		switch {
		case asked.Err() != nil:
		case n < minPassword || n > maxPassword:
			t.Errorf("%q with %d characters was taken", password, n)
		case isCommon(strings.ToLower(password)), strings.EqualFold(password, email) && email == strings.ToLower(email):
			t.Errorf("%q was taken", password)
		}
	})
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"ann@example.org", " ANN@Example.ORG ", "", "@", "a@b", `"a b"@c`, "Ann <a@b.c>", "a@b\r\nBcc: c@d", "a@[127.0.0.1]", "İ@example.org", "a@b,c@d", "\xff@b.c", "a(comment)@b.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		address, ok := parseEmail(s)
		if !ok {
			return
		}
		again, ok := parseEmail(address)
		if !ok || again != address {
			t.Errorf("%q reads as %q and that as %q, %v", s, address, again, ok)
		}
		if len(address) < 3 || len(address) > maxEmail || strings.ContainsAny(address, "\r\n\x00 <>,") || !strings.Contains(address, "@") {
			t.Errorf("%q was taken as %q", s, address)
		}
	})
}

func TestEmail(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
		ok             bool
	}{
		{"plain", "ann@example.org", "ann@example.org", true},
		{"space and capitals", " Ann@Example.ORG\n", "ann@example.org", true},
		{"tag", "ann+news@example.org", "ann+news@example.org", true},
		{"own machine", "me@localhost", "me@localhost", true},
		{"international", "anné@exämple.org", "anné@exämple.org", true},
		{"no at", "ann", "ann", false},
		{"no local part", "@example.org", "@example.org", false},
		{"no domain", "ann@", "ann@", false},
		{"with a name", "Ann <ann@example.org>", "ann <ann@example.org>", false},
		{"in angle brackets", "<ann@example.org>", "<ann@example.org>", false},
		{"quoted", `"ann"@example.org`, `"ann"@example.org`, false},
		{"comment", "ann@example.org(x)", "ann@example.org(x)", false},
		{"space inside", "a nn@example.org", "a nn@example.org", false},
		{"two", "a@example.org,b@example.org", "a@example.org,b@example.org", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseEmail(tt.in)
			if got != tt.want || ok != tt.ok {
				t.Errorf("parseEmail(%q) = %q, %v; want %q, %v", tt.in, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestTokenSecret(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		s := newTokenSecret()
		if !tokenShaped(s) || seen[s] || !strings.HasPrefix(s, "cof_") || len(s) != 63 {
			t.Fatalf("newTokenSecret = %q", s)
		}
		seen[s] = true
		for i := len(tokenPrefix); i < len(s); i++ { // any mistyped character is noticed
			other := []byte(s)
			other[i] = crockford[(bytes.IndexByte([]byte(crockford), other[i])+1)%32]
			if tokenShaped(string(other)) {
				t.Fatalf("%q and %q both pass the check", s, other)
			}
		}
	}
}

func FuzzTokenSecret(f *testing.F) {
	f.Add(newTokenSecret())
	f.Add("cof_")
	f.Add(newSecret() + "\n")
	f.Add("Bearer cof_0000000000000000000000000000000000000000000000000000" + checksum(strings.Repeat("0", tokenBody)))
	f.Fuzz(func(t *testing.T, s string) {
		if tokenShaped(s) && (len(s) != 63 || !strings.HasPrefix(s, "cof_") || checksum(s[4:56]) != s[56:]) {
			t.Errorf("%q was taken", s)
		}
		if secretShaped(s) && len(s) != 43 {
			t.Errorf("%q was taken", s)
		}
	})
}

func TestNetworkOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"IPv4", "192.0.2.7", "192.0.2.7"},
		{"IPv4 in IPv6", "::ffff:192.0.2.7", "192.0.2.7"},
		{"IPv6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"zone", "fe80::1%eth0", "fe80::/64"},
		{"a socket", "@", "@"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := networkOf(tt.in); got != tt.want {
				t.Errorf("networkOf(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}
