package interview

import (
	"context"
	"fmt"

	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// ContradictionID identifies a contradiction.
type ContradictionID string

// Prefix implements id.Kind.
func (ContradictionID) Prefix() string { return "con" }

// Choice is what the founder says about two answers that do not go together.
type Choice string

// The choices. Later is no answer yet, and is not asked again.
const (
	First  Choice = "first"
	Second Choice = "second"
	Both   Choice = "both" // with a reason
	Later  Choice = "later"
)

// Contradiction is a pair of answers that do not go together. First and Second are
// questions, or "idea".
type Contradiction struct {
	ID                      ContradictionID
	First, Second           string
	FirstQuote, SecondQuote string
	Clash                   string // what does not go together, in one neutral line
	Choice                  Choice // empty: the founder has not chosen
	Because                 string
}

const (
	getContradictions = `
SELECT id, first, second, first_quote, second_quote, clash, coalesce(choice, '') AS choice, because
FROM contradiction WHERE project_id = $1 ORDER BY id`
	choose = `UPDATE contradiction SET choice = $3, because = $4, chosen_by = $5, chosen_at = $6 WHERE project_id = $1 AND id = $2`
	// The same pair of words is not brought up twice.
	insertContradiction = `
INSERT INTO contradiction (id, project_id, first, second, first_quote, second_quote, clash, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`
)

func contradictionsOf(ctx context.Context, q querier, p project.ID) ([]Contradiction, error) {
	found, err := q.Query(ctx, getContradictions, p)
	if err != nil {
		return nil, fmt.Errorf("ask for contradictions: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[Contradiction])
	if err != nil {
		return nil, fmt.Errorf("read contradictions: %w", err)
	}
	if all == nil {
		all = []Contradiction{}
	}
	return all, nil
}
