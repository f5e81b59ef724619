package e2e_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/repo"
	"cofounder/internal/platform/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const installationSecret = "for-tests-only-0123456789abcdef-0123"

// TestAppOfKilledProcess runs the real program twice over one database. An app that one
// process runs is used through the other, a WebSocket too; when the first is killed
// with SIGKILL the other takes the app over with the data that were saved.
func TestAppOfKilledProcess(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.environ = append(in.environ, "COFOUNDER_SECRET="+installationSecret)
	first := in.start(t)
	v := in.visitor(t, first)
	label := v.put(t)
	second := in.start(t)

	v.open(t, first, label)
	if got := v.ask(t, first, "/visit"); !strings.Contains(got, `id="visits">1<`) {
		t.Fatalf("the first process answers %s", got)
	}
	// The pass holds for all processes, and there is one app.
	if got := v.ask(t, second, "/visit"); !strings.Contains(got, `id="visits">2<`) {
		t.Fatalf("the second process answers %s", got)
	}
	if owner := v.owner(t); !strings.Contains(owner, fmt.Sprintf("-%d-", first.cmd.Process.Pid)) {
		t.Fatalf("the owner is %s, not process %d", owner, first.cmd.Process.Pid)
	}
	if got := v.echo(t, second, "hello"); got != "hello" {
		t.Errorf("a WebSocket through the second process says %q", got)
	}
	if err := v.host.Export(t.Context(), v.project, "mine", func(hosting.File) error { return nil }); err != nil {
		t.Fatal(err)
	}
	first.kill(t)
	began := time.Now()
	got := v.ask(t, second, "/")
	took := time.Since(began)
	if !strings.Contains(got, `id="visits">2<`) || took > 15*time.Second {
		t.Errorf("after the kill, in %s: %s", took, got)
	}
	if owner := v.owner(t); !strings.Contains(owner, fmt.Sprintf("-%d-", second.cmd.Process.Pid)) {
		t.Errorf("the owner is %s, not process %d", owner, second.cmd.Process.Pid)
	}
	t.Logf("the second process answered %s after the first was killed", took.Round(time.Millisecond))
}

// guest is somebody signed in to an installation, and who looks into its database.
type guest struct {
	session *http.Cookie
	pass    *http.Cookie
	project string
	label   string
	pool    *pgxpool.Pool
	host    *hosting.Host
}

// visitor signs in by the start link and makes a project.
func (in *installation) visitor(t *testing.T, s *served) *guest {
	t.Helper()
	v := &guest{}
	for _, c := range v.send(t, s, http.MethodGet, strings.TrimPrefix(s.link, s.base), "", nil).cookies {
		v.session = c
	}
	made := v.send(t, s, http.MethodPost, "/projects", "", url.Values{"idea": {idea}})
	v.project, _, _ = strings.Cut(strings.TrimPrefix(made.to, "/p/"), "/")
	address, err := in.command(t.Context(), "db", "url").Output()
	if err != nil {
		t.Fatal(err)
	}
	if v.pool, err = db.Open(t.Context(), strings.TrimSpace(string(address)), db.Options{MaxConns: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.pool.Close)
	box, err := seal.New(installationSecret)
	if err != nil {
		t.Fatal(err)
	}
	v.host, err = hosting.New(t.Context(), hosting.Config{
		DB: v.pool, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Name: "test", Machine: "test", Why: "only asks",
		Key:  ed25519.NewKeyFromSeed(box.Mark("peers", nil)),
		Code: func(context.Context, string, string) (fs.FS, error) { return nil, errors.ErrUnsupported },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.host.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return v
}

// put stores the Node.js app and puts it into the project's slot.
func (v *guest) put(t *testing.T) string {
	t.Helper()
	store, err := repo.New(v.pool, repo.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	repository := repo.ID(v.project)
	if err := db.InTx(t.Context(), v.pool, func(tx pgx.Tx) error { return store.CreateTx(t.Context(), tx, repository) }); err != nil {
		t.Fatal(err)
	}
	folder, err := repo.OpenFolder(appFiles(t, "node"), store.Limits())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close() //nolint:errcheck // only read
	snapshot, err := store.Snapshot(t.Context(), repository, folder)
	if err != nil {
		t.Fatal(err)
	}
	a, err := v.host.Put(t.Context(), hosting.App{
		Project: v.project, Slot: "current", Code: v.project + "@" + snapshot.Tree.String(), Command: []string{"node", "server.js"}, Data: "mine",
	})
	if err != nil {
		t.Fatal(err)
	}
	v.label = a.Label
	return a.Label
}

func (v *guest) owner(t *testing.T) string {
	t.Helper()
	var owner string
	if err := v.pool.QueryRow(t.Context(), `SELECT owner FROM hosted_app WHERE label = $1`, v.label).Scan(&owner); err != nil {
		t.Fatal(err)
	}
	return owner
}

// send makes one request to a process, under a name of an app or its own.
func (v *guest) send(t *testing.T, s *served, method, path, host string, form url.Values) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range []*http.Cookie{v.session, v.pass} {
		if c != nil {
			r.AddCookie(c)
		}
	}
	return exchange(t, http.DefaultTransport.RoundTrip, r)
}

func (v *guest) appHost() string { return v.label + ".preview.localhost" }

// open asks the product for a link to the app and follows it.
func (v *guest) open(t *testing.T, s *served, label string) {
	t.Helper()
	link, err := url.Parse(v.send(t, s, http.MethodGet, "/apps/"+label, "", nil).to)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.send(t, s, http.MethodGet, link.RequestURI(), v.appHost(), nil).cookies {
		v.pass = c
	}
	if v.pass == nil {
		t.Fatalf("the link %s gave no pass", link)
	}
}

// ask asks the app for something that is no page, so that it is waited for.
func (v *guest) ask(t *testing.T, s *served, path string) string {
	t.Helper()
	got := v.send(t, s, http.MethodGet, path, v.appHost(), nil)
	if got.status != http.StatusOK {
		t.Fatalf("%s answered %d: %s", path, got.status, got.body)
	}
	return got.body
}

// echo sends one word over a WebSocket (RFC 6455) and returns what comes back.
func (v *guest) echo(t *testing.T, s *served, text string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a test
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "GET /echo HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: %s=%s\r\n\r\n", v.appHost(), v.pass.Name, v.pass.Value)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the WebSocket was not opened: %v, %v", res, err)
	}
	defer res.Body.Close()
	if _, err := conn.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)); err != nil {
		t.Fatal(err)
	}
	back := make([]byte, 2+len(text))
	if _, err := io.ReadFull(in, back); err != nil {
		t.Fatal(err)
	}
	return string(back[2:])
}
