package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
)

// Invitation is one without its code, exported as Token is.
type Invitation struct {
	ID        account.InvitationID `json:"id"`
	Role      account.Role         `json:"role" enum:"owner,member,viewer"`
	Project   account.ProjectID    `json:"project" doc:"The only project the invited person will see; empty: all"`
	CreatedBy string               `json:"created_by" doc:"Name of who invited"`
	CreatedAt time.Time            `json:"created_at"`
	ExpiresAt time.Time            `json:"expires_at"`
}

type invitationDraft struct {
	Role    account.Role      `json:"role" enum:"owner,member,viewer"`
	Project account.ProjectID `json:"project,omitempty" maxLength:"100" doc:"Invite to this project only"`
}

type invitationIn struct{ Body invitationDraft }

type newInvitation struct {
	Invitation
	Code string `json:"code" doc:"What the invitation link ends in, shown only now"`
}

type newInvitationOut struct{ Body newInvitation }

type invitationPath struct {
	Invitation string `path:"invitation"`
}

func (a *api) invitations() {
	register(a, operation{
		id: "list-invitations", method: http.MethodGet, path: "/invitations", tag: tagTeam, access: member,
		summary: "List the open invitations",
		notes:   "Owners only.",
	}, a.listInvitations)
	register(a, operation{
		id: "create-invitation", method: http.MethodPost, path: "/invitations", tag: tagTeam, access: person, secret: true, status: http.StatusCreated,
		summary: "Invite someone by a link",
		notes:   "Owners only. The link is good for one person and seven days.",
	}, a.createInvitation)
	register(a, operation{
		id: "revoke-invitation", method: http.MethodDelete, path: "/invitations/{invitation}", tag: tagTeam, access: person,
		summary: "End an invitation",
		notes:   "Owners only.",
	}, a.revokeInvitation)
}

func (a *api) listInvitations(ctx context.Context, actor account.Actor, _ *nothing) (*pageOut[Invitation], error) {
	all, err := a.cfg.Accounts.Invitations(ctx, actor)
	if err != nil {
		return nil, err
	}
	return listed(all, "", func(i account.Invitation) Invitation { return Invitation(i) }), nil
}

func (a *api) createInvitation(ctx context.Context, actor account.Actor, in *invitationIn) (*newInvitationOut, error) {
	code, i, err := a.cfg.Accounts.Invite(ctx, actor, account.InvitationDraft(in.Body))
	if err != nil {
		return nil, err
	}
	return &newInvitationOut{Body: newInvitation{Invitation: Invitation(i), Code: code}}, nil
}

func (a *api) revokeInvitation(ctx context.Context, actor account.Actor, in *invitationPath) (*nothing, error) {
	id, err := parse[account.InvitationID](in.Invitation)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.cfg.Accounts.RevokeInvitation(ctx, actor, id)
}
