package api

import (
	"context"
	"net/http"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// workspaceHeader names the workspace a session acts in.
const workspaceHeader = "X-Workspace"

type actorKey struct{}

// actorOf returns who asks; the zero Actor where anyone may.
func actorOf(ctx context.Context) account.Actor {
	actor, _ := ctx.Value(actorKey{}).(account.Actor) //nolint:errcheck // absent is the zero Actor
	return actor
}

// authenticate finds out who asks and refuses those the operation is not for.
func (a *api) authenticate(o operation) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		w.Header().Set("Cache-Control", "no-store")
		if o.access == anyone {
			next(hc)
			return
		}
		actor, err := a.actor(r, o)
		if err == nil {
			err = admit(o, actor)
		}
		if err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), actorKey{}, actor))
		next(humago.NewContext(hc.Operation(), r, w))
	}
}

// actor reads the request's credentials. An Authorization header decides alone: a
// request that shows a bad key is not let in by the cookie beside it.
func (a *api) actor(r *http.Request, o operation) (account.Actor, error) {
	ctx := r.Context()
	if given, ok := r.Header["Authorization"]; ok {
		scheme, secret, _ := strings.Cut(given[0], " ")
		if len(given) != 1 || !strings.EqualFold(scheme, "Bearer") || secret == "" {
			return account.Actor{}, notSignedIn()
		}
		actor, err := a.cfg.Accounts.AuthenticateToken(ctx, strings.TrimSpace(secret))
		if chosen := r.Header.Get(workspaceHeader); err == nil && chosen != "" && chosen != string(actor.Workspace) {
			return account.Actor{}, fault.New(fault.NotFound, "", "This access key acts in another workspace.")
		}
		return actor, err
	}
	cookie, err := r.Cookie(httpd.SessionCookie)
	if err != nil {
		return account.Actor{}, notSignedIn().Because(err)
	}
	session, err := a.cfg.Accounts.Authenticate(ctx, cookie.Value)
	if err != nil {
		return account.Actor{}, err
	}
	if chosen := r.Header.Get(workspaceHeader); chosen != "" && !o.own {
		workspace, err := parse[account.WorkspaceID](chosen)
		if err != nil {
			return account.Actor{}, err
		}
		return a.cfg.Accounts.ActorIn(ctx, session, workspace)
	}
	actor, err := a.cfg.Accounts.ActorIn(ctx, session, "")
	if err != nil || !o.choosy() {
		return actor, err
	}
	return actor, a.onlyOne(ctx, actor)
}

// onlyOne refuses to guess for somebody in several workspaces: another window may
// have changed which one was looked at last.
func (a *api) onlyOne(ctx context.Context, actor account.Actor) error {
	all, err := a.cfg.Accounts.Workspaces(ctx, actor)
	if err == nil && len(all) > 1 {
		return fault.New(fault.Conflict, "workspace_needed", "You are in several workspaces. Say in "+workspaceHeader+" which one this is about.")
	}
	return err
}

func notSignedIn() *fault.Error {
	return fault.New(fault.Unauthenticated, "",
		"Send an access key as Authorization: Bearer cof_…, or sign in with a browser.")
}

// admit refuses what no product call would have to look into.
func admit(o operation, actor account.Actor) error {
	if o.access == person && actor.Session == "" {
		return fault.New(fault.Forbidden, "session_needed",
			"An access key cannot do this. Sign in with a browser.")
	}
	if o.write() && actor.Scope != account.ScopeWrite {
		return fault.New(fault.Forbidden, "token_read_only",
			"This access key may only read. Make one that may also write.")
	}
	return nil
}
