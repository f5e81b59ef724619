package e2e_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"

	"cofounder/internal/app"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db/dbtest"
)

// product is a running App with a database of its own.
type product struct {
	app  *app.App
	base string // http://localhost:PORT
	cfg  config.Config
	halt func() error
}

// serve opens the very App that the program runs and serves it until the test
// ends. settings are more KEY=VALUE lines.
func serve(t *testing.T, settings ...string) *product {
	t.Helper()
	address := freeAddress(t)
	cfg, err := config.Load(append([]string{
		"COFOUNDER_ADDR=" + address,
		"COFOUNDER_DATA=" + t.TempDir(),
		"COFOUNDER_SECRET=for-tests-only-0123456789abcdef-0123",
		"COFOUNDER_LAME_DUCK=0s",
		"COFOUNDER_WARM=false",
		"COFOUNDER_DRAIN=5s",
		"DATABASE_URL=" + dbtest.URL(t),
	}, settings...), "")
	if err != nil {
		t.Fatal(err)
	}
	p := &product{base: "http://" + address, cfg: cfg}
	p.again(t)
	t.Cleanup(func() { p.stop(t) })
	return p
}

// again serves at the same address over the same database.
func (p *product) again(t *testing.T) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	if p.app, err = app.Open(t.Context(), app.Options{Config: p.cfg, Log: log}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.app.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.app.Run(ctx, nil) }()
	p.halt = sync.OnceValue(func() error {
		stop()
		err := <-done
		return errors.Join(err, p.app.Close(context.WithoutCancel(ctx)))
	})
}

// stop ends the product in order. Stopping twice is fine.
func (p *product) stop(t *testing.T) {
	t.Helper()
	if err := p.halt(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// freeAddress finds a free port on this computer.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it only held the port
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "localhost:" + port
}

// startLink returns a fresh link that signs the owner in.
func (p *product) startLink(t *testing.T) string {
	t.Helper()
	code, err := p.app.Accounts.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p.base + "/start/" + code
}

// reply is what came back.
type reply struct {
	status   int
	to, body string
	cookies  []*http.Cookie
}

// exchange sends a request by way of do: a client's Do or a transport's RoundTrip.
func exchange(t *testing.T, do func(*http.Request) (*http.Response, error), r *http.Request) reply {
	t.Helper()
	res, err := do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header.Get("Location"), string(body), res.Cookies()}
}
