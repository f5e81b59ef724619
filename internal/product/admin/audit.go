package admin

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// EntryID identifies an audit entry.
type EntryID string

// Prefix implements id.Kind.
func (EntryID) Prefix() string { return "aud" }

// Action is what was done. The texts are stored.
type Action string

// The actions.
const (
	EndRun      Action = "run.end"
	RetryRun    Action = "run.retry"
	ReplayNode  Action = "node.replay"
	CancelJob   Action = "job.cancel"
	RetryJob    Action = "job.retry"
	DeleteJob   Action = "job.delete"
	PauseQueue  Action = "queue.pause"
	ResumeQueue Action = "queue.resume"

	ChooseModels Action = "models.choose"
)

// Entry says who did what to what, why and when. Names are empty where their owner is
// gone.
type Entry struct {
	ID        EntryID
	At        time.Time
	User      account.UserID
	Who       string
	Action    Action
	Subject   string // an id; of the queue "job 7" or "queue default", of models "models"
	Part      string // of the subject, "" for all of it
	Workspace account.WorkspaceID
	Team      string
	Note      string // how exactly
	Reason    string
}

// The bounds of a reason, in characters. The table has them too.
const (
	leastReason = 3
	mostReason  = 500
)

// reasonOf reads why something is done.
func reasonOf(text string) (string, error) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "�"))
	switch n := utf8.RuneCountInString(text); {
	case n < leastReason:
		return "", fault.OnField("reason", "Say why, in a few words. It is kept with what you did.")
	case n > mostReason:
		return "", fault.OnField("reason", fmt.Sprintf("Say it in at most %d characters.", mostReason))
	}
	return text, nil
}

const insertAudit = `
INSERT INTO audit (id, at, user_id, action, subject, part, workspace_id, note, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// noteTx writes an entry as part of the transaction that does what it says.
func (d *Desk) noteTx(ctx context.Context, tx pgx.Tx, e Entry) error {
	_, err := tx.Exec(ctx, insertAudit, id.Mint[EntryID](d.cfg.IDs), d.cfg.Clock.Now(), e.User, e.Action, e.Subject, e.Part,
		e.Workspace, e.Note, e.Reason)
	if err != nil {
		return fmt.Errorf("write audit of %s: %w", e.Action, err)
	}
	return nil
}

const (
	entryColumns = `
SELECT a.id, a.at, a.user_id AS user, coalesce(nullif(u.name, ''), u.email, '') AS who, a.action, a.subject, a.part,
    a.workspace_id AS workspace, coalesce(w.name, '') AS team, a.note, a.reason
FROM audit a LEFT JOIN app_user u ON u.id = a.user_id LEFT JOIN workspace w ON w.id = a.workspace_id `

	listAudit = entryColumns + `WHERE $1 = '' OR a.id < $1 ORDER BY a.id DESC LIMIT $2`

	auditOfSubject = entryColumns + `WHERE a.subject = $1 ORDER BY a.id DESC LIMIT $2`
)

// AuditPage is one page of the audit, newest first. Next is empty on the last one.
type AuditPage struct {
	Entries []Entry
	Next    string
}

// Audit lists what was done; after is the cursor of the page before. One that is not ours
// is fault.Malformed.
func (d *Desk) Audit(ctx context.Context, actor account.Actor, after string) (AuditPage, error) {
	if err := need(actor); err != nil {
		return AuditPage{}, err
	}
	if after != "" {
		if _, err := id.Parse[EntryID](after); err != nil {
			return AuditPage{}, errBadCursor(err)
		}
	}
	found, err := d.entries(ctx, listAudit, after, pageSize+1)
	if err != nil {
		return AuditPage{}, err
	}
	page := AuditPage{Entries: found}
	if len(found) > pageSize {
		page.Entries = found[:pageSize]
		page.Next = string(page.Entries[pageSize-1].ID)
	}
	return page, nil
}

// auditOf lists the newest of what was done to one thing.
func (d *Desk) auditOf(ctx context.Context, subject string) ([]Entry, error) {
	return d.entries(ctx, auditOfSubject, subject, pageSize)
}

func (d *Desk) entries(ctx context.Context, sql string, args ...any) ([]Entry, error) {
	rows, err := d.cfg.DB.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Entry])
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	return list, nil
}
