package account

import "context"

// Profile returns the actor's own user.
func (a *Accounts) Profile(ctx context.Context, actor Actor) (User, error) { panic("stub") }

// SetProfile changes the actor's own name and e-mail address. Changing an address
// that is already set needs the current password.
func (a *Accounts) SetProfile(ctx context.Context, actor Actor, p ProfileEdit) (User, error) {
	panic("stub")
}

// ProfileEdit is what a user may change about themselves.
type ProfileEdit struct {
	Name            string
	Email           string
	CurrentPassword string // needed only to change an address that is set
}

// SetPassword sets the actor's password. current must be right when one is set,
// unless the session came from a reset link less than 15 minutes ago. Other
// sessions end. fault.Invalid on field current_password or password.
func (a *Accounts) SetPassword(ctx context.Context, actor Actor, current, next string) error {
	panic("stub")
}

// ExportData returns everything kept about the actor's own user as a value that
// encodes to JSON; no secrets, no hashes.
func (a *Accounts) ExportData(ctx context.Context, actor Actor) (Export, error) { panic("stub") }

// Export is a user's data.
type Export struct {
	User       ExportUser        `json:"user"`
	Sessions   []ExportSession   `json:"sessions"`
	Tokens     []ExportToken     `json:"tokens"`
	Passkeys   []ExportPasskey   `json:"passkeys"`
	Workspaces []ExportWorkspace `json:"workspaces"`
}

// Parts of an Export; the account helper fills in their fields.
type (
	ExportUser      struct{}
	ExportSession   struct{}
	ExportToken     struct{}
	ExportPasskey   struct{}
	ExportWorkspace struct{}
)

// DeleteAccount ends the actor's account at once: sessions, tokens and passkeys
// are removed, personal data is erased, workspaces nobody else belongs to are
// deleted with their projects. confirm must equal the user's e-mail address (or
// the word delete where there is none). fault.Conflict while the user is the last
// owner of a workspace with other members.
func (a *Accounts) DeleteAccount(ctx context.Context, actor Actor, confirm string) error {
	panic("stub")
}
