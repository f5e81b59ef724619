package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// What account_event records. The texts are stored; never change one.
const (
	eventSignedUp        = "signed_up"
	eventSignedIn        = "signed_in"
	eventLinkUsed        = "link_used"
	eventPasskeyUsed     = "passkey_used"
	eventPasskeyCloned   = "passkey_cloned"
	eventPasskeyAdded    = "passkey_added"
	eventPasskeyRemoved  = "passkey_removed"
	eventSessionRevoked  = "session_revoked"
	eventPasswordSet     = "password_set"
	eventEmailChanged    = "email_changed"
	eventAccountDeleted  = "account_deleted"
	eventTokenMade       = "token_made"
	eventTokenRevoked    = "token_revoked"
	eventWorkspaceMade   = "workspace_made"
	eventWorkspaceName   = "workspace_renamed"
	eventRoleChanged     = "role_changed"
	eventMemberRemoved   = "member_removed"
	eventMemberJoined    = "member_joined"
	eventInvited         = "invited"
	eventInviteWithdrawn = "invitation_revoked"
)

// event is one line of the audit: who did what about accounts. object is an
// identifier or a role, never text that somebody typed.
type event struct {
	kind      string
	by        UserID
	subject   UserID
	workspace WorkspaceID
	object    string
}

const insertEvent = `
INSERT INTO account_event (at, kind, user_id, subject_id, workspace_id, object)
VALUES ($1, $2, NULLIF($3, ''), NULLIF($4, ''), NULLIF($5, ''), $6)`

// recordTx appends e to the audit in the transaction that does it.
func recordTx(ctx context.Context, tx pgx.Tx, now time.Time, e event) error {
	if _, err := tx.Exec(ctx, insertEvent, now, e.kind, e.by, e.subject, e.workspace, e.object); err != nil {
		return fmt.Errorf("record %s: %w", e.kind, err)
	}
	return nil
}
