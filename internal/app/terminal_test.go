package app

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/config"
	"cofounder/internal/surface/web"
)

func settingsFor(t *testing.T, environ ...string) config.Config {
	t.Helper()
	cfg, err := config.Load(append([]string{"COFOUNDER_DATA=/data", "HOME=/home/mara"}, environ...), "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	facts := []web.Fact{{What: "Take pictures", Can: true, Detail: "Chromium is here."}, {What: "Reach an AI", Detail: "None is connected."}}
	cases := map[string]struct {
		environ []string
		speak   func(*terminal)
		says    []string
		lines   int // 0: any number
	}{
		"first start says what and why": {
			speak: func(t *terminal) {
				t.progress("database: first start, creating /data/pg")
				t.first("http://localhost:8080", "http://localhost:8080/start/CODE", facts, 2100*time.Millisecond)
			},
			says: []string{"Database  first start, creating /data/pg", "It keeps your projects in /data", "ready after 2.1 s", "Browser   yes. Chromium is here.", "AI        no. None is connected.", "\n  http://localhost:8080/start/CODE\n", "db stop"},
		},
		"later starts take three lines": {
			speak: func(t *terminal) {
				t.again("http://localhost:8080", "http://localhost:8080/start/CODE", 400*time.Millisecond)
			},
			says: []string{"ready after 0.4 s", "http://localhost:8080/start/CODE"}, lines: 3,
		},
		"a journal gets no link": {
			speak: func(t *terminal) { t.again("http://localhost:8080", "", 400*time.Millisecond) },
			says:  []string{"at http://localhost:8080\n", "user reset"}, lines: 3,
		},
		"a good end says what was left how": {
			speak: func(t *terminal) { t.farewell(nil) }, says: []string{"Everything is saved", "db stop"},
		},
		"a bad end is told by its error": {
			speak: func(t *terminal) { t.farewell(errors.New("cut")) }, lines: -1,
		},
		"a server with its own database has nobody to talk to": {
			environ: []string{"DATABASE_URL=postgres://db/x", "COFOUNDER_SECRET=0123456789012345678901234567890123"},
			speak: func(t *terminal) {
				t.progress("database: starting")
				t.first("http://x", "http://x/start/SECRET", facts, time.Second)
			},
			lines: -1,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			c.speak(newTerminal(settingsFor(t, c.environ...), &out))
			for _, part := range c.says {
				if !strings.Contains(out.String(), part) {
					t.Errorf("it lacks %q:\n%s", part, out.String())
				}
			}
			switch n := strings.Count(out.String(), "\n"); {
			case c.lines > 0 && n != c.lines:
				t.Errorf("%d lines, want %d:\n%s", n, c.lines, out.String())
			case c.lines < 0 && out.Len() > 0:
				t.Errorf("it says %q, want nothing", out.String())
			}
		})
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{
		"http://localhost:8080":         "http://localhost:8080",
		"http://localhost:0":            "http://localhost:41234",
		"https://cofounder.example.com": "https://cofounder.example.com",
	} {
		u, err := url.Parse(public)
		if err != nil {
			t.Fatal(err)
		}
		cfg := config.Config{HTTP: config.HTTP{PublicURL: u}}
		if got := publicURL(cfg, "localhost:41234").String(); got != want {
			t.Errorf("the address for %s is %s, want %s", public, got, want)
		}
	}
}
