package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/config"

	"github.com/google/go-cmp/cmp"
)

const (
	secret   = "0123456789abcdef0123456789abcdef"
	database = "postgres://me:hunter2@db.example.com/cofounder"
)

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"HOME=/home/ann", "PATH=/bin"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.HTTP.Addr, "localhost:8080"; got != want {
		t.Errorf("Addr = %q, want %q", got, want)
	}
	if got, want := c.HTTP.PublicURL.String(), "http://localhost:8080"; got != want {
		t.Errorf("PublicURL = %q, want %q", got, want)
	}
	if !c.Process.Has(config.Web) || !c.Process.Has(config.Worker) {
		t.Errorf("Roles = %v, want both", c.Process.Roles)
	}
	if c.Process.LameDuck != 0 || c.Process.Drain != 10*time.Second || c.Process.StopTimeout != 2*time.Minute {
		t.Errorf("Process = %+v, want 0s, 10s, 2m0s", c.Process)
	}
	if c.Accounts.SignUp != config.SignUpClosed || c.Log.Format != "auto" || c.Log.Level != slog.LevelInfo || c.Stripe.Enabled() {
		t.Errorf("defaults = %+v", c)
	}
	if !filepath.IsAbs(c.Data.Dir) {
		t.Errorf("Data.Dir = %q, want an absolute path", c.Data.Dir)
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("Warnings = %q, want none", w)
	}
}

