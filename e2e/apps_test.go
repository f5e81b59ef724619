package e2e_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/repo"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"
)

// TestAppsInTheFrame takes a small app of each language from its files to a frame on
// one of our pages, in a real cage: signing in to it works there, a WebSocket echoes,
// and when the cage is killed the next request brings it back with its data.
//
//nolint:tparallel // its parts share one frame and one computer
func TestAppsInTheFrame(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)))
	until(ctx, t, "the idea box", `document.activeElement.tagName === 'TEXTAREA'`)
	o := p.owner(t)
	for _, tt := range []struct {
		name    string
		command []string
		static  bool
	}{
		{name: "node", command: []string{"node", "server.js"}},
		{name: "python", command: []string{"python3", "server.py"}},
		{name: "go", command: []string{"./app"}},
		{name: "static", command: []string{"python3", "-m", "http.server", "--bind", "127.0.0.1", "8080"}, static: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			label := o.app(t, tt.name, tt.command)
			began := time.Now()
			frame(ctx, t, p.app.AppLink(label, o.viewer, web.AppInFrame, "/"))
			if tt.static {
				until(ctx, t, "the static app", `window.__said === 'mara rgb(1, 2, 3)'`)
				t.Logf("from files to the frame: %s", time.Since(began).Round(time.Millisecond))
				return
			}
			until(ctx, t, "the app and its echo", `window.__said === 'nobody 0 hello'`)
			t.Logf("from files to the frame with an echo: %s", time.Since(began).Round(time.Millisecond))
			js[bool](ctx, t, `(window.__said = '', document.getElementById('app').contentWindow.postMessage('login', '*'), true)`)
			until(ctx, t, "signed in to the app", `window.__said === 'mara 0 hello'`)
			o.get(t, label, "/visit")
			o.get(t, label, "/visit")
			if err := p.app.Apps.Export(t.Context(), o.project, tt.name, func(hosting.File) error { return nil }); err != nil {
				t.Fatal(err)
			}
			// Killed from outside, and asked for again in the frame.
			killCages(t)
			frame(ctx, t, p.app.AppLink(label, o.viewer, web.AppInFrame, "/"))
			until(ctx, t, "the app is back with its data and its cookie", `window.__said === 'mara 2 hello'`)
		})
	}
	clean(ctx, t)
}

// TestHostileAppInATab opens an app in a tab of its own, and one that reaches for the
// product, its cookies and the first app from there. It gets nothing.
func TestHostileAppInATab(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)))
	until(ctx, t, "the idea box", `document.activeElement.tagName === 'TEXTAREA'`)
	o := p.owner(t)
	good := o.app(t, "node", []string{"node", "server.js"})
	bad := o.app(t, "hostile", []string{"python3", "-m", "http.server", "--bind", "127.0.0.1", "8080"})
	do(ctx, t, chromedp.Navigate(p.base+"/apps/"+good))
	until(ctx, t, "the app in a tab", `document.getElementById('echo')?.textContent === 'hello'`)
	js[bool](ctx, t, `(document.getElementById('login').click(), true)`)
	until(ctx, t, "signed in to the app", `document.getElementById('who')?.textContent === 'mara'`)

	sibling := js[string](ctx, t, `location.origin`)
	do(ctx, t, chromedp.Navigate(p.base+"/apps/"+bad+"?to=/index.html"))
	until(ctx, t, "the hostile app", `document.title === 'Hostile app'`)
	js[bool](ctx, t, `(location.hash = encodeURIComponent(`+quote(p.base+" "+sibling)+`), location.reload(), true)`)
	until(ctx, t, "all was tried", `document.getElementById('said').textContent.startsWith(`+quote(p.base+" got:")+`)`)
	if got := js[string](ctx, t, `document.getElementById('said').textContent`); got != p.base+" got: ." {
		t.Errorf("the app %s", got)
	}
	do(ctx, t, chromedp.Navigate(sibling+"/"))
	until(ctx, t, "the first app", `document.getElementById('visits')`)
	if got := js[string](ctx, t, `document.getElementById('visits').textContent + ' ' + document.getElementById('who').textContent`); got != "0 mara" {
		t.Errorf("the first app shows %q afterwards", got)
	}
	if r := o.list(t); strings.Contains(r, "planted") {
		t.Error("the app made a project in the founder's name")
	}
}

