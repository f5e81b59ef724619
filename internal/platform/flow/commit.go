package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"cofounder/internal/base/faultpoint"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// commit is one transaction of a node: what flow writes, what the caller adds.
type commit struct {
	what string
	// write queues flow's own statements, the fence first.
	write func(b *pgx.Batch)
	// then does what needs answers, before what the caller adds in this way: events
	// come last. May be nil.
	then func(ctx context.Context, tx pgx.Tx) error
	// fill collects what the caller adds.
	fill func(*Commit) error
	// written tells whether it was written after all, when the connection broke.
	written func(ctx context.Context) (bool, error)
}

// retryEvery is the pause before a commit is tried again on a new connection.
const retryEvery = 100 * time.Millisecond

// commit writes c. A connection that breaks is no reason to lose what was paid for: it
// is tried again for commitTime, also when ctx is over; the fence decides. When nothing
// was written the caller's Otherwise are done.
func (e *Engine) commit(ctx context.Context, c commit) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	for {
		added := &Commit{}
		c.write(&added.Batch)
		err := c.fill(added)
		if err == nil {
			var again bool
			if again, err = e.try(ctx, c, added); again {
				continue
			}
		}
		if err == nil {
			return nil
		}
		return errors.Join(explain(c.what, err), otherwise(ctx, added))
	}
}

// try writes c once and asks what became of it when the connection broke; again says that
// nothing was written and the server answers, or that another transaction was preferred:
// somebody locked in another order, and what was paid for is not lost to that.
func (e *Engine) try(ctx context.Context, c commit, added *Commit) (again bool, err error) {
	faultpoint.At("flow.commit.before")
	err = e.send(ctx, c, added)
	faultpoint.At("flow.commit.after")
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == deadlock {
		return ctx.Err() == nil, err
	}
	if err == nil || !broken(err) {
		return false, err
	}
	written, err := e.afterBreak(ctx, c, err)
	return err == nil && !written, err
}

// explain turns the refusal of the fence into ErrFenced.
func explain(what string, err error) error {
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == fenced {
		return fmt.Errorf("%s: %w", what, ErrFenced)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func otherwise(ctx context.Context, c *Commit) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	var errs []error
	for _, do := range c.otherwise {
		errs = append(errs, do(ctx))
	}
	return errors.Join(errs...)
}

// send writes everything in one exchange when nothing asks in between: statements sent
// together are one transaction.
func (e *Engine) send(ctx context.Context, c commit, added *Commit) error {
	if c.then == nil && len(added.inTx) == 0 {
		return e.cfg.DB.SendBatch(ctx, &added.Batch).Close()
	}
	return db.InTx(ctx, e.cfg.DB, func(tx pgx.Tx) error {
		if err := tx.SendBatch(ctx, &added.Batch).Close(); err != nil {
			return err
		}
		if c.then != nil {
			if err := c.then(ctx, tx); err != nil {
				return err
			}
		}
		for _, do := range added.inTx {
			if err := do(ctx, tx); err != nil {
				if tx.Conn().IsClosed() {
					return err
				}
				return refusalError{err}
			}
		}
		faultpoint.At("flow.commit.inside")
		return nil
	})
}

// refusalError is what a function of the caller returned in a transaction whose
// connection stands: its own words, whatever they look like.
type refusalError struct{ error }

// Unwrap makes the caller's error findable.
func (r refusalError) Unwrap() error { return r.error }

// awayError says that a statement of flow's own did not reach the database. Whoever gets
// it did nothing wrong, so the node is given back. What a handler's own calls ran into
// never becomes one, though time-outs and refused connections look alike: it would be
// done, and paid, again and again.
type awayError struct{ error }

// Unwrap makes the cause findable.
func (a awayError) Unwrap() error { return a.error }

// isAway reports whether err came of a statement of flow's own that did not reach the
// database.
func isAway(err error) bool { return errors.As(err, &awayError{}) }

// own marks err, of a statement of flow's own, if the database was away.
func own(ctx context.Context, err error) error {
	if ctx.Err() == nil && broken(err) {
		return awayError{err}
	}
	return err
}

// broken reports whether err, of a statement of flow's own, is about the connection and
// not about what was asked.
func broken(err error) bool {
	if errors.As(err, &refusalError{}) {
		return false
	}
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) {
		return refused.Code == idleInTransaction || db.Unavailable(err)
	}
	if network := net.Error(nil); errors.As(err, &network) {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || db.Unavailable(err)
}

// idleInTransaction is the SQLSTATE of a session that was cut because this process
// stood still inside a transaction.
const idleInTransaction = "25P03"

// deadlock is the SQLSTATE of a transaction that was undone to let another go on.
const deadlock = "40P01"

// afterBreak waits until the server answers again and says whether c was written. The
// error is the first one, as an awayError, when that takes too long.
func (e *Engine) afterBreak(ctx context.Context, c commit, first error) (bool, error) {
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, awayError{first}
		case <-tick.C:
		}
		written, err := c.written(ctx)
		if err == nil {
			return written, nil
		}
		if !broken(err) {
			return false, errors.Join(first, err)
		}
	}
}
