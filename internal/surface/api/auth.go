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
		actor, err := a.actor(r)
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
func (a *api) actor(r *http.Request) (account.Actor, error) {
	ctx := r.Context()
	if given, ok := r.Header["Authorization"]; ok {
		scheme, secret, _ := strings.Cut(given[0], " ")
		if len(given) != 1 || !strings.EqualFold(scheme, "Bearer") || secret == "" {
			return account.Actor{}, notSignedIn()
		}
		return a.cfg.Accounts.AuthenticateToken(ctx, strings.TrimSpace(secret))
	}
	cookie, err := r.Cookie(httpd.SessionCookie)
	if err != nil {
		return account.Actor{}, notSignedIn().Because(err)
	}
	session, err := a.cfg.Accounts.Authenticate(ctx, cookie.Value)
	if err != nil {
		return account.Actor{}, err
	}
	return a.cfg.Accounts.ActorIn(ctx, session, "")
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