// list is the page with the owner's projects.
func (o *owner) list(t *testing.T) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.base+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return exchange(t, o.client.Do, r).body
}

// frame shows an address in a frame as the App page does.
func frame(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	js[bool](ctx, t, `(() => {
		window.__said = '';
		window.__listens ||= addEventListener('message', e => { window.__said = e.data; }) || true;
		document.getElementById('app')?.remove();
		const f = document.createElement('iframe');
		f.id = 'app'; f.title = 'App'; f.sandbox = 'allow-scripts allow-forms allow-same-origin'; f.src = `+quote(address)+`;
		document.body.append(f);
		return true;
	})()`)
}

// owner is somebody signed in with a project, without a browser.
type owner struct {
	*product
	client  *http.Client
	viewer  string
	project string
}

func (p *product) owner(t *testing.T) *owner {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &owner{product: p, client: &http.Client{Jar: secureJar{jar}}}
	o.page(t, http.MethodGet, p.startLink(t), nil)
	at := o.page(t, http.MethodPost, p.base+"/projects", url.Values{"idea": {idea}})
	o.project, _, _ = strings.Cut(strings.TrimPrefix(at.Path, "/p/"), "/")
	pool, err := db.Open(t.Context(), p.cfg.Data.DatabaseURL.Reveal(), db.Options{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := db.InTx(t.Context(), pool, func(tx pgx.Tx) error { return p.app.Repo.CreateTx(t.Context(), tx, repo.ID(o.project)) }); err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(p.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range o.client.Jar.Cookies(base) {
		if c.Name == httpd.SessionCookie {
			session, err := p.app.Accounts.Authenticate(t.Context(), c.Value)
			if err != nil {
				t.Fatal(err)
			}
			o.viewer = web.AppViewer(session)
		}
	}
	return o
}

// secureJar sends Secure cookies to this computer over plain http, as browsers do.
type secureJar struct{ http.CookieJar }

func https(u *url.URL) *url.URL {
	secure := *u
	secure.Scheme = "https"
	return &secure
}

func (j secureJar) SetCookies(u *url.URL, c []*http.Cookie) { j.CookieJar.SetCookies(https(u), c) }

func (j secureJar) Cookies(u *url.URL) []*http.Cookie { return j.CookieJar.Cookies(https(u)) }

// page opens an address and returns where that led.
func (o *owner) page(t *testing.T, method, address string, form url.Values) *url.URL {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := o.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s answered %d", method, address, res.StatusCode)
	}
	return res.Request.URL
}

// app stores the files of an app and puts them into a slot of its name.
func (o *owner) app(t *testing.T, name string, command []string) string {
	t.Helper()
	dir := appFiles(t, name)
	if name == "go" {
		build(t, dir)
	}
	store := o.product.app.Repo
	folder, err := repo.OpenFolder(dir, store.Limits())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close() //nolint:errcheck // only read
	snapshot, err := store.Snapshot(t.Context(), repo.ID(o.project), folder)
	if err != nil {
		t.Fatal(err)
	}
	a, err := o.product.app.Apps.Put(t.Context(), hosting.App{
		Project: o.project, Slot: name, Code: o.project + "@" + snapshot.Tree.String(), Command: command, Data: name,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Label
}

// appFiles is a folder with the files of an app.
func appFiles(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "apps", name))); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("testdata/apps/page.html")
	if err != nil {
		t.Fatal(err)
	}
	if name == "node" || name == "python" || name == "go" {
		if err := os.WriteFile(filepath.Join(dir, "page.html"), page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// build makes the program of the Go app.
func build(t *testing.T, dir string) {
	t.Helper()
	if err := os.Rename(filepath.Join(dir, "main.go.txt"), filepath.Join(dir, "main.go")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module app\n\ngo 1.26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "go", "build", "-o", "app", ".")
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build the app: %v\n%s", err, out)
	}
}

// get asks an app for something without a browser.
func (o *owner) get(t *testing.T, label, path string) {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return o.product.app.Apps.Dial(ctx, label)
	}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://app"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
}

// killCages ends the first process of every cage of this process, as the kernel would.
func killCages(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || !strings.HasPrefix(string(line), "cofounder-cage") {
			continue
		}
		status, err := os.ReadFile(filepath.Join("/proc", e.Name(), "status"))
		if err != nil || !strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", os.Getpid())) {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed++
	}
	if killed == 0 {
		t.Fatal("there is no cage to kill")
	}
}
