package meter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/seal"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// keyPurpose is what keys are sealed for.
const keyPurpose = "ai connection key"

// Connected is how a team reaches an AI, without the key.
type Connected struct {
	Preset   PresetID
	Name     string
	BaseURL  string
	Auth     llm.AuthStyle
	HasKey   bool
	Models   map[llm.Class]string
	RateCard string
	Known    map[string]llm.Capabilities // what tests found out, by model
	Test     *Test                       // the last one; nil: none at this address
	SavedAt  time.Time
}

// ConnectionsConfig is what Connections needs.
type ConnectionsConfig struct {
	DB    *pgxpool.Pool
	Clock clock.Clock
	Box   *seal.Box
	// Fresh tells whether an actor may change a connection now
	// (account.Accounts.NeedFresh): an access key, or a session that was stolen, must not
	// lead what founders write to a server of its own.
	Fresh func(ctx context.Context, actor account.Actor) error
	// OperatorKey is the operator's own key, if any. It serves the workspace of the
	// first operator and no other, and only where its owner has chosen it.
	OperatorKey config.Secret
	// Demo is what teams reach that have connected no AI. It costs nothing. The zero
	// Endpoint: they reach none.
	Demo llm.Endpoint
}

// Connections keeps how each team reaches an AI. A key is sealed at rest and bound to
// its team and address; it leaves this type only inside an llm.Endpoint. It is safe for
// concurrent use.
type Connections struct {
	db       *pgxpool.Pool
	clock    clock.Clock
	box      *seal.Box
	fresh    func(ctx context.Context, actor account.Actor) error
	operator config.Secret
	demo     llm.Endpoint
}

// NewConnections returns Connections over cfg.
func NewConnections(cfg ConnectionsConfig) *Connections {
	return &Connections{db: cfg.DB, clock: cfg.Clock, box: cfg.Box, fresh: cfg.Fresh, operator: cfg.OperatorKey, demo: cfg.Demo}
}

// connectionRow is a row of ai_connection.
type connectionRow struct {
	Preset                PresetID
	Name, BaseURL         string
	Auth                  llm.AuthStyle
	SealedKey             []byte
	Best, Standard, Small string
	RateCard              string
	Known                 map[string]llm.Capabilities
	Roles                 map[Role]string
	Test                  *Test
	SavedAt               time.Time
}

const readConnection = `
SELECT preset, name, base_url, auth, sealed_key, best, standard, small, rate_card, known, roles, test, saved_at
FROM ai_connection WHERE workspace_id = $1`

func (c *Connections) read(ctx context.Context, w account.WorkspaceID) (connectionRow, error) {
	rows, err := c.db.Query(ctx, readConnection, w)
	if err != nil {
		return connectionRow{}, fmt.Errorf("read connection: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[connectionRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return connectionRow{}, fault.New(fault.Conflict, noAI, "No AI is connected. An owner of the team can connect one.")
	}
	if err != nil {
		return connectionRow{}, fmt.Errorf("read connection: %w", err)
	}
	return row, nil
}

// noAI is the code of the refusal to a team that has connected none.
const noAI = "no_ai"

func (r connectionRow) connected() Connected {
	return Connected{
		Preset: r.Preset, Name: r.Name, BaseURL: r.BaseURL, Auth: r.Auth, HasKey: r.SealedKey != nil, RateCard: r.RateCard,
		Models: map[llm.Class]string{llm.Best: r.Best, llm.Standard: r.Standard, llm.Small: r.Small},
		Known:  r.Known, Test: r.Test, SavedAt: r.SavedAt,
	}
}

// Get returns how the actor's team reaches an AI. Where it reaches none that is
// fault.Conflict with code no_ai.
func (c *Connections) Get(ctx context.Context, actor account.Actor) (Connected, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return Connected{}, err
	}
	row, err := c.read(ctx, actor.Workspace)
	if err != nil {
		return Connected{}, err
	}
	return row.connected(), nil
}

// NotConnected reports whether err says that the team has connected no AI.
func NotConnected(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Code == noAI
}

