package signature_test

import (
	"fmt"
	"strings"
	"testing"

	"cofounder/internal/product/build/signature"
)

type relation int

const (
	same   relation = iota // in every respect
	moved                  // the same failure at another line
	others                 // another failure
)

// TestPairs are outputs of real tools, shortened: what a second run of the same
// failure prints, and what another failure prints.
func TestPairs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b signature.Failure
		want relation
	}{
		"go test, another duration": {
			signature.Failure{Where: "invite_test.go:41", What: "TestInviteExpires", Message: "--- FAIL: TestInviteExpires (0.02s)"},
			signature.Failure{Where: "invite_test.go:41", What: "TestInviteExpires", Message: "--- FAIL: TestInviteExpires (1.31s)"},
			same,
		},
		"go test, another line": {
			signature.Failure{Where: "invite_test.go:41", What: "TestInviteExpires", Message: "invite_test.go:41: got 200 want 410"},
			signature.Failure{Where: "invite_test.go:52", What: "TestInviteExpires", Message: "invite_test.go:52: got 200 want 410"},
			moved,
		},
		"go test, another value": {
			signature.Failure{Where: "invite_test.go:41", What: "TestInviteExpires", Message: "got 200 want 410"},
			signature.Failure{Where: "invite_test.go:41", What: "TestInviteExpires", Message: "got 500 want 410"},
			others,
		},
		"go compiler, another column": {
			signature.Failure{Where: "store.go:12:5", Message: "./store.go:12:5: undefined: Bookng"},
			signature.Failure{Where: "store.go:14:9", Message: "./store.go:14:9: undefined: Bookng"},
			moved,
		},
		"go compiler, another name": {
			signature.Failure{Where: "store.go:12:5", Message: "./store.go:12:5: undefined: Bookng"},
			signature.Failure{Where: "store.go:12:5", Message: "./store.go:12:5: undefined: Walker"},
			others,
		},
		"panic, other pointers and goroutines": {
			signature.Failure{Where: "main.go:7", Message: "panic: nil map; goroutine 19 [running]: main.add(0xc000012345, {0x53, 0x2})"},
			signature.Failure{Where: "main.go:7", Message: "panic: nil map; goroutine 7 [running]: main.add(0xc0000fffff, {0x53, 0x2})"},
			same,
		},
		"port in use, another port": {
			signature.Failure{Message: "dial tcp 127.0.0.1:43817: connect: connection refused"},
			signature.Failure{Message: "dial tcp 127.0.0.1:51002: connect: connection refused"},
			same,
		},
		"node, another port in a URL": {
			signature.Failure{Message: "Error: GET http://localhost:3411/bookings returned 500"},
			signature.Failure{Message: "Error: GET http://localhost:9182/bookings returned 500"},
			same,
		},
		"node, another address": {
			signature.Failure{Message: "Error: GET http://localhost:3411/bookings returned 500"},
			signature.Failure{Message: "Error: GET http://localhost:3411/walkers returned 500"},
			others,
		},
		"node, another time of day": {
			signature.Failure{Message: "2026-11-23T10:04:31.201Z ERROR booking not saved"},
			signature.Failure{Message: "2026-11-24T22:14:01.999Z ERROR booking not saved"},
			same,
		},
		"tsc, another place": {
			signature.Failure{Where: "src/app.ts(4,11)", Message: "src/app.ts(4,11): error TS2304: Cannot find name 'walker'."},
			signature.Failure{Where: "src/app.ts(9,3)", Message: "src/app.ts(9,3): error TS2304: Cannot find name 'walker'."},
			moved,
		},
		"pytest, another temporary folder": {
			signature.Failure{Message: "FileNotFoundError: [Errno 2] No such file or directory: '/tmp/pytest-of-u/pytest-3/db0/app.db'"},
			signature.Failure{Message: "FileNotFoundError: [Errno 2] No such file or directory: '/tmp/pytest-of-u/pytest-19/db4/app.db'"},
			same,
		},
		"pytest, another file": {
			signature.Failure{Message: "No such file or directory: '/tmp/pytest-3/app.db'"},
			signature.Failure{Message: "No such file or directory: '/tmp/pytest-3/users.csv'"},
			others,
		},
		"python, line of a traceback": {
			signature.Failure{Where: "app.py", Message: `File "app.py", line 31, in save KeyError: 'date'`},
			signature.Failure{Where: "app.py", Message: `File "app.py", line 44, in save KeyError: 'date'`},
			moved,
		},
		"colours": {
			signature.Failure{Message: "\x1b[31mAssertionError\x1b[0m: expected 2"},
			signature.Failure{Message: "AssertionError: expected 2"},
			same,
		},
		"an identifier of a record": {
			signature.Failure{Message: "booking 3f2b8c1e-9a4d-4c1b-8f2e-1d2c3b4a5f60 not found"},
			signature.Failure{Message: "booking 0e9d8c7b-1a2b-4c3d-9e8f-7a6b5c4d3e2f not found"},
			same,
		},
		"a page that changes": {
			signature.Failure{Message: `body = "<html><p>Hello, it is Monday and here is a long page</p>", want a title`},
			signature.Failure{Message: `body = "<html><p>Hello, it is Friday and here is a long page</p>", want a title`},
			same,
		},
		"memory and percent": {
			signature.Failure{Message: "killed at 201.4 MB, 99% used (cached)"},
			signature.Failure{Message: "killed at 233 MB, 97.5 % used"},
			same,
		},
		"another test": {
			signature.Failure{Where: "a_test.go:4", What: "TestAdd", Message: "got 1 want 2"},
			signature.Failure{Where: "a_test.go:4", What: "TestRemove", Message: "got 1 want 2"},
			others,
		},
		"words that only look like numbers": {
			signature.Failure{Message: "deadbeefcafe is no walker"}, signature.Failure{Message: "feedfacecafe is no walker"}, others,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := signature.Of([]signature.Failure{c.a}), signature.Of([]signature.Failure{c.b})
			if got := a.Fine == b.Fine; got != (c.want == same) {
				t.Errorf("fine names equal: %v\n%s\n%s", got, signature.Normal(c.a.Message), signature.Normal(c.b.Message))
			}
			if got := a.Coarse == b.Coarse; got != (c.want != others) {
				t.Errorf("coarse names equal: %v\n%s\n%s", got, signature.Normal(c.a.Message), signature.Normal(c.b.Message))
			}
		})
	}
}

