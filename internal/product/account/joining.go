package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

// InvitationOffer is what the holder of a link sees before joining.
type InvitationOffer struct {
	Workspace string
	InvitedBy string
	Role      Role
	OneOnly   bool // invited to a single project
}

// offerRow is an invitation with all that decides whether it still works.
type offerRow struct {
	ID         InvitationID
	Workspace  WorkspaceID
	Name       string
	InvitedBy  string
	Role       Role
	Project    ProjectID
	UsedBy     UserID
	Used       bool
	Expired    bool
	Withdrawn  bool
	MemberRole Role // of who asks; empty: not in the workspace
	Sees       bool // who asks sees what the invitation shows
	Within     bool // and nothing besides
}

const readOffer = `
SELECT i.id, i.workspace_id AS workspace, w.name, u.name AS invited_by, i.role, coalesce(i.project_id, '') AS project,
       coalesce(i.used_by, '') AS used_by, i.used_at IS NOT NULL AS used, i.expires_at <= $2 AS expired,
       i.revoked_at IS NOT NULL OR w.deleted_at IS NOT NULL OR p.deleted_at IS NOT NULL
           OR by.role IS DISTINCT FROM 'owner' OR u.suspended_at IS NOT NULL AS withdrawn,
       coalesce(m.role, '') AS member_role,
       m.role IS NOT NULL AND (NOT m.restricted OR mp.project_id IS NOT NULL) AS sees,
       i.project_id IS NULL OR coalesce(m.restricted, true) AND NOT EXISTS (
           SELECT FROM member_project o WHERE o.workspace_id = i.workspace_id AND o.user_id = $3 AND o.project_id <> i.project_id) AS within
FROM invitation i
JOIN workspace w ON w.id = i.workspace_id
JOIN app_user u ON u.id = i.created_by
LEFT JOIN project p ON p.id = i.project_id
LEFT JOIN member by ON by.workspace_id = i.workspace_id AND by.user_id = i.created_by
LEFT JOIN member m ON m.workspace_id = i.workspace_id AND m.user_id = $3
LEFT JOIN member_project mp ON mp.workspace_id = i.workspace_id AND mp.user_id = $3 AND mp.project_id = i.project_id
WHERE i.code_hash = $1`

// offer reads what a code offers u, who may be nobody yet. fault.NotFound for a
// code that never was.
func offer(ctx context.Context, q querier, now time.Time, code string, u UserID) (offerRow, error) {
	if !secretShaped(code) {
		return offerRow{}, errNoLink()
	}
	o, err := one[offerRow](ctx, q, readOffer, hashOf(code), now, u)
	if errors.Is(err, pgx.ErrNoRows) {
		return offerRow{}, errNoLink()
	}
	if err != nil {
		return offerRow{}, fmt.Errorf("read invitation: %w", err)
	}
	return o, nil
}

// open returns nil when the invitation can still be used, else fault.Gone.
func (o offerRow) open() error {
	switch {
	case o.Used:
		return errLinkUsed()
	case o.Withdrawn:
		return fault.New(fault.Gone, "link_revoked", "This invitation was withdrawn. Ask for a new one.")
	case o.Expired:
		return errLinkExpired()
	}
	return nil
}

// PeekInvitation shows what a code offers. fault.NotFound, or fault.Gone with code
// link_used, link_revoked or link_expired.
func (a *Accounts) PeekInvitation(ctx context.Context, code string) (InvitationOffer, error) {
	o, err := offer(ctx, a.db, a.clock.Now(), code, "")
	if err != nil {
		return InvitationOffer{}, err
	}
	if err := o.open(); err != nil {
		return InvitationOffer{}, err
	}
	return InvitationOffer{Workspace: o.Name, InvitedBy: o.InvitedBy, Role: o.Role, OneOnly: o.Project != ""}, nil
}

const lockInvitedTeam = `
SELECT w.id FROM workspace w JOIN invitation i ON i.workspace_id = w.id
WHERE i.code_hash = $1 FOR NO KEY UPDATE OF w`

