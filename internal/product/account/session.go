package account

import (
	"context"
	"time"
)

// Session is one signed-in browser.
type Session struct {
	ID         SessionID
	User       User
	Workspace  WorkspaceID // the one last looked at
	Device     Device
	CreatedAt  time.Time
	LastSeenAt time.Time // kept to the minute
	ExpiresAt  time.Time // 30 days after the last visit
}

// SignIn checks an e-mail address and password and opens a session. secret goes
// into the cookie and is not stored. A wrong pair is fault.Unauthenticated with
// code wrong_credentials, the same for unknown addresses; too many tries are
// fault.TooMany.
func (a *Accounts) SignIn(ctx context.Context, email, password string, d Device) (secret string, s Session, err error) {
	panic("stub")
}

// SignUp makes a user with a workspace of their own and opens a session.
// fault.Forbidden when sign-up is closed, fault.Invalid for a bad address or a
// weak password. A known address gives the same answer as a fresh one would to a
// stranger: fault.Invalid on email saying an account cannot be made with it.
func (a *Accounts) SignUp(ctx context.Context, c Credentials, d Device) (secret string, s Session, err error) {
	panic("stub")
}

// Credentials are what a new user types.
type Credentials struct {
	Name, Email, Password string
}

// Authenticate returns the session a cookie's secret belongs to, or
// fault.Unauthenticated when it is unknown, expired, revoked or its user is
// suspended. It extends the session, writing at most once a minute.
func (a *Accounts) Authenticate(ctx context.Context, secret string) (Session, error) {
	panic("stub")
}

// ActorIn returns the session's user as an actor in a workspace they belong to;
// fault.NotFound otherwise. An empty workspace means the session's own.
func (a *Accounts) ActorIn(ctx context.Context, s Session, w WorkspaceID) (Actor, error) {
	panic("stub")
}

// SwitchWorkspace makes w the session's workspace.
func (a *Accounts) SwitchWorkspace(ctx context.Context, s Session, w WorkspaceID) error {
	panic("stub")
}

// Sessions lists the actor's own live sessions, newest visit first.
func (a *Accounts) Sessions(ctx context.Context, actor Actor) ([]Session, error) { panic("stub") }

// RevokeSession ends one of the actor's own sessions; also their present one,
// which is how signing out works.
func (a *Accounts) RevokeSession(ctx context.Context, actor Actor, s SessionID) error {
	panic("stub")
}

// RevokeOtherSessions ends all of the actor's sessions but the present one and
// returns how many.
func (a *Accounts) RevokeOtherSessions(ctx context.Context, actor Actor) (int, error) {
	panic("stub")
}

// ForRun re-reads the user who started a run when a node of it starts. A
// suspended or removed user is fault.Forbidden with code suspended or
// not_a_member.
func (a *Accounts) ForRun(ctx context.Context, u UserID, w WorkspaceID) (Actor, error) {
	panic("stub")
}
