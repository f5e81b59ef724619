package meter

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// By is what a statement has a line for each of. The texts are in the API.
type By string

// The groupings.
const (
	ByDay     By = "day" // 2026-11-23
	ByProject By = "project"
	ByRun     By = "run"
	ByModel   By = "model"
	ByRole    By = "role"
	ByUser    By = "user"
)

// column is the part of a statement's SQL that differs.
func (b By) column() (string, bool) {
	switch b {
	case ByDay:
		return "l.day::text", true
	case ByProject:
		return "l.project_id", true
	case ByRun:
		return "l.run", true
	case ByModel:
		return "l.model", true
	case ByRole:
		return "l.role", true
	case ByUser:
		return "l.starter_id", true
	}
	return "", false
}

// Line is one line of a statement: sums of the ledger.
type Line struct {
	Key        string // of what it was grouped by; "" where calls belong to none
	Calls      int    // attempts, also those that cost nothing
	Input      llm.Tokens
	CacheWrite llm.Tokens
	CacheRead  llm.Tokens
	Output     llm.Tokens
	Cost       NanoUSD // what counts: GivenBack is off it
	Weighed    Weighed
	Mistakes   NanoUSD // what our mistakes had cost
	GivenBack  NanoUSD // of that
	Uncounted  NanoUSD // billed late and counted against nobody
}

// Statement is what was spent. Total is the sum of the lines.
type Statement struct {
	Lines []Line
	Total Line
}

const (
	statementHead = `SELECT `
	statementTail = ` AS key, count(*) FILTER (WHERE l.kind = 'call') AS calls,
    coalesce(sum(l.input) FILTER (WHERE l.kind = 'call'), 0)::bigint AS input,
    coalesce(sum(l.write_5m + l.write_1h) FILTER (WHERE l.kind = 'call'), 0)::bigint AS cache_write,
    coalesce(sum(l.read) FILTER (WHERE l.kind = 'call'), 0)::bigint AS cache_read,
    coalesce(sum(l.output) FILTER (WHERE l.kind = 'call'), 0)::bigint AS output,
    sum(l.nano)::bigint AS cost, sum(l.weighed)::bigint AS weighed,
    sum(l.listed)::bigint AS mistakes, coalesce(-sum(l.nano) FILTER (WHERE l.kind = 'credit'), 0)::bigint AS given_back,
    sum(l.uncounted)::bigint AS uncounted
FROM ledger l WHERE ` + chosen + ` GROUP BY 1 ORDER BY 1`
)

// Statement sums up what the actor's team spent, as far as the actor may see it.
// fault.Invalid on by.
func (m *Meter) Statement(ctx context.Context, actor account.Actor, f Filter, by By) (Statement, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return Statement{}, err
	}
	return m.statement(ctx, actor, f, by)
}

// StatementOfAll sums up what all teams spent; operators only.
func (m *Meter) StatementOfAll(ctx context.Context, actor account.Actor, f Filter, by By) (Statement, error) {
	all, err := everyone(actor)
	if err != nil {
		return Statement{}, err
	}
	return m.statement(ctx, all, f, by)
}

func (m *Meter) statement(ctx context.Context, actor account.Actor, f Filter, by By) (Statement, error) {
	column, ok := by.column()
	if !ok {
		return Statement{}, fault.OnField("by", "Choose day, project, run, model, role or user.")
	}
	rows, err := m.db.Query(ctx, statementHead+column+statementTail, f.args(actor))
	if err != nil {
		return Statement{}, fmt.Errorf("read statement: %w", err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByName[Line])
	if err != nil {
		return Statement{}, fmt.Errorf("read statement: %w", err)
	}
	s := Statement{Lines: lines}
	for _, l := range lines {
		s.Total.add(l)
	}
	return s, nil
}

// GroupedBy sums up lines again, by another key of each; the dearest first.
func (s Statement) GroupedBy(key func(string) string) []Line {
	sums := map[string]Line{}
	for _, l := range s.Lines {
		sum := sums[key(l.Key)]
		sum.Key = key(l.Key)
		sum.add(l)
		sums[sum.Key] = sum
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b Line) int { return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(a.Key, b.Key)) })
}

func (l *Line) add(o Line) {
	l.Calls += o.Calls
	l.Input += o.Input
	l.CacheWrite += o.CacheWrite
	l.CacheRead += o.CacheRead
	l.Output += o.Output
	l.Cost += o.Cost
	l.Weighed += o.Weighed
	l.Mistakes += o.Mistakes
	l.GivenBack += o.GivenBack
	l.Uncounted += o.Uncounted
}

// Failures is how often calls of one model failed in one way.
type Failures struct {
	Endpoint string
	Model    string
	Kind     llm.Kind
	Reason   llm.Reason
	Count    int
	Last     time.Time
}

const listFailures = `
SELECT l.endpoint, l.model, l.failure AS kind, l.reason, count(*) AS count, max(l.at) AS last
FROM ledger l
WHERE l.kind = 'call' AND l.failure <> '' AND l.at >= $1 AND l.day >= $1::date - 1
GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC, max(l.at) DESC, 1, 2, 3, 4`

// FailuresOfAll lists how calls of all teams failed since an instant, most frequent
// first; operators only.
func (m *Meter) FailuresOfAll(ctx context.Context, actor account.Actor, since time.Time) ([]Failures, error) {
	if _, err := everyone(actor); err != nil {
		return nil, err
	}
	rows, err := m.db.Query(ctx, listFailures, since.UTC())
	if err != nil {
		return nil, fmt.Errorf("list failures: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Failures])
	if err != nil {
		return nil, fmt.Errorf("list failures: %w", err)
	}
	return list, nil
}