func TestLoadShared(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{
		"HOME=/home/ann", "DATABASE_URL=" + database, "COFOUNDER_SECRET=" + secret, "COFOUNDER_ADDR=:80",
		"COFOUNDER_URL=HTTPS://App.Example.com:443/", "COFOUNDER_TRUSTED_PROXIES=10.0.0.0/8, fd00::/8",
		"COFOUNDER_ROLES=web", "COFOUNDER_LOG_LEVEL=warn", "COFOUNDER_SIGNUP=open",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.HTTP.PublicURL.String(), "https://app.example.com"; got != want {
		t.Errorf("PublicURL = %q, want %q", got, want)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	if diff := cmp.Diff(want, c.HTTP.TrustedProxies, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("TrustedProxies (-want +got):\n%s", diff)
	}
	if c.Process.LameDuck != 20*time.Second || c.Process.Drain != 85*time.Second {
		t.Errorf("Process = %+v, want 20s and 85s with DATABASE_URL", c.Process)
	}
	if c.Process.Has(config.Worker) || c.Log.Level != slog.LevelWarn || c.Accounts.SignUp != config.SignUpOpen {
		t.Errorf("Config = %+v", c)
	}
	if got := c.Data.DatabaseURL.Reveal(); got != database {
		t.Errorf("DatabaseURL = %q, want %q", got, database)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	stripe := func(change ...string) []string {
		return append([]string{
			"STRIPE_SECRET_KEY=sk_test_1", "STRIPE_WEBHOOK_SECRET=whsec_1,whsec_2",
			"STRIPE_PRICE_BOOTSTRAPPER_MONTH=price_1", "STRIPE_PRICE_BOOTSTRAPPER_YEAR=price_2",
			"STRIPE_PRICE_PARTNER_MONTH=price_3", "STRIPE_PRICE_PARTNER_YEAR=price_4",
			"STRIPE_PRICE_CTO_SCALE_MONTH=price_5", "STRIPE_PRICE_CTO_SCALE_YEAR=price_6",
		}, change...)
	}
	for _, c := range []struct {
		name    string
		environ []string
		want    []string // "KEY: beginning of the text"
	}{
		{"unknown key", []string{"COFOUNDER_ADRR=localhost:1"}, []string{"COFOUNDER_ADRR: is not a setting: did you mean COFOUNDER_ADDR?"}},
		{"unknown key like no other", []string{"COFOUNDER_FROBNICATE=1"}, []string{"COFOUNDER_FROBNICATE: is not a setting"}},
		{"empty", []string{"COFOUNDER_ADDR="}, []string{"COFOUNDER_ADDR: is set but empty"}},
		{"empty database is unset", []string{"DATABASE_URL="}, nil},
		{"several at once", []string{"COFOUNDER_ADDR=8080", "COFOUNDER_SIGNUP=maybe", "COFOUNDER_LOG=xml", "COFOUNDER_LOG_LEVEL=loud", "COFOUNDER_DRAIN=10"}, []string{
			"COFOUNDER_DRAIN: is not a duration", "COFOUNDER_LOG_LEVEL: is not a level",
			"COFOUNDER_ADDR: is not host:port", "COFOUNDER_SIGNUP: is neither", "COFOUNDER_LOG: is none of",
		}},
		{"pattern of package hosts", []string{"COFOUNDER_PACKAGE_HOSTS=a.example.com,*.example.com"}, []string{"COFOUNDER_PACKAGE_HOSTS: holds something other than names"}},
		{"address of package hosts", []string{"COFOUNDER_PACKAGE_HOSTS=https://a.example.com/"}, []string{"COFOUNDER_PACKAGE_HOSTS: holds something other than names"}},
		{"package hosts and networks", []string{"COFOUNDER_PACKAGE_HOSTS=a.example.com,b.example.com:8443", "COFOUNDER_PACKAGE_NETWORKS=10.0.0.0/8"}, nil},
		{"port too large", []string{"COFOUNDER_ADDR=localhost:70000"}, []string{"COFOUNDER_ADDR: has no port"}},
		{"port by name", []string{"COFOUNDER_ADDR=localhost:http"}, []string{"COFOUNDER_ADDR: has no port"}},
		{"host by name", []string{"COFOUNDER_ADDR=example.com:80"}, []string{"COFOUNDER_ADDR: names a host"}},
		{"url without scheme", []string{"COFOUNDER_URL=example.com"}, []string{"COFOUNDER_URL: does not begin"}},
		{"url of another scheme", []string{"COFOUNDER_URL=ftp://example.com"}, []string{"COFOUNDER_URL: does not begin"}},
		{"url with path", []string{"COFOUNDER_URL=https://example.com/cofounder"}, []string{"COFOUNDER_URL: has a path"}},
		{"url with query", []string{"COFOUNDER_URL=https://example.com?x=1"}, []string{"COFOUNDER_URL: holds more"}},
		{"url with user", []string{"COFOUNDER_URL=https://me@example.com"}, []string{"COFOUNDER_URL: holds more"}},
		{"url without host", []string{"COFOUNDER_URL=https://"}, []string{"COFOUNDER_URL: has no host"}},
		{"url that is none", []string{"COFOUNDER_URL=http://[::1"}, []string{"COFOUNDER_URL: is not an address"}},
		{"apps with a scheme", []string{"COFOUNDER_PREVIEW_HOST=https://apps.example.net"}, []string{"COFOUNDER_PREVIEW_HOST: is not a host name"}},
		{"apps with a star", []string{"COFOUNDER_PREVIEW_HOST=*.example.net"}, []string{"COFOUNDER_PREVIEW_HOST: is not a host name"}},
		{"apps at an address", []string{"COFOUNDER_PREVIEW_HOST=10.0.0.1"}, []string{"COFOUNDER_PREVIEW_HOST: is not a host name"}},
		{"apps below ours", []string{"COFOUNDER_URL=https://app.example.com", "COFOUNDER_PREVIEW_HOST=apps.app.example.com"}, []string{"COFOUNDER_PREVIEW_HOST: belongs to the same domain"}},
		{"apps beside ours", []string{"COFOUNDER_URL=https://app.example.com", "COFOUNDER_PREVIEW_HOST=apps.example.com"}, []string{"COFOUNDER_PREVIEW_HOST: belongs to the same domain"}},
		{"apps on our domain", []string{"COFOUNDER_URL=https://app.example.co.uk", "COFOUNDER_PREVIEW_HOST=Example.co.uk"}, []string{"COFOUNDER_PREVIEW_HOST: belongs to the same domain"}},
		{"apps on a neighbour's domain", []string{"COFOUNDER_URL=https://app.one.co.uk", "COFOUNDER_PREVIEW_HOST=two.co.uk"}, nil},
		{"peers at every address", []string{"COFOUNDER_PEER_ADDR=:7946"}, []string{"COFOUNDER_PEER_ADDR: is not an address"}},
		{"peers at 0.0.0.0", []string{"COFOUNDER_PEER_ADDR=0.0.0.0:7946"}, []string{"COFOUNDER_PEER_ADDR: is not an address"}},
		{"peers without a port", []string{"COFOUNDER_PEER_ADDR=10.0.0.7:0"}, []string{"COFOUNDER_PEER_ADDR: is not an address"}},
		{"peers by name", []string{"COFOUNDER_PEER_ADDR=app-1.internal:7946"}, nil},
		{"role", []string{"COFOUNDER_ROLES=web,cook"}, []string{"COFOUNDER_ROLES: holds a role"}},
		{"role of nothing", []string{"COFOUNDER_ROLES=,"}, []string{"COFOUNDER_ROLES: holds a role"}},
		{"proxy", []string{"COFOUNDER_TRUSTED_PROXIES=10.0.0.1"}, []string{"COFOUNDER_TRUSTED_PROXIES: is not a list of networks"}},
		{"stop too soon", []string{"COFOUNDER_LAME_DUCK=20s", "COFOUNDER_DRAIN=85s", "COFOUNDER_STOP_TIMEOUT=105s"}, []string{"COFOUNDER_STOP_TIMEOUT: is 1m45s, not above"}},
		{"negative", []string{"COFOUNDER_LAME_DUCK=-1s", "COFOUNDER_DRAIN=0s"}, []string{"COFOUNDER_LAME_DUCK: is negative", "COFOUNDER_DRAIN: leaves no time"}},
		{"secret missing", []string{"DATABASE_URL=" + database}, []string{"COFOUNDER_SECRET: is required"}},
		{"secret short", []string{"COFOUNDER_SECRET=short"}, []string{"COFOUNDER_SECRET: is too short"}},
		{"database of another kind", []string{"DATABASE_URL=mysql://x", "COFOUNDER_SECRET=" + secret}, []string{"DATABASE_URL: is not an address"}},
		{"relative folder", []string{"COFOUNDER_DATA=data"}, []string{"COFOUNDER_DATA: is not an absolute path"}},
		{"token short", []string{"COFOUNDER_METRICS_TOKEN=abc"}, []string{"COFOUNDER_METRICS_TOKEN: is too short"}},
		{"collector", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4317"}, []string{"OTEL_EXPORTER_OTLP_ENDPOINT: is not an address"}},
		{"stripe whole", stripe(), nil},
		{"stripe in part", []string{"STRIPE_SECRET_KEY=sk_live_1", "STRIPE_PRICE_PARTNER_YEAR=price_4"}, []string{
			"STRIPE_WEBHOOK_SECRET: is missing", "STRIPE_PRICE_BOOTSTRAPPER_MONTH: is missing", "STRIPE_PRICE_BOOTSTRAPPER_YEAR: is missing",
			"STRIPE_PRICE_PARTNER_MONTH: is missing", "STRIPE_PRICE_CTO_SCALE_MONTH: is missing", "STRIPE_PRICE_CTO_SCALE_YEAR: is missing",
		}},
		{"stripe price empty", stripe("STRIPE_PRICE_PARTNER_YEAR="), []string{"STRIPE_PRICE_PARTNER_YEAR: is set but empty"}},
		{"stripe price twice", stripe("STRIPE_PRICE_PARTNER_YEAR=price_1"), []string{"STRIPE_PRICE_PARTNER_YEAR: is the same price as STRIPE_PRICE_BOOTSTRAPPER_MONTH"}},
		{"stripe product for price", stripe("STRIPE_PRICE_PARTNER_YEAR=prod_1"), []string{"STRIPE_PRICE_PARTNER_YEAR: is not the id of a price"}},
		{"stripe public key", stripe("STRIPE_SECRET_KEY=pk_live_1"), []string{"STRIPE_SECRET_KEY: is not a secret key"}},
		{"stripe webhook", stripe("STRIPE_WEBHOOK_SECRET=whsec_1,nonsense"), []string{"STRIPE_WEBHOOK_SECRET: is not a signing secret"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(append([]string{"HOME=/home/ann"}, c.environ...), "")
			compare(t, problemsIn(t, err), c.want)
		})
	}
}

// problemsIn returns the problems as "KEY: text".
func problemsIn(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T, want *config.Error", err)
	}
	var list []string
	for _, p := range e.Problems {
		list = append(list, p.Key+": "+p.Text)
		if !strings.Contains(err.Error(), p.Key+" "+p.Text) {
			t.Errorf("Error() does not hold %q:\n%s", p.Text, err)
		}
	}
	return list
}

// compare wants each problem to begin as said, in the same order.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.HasPrefix(got[i], want[i])
	}
	if !ok {
		t.Errorf("problems:\n  %s\nwant them to begin:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestErrorHoldsNoSecret(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"HOME=/home/ann", "COFOUNDER_SECRET=hunter2", "DATABASE_URL=mysql://u:hunter2@x", "STRIPE_SECRET_KEY=hunter2",
		"STRIPE_WEBHOOK_SECRET=hunter2", "COFOUNDER_METRICS_TOKEN=hunter2", "COFOUNDER_DRAIN=hunter2", "COFOUNDER_URL=http://u:hunter2@x y",
	}, "")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error = %v, want one without the secrets", err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		environ    []string
		addr       string
		want       []string
	}{
		{name: "plain", text: "# ours\n\nCOFOUNDER_ADDR=localhost:9000 # not 8080\r\n", addr: "localhost:9000"},
		{name: "environment wins", text: "COFOUNDER_ADDR=localhost:9000", environ: []string{"COFOUNDER_ADDR=localhost:9001"}, addr: "localhost:9001"},
		{name: "double quotes", text: `export COFOUNDER_ADDR = "localhost:9000" # x`, addr: "localhost:9000"},
		{name: "single quotes", text: "COFOUNDER_ADDR='localhost:9000'", addr: "localhost:9000"},
		{name: "unknown in file", text: "COFOUNDER_ADDR=localhost:9000\nDATABSE_URL=x", want: []string{"DATABSE_URL: is not a setting: did you mean DATABASE_URL? (line 2 of "}},
		{name: "not a line", text: "COFOUNDER_ADDR\n=x\nA B=c", want: []string{"FILE:1: is not KEY=VALUE", "FILE:2: is not KEY=VALUE", "FILE:3: is not KEY=VALUE"}},
		{name: "twice", text: "COFOUNDER_ADDR=localhost:1\nCOFOUNDER_ADDR=localhost:2", want: []string{"FILE:2: sets COFOUNDER_ADDR again"}},
		{name: "open quote", text: "COFOUNDER_ADDR=\"localhost:9000", want: []string{"FILE:1: opens a quote"}},
		{name: "escape", text: `COFOUNDER_ADDR="a\q"`, want: []string{`FILE:1: holds \q`}},
		{name: "after quote", text: "COFOUNDER_ADDR='a' b", want: []string{"FILE:1: has text after"}},
		{name: "names another file", text: "COFOUNDER_CONFIG=/x", want: []string{"COFOUNDER_CONFIG: cannot be set in the file"}},
		{name: "empty value", text: "COFOUNDER_ADDR=", want: []string{"COFOUNDER_ADDR: is set but empty"}},
		{name: "empty database in the environment", text: "DATABASE_URL=" + database, environ: []string{"DATABASE_URL="}, addr: "localhost:8080"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "settings")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for how, load := range map[string]func() (config.Config, error){
				"argument": func() (config.Config, error) { return config.Load(append(c.environ, "HOME=/h"), file) },
				"environment": func() (config.Config, error) {
					return config.Load(append(c.environ, "HOME=/h", "COFOUNDER_CONFIG="+file), "")
				},
			} {
				got, err := load()
				problems := problemsIn(t, err)
				for i := range problems {
					problems[i] = strings.Replace(problems[i], file+":", "FILE:", 1)
				}
				compare(t, problems, c.want)
				if err == nil && got.HTTP.Addr != c.addr {
					t.Errorf("%s: Addr = %q, want %q", how, got.HTTP.Addr, c.addr)
				}
			}
		})
	}
	_, err := config.Load([]string{"HOME=/h"}, "/nowhere/settings")
	compare(t, problemsIn(t, err), []string{"/nowhere/settings: cannot be read: no such file"})
}

