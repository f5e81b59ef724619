package web_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/web"

	"github.com/jackc/pgx/v5/pgxpool"
)

// appLink stands in for preview, which seals what this shows.
func appLink(label, viewer string, in web.Showing, path string) string {
	return "http://" + label + ".preview.localhost:8080/.cofounder/open?" + string(in) + " " + viewer + " " + path
}

// hostApps gives the world a host that runs nothing: pages only ask who may see what.
func (w *world) hostApps(t *testing.T, pool *pgxpool.Pool, log *slog.Logger) {
	t.Helper()
	var err error
	w.apps, err = hosting.New(t.Context(), hosting.Config{
		DB: pool, Clock: clock.System{}, Log: log, Name: "test", Machine: "this computer", Why: "Not in tests.",
		Code: func(context.Context, string, string) (fs.FS, error) { return nil, errors.ErrUnsupported },
		Key:  ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize))),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.apps.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

func withApps(s *settings) { s.apps = true }

// app puts an app into a project and returns its label.
func (w *world) app(t *testing.T, p project.Project) string {
	t.Helper()
	a, err := w.apps.Put(t.Context(), hosting.App{
		Project: string(p.ID), Slot: "current", Code: "c", Command: []string{"x"}, Data: "mine",
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Label
}

// viewer is what a link says of a visitor, as the page that made it says it.
func (v visitor) viewer(t *testing.T, label string) string {
	t.Helper()
	to := v.get(t, "/apps/"+label).want(http.StatusSeeOther).header.Get("Location")
	_, rest, _ := strings.Cut(to, "?tab ")
	return strings.TrimSuffix(rest, " /")
}

// Everybody who may see a project may see its apps, for as long as that holds, and
// nobody else.
func TestWhoMaySeeAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withApps)
	owner := w.owner(t)
	owner.get(t, "/admin/apps").says("None. There is one while something is built")
	w.cages = []sandbox.Living{{ID: "b-7", Purpose: "build", Since: w.clock.Now().Add(-time.Hour), Stats: sandbox.Stats{
		Memory: 300 << 20, Processes: 9, CPU: 90 * time.Second, Disk: 44 << 20, Limits: sandbox.Building(),
	}}}
	owner.get(t, "/admin/apps").want(http.StatusOK).says("b-7", "build", "300 of 2048 MB", "44 of 4096 MB", "9 of 512", "90.0 s", "of 2.0 processors", "after 1h0m0s at most")
	owner.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	one, two := owner.project(t, "a thing for dogs and their people"), owner.project(t, "a thing for cats and their people")
	label, other := w.app(t, one), w.app(t, two)
	member := owner.joins(t, "Mem", account.InvitationDraft{Role: account.Member})
	viewer := owner.joins(t, "Vic", account.InvitationDraft{Role: account.Viewer})
	guest := owner.joins(t, "Gus", account.InvitationDraft{Role: account.Viewer, Project: one.ID})
	ctx := t.Context()
	passes := map[string]string{}
	for name, v := range map[string]visitor{"owner": owner, "member": member, "viewer": viewer, "guest": guest} {
		passes[name] = v.viewer(t, label)
		if err := w.site.AdmitToApp(ctx, label, passes[name]); err != nil {
			t.Errorf("%s may not see the app: %v", name, err)
		}
	}
	guest.get(t, "/apps/"+other).want(http.StatusNotFound)
	for name, tt := range map[string]struct {
		label, viewer string
		want          fault.Kind
	}{
		"nobody":                 {label, "", fault.Unauthenticated},
		"nonsense":               {label, "session x", fault.Unauthenticated},
		"of another kind":        {label, "share x y", fault.Unauthenticated},
		"guest elsewhere":        {other, passes["guest"], fault.NotFound},
		"no such app":            {"nobody", passes["owner"], fault.NotFound},
		"session of another":     {label, strings.Replace(passes["owner"], string(owner.actor.User), string(member.actor.User), 1) + "x", fault.NotFound},
		"no such session":        {label, "session ses_x " + string(owner.actor.User), fault.Unauthenticated},
		"session without a user": {label, passes["owner"][:strings.LastIndexByte(passes["owner"], ' ')], fault.Unauthenticated},
	} {
		if err := w.site.AdmitToApp(ctx, tt.label, tt.viewer); !fault.Is(err, tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	// A pass ends with the session, the membership and the project.
	viewer.post(t, "/sign-out", form()).want(http.StatusSeeOther)
	if err := w.site.AdmitToApp(ctx, label, passes["viewer"]); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("signed out: %v", err)
	}
	owner.post(t, "/team/people/"+string(member.actor.User)+"/remove", form()).want(http.StatusSeeOther)
	if err := w.site.AdmitToApp(ctx, label, passes["member"]); !fault.Is(err, fault.NotFound) {
		t.Errorf("removed from the team: %v", err)
	}
	owner.post(t, "/p/"+string(one.ID)+"/delete", form("confirm", one.Name)).want(http.StatusSeeOther)
	if err := w.site.AdmitToApp(ctx, label, passes["owner"]); !fault.Is(err, fault.Gone) {
		t.Errorf("project deleted: %v", err)
	}
}

func TestOpenApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withApps)
	owner := w.owner(t)
	label := w.app(t, owner.project(t, "a thing for dogs and their people"))
	stranger := w.browser()
	stranger.get(t, "/apps/"+label+"?to=/x").leads("/sign-in?next=%2Fapps%2F" + label + "%3Fto%3D%2Fx")
	a := owner.get(t, "/apps/"+label+"?to=/list%3Fq%3D1").want(http.StatusSeeOther)
	if got := a.header.Get("Location"); !strings.HasSuffix(got, " /list?q=1") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("it leads to %q, %s", got, a.header.Get("Cache-Control"))
	}
	if got := owner.get(t, "/apps/"+label+"?to=//evil.example").header.Get("Location"); !strings.HasSuffix(got, " /") {
		t.Errorf("it leads to %q", got)
	}
	owner.get(t, "/apps/nobody").want(http.StatusNotFound)
}

func TestLiveApps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withApps)
	owner := w.owner(t)
	owner.get(t, "/admin/apps").want(http.StatusOK).says("None. An app starts when somebody opens it", "512 MB of memory")
	w.app(t, owner.project(t, "a thing for dogs and their people"))
	if _, err := w.db.Exec(t.Context(), `UPDATE hosted_app SET state = 'running', owner = 'p', machine = 'box', memory = 99 << 20,
		processes = 7, cpu_ms = 1500, since = $1, used_at = $1, lease_until = clock_timestamp() + interval '1 minute'`, w.clock.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	owner.get(t, "/admin/apps").want(http.StatusOK).says("running", "99 of 512 MB", "7 of 128", "1.5 s", "box", "current")
	owner.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	owner.joins(t, "Mem", account.InvitationDraft{Role: account.Owner}).get(t, "/admin/apps").want(http.StatusNotFound)
}
