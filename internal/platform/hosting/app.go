package hosting

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"cofounder/internal/base/fault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// App is what can be run.
type App struct {
	// Label is minted by the first Put of a slot and kept from then on, so that a
	// browser's own storage outlives versions.
	Label   string
	Project string
	// Slot tells a project's apps apart, in the caller's words: 1–60 letters, digits,
	// hyphens and slashes.
	Slot string
	// Code names what runs, in the caller's words; Config.Code fetches it.
	Code string
	// Command starts it, run in the root of the code.
	Command []string
	// Data names the data set it works on, written as Slot is. An app has one of its
	// own: one that another app of the project uses is fault.Conflict.
	Data string
}

var word = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9/-]{0,59}$`)

func (a App) check() error {
	switch {
	case !word.MatchString(a.Slot):
		return fmt.Errorf("host app: %q is no slot", a.Slot)
	case !word.MatchString(a.Data):
		return fmt.Errorf("host app: %q is no data set", a.Data)
	case len(a.Command) == 0 || a.Code == "":
		return errors.New("host app: nothing to run")
	}
	return nil
}

const put = `
INSERT INTO hosted_app (label, project_id, slot, code, command, data, created_at, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (project_id, slot) DO UPDATE
SET code = $4, command = $5, data = $6, crashes = 0, retry_at = NULL,
    revision = hosted_app.revision + CASE WHEN (hosted_app.code, hosted_app.command, hosted_app.data) = ($4, $5, $6) THEN 0 ELSE 1 END,
    state = CASE WHEN hosted_app.owner = '' THEN 'stopped' ELSE hosted_app.state END,
    reason = CASE WHEN hosted_app.owner = '' THEN '' ELSE hosted_app.reason END
RETURNING label`

// Put says what runs in a slot from now on and returns it with its label. An instance
// that runs something else is stopped, its data saved; the next request starts the new
// one. A label given in a is not used.
func (h *Host) Put(ctx context.Context, a App) (App, error) {
	if err := a.check(); err != nil {
		return App{}, err
	}
	err := h.cfg.DB.QueryRow(ctx, put, newLabel(), a.Project, a.Slot, a.Code, a.Command, a.Data, h.cfg.Clock.Now()).Scan(&a.Label)
	if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.ConstraintName == "hosted_app_project_id_data_key" {
		return App{}, fault.New(fault.Conflict, "data_in_use", "Another app of this project works on these data.").Because(err)
	}
	if err != nil {
		return App{}, fmt.Errorf("host app: %w", err)
	}
	return a, h.outdate(ctx, a.Label)
}

// newLabel draws a label that nobody guesses: 65 bits.
func newLabel() string { return "a" + strings.ToLower(rand.Text()[:13]) }

// Remove stops an app and forgets it; its data set stays.
func (h *Host) Remove(ctx context.Context, label string) error {
	if err := h.Stop(ctx, label); err != nil {
		return err
	}
	if _, err := h.cfg.DB.Exec(ctx, `DELETE FROM hosted_app WHERE label = $1`, label); err != nil {
		return fmt.Errorf("remove app: %w", err)
	}
	return nil
}

// record is an app's row.
type record struct {
	App
	Revision int64
	state    Standing
	startMS  int64
	crashes  int
	owner    string
	address  string
	epoch    int64
	leased   bool // somebody owns it by the database's clock
}

const columns = `label, project_id, slot, revision, code, command, data, state, since, reason, coalesce(retry_at, since), crashes, start_ms,
       owner, address, epoch, owner <> '' AND lease_until > clock_timestamp()`

func scan(row pgx.CollectableRow) (record, error) {
	var r record
	err := row.Scan(&r.Label, &r.Project, &r.Slot, &r.Revision, &r.Code, &r.Command, &r.Data, &r.state.State, &r.state.Since, &r.state.Reason,
		&r.state.RetryAt, &r.crashes, &r.startMS, &r.owner, &r.address, &r.epoch, &r.leased)
	return r, err
}

// read returns the row of a label; fault.NotFound when nobody has it.
func (h *Host) read(ctx context.Context, label string) (record, error) {
	return h.one(ctx, `SELECT `+columns+` FROM hosted_app WHERE label = $1`, label)
}

func (h *Host) one(ctx context.Context, sql string, args ...any) (record, error) {
	rows, err := h.cfg.DB.Query(ctx, sql, args...)
	if err != nil {
		return record{}, fmt.Errorf("read app: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return record{}, fault.New(fault.NotFound, "", "There is no app at this address.")
	}
	if err != nil {
		return record{}, fmt.Errorf("read app: %w", err)
	}
	return r, nil
}

// standing is how the app of a row stands: an instance whose owner is gone has stopped.
func (r record) standing() Standing {
	st := r.state
	if (st.State == Starting || st.State == Running) && !r.leased {
		return Standing{State: Stopped, Since: st.Since}
	}
	return st
}

// left is how long a start that began at since is likely to take still.
func (r record) left(now time.Time) time.Duration {
	usual := time.Duration(r.startMS) * time.Millisecond
	if usual == 0 {
		usual = firstStart
	}
	return max(usual-now.Sub(r.state.Since), time.Second)
}

// Find returns the app of a label; fault.NotFound when nobody has it.
func (h *Host) Find(ctx context.Context, label string) (App, error) {
	r, err := h.read(ctx, label)
	return r.App, err
}

// In returns the app in a project's slot; fault.NotFound when there is none.
func (h *Host) In(ctx context.Context, project, slot string) (App, error) {
	r, err := h.one(ctx, `SELECT `+columns+` FROM hosted_app WHERE project_id = $1 AND slot = $2`, project, slot)
	return r.App, err
}

// Standing says how an app stands, and starts nothing.
func (h *Host) Standing(ctx context.Context, label string) (Standing, error) {
	r, err := h.read(ctx, label)
	if err != nil {
		return Standing{}, err
	}
	st := r.standing()
	if st.State == Starting {
		st.Left = r.left(h.cfg.Clock.Now())
	}
	return st, nil
}