func TestSecretHides(t *testing.T) {
	t.Parallel()
	type holder struct {
		Key  config.Secret
		Keys []config.Secret
	}
	h := holder{config.NewSecret("hunter2"), []config.Secret{config.NewSecret("hunter2")}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", h.Key, "all", h)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", h.Key, "all", h)
	encoded, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		all += fmt.Sprintf(verb, h) + fmt.Sprintf(verb, &h) + fmt.Sprintf(verb, h.Key) + fmt.Sprintf(verb, &h.Key)
	}
	for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117"} {
		if strings.Contains(all, leak) {
			t.Errorf("%q is shown in %s", leak, all)
		}
	}
	if !strings.Contains(string(encoded), "[redacted]") || h.Key.Reveal() != "hunter2" {
		t.Errorf("encoded = %s, revealed = %s", encoded, h.Key.Reveal())
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(file, []byte("COFOUNDER_LOG=json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load([]string{"HOME=/h", "COFOUNDER_DATA=/data", "DATABASE_URL=" + database, "COFOUNDER_SECRET=" + secret}, file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := c.Describe(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "hunter2") || strings.Contains(b.String(), secret) {
		t.Errorf("a secret is shown:\n%s", b.String())
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		if f := strings.Fields(line); f[0] == "COFOUNDER_LOG" || f[0] == "DATABASE_URL" || f[0] == "COFOUNDER_ROLES" || f[0] == "COFOUNDER_LAME_DUCK" {
			got = append(got, strings.Join(f, " "))
		}
	}
	want := []string{
		"DATABASE_URL [redacted] environment", "COFOUNDER_ROLES web,worker default",
		"COFOUNDER_LAME_DUCK 20s default", "COFOUNDER_LOG json file",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Describe (-want +got):\n%s\n%s", diff, b.String())
	}
}

// Apps never share a site with us; the port is ours.
func TestPreviewURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, host, want string }{
		{"http://localhost:8080", "", "http://preview.localhost:8080"},
		{"http://127.0.0.1", "", "http://preview.localhost"},
		{"http://[::1]:9000", "", "http://preview.localhost:9000"},
		{"https://x.example.com", "", "<nil>"},
		{"http://192.168.1.5:8080", "", "<nil>"},
		{"https://x.example.com:8443", "Apps.Example.net.", "https://apps.example.net:8443"},
	} {
		environ := []string{"HOME=/h", "COFOUNDER_URL=" + c.url}
		if c.host != "" {
			environ = append(environ, "COFOUNDER_PREVIEW_HOST="+c.host)
		}
		got, err := config.Load(environ, "")
		if err != nil {
			t.Fatal(err)
		}
		if u := got.HTTP.PreviewURL(); (u == nil) != (c.want == "<nil>") || u != nil && u.String() != c.want {
			t.Errorf("PreviewURL with %s and %q = %v, want %s", c.url, c.host, u, c.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		environ []string
		want    []string
	}{
		{"lan over http", []string{"COFOUNDER_ADDR=:8080", "COFOUNDER_URL=http://192.168.1.5:8080"}, []string{"COFOUNDER_URL is http://192.168.1.5:8080", "COFOUNDER_PREVIEW_HOST is not set"}},
		{"open without a name", []string{"COFOUNDER_ADDR=0.0.0.0:8080"}, []string{"COFOUNDER_ADDR listens"}},
		{"https without a proxy", []string{"COFOUNDER_URL=https://x.example.com"}, []string{"COFOUNDER_URL is https", "COFOUNDER_PREVIEW_HOST is not set"}},
		{"a domain for apps", []string{"COFOUNDER_URL=https://x.example.com", "COFOUNDER_TRUSTED_PROXIES=10.0.0.0/8", "COFOUNDER_PREVIEW_HOST=apps.example.net"}, nil},
		{"loopback by number", []string{"COFOUNDER_URL=http://127.0.0.1:8080"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Load(append([]string{"HOME=/h"}, c.environ...), "")
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got.Warnings(), c.want)
		})
	}
}
