package httpd_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/telemetry"
	"cofounder/internal/surface/httpd"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	m := httpd.NewMux()
	m.Handle("GET /a/{x}", httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.Conflict, "x_y", "No.")
	}))
	s, err := httpd.New(httpd.Config{Addr: "localhost:0", PublicURL: &url.URL{Scheme: "http", Host: "localhost:8080"}, IDs: id.NewSource(clock.System{}.Now), Log: telemetry.NewLogger(&log, telemetry.Readable, slog.LevelDebug)}, m)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for _, p := range []string{"/a/b", "/livez", "/readyz", "/nope"} {
		res, err := http.Get("http://" + addr + p)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		t.Log(res.Status, res.Header, string(b))
	}
	cancel()
	t.Log(<-done)
	t.Log(log.String())
}
