package llmtest

import (
	"net/http/httptest"
	"testing"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
)

// Running is a server at a local address, for one test.
type Running struct {
	*Server
	URL string
}

// Start runs a server with script for the length of the test, and fails the test if
// the script is wrong, an expectation is not met, a turn is left over or, unless
// the script is empty, a request comes that no turn wants.
func Start(t *testing.T, script string) *Running {
	t.Helper()
	turns, err := Parse(script)
	if err != nil {
		t.Fatalf("script: %v", err)
	}
	r := StartConfig(t, Config{Script: turns, Wrong: func(what string) { t.Error("script: " + what) }})
	t.Cleanup(func() {
		if n := r.Left(); n > 0 {
			t.Errorf("script: %d turns were never asked for", n)
		}
		if n := r.Unwanted(); n > 0 && len(turns) > 0 {
			t.Errorf("script: %d requests that no turn wants", n)
		}
	})
	return r
}

// StartConfig is Start for a server that is not the real API, or not strict.
func StartConfig(tb testing.TB, cfg Config) *Running {
	tb.Helper()
	s := New(cfg)
	h := httptest.NewServer(s)
	tb.Cleanup(func() {
		s.Close()
		h.CloseClientConnections()
		h.Close()
	})
	return &Running{s, h.URL}
}

// Endpoint returns an endpoint that is this server.
func (r *Running) Endpoint() llm.Endpoint {
	return llm.Endpoint{
		Name: "llmtest", BaseURL: r.URL, Auth: llm.KeyHeader, Key: config.NewSecret("sk-test"), RateCard: "anthropic",
		Models: map[llm.Class]string{llm.Best: "claude-opus-5-5", llm.Standard: "claude-sonnet-5-5", llm.Small: "claude-haiku-5-5"},
	}
}