// AcceptInvitation lets a signed-in user join and moves their session to the
// workspace. Joining twice changes nothing, and somebody who already sees and may
// do all it offers leaves it for others. Otherwise it adds to what they have, and
// never gives more than the two invitations together: as a person has one role for
// all they see, a higher role for a part of it, or a lower one for more, is
// fault.Conflict with code already_member. The other errors are those of
// PeekInvitation.
func (a *Accounts) AcceptInvitation(ctx context.Context, s Session, code string) (WorkspaceID, error) {
	now := a.clock.Now()
	var w WorkspaceID
	err := db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockAliveTx(ctx, tx, s.User.ID); err != nil {
			return err
		}
		joined, err := joinTx(ctx, tx, now, code, s.User.ID)
		if err != nil {
			return err
		}
		w = joined
		if _, err := tx.Exec(ctx, switchWorkspace, s.ID, s.User.ID, w); err != nil {
			return fmt.Errorf("switch to joined workspace: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return w, nil
}

// SignUpInvited makes an account and joins in one commit; works while sign-up is
// closed. Errors are those of SignUp and PeekInvitation.
func (a *Accounts) SignUpInvited(ctx context.Context, code string, c Credentials, d Device) (secret string, s Session, err error) {
	if _, err := a.PeekInvitation(ctx, code); err != nil {
		return "", Session{}, err
	}
	return a.signUp(ctx, c, d, func(ctx context.Context, tx pgx.Tx, now time.Time, u UserID) error {
		_, err := joinTx(ctx, tx, now, code, u)
		return err
	})
}

const (
	useInvitation = `UPDATE invitation SET used_at = $2, used_by = $3 WHERE id = $1`
	upsertMember  = `
INSERT INTO member AS m (workspace_id, user_id, role, restricted, joined_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = EXCLUDED.role, restricted = m.restricted AND EXCLUDED.restricted`
	showProject = `
INSERT INTO member_project (workspace_id, user_id, project_id)
SELECT workspace_id, user_id, $3 FROM member WHERE workspace_id = $1 AND user_id = $2 AND restricted
ON CONFLICT DO NOTHING`
)

// joinTx uses an invitation for u, whose row the transaction has locked.
func joinTx(ctx context.Context, tx pgx.Tx, now time.Time, code string, u UserID) (WorkspaceID, error) {
	if err := tx.QueryRow(ctx, lockInvitedTeam, hashOf(code)).Scan(nil); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("lock invited workspace: %w", err)
	}
	o, err := offer(ctx, tx, now, code, u)
	if err != nil {
		return "", err
	}
	if o.MemberRole != "" && o.Used && o.UsedBy == u {
		return o.Workspace, nil
	}
	if err := o.open(); err != nil {
		return "", err
	}
	if o.Sees && rank(o.MemberRole) >= rank(o.Role) {
		return o.Workspace, nil
	}
	if !o.addable() {
		return "", fault.New(fault.Conflict, "already_member", "You are already in this team. An owner can change what you may do.")
	}
	show := write{seeAll, []any{o.Workspace, u}}
	if o.Project != "" {
		show = write{showProject, []any{o.Workspace, u, o.Project}}
	}
	err = writeTx(ctx, tx,
		write{useInvitation, []any{o.ID, now, u}},
		write{upsertMember, []any{o.Workspace, u, o.Role, o.Project != "", now}},
		show,
	)
	if err != nil {
		return "", fmt.Errorf("join workspace: %w", err)
	}
	return o.Workspace, recordTx(ctx, tx, now, event{kind: eventMemberJoined, by: u, workspace: o.Workspace, object: string(o.Role)})
}

// addable reports whether what the invitation offers and what its holder has can be
// one membership that allows no more than both: the roles are the same, or the
// invitation covers all there was.
func (o offerRow) addable() bool {
	return o.MemberRole == "" || o.MemberRole == o.Role || o.Within && rank(o.Role) > rank(o.MemberRole)
}

// rank orders roles by what they allow; nobody's is 0.
func rank(r Role) int {
	switch r {
	case Owner:
		return 3
	case Member:
		return 2
	case Viewer:
		return 1
	}
	return 0
}
