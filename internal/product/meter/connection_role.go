package meter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"

	"github.com/jackc/pgx/v5"
)

// Roles lists the roles that can be given another model, in the order in which they
// come up in a project.
func Roles() []Role {
	return []Role{Interviewer, Writer, Architect, Coder, Debugger, Reviewer, Relevance, Confidence, Names, CommitSubjects}
}

// Played is which model plays a role, and why it does.
type Played struct {
	Role  Role
	Class llm.Class
	// Model is the one that is asked; "" while the class has none.
	Model string
	// Usual is the one of the class.
	Usual string
	// Own is the team's choice, Operator that of whoever runs this installation; each
	// "" for none. Who is heard is said at Connection.
	Own, Operator string
}

// played says who plays each role on this connection.
func (c Connection) played() ([]Played, error) {
	var list []Played
	for _, role := range Roles() {
		class, err := c.Class(role)
		if err != nil {
			return nil, err
		}
		p := Played{Role: role, Class: class, Usual: c.Endpoint.Models[class], Own: c.Workspace[role], Operator: c.Operator[role]}
		if p.Model, err = c.Model(role); err != nil && !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// Roles tells which model plays each role for the actor's team, in the order of Roles.
// fault.Conflict with code no_ai where the team has connected none.
func (c *Connections) Roles(ctx context.Context, actor account.Actor) ([]Played, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return nil, err
	}
	row, err := c.read(ctx, actor.Workspace)
	if err != nil {
		return nil, err
	}
	conn, err := c.open(ctx, actor.Workspace, row)
	if err != nil {
		return nil, err
	}
	return conn.played()
}

// The connection must still be the one the choice was made for. What the last test said
// about the cost is said anew.
const saveRoles = `
UPDATE ai_connection SET roles = $2, test = jsonb_set(test, '{estimate}', $4)
WHERE workspace_id = $1 AND base_url = $3`

// SetRoles has the actor's team ask other models for single roles, and the usual ones
// for all others; who may is as for Save. A model without a price is refused here
// already: fault.Invalid on the name of the role.
func (c *Connections) SetRoles(ctx context.Context, m *Model, actor account.Actor, chosen map[Role]string) error {
	if err := c.mayChange(ctx, actor); err != nil {
		return err
	}
	row, err := c.read(ctx, actor.Workspace)
	if err != nil {
		return err
	}
	card, err := m.card(row.RateCard)
	if err != nil {
		return err
	}
	if chosen, err = c.checkedRoles(card, chosen); err != nil {
		return err
	}
	row.Roles = chosen
	conn, err := c.open(ctx, actor.Workspace, row)
	if err != nil {
		return err
	}
	tag, err := c.db.Exec(ctx, saveRoles, actor.Workspace, chosen, row.BaseURL, conn.estimate(card, c.clock.Now()))
	if err != nil {
		return fmt.Errorf("save roles: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "connection_changed", "The AI was connected anew meanwhile. Look at how it stands, and choose again.")
	}
	return nil
}

// checkedRoles returns the choices without the empty ones.
func (c *Connections) checkedRoles(card *Card, chosen map[Role]string) (map[Role]string, error) {
	var f form.Form
	kept := map[Role]string{}
	for role, model := range chosen {
		if !slices.Contains(Roles(), role) {
			f.Refuse("roles", "There is no role "+string(role)+".")
			continue
		}
		if model = f.Line(string(role), model, 0, 200); model == "" {
			continue
		}
		if _, err := card.Price(model, c.clock.Now()); err != nil {
			f.Refuse(string(role), fault.Of(err).Detail)
		}
		kept[role] = model
	}
	return kept, f.Err()
}

const readOperatorRoles = `SELECT role, model FROM operator_role`

// operatorRoles are the operator's choices, as q sees them.
func operatorRoles(ctx context.Context, q querier) (map[Role]string, error) {
	rows, err := q.Query(ctx, readOperatorRoles)
	if err != nil {
		return nil, fmt.Errorf("read operator's roles: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Role  Role
		Model string
	}])
	if err != nil {
		return nil, fmt.Errorf("read operator's roles: %w", err)
	}
	chosen := map[Role]string{}
	for _, one := range list {
		chosen[one.Role] = one.Model
	}
	return chosen, nil
}

// OperatorRoles tells which models the operator has chosen for single roles, in the
// order of Roles; operators only.
func (c *Connections) OperatorRoles(ctx context.Context, actor account.Actor) ([]Played, error) {
	if _, err := everyone(actor); err != nil {
		return nil, err
	}
	chosen, err := operatorRoles(ctx, c.db)
	if err != nil {
		return nil, err
	}
	conn := Connection{Endpoint: llm.Endpoint{Models: DefaultModels()}, Payer: OnPlan, Operator: chosen}
	return conn.played()
}

const (
	lockOperatorRoles = `LOCK TABLE operator_role IN SHARE ROW EXCLUSIVE MODE` // two at once: one after the other
	dropOperatorRoles = `DELETE FROM operator_role`
	addOperatorRoles  = `
INSERT INTO operator_role (role, model, set_by, set_at)
SELECT c.role, c.model, $3, $4 FROM unnest($1::text[], $2::text[]) AS c (role, model)`
)

// SetOperatorRoles chooses other models for single roles wherever the key of this
// installation pays; operators only, as ConnectionsConfig.Fresh says. fault.Invalid as
// with SetRoles, by the built-in prices. What is told writes down who did it and why,
// given the choices before and after; it is part of the same transaction, and its error
// takes the choice back.
func (c *Connections) SetOperatorRoles(
	ctx context.Context, m *Model, actor account.Actor, chosen map[Role]string, told func(tx pgx.Tx, before, after map[Role]string) error,
) error {
	if _, err := everyone(actor); err != nil {
		return err
	}
	if err := c.fresh(ctx, actor); err != nil {
		return err
	}
	card, err := m.card(AnthropicCard)
	if err != nil {
		return err
	}
	if chosen, err = c.checkedRoles(card, chosen); err != nil {
		return err
	}
	return db.InTx(ctx, c.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockOperatorRoles); err != nil {
			return fmt.Errorf("lock operator's roles: %w", err)
		}
		before, err := operatorRoles(ctx, tx)
		if err != nil {
			return err
		}
		if err := replaceRolesTx(ctx, tx, c.clock.Now(), actor.User, chosen); err != nil {
			return err
		}
		return told(tx, before, chosen)
	})
}

func replaceRolesTx(ctx context.Context, tx pgx.Tx, at time.Time, by account.UserID, chosen map[Role]string) error {
	var roles, models []string
	for role, model := range chosen {
		roles, models = append(roles, string(role)), append(models, model)
	}
	if _, err := tx.Exec(ctx, dropOperatorRoles); err != nil {
		return fmt.Errorf("drop operator's roles: %w", err)
	}
	if _, err := tx.Exec(ctx, addOperatorRoles, roles, models, by, at); err != nil {
		return fmt.Errorf("save operator's roles: %w", err)
	}
	return nil
}
