package account

import (
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"

	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Identifiers of this package's nouns.
type (
	// UserID identifies a person.
	UserID string
	// WorkspaceID identifies a workspace.
	WorkspaceID string
	// SessionID identifies a signed-in browser; it is not its secret.
	SessionID string
	// TokenID identifies an API token; it is not its secret.
	TokenID string
	// InvitationID identifies an invitation; it is not its code.
	InvitationID string
	// PasskeyID identifies a passkey, under another name than WebAuthn's.
	PasskeyID string
	// ProjectID identifies a project. It is here, not in package project,
	// because a membership may name single projects.
	ProjectID string
)

// Prefix implements id.Kind.
func (UserID) Prefix() string { return "usr" }

// Prefix implements id.Kind.
func (WorkspaceID) Prefix() string { return "wsp" }

// Prefix implements id.Kind.
func (SessionID) Prefix() string { return "ses" }

// Prefix implements id.Kind.
func (TokenID) Prefix() string { return "tok" }

// Prefix implements id.Kind.
func (InvitationID) Prefix() string { return "inv" }

// Prefix implements id.Kind.
func (PasskeyID) Prefix() string { return "pky" }

// Prefix implements id.Kind.
func (ProjectID) Prefix() string { return "prj" }

// Config is what Accounts needs.
type Config struct {
	DB    *pgxpool.Pool
	Clock clock.Clock
	IDs   *id.Source
	// SignUpOpen lets anyone make an account; closed, an invitation or the
	// first start link is needed.
	SignUpOpen bool
	// PublicURL is where browsers reach us, for example http://localhost:8080;
	// passkeys are bound to its host.
	PublicURL string
}

// Accounts is the door to everything in this package. It is safe for concurrent
// use.
type Accounts struct {
	db         *pgxpool.Pool
	clock      clock.Clock
	ids        *id.Source
	signUpOpen bool
	hasher     *hasher
	// passkeys is nil where passkeyTrouble says why.
	passkeys       *webauthn.WebAuthn
	passkeyTrouble error
}

// New returns Accounts over cfg. The error is about PublicURL: it is not an
// address. An empty one, or one under which passkeys cannot work, is no error; see
// PasskeyTrouble.
func New(cfg Config) (*Accounts, error) {
	passkeys, trouble, err := newPasskeys(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	return &Accounts{
		db:             cfg.DB,
		clock:          cfg.Clock,
		ids:            cfg.IDs,
		signUpOpen:     cfg.SignUpOpen,
		hasher:         newHasher(),
		passkeys:       passkeys,
		passkeyTrouble: trouble,
	}, nil
}

// Role is what a user is in a workspace. The text is stored and shown in the API.
// A person has one role in a workspace, whichever of its projects they see.
type Role string

// The roles. Owner: everything, money, deleting. Member: answer, edit, ask for
// changes, build inside limits. Viewer: see and comment.
const (
	Owner  Role = "owner"
	Member Role = "member"
	Viewer Role = "viewer"
)

func (r Role) known() bool { return r == Owner || r == Member || r == Viewer }

// Scope is what an API token may do, never more than its user's role.
type Scope string

// The scopes. Sessions have ScopeWrite.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
)

// Right is what a product method asks of an Actor.
type Right uint8

// The rights, each including those before it.
const (
	MayRead    Right = iota // viewer, or a read token
	MayComment              // viewer with a write scope
	MayWrite                // member with a write scope
	MayOwn                  // owner with a write scope
)

// Actor is who asks. The zero Actor may do nothing.
type Actor struct {
	User      UserID
	Workspace WorkspaceID
	Role      Role
	Scope     Scope
	// Restricted is set for someone invited to single projects only; queries
	// then also require a member_project row.
	Restricted bool
	// Operator may see the installation's own pages. It is set only for
	// sessions: a token acts in one workspace and nowhere else.
	Operator bool
	// Session or Token says through what the actor came in; one of them is
	// set, neither for a background run.
	Session SessionID
	Token   TokenID
}

// Need returns nil when the actor has the right, else a fault.Forbidden that
// says which role or scope is missing.
func (a Actor) Need(r Right) error {
	switch {
	case r >= MayComment && a.Scope != ScopeWrite:
		return fault.New(fault.Forbidden, "token_read_only", "This access key may only read. Make one that may also write.")
	case r == MayOwn && a.Role != Owner:
		return errOwnerOnly()
	case r == MayWrite && a.Role != Owner && a.Role != Member:
		return fault.New(fault.Forbidden, "viewer_only", "You can look at this and comment. Ask an owner of the team if you need to change it.")
	case a.Role == "":
		return fault.New(fault.Forbidden, "", "You are not a member of this team.")
	}
	return nil
}

func errOwnerOnly() error {
	return fault.New(fault.Forbidden, "owner_only", "Only an owner of this team can do that.")
}

// needSession returns nil when a person sits at a browser. What concerns the
// account itself, or lets others in, is not for tokens: a leaked one must not be
// able to make itself at home.
func (a Actor) needSession() error {
	if a.User == "" || a.Session == "" {
		return fault.New(fault.Forbidden, "session_needed", "An access key cannot do this. Sign in with a browser.")
	}
	return nil
}

// needSelf returns nil when there is a user at all.
func (a Actor) needSelf() error {
	if a.User == "" {
		return errSignedOut()
	}
	return nil
}

func errSignedOut() error {
	return fault.New(fault.Unauthenticated, "", "Please sign in.")
}

func errSuspended() error {
	return fault.New(fault.Forbidden, "suspended", "This account is suspended. Ask whoever runs this installation.")
}

// Device is what a session remembers of the browser that opened it.
type Device struct {
	UserAgent string // cut to 400 bytes
	Address   string // client IP address, for the list of sessions and for throttling
}

// User is a person. Email is empty until one was given; HasPassword tells
// whether the user can come back without a link.
type User struct {
	ID          UserID
	Email       string
	Name        string
	HasPassword bool
	Operator    bool
	CreatedAt   time.Time
	SuspendedAt *time.Time
}
