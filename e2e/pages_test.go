package e2e_test

import (
	"context"
	"net/url"
	"testing"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/chromedp/chromedp"
)

// TestEveryPageOnEveryScreen: axe finds nothing, nothing breaks the content
// security policy, no script fails and nothing scrolls sideways.
func TestEveryPageOnEveryScreen(t *testing.T) {
	t.Parallel()
	p := serve(t, "COFOUNDER_SIGNUP=open")
	owner := openTeam(t, p)
	one, err := p.app.Projects.Create(t.Context(), owner, project.Draft{Idea: idea})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.app.Projects.Create(t.Context(), owner, project.Draft{Idea: "Parked <b>& noisy</b> " + longWord}); err != nil {
		t.Fatal(err)
	}
	invitation, _, err := p.app.Accounts.Invite(t.Context(), owner, account.InvitationDraft{Role: account.Member})
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.app.Flow.StartRun(t.Context(), flow.NewRun{
		Kind: "nobody does this", Workspace: string(owner.Workspace), Starter: string(owner.User), First: flow.Next{Name: longWord},
	})
	if err != nil {
		t.Fatal(err)
	}
	told, err := p.app.Interviews.Begin(t.Context(), owner, project.Draft{Idea: told})
	if err != nil {
		t.Fatal(err)
	}
	asked := "/p/" + string(told.Project) + "/"
	home := "/p/" + string(one.ID) + "/"
	inside := []string{"/", "/new", "/new?example=1", home, home + "delete", home + "spending", home + "questions", home + "build", asked, asked + "questions", "/account", "/account/delete", "/team", "/connect", "/connect?preset=other", "/spending", "/admin/models", "/admin/runs", "/admin/runs/" + string(run), "/admin/audit", "/nowhere", "/p/prj_unknown/"}
	outside := []string{"/sign-in", "/sign-up", "/invite/" + invitation, "/invite/unknown", "/start/unknown", "/offline", "/nowhere"}
	for name, s := range screens() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := tab(t, s)
			for _, path := range outside {
				inspect(ctx, t, p.base+path)
			}
			do(ctx, t, chromedp.Navigate(p.startLink(t)))
			for _, path := range inside {
				inspect(ctx, t, p.base+path)
			}
		})
	}
}

const longWord = "Donaudampfschifffahrtsgesellschaftskapitänswitwenversicherungspolicenverwaltung"

// inspect looks at one page.
func inspect(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	do(ctx, t, chromedp.Navigate(address))
	if got := js[string](ctx, t, `location.pathname`); got != pathOf(t, address) {
		t.Errorf("%s leads to %s", address, got)
	}
	clean(ctx, t)
	accessible(ctx, t)
}

func pathOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

// openTeam makes the owner and returns them as an actor.
func openTeam(t *testing.T, p *product) account.Actor {
	t.Helper()
	code, err := p.app.Accounts.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := p.app.Accounts.Redeem(t.Context(), code, account.Device{UserAgent: "test", Address: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	actor, err := p.app.Accounts.ActorIn(t.Context(), r.Session, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.app.Accounts.SecureAccount(t.Context(), actor, ownerEmail, ownerPassword); err != nil {
		t.Fatal(err)
	}
	return actor
}
