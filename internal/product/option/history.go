package option

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5"
)

// Outcome is what a build came to.
type Outcome struct {
	Tokens llm.Tokens    // of models, all classes together
	Cost   meter.NanoUSD // after what was given back
	Took   time.Duration // of work, without waiting for the founder
}

const record = `
INSERT INTO build_record (run, tokens, nano, seconds, expected_tokens, expected_nano, expected_seconds, at)
SELECT o.run, $2, $3, $4, o.expected_tokens, o.expected_nano, o.expected_seconds, $5 FROM build_order o WHERE o.run = $1
ON CONFLICT (run) DO NOTHING`

// RecordTx writes down what a build came to that ended with a version, as a part of the
// transaction that ends it; later quotes rest on it. The same run again changes nothing.
// A run nobody ordered is fault.NotFound.
func (o *Options) RecordTx(ctx context.Context, tx pgx.Tx, run flow.RunID, out Outcome) error {
	done, err := tx.Exec(ctx, record, run, max(0, out.Tokens), max(0, out.Cost), int64(max(0, out.Took).Seconds()), o.cfg.Clock.Now())
	if err != nil {
		return fmt.Errorf("record build: %w", err)
	}
	if done.RowsAffected() > 0 {
		return nil
	}
	var ordered bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM build_order WHERE run = $1)`, run).Scan(&ordered); err != nil {
		return fmt.Errorf("look for the order of %s: %w", run, err)
	}
	if !ordered {
		return fault.New(fault.NotFound, "", "There is no such build.")
	}
	return nil
}

// mostPast is how many builds a quote rests on, the newest ones.
const mostPast = 50

// What builds came to of what was expected of them. Builds by fixed rules say nothing of
// those that ask models, nor the other way round. It is read for all teams alike: three
// numbers of nobody in particular, without which each team's first quote would stay a
// guess for good.
const readPast = `
SELECT tokens::float8 / expected_tokens AS tokens, CASE WHEN expected_nano > 0 THEN nano::float8 / expected_nano ELSE 0 END AS nano,
    seconds::float8 / expected_seconds AS minutes
FROM build_record WHERE (expected_nano = 0) = $1 ORDER BY at DESC, run LIMIT $2`

func (o *Options) past(ctx context.Context, free bool) ([]Past, error) {
	found, err := o.cfg.DB.Query(ctx, readPast, free, mostPast)
	if err != nil {
		return nil, fmt.Errorf("ask for past builds: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[Past])
	if err != nil {
		return nil, fmt.Errorf("read past builds: %w", err)
	}
	return all, nil
}
