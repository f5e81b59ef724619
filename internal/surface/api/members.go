package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
)

type memberOf struct {
	User       account.UserID      `json:"user"`
	Name       string              `json:"name"`
	Email      string              `json:"email"`
	Role       account.Role        `json:"role" enum:"owner,member,viewer"`
	Projects   []account.ProjectID `json:"projects" doc:"The projects a restricted person sees, as far as you see them"`
	Restricted bool                `json:"restricted" doc:"Sees single projects only"`
	JoinedAt   time.Time           `json:"joined_at"`
}

type memberPath struct {
	User string `path:"user"`
}

type roleEdit struct {
	Role account.Role `json:"role" enum:"owner,member,viewer"`
}

type roleIn struct {
	User string `path:"user"`
	Body roleEdit
}

func (a *api) members() {
	register(a, operation{
		id: "list-members", method: http.MethodGet, path: "/members", tag: tagTeam, access: member,
		summary: "List the people of the workspace",
	}, a.listMembers)
	register(a, operation{
		id: "set-member-role", method: http.MethodPatch, path: "/members/{user}", tag: tagTeam, access: person,
		summary: "Change a member's role",
		notes:   "Owners only. The last owner's role cannot be taken: 409 last_owner.",
	}, a.setMemberRole)
	register(a, operation{
		id: "remove-member", method: http.MethodDelete, path: "/members/{user}", tag: tagTeam, access: person,
		summary: "Take a person out of the workspace",
		notes:   "Owners may remove anyone, others only themselves. The last owner stays: 409 last_owner.",
	}, a.removeMember)
}

func (a *api) listMembers(ctx context.Context, actor account.Actor, _ *nothing) (*pageOut[memberOf], error) {
	all, err := a.cfg.Accounts.Members(ctx, actor)
	if err != nil {
		return nil, err
	}
	return listed(all, "", func(m account.Membership) memberOf { return memberOf(m) }), nil
}

func (a *api) setMemberRole(ctx context.Context, actor account.Actor, in *roleIn) (*nothing, error) {
	id, err := parse[account.UserID](in.User)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.cfg.Accounts.SetRole(ctx, actor, id, in.Body.Role)
}

func (a *api) removeMember(ctx context.Context, actor account.Actor, in *memberPath) (*nothing, error) {
	id, err := parse[account.UserID](in.User)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.cfg.Accounts.RemoveMember(ctx, actor, id)
}