const firstTeam = `
SELECT coalesce((
    SELECT w.id FROM workspace w JOIN member m ON m.workspace_id = w.id AND m.role = 'owner'
    JOIN app_user u ON u.id = m.user_id AND u.operator
    WHERE w.deleted_at IS NULL ORDER BY u.created_at, u.id, w.created_at, w.id LIMIT 1), '') = $1`

// Offered reports whether the operator's key can be chosen by a team.
func (c *Connections) Offered(ctx context.Context, w account.WorkspaceID) (bool, error) {
	if !c.operator.IsSet() || w == "" {
		return false, nil
	}
	var first bool
	if err := c.db.QueryRow(ctx, firstTeam, w).Scan(&first); err != nil {
		return false, fmt.Errorf("look for the first team: %w", err)
	}
	return first, nil
}

const saveConnection = `
INSERT INTO ai_connection AS c (workspace_id, preset, name, base_url, auth, sealed_key, best, standard, small, rate_card, saved_at)
VALUES (@workspace, @preset, @name, @base_url, @auth, @key, @best, @standard, @small, @rate_card, @at)
ON CONFLICT (workspace_id) DO UPDATE SET preset = excluded.preset, name = excluded.name, base_url = excluded.base_url,
    auth = excluded.auth, best = excluded.best, standard = excluded.standard, small = excluded.small,
    rate_card = excluded.rate_card, saved_at = excluded.saved_at,
    sealed_key = CASE WHEN @keep AND c.base_url = excluded.base_url THEN c.sealed_key ELSE excluded.sealed_key END,
    known = CASE WHEN c.base_url = excluded.base_url AND @keep THEN c.known ELSE '{}' END, test = NULL,
    roles = CASE WHEN c.base_url = excluded.base_url AND c.rate_card = excluded.rate_card THEN c.roles ELSE '{}' END
WHERE NOT @keep OR c.base_url = excluded.base_url AND c.sealed_key IS NOT NULL`

// Save sets how the actor's team reaches an AI; owners only, as ConnectionsConfig.Fresh
// says. Nothing is sent. A key
// stays with its address: a draft without a key keeps the present one only where the
// address stays the same. fault.Invalid on preset, name, base_url, auth, key, best,
// standard, small, rate_card.
func (c *Connections) Save(ctx context.Context, m *Model, actor account.Actor, d Draft) (Connected, error) {
	if err := c.mayChange(ctx, actor); err != nil {
		return Connected{}, err
	}
	var f form.Form
	d = d.checked(&f)
	if _, err := m.card(d.RateCard); err != nil && d.RateCard != "" {
		f.Refuse("rate_card", "There is no such price list here. There are: "+strings.Join(m.rateCards(), ", ")+".")
	}
	if err := c.checkOffered(ctx, actor, d, &f); err != nil {
		return Connected{}, err
	}
	if err := f.Err(); err != nil {
		return Connected{}, err
	}
	keep := d.Auth != llm.NoAuth && d.Preset != Installation && !d.Key.IsSet()
	var sealed []byte
	if d.Key.IsSet() {
		sealed = c.box.Seal(keyPurpose, []byte(d.Key.Reveal()), tiedTo(actor.Workspace, d.BaseURL))
	}
	if keep {
		have, err := c.read(ctx, actor.Workspace)
		if err != nil && !NotConnected(err) {
			return Connected{}, err
		}
		switch {
		case have.SealedKey == nil:
			return Connected{}, errNoKey()
		case have.BaseURL != d.BaseURL:
			return Connected{}, errOtherAddress()
		}
	}
	tag, err := c.db.Exec(ctx, saveConnection, pgx.StrictNamedArgs{
		"workspace": actor.Workspace, "preset": d.Preset, "name": d.Name, "base_url": d.BaseURL, "auth": d.Auth, "key": sealed,
		"best": d.Models[llm.Best], "standard": d.Models[llm.Standard], "small": d.Models[llm.Small],
		"rate_card": d.RateCard, "at": c.clock.Now(), "keep": keep,
	})
	if err != nil {
		return Connected{}, fmt.Errorf("save connection: %w", err)
	}
	if tag.RowsAffected() == 0 { // somebody changed the address since it was read
		return Connected{}, errOtherAddress()
	}
	return c.Get(ctx, actor)
}

