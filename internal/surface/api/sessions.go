package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
)

type session struct {
	ID         account.SessionID `json:"id"`
	Current    bool              `json:"current" doc:"The session this request came with"`
	UserAgent  string            `json:"user_agent"`
	Address    string            `json:"address" doc:"The IP address that opened it"`
	CreatedAt  time.Time         `json:"created_at"`
	LastSeenAt time.Time         `json:"last_seen_at" doc:"To the minute"`
	ExpiresAt  time.Time         `json:"expires_at"`
}

type sessionPath struct {
	Session string `path:"session"`
}

type revoked struct {
	Revoked int `json:"revoked" doc:"How many sessions were ended"`
}

type revokedOut struct{ Body revoked }

func (a *api) sessions() {
	register(a, operation{
		id: "list-sessions", method: http.MethodGet, path: "/sessions", tag: tagMe, access: person,
		summary: "List your signed-in browsers",
	}, a.listSessions)
	register(a, operation{
		id: "revoke-session", method: http.MethodDelete, path: "/sessions/{session}", tag: tagMe, access: person, own: true,
		summary: "End one of your sessions",
		notes:   "Ending the session this request came with signs you out.",
	}, a.revokeSession)
	register(a, operation{
		id: "revoke-other-sessions", method: http.MethodPost, path: "/sessions/revoke-others", tag: tagMe, access: person, own: true,
		summary: "End all your sessions but this one",
	}, a.revokeOtherSessions)
}

func (a *api) listSessions(ctx context.Context, actor account.Actor, _ *nothing) (*pageOut[session], error) {
	all, err := a.cfg.Accounts.Sessions(ctx, actor)
	if err != nil {
		return nil, err
	}
	return listed(all, "", func(s account.Session) session {
		return session{
			ID: s.ID, Current: s.ID == actor.Session, UserAgent: s.Device.UserAgent, Address: s.Device.Address,
			CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt,
		}
	}), nil
}

func (a *api) revokeSession(ctx context.Context, actor account.Actor, in *sessionPath) (*nothing, error) {
	id, err := parse[account.SessionID](in.Session)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.cfg.Accounts.RevokeSession(ctx, actor, id)
}

func (a *api) revokeOtherSessions(ctx context.Context, actor account.Actor, _ *nothing) (*revokedOut, error) {
	n, err := a.cfg.Accounts.RevokeOtherSessions(ctx, actor)
	if err != nil {
		return nil, err
	}
	return &revokedOut{Body: revoked{Revoked: n}}, nil
}
