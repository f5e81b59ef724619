package account

import (
	"context"
	"time"
)

// Workspace owns projects.
type Workspace struct {
	ID        WorkspaceID
	Name      string
	Role      Role // of the one who asks
	CreatedAt time.Time
}

// Workspaces lists those the actor's user belongs to, by name.
func (a *Accounts) Workspaces(ctx context.Context, actor Actor) ([]Workspace, error) {
	panic("stub")
}

// Workspace returns the actor's own workspace.
func (a *Accounts) Workspace(ctx context.Context, actor Actor) (Workspace, error) { panic("stub") }

// CreateWorkspace makes a workspace owned by the actor's user.
func (a *Accounts) CreateWorkspace(ctx context.Context, actor Actor, name string) (Workspace, error) {
	panic("stub")
}

// RenameWorkspace renames the actor's workspace; owners only.
func (a *Accounts) RenameWorkspace(ctx context.Context, actor Actor, name string) (Workspace, error) {
	panic("stub")
}

// Membership is one person in a workspace.
type Membership struct {
	User     UserID
	Name     string
	Email    string
	Role     Role
	Projects []ProjectID // empty: all projects
	JoinedAt time.Time
}

// Members lists the people of the actor's workspace, owners first.
func (a *Accounts) Members(ctx context.Context, actor Actor) ([]Membership, error) { panic("stub") }

// SetRole changes a member's role; owners only. Taking the last owner's role is
// fault.Conflict with code last_owner.
func (a *Accounts) SetRole(ctx context.Context, actor Actor, u UserID, r Role) error {
	panic("stub")
}

// RemoveMember takes a person out of the actor's workspace, with their tokens for
// it. Owners may remove anyone, others only themselves; never the last owner.
func (a *Accounts) RemoveMember(ctx context.Context, actor Actor, u UserID) error { panic("stub") }

// Invitation lets whoever holds its link join once.
type Invitation struct {
	ID        InvitationID
	Role      Role
	Project   ProjectID // empty: all projects
	CreatedBy string    // name of who invited
	CreatedAt time.Time
	ExpiresAt time.Time // 7 days after creation
}

// InvitationDraft is what the inviting owner chooses.
type InvitationDraft struct {
	Role    Role
	Project ProjectID
}

// Invite makes an invitation; owners only. code is returned once.
func (a *Accounts) Invite(ctx context.Context, actor Actor, d InvitationDraft) (code string, i Invitation, err error) {
	panic("stub")
}

// Invitations lists those of the workspace that are open; owners only.
func (a *Accounts) Invitations(ctx context.Context, actor Actor) ([]Invitation, error) {
	panic("stub")
}

// RevokeInvitation ends an invitation; owners only.
func (a *Accounts) RevokeInvitation(ctx context.Context, actor Actor, i InvitationID) error {
	panic("stub")
}

// InvitationOffer is what the holder of a link sees before joining.
type InvitationOffer struct {
	Workspace string
	InvitedBy string
	Role      Role
	OneOnly   bool // invited to a single project
}

// PeekInvitation shows what a code offers. fault.NotFound or fault.Gone.
func (a *Accounts) PeekInvitation(ctx context.Context, code string) (InvitationOffer, error) {
	panic("stub")
}

// AcceptInvitation lets a signed-in user join. Joining twice changes nothing. A
// role already held is raised, never lowered.
func (a *Accounts) AcceptInvitation(ctx context.Context, s Session, code string) (WorkspaceID, error) {
	panic("stub")
}

// SignUpInvited makes an account and joins in one commit; works while sign-up is
// closed.
func (a *Accounts) SignUpInvited(ctx context.Context, code string, c Credentials, d Device) (secret string, s Session, err error) {
	panic("stub")
}