// mayChange returns nil where the actor may change how the team reaches an AI.
func (c *Connections) mayChange(ctx context.Context, actor account.Actor) error {
	if err := actor.Need(account.MayOwn); err != nil {
		return err
	}
	return c.fresh(ctx, actor)
}

// checkOffered refuses the operator's key to teams it does not serve, and a key of
// one's own beside it.
func (c *Connections) checkOffered(ctx context.Context, actor account.Actor, d Draft, f *form.Form) error {
	if d.Preset != Installation {
		return nil
	}
	if d.Key.IsSet() {
		f.Refuse("key", "The key of this installation is used; leave this empty.")
	}
	offered, err := c.Offered(ctx, actor.Workspace)
	if err == nil && !offered {
		f.Refuse("preset", "This installation has no key that serves you. Choose another.")
	}
	return err
}

func errNoKey() error { return fault.OnField("key", "Enter the key.") }

func errOtherAddress() error {
	return fault.OnField("key", "A key is never sent to another address than the one it was entered for. Enter the key for this one.")
}

// tiedTo is what a sealed key opens with.
func tiedTo(w account.WorkspaceID, baseURL string) []byte {
	return []byte(string(w) + "\x00" + baseURL)
}

const deleteConnection = `DELETE FROM ai_connection WHERE workspace_id = $1`

// Disconnect forgets how the actor's team reaches an AI, and the key; owners only,
// as for Save. Limits and what was spent stay. Nothing connected is no error.
func (c *Connections) Disconnect(ctx context.Context, actor account.Actor) error {
	if err := c.mayChange(ctx, actor); err != nil {
		return err
	}
	if _, err := c.db.Exec(ctx, deleteConnection, actor.Workspace); err != nil {
		return fmt.Errorf("delete connection: %w", err)
	}
	return nil
}

// Connect returns how the team of a charge reaches models; it is ModelConfig.Connect.
// A team that has connected no AI, and only such a team, reaches the demo model: where
// a connection does not work that is said, not played over. fault.Conflict with code
// no_ai where it reaches none, key_unreadable where the kept key cannot be opened.
func (c *Connections) Connect(ctx context.Context, charge Charge) (Connection, error) {
	row, err := c.read(ctx, charge.Actor.Workspace)
	if NotConnected(err) && c.demo.BaseURL != "" {
		return Connection{Payer: Nobody, Endpoint: c.demo}, nil
	}
	if err != nil {
		return Connection{}, err
	}
	return c.open(ctx, charge.Actor.Workspace, row)
}

func (c *Connections) open(ctx context.Context, w account.WorkspaceID, row connectionRow) (Connection, error) {
	conn := Connection{Payer: OwnKey, Workspace: row.Roles, Endpoint: llm.Endpoint{
		Name: row.Name, BaseURL: row.BaseURL, Auth: row.Auth, Models: row.connected().Models, RateCard: row.RateCard,
		Lenient: row.Preset != Anthropic && row.Preset != Installation, Known: row.Known,
	}}
	switch {
	case row.Preset == Installation:
		offered, err := c.Offered(ctx, w)
		if err != nil {
			return Connection{}, err
		}
		if !offered {
			return Connection{}, fault.New(fault.Conflict, noAI, "The key of this installation is gone, or serves you no longer. Connect an AI of your own.")
		}
		conn.Endpoint.Key = c.operator
		if conn.Operator, err = operatorRoles(ctx, c.db); err != nil {
			return Connection{}, err
		}
	case row.SealedKey != nil:
		key, err := c.box.Open(keyPurpose, row.SealedKey, tiedTo(w, row.BaseURL))
		if err != nil {
			return Connection{}, fault.New(fault.Conflict, "key_unreadable", "The key that is kept here cannot be read any more: the secret of this installation has changed. Enter the key again.").Because(err)
		}
		conn.Endpoint.Key = config.NewSecret(string(key))
	}
	return conn, nil
}
