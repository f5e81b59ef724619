package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/llmtest"

	"go.opentelemetry.io/otel/metric/noop"
)

// Doctor tells a wrong key from a network that is down, and pays for nothing.
func TestLookIsFree(t *testing.T) {
	t.Parallel()
	server := llmtest.StartConfig(t, llmtest.Config{Key: "sk-right"})
	tests := []struct {
		name, url, key string
		want           verdict
		says           string
	}{
		{"right key", server.URL, "sk-right", fine, "asking cost nothing"},
		{"wrong key", server.URL, "sk-wrong", broken, "does not accept the key"},
		{"nobody there", "http://127.0.0.1:1", "sk-right", warning, "cannot be reached"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := newClient(config.Config{}, noop.Meter{}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			got := look(t.Context(), c, llm.Endpoint{Name: "Test", BaseURL: tt.url, Auth: llm.KeyHeader, Key: config.NewSecret(tt.key)})
			if got.verdict != tt.want || !strings.Contains(got.says, tt.says) || strings.Contains(got.says+got.do, tt.key) {
				t.Errorf("got %s: %s", got.verdict, got.says)
			}
			for _, call := range server.Calls() {
				if strings.HasSuffix(call.Path, "/messages") {
					t.Errorf("a paid address was asked: %s", call.Path)
				}
			}
		})
	}
}

// Strangers' addresses lead out of the house only.
func TestOutsideOnly(t *testing.T) {
	t.Parallel()
	for address, allowed := range map[string]bool{
		"93.184.216.34:443": true, "[2606:2800:220:1::1]:443": true,
		"127.0.0.1:11434": false, "[::1]:80": false, "10.0.0.7:80": false, "192.168.1.1:80": false, "172.16.3.4:80": false,
		"169.254.169.254:80": false, "100.100.1.1:80": false, "0.0.0.0:80": false, "[::ffff:127.0.0.1]:80": false,
		"[fe80::1]:80": false, "[fd00::1]:80": false, "224.0.0.1:80": false,
	} {
		if got := outsideOnly("tcp", address, nil) == nil; got != allowed {
			t.Errorf("%s: allowed is %v", address, got)
		}
	}
	server := llmtest.Start(t, "")
	for signUp, reached := range map[config.SignUp]bool{config.SignUpClosed: true, config.SignUpOpen: false} {
		c, err := newClient(config.Config{Accounts: config.Accounts{SignUp: signUp}}, noop.Meter{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Look(t.Context(), server.Endpoint(), "")
		if got := err == nil; got != reached || !reached && llm.KindOf(err) != llm.Unavailable {
			t.Errorf("sign-up %s: a model on this computer is reached: %t, %v", signUp, got, err)
		}
	}
}

// Prices that cannot be read stop the start, and doctor says so before.
func TestRateCardFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const row = `{"prices": [{"model": "x", "from": "2026-11-23", "over": 0, "input": 1, "cache_write_5m": 1, "cache_write_1h": 1, "cache_read": 1, "output": 1}]}`
	for _, tt := range []struct {
		name, path string
		want       verdict
		says       string
	}{
		{"none", "", fine, "the built-in prices of"},
		{"one", file("good.json", row), fine, "with those of " + dir},
		{"a bad one", file("bad.json", `{"prices": [{"model": "x"}]}`), broken, "row 1 (x)"},
		{"not there", filepath.Join(dir, "gone.json"), broken, "COFOUNDER_RATE_CARD"},
	} {
		cfg := config.Config{AI: config.AI{RateCard: tt.path}}
		got := (&doctor{cfg: cfg}).prices(t.Context())[0]
		if got.verdict != tt.want || !strings.Contains(got.says, tt.says) {
			t.Errorf("%s: %s: %s", tt.name, got.verdict, got.says)
		}
		if _, err := rateCard(cfg); (err != nil) != (tt.want == broken) {
			t.Errorf("%s: start: %v", tt.name, err)
		}
	}
}
