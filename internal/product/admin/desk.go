package admin

import (
	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config is what a Desk needs; all is required.
type Config struct {
	DB    *pgxpool.Pool
	Clock clock.Clock
	IDs   *id.Source
	Flow  *flow.Engine
	Meter *meter.Meter

	Connections *meter.Connections
	Model       *meter.Model
}

// Desk is where whoever runs the installation looks after the work of all teams. It is
// safe for concurrent use.
type Desk struct{ cfg Config }

// New returns a Desk.
func New(cfg Config) *Desk { return &Desk{cfg: cfg} }

// pageSize is how many rows a page of a list has.
const pageSize = 50

// need is nil for operators.
func need(actor account.Actor) error {
	if !actor.Operator {
		return fault.New(fault.Forbidden, "operator_only", "Only whoever runs this installation can do that.")
	}
	return nil
}

// errBadCursor is a page of a list that does not exist.
func errBadCursor(err error) error {
	return fault.New(fault.Malformed, "bad_cursor", "This page of the list does not exist. Begin at its start.").Because(err)
}
