package hosting_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/platform/hosting"
)

// Many processes asked at once for one app start it once and all reach it.
func TestOneOwner(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	processes := []*process{w.start(t), w.start(t), w.start(t)}
	label := processes[0].app(t)
	for round := range 5 {
		var all sync.WaitGroup
		for range 4 {
			for _, p := range processes {
				all.Go(func() {
					if got := p.get(t, label, "/"); got != "one" {
						t.Errorf("it answers %q", got)
					}
				})
			}
		}
		all.Wait()
		alive, created := 0, 0
		for _, p := range processes {
			alive += p.cages.alive()
			p.cages.mu.Lock()
			created += p.cages.created
			p.cages.mu.Unlock()
		}
		if alive != 1 || created != round+1 {
			t.Fatalf("round %d: %d cages live, %d were made", round, alive, created)
		}
		if err := processes[round%3].Stop(t.Context(), label); err != nil {
			t.Fatal(err)
		}
	}
}

// A connection that switched protocols goes through another process both ways.
func TestForwardedUpgrade(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p, other := w.start(t), w.start(t)
	label := p.app(t)
	p.wake(t, label, hosting.Running)
	conn, err := other.Dial(t.Context(), label)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a test
	say(conn, "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	head := make([]byte, len("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"))
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"hello", strings.Repeat("x", 1<<20)} {
		go say(conn, text)
		back := make([]byte, len(text))
		if _, err := io.ReadFull(conn, back); err != nil || string(back) != text {
			t.Fatalf("echo of %d bytes: %v", len(text), err)
		}
	}
}

// When the owner dies another takes over with the next request, with the data that were
// saved; when the dead one wakes up it can change nothing.
func TestTakeover(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p, other := w.start(t), w.start(t)
	label := p.app(t)
	p.get(t, label, "/keep/note/saved")
	if got := contents(t, p, "mine"); got != "note=saved " {
		t.Fatalf("it kept %q", got)
	}
	if got := other.get(t, label, "/kept/note"); got != "saved" {
		t.Fatalf("through the other process it kept %q", got)
	}
	p.die()
	began := time.Now()
	other.wake(t, label, hosting.Running)
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("taking over took %s", took)
	}
	if got := other.get(t, label, "/kept/note"); got != "saved" {
		t.Errorf("after the takeover it kept %q", got)
	}
	if n := other.cages.alive(); n != 1 {
		t.Errorf("the other process has %d cages", n)
	}
}

// An owner whose lease was taken ends its instance and saves nothing over the new
// owner's data.
func TestLostLease(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p, other := w.start(t), w.start(t)
	label := p.app(t)
	p.get(t, label, "/keep/note/first")
	if got := contents(t, p, "mine"); got != "note=first " {
		t.Fatalf("it kept %q", got)
	}
	p.get(t, label, "/keep/note/stale")
	w.exec(t, `UPDATE hosted_app SET lease_until = now() - interval '1 second'`)
	other.wake(t, label, hosting.Running)
	other.get(t, label, "/keep/note/second")
	p.cages.gone(t) // at its next beat
	if got := contents(t, other, "mine"); got != "note=second " {
		t.Errorf("afterwards the data are %q", got)
	}
}

// Nobody without the installation's key gets a word with an app.
func TestStrangersAtThePeerAddress(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	label := p.app(t)
	p.wake(t, label, hosting.Running)
	var address, owner string
	if err := w.pool.QueryRow(t.Context(), `SELECT address, owner FROM hosted_app`).Scan(&address, &owner); err != nil {
		t.Fatal(err)
	}
	stranger := w.start(t, func(c *hosting.Config) {
		c.Key, c.Driver = ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", ed25519.SeedSize))), nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if conn, err := stranger.Dial(ctx, label); err == nil {
		t.Error("a process with another key reached the app")
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	request := owner + " dial " + label + "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
	plain, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	say(plain, request)
	if text := rest(plain); strings.Contains(text, "one") {
		t.Errorf("without TLS it answered %q", text)
	}
	naked, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return // refused in the handshake
	}
	say(naked, request)
	if text := rest(naked); strings.Contains(text, "one") || strings.Contains(text, "ok") {
		t.Errorf("without a certificate it answered %q", text)
	}
}

// rest is what comes until the end, whatever that is.
func rest(from io.Reader) string {
	text, _ := io.ReadAll(from) //nolint:errcheck // a reset is an end too
	return string(text)
}