func TestOfManyHasNoOrder(t *testing.T) {
	t.Parallel()
	a, b := signature.Failure{What: "TestA", Message: "x"}, signature.Failure{What: "TestB", Message: "y"}
	got, want := signature.Of([]signature.Failure{a, b, a}), signature.Of([]signature.Failure{b, a})
	if got != want {
		t.Errorf("%v and %v", got, want)
	}
	if none := signature.Of(nil); none != (signature.Names{}) {
		t.Errorf("no failure is called %v", none)
	}
}

func FuzzNormal(f *testing.F) {
	f.Add("\x1b[31mFAIL\x1b[0m /tmp/x/y.go:3:4: got \"" + strings.Repeat("a", 60) + "\" in 3.2s at 0xc000")
	f.Fuzz(func(t *testing.T, text string) {
		once := signature.Normal(text)
		if strings.Contains(once, "\n") {
			t.Errorf("Normal(%q) has lines", text)
		}
		signature.Of([]signature.Failure{{Where: text, What: text, Message: text}})
	})
}

func BenchmarkNormal(b *testing.B) {
	var out strings.Builder
	for i := range 100 {
		fmt.Fprintf(&out, "=== RUN   TestBooking%d\n    booking_test.go:%d: got 200 want 410 (0.0%ds)\n", i, i*3, i)
	}
	b.SetBytes(int64(out.Len()))
	for b.Loop() {
		signature.Normal(out.String())
	}
}
