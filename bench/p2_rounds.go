package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"cofounder/bench/sample"
	"cofounder/internal/platform/db/private"
)

// hire starts a worker of a name nobody had.
func (f *field) hire(ctx context.Context, change func(*duty), environ ...string) (*worker, error) {
	f.hired++
	d := duty{Address: f.pool.Config().ConnString(), Model: f.model.URL, Name: fmt.Sprint("p2-", f.hired), Slots: siegeSlots, Conns: 10}
	if change != nil {
		change(&d)
	}
	w, err := hire(ctx, f.binary, d, environ...)
	if err == nil {
		f.workers = append(f.workers, w)
	}
	return w, err
}

// pair hires two.
func (f *field) pair(ctx context.Context) (a, b *worker, err error) {
	if a, err = f.hire(ctx, nil); err == nil {
		b, err = f.hire(ctx, nil)
	}
	return a, b, err
}

// idle counts nothing when a worker has nodes.
const idle = `SELECT CASE WHEN EXISTS (SELECT FROM node WHERE worker = $1 AND state = 'running') THEN 0 ELSE 1 END`

func (f *field) busy(ctx context.Context, w *worker) error { return until(ctx, f.pool, idle, w.Name) }

// done waits until all runs of the round are over.
func (f *field) done(ctx context.Context) error { return until(ctx, f.pool, openRuns, f.project) }

// undisturbed is what everything is compared with: each plan, done in peace.
func (s *siege) undisturbed(ctx context.Context, f *field) error {
	if err := f.queue(ctx, len(plans())); err != nil {
		return err
	}
	if _, _, err := f.pair(ctx); err != nil {
		return err
	}
	return f.done(ctx)
}

// oncePassed are fault points that few passes lead by.
func oncePassed() []string {
	return []string{"flow.takeover.after", "flow.wake.inside", "meter.settle.after", "meter.settle.before"}
}

// atPoint kills one process at a fault point, at a pass the dice choose where it comes by
// often; another goes on. Each does one node at a time.
func (s *siege) atPoint(point string) func(ctx context.Context, f *field) error {
	return func(ctx context.Context, f *field) error {
		if err := f.queue(ctx, len(plans())); err != nil {
			return err
		}
		one := func(d *duty) { d.Slots = 1 }
		// What a call costs that gave no answer is settled alone.
		if strings.HasPrefix(point, "meter.settle") {
			stumbling, err := sample.ServeModel(ctx, modelPause, 2, f.seen)
			if err != nil {
				return err
			}
			defer stumbling.Close() //nolint:errcheck // nobody asks it any more
			one = func(d *duty) { d.Slots, d.Model = 1, stumbling.URL }
		}
		// There must be something to take over.
		if strings.HasPrefix(point, "flow.takeover") {
			if err := f.sacrifice(ctx, one); err != nil {
				return err
			}
		}
		pass := 1 + f.dice.IntN(3)
		if slices.Contains(oncePassed(), point) {
			pass = 1
		}
		victim, err := f.hire(ctx, one, fmt.Sprintf("FAULT=%s:%d", point, pass))
		if err != nil {
			return err
		}
		if err := f.perish(ctx, victim); err != nil {
			return err
		}
		if _, err := f.hire(ctx, one); err != nil {
			return err
		}
		return f.done(ctx)
	}
}

// sacrifice kills a worker in the middle of something.
func (f *field) sacrifice(ctx context.Context, change func(*duty)) error {
	w, err := f.hire(ctx, change)
	if err != nil {
		return err
	}
	if err := f.busy(ctx, w); err != nil {
		return err
	}
	return f.fell(ctx, w)
}

// perish waits until a worker has come to its fault point.
func (f *field) perish(ctx context.Context, w *worker) error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-w.ended:
		f.total.points++
		return f.fallen(ctx, w)
	case <-limit.C:
		f.total.missed++
		say(f.out, "p2: a worker that was to be killed lives on")
		return nil
	}
}

// randomKills kills one of two processes at random instants, again and again; a new one
// takes its place at once.
func (s *siege) randomKills(ctx context.Context, f *field) error {
	a, b, err := f.pair(ctx)
	if err != nil {
		return err
	}
	pair := []*worker{a, b}
	for range f.kills {
		if err := f.feed(ctx); err != nil {
			return err
		}
		i := f.dice.IntN(len(pair))
		pause(ctx, time.Duration(300+f.dice.IntN(1000))*time.Millisecond)
		if err := f.fell(ctx, pair[i]); err != nil {
			return err
		}
		if pair[i], err = f.hire(ctx, nil); err != nil {
			return err
		}
	}
	return f.done(ctx)
}

// feed keeps runs in line.
func (f *field) feed(ctx context.Context) error {
	var open int
	if err := f.pool.QueryRow(ctx, openRuns, f.project).Scan(&open); err != nil {
		return fmt.Errorf("count runs: %w", err)
	}
	const enough = 12
	if open >= enough {
		return nil
	}
	return f.queue(ctx, enough-open)
}

// handOver tells one of two processes to stop, again and again.
func (s *siege) handOver(ctx context.Context, f *field) error {
	a, b, err := f.pair(ctx)
	if err != nil {
		return err
	}
	pair := []*worker{a, b}
	for n := range f.handovers {
		if err := f.feed(ctx); err != nil {
			return err
		}
		leaver := pair[n%2]
		if err := f.busy(ctx, leaver); err != nil {
			return err
		}
		next, err := f.hire(ctx, nil)
		if err != nil {
			return err
		}
		fall := fall{worker: leaver.Name, how: "SIGTERM"}
		if err := f.holding(ctx, &fall); err != nil {
			return err
		}
		if err := leaver.retire(ctx); err != nil {
			return err
		}
		f.falls = append(f.falls, fall)
		pair[n%2] = next
	}
	return f.done(ctx)
}

// standStill stops a process for three times the limit, and lets it go on.
func (s *siege) standStill(ctx context.Context, f *field) error {
	if err := f.queue(ctx, 24); err != nil {
		return err
	}
	zombie, _, err := f.pair(ctx)
	if err != nil {
		return err
	}
	if err := f.busy(ctx, zombie); err != nil {
		return err
	}
	fall := fall{worker: zombie.Name, how: "SIGSTOP"}
	if err := zombie.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := f.holding(ctx, &fall); err != nil {
		return errors.Join(err, zombie.signal(syscall.SIGCONT))
	}
	f.falls = append(f.falls, fall)
	pause(ctx, f.still)
	if err := zombie.signal(syscall.SIGCONT); err != nil {
		return err
	}
	return f.done(ctx)
}

// crashes ends the database under load, twice.
func (s *siege) crashes(ctx context.Context, f *field) error {
	if err := f.queue(ctx, 40); err != nil {
		return err
	}
	a, _, err := f.pair(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		if err := f.busy(ctx, a); err != nil {
			return err
		}
		pause(ctx, time.Duration(f.dice.IntN(300))*time.Millisecond)
		if err := f.database.crash(ctx); err != nil {
			return err
		}
		f.reconnect()
	}
	return f.done(ctx)
}

// reconnect forgets our own connections, which are broken too.
func (f *field) reconnect() {
	f.pool.Reset()
	f.starter.DB.Reset()
}

// terminations ends all connections but our own, several times.
func (s *siege) terminations(ctx context.Context, f *field) error {
	if err := f.queue(ctx, 40); err != nil {
		return err
	}
	a, _, err := f.pair(ctx)
	if err != nil {
		return err
	}
	for range 4 {
		if err := f.busy(ctx, a); err != nil {
			return err
		}
		pause(ctx, time.Duration(f.dice.IntN(300))*time.Millisecond)
		if _, err := f.pool.Exec(ctx, endOthers); err != nil {
			return fmt.Errorf("end connections: %w", err)
		}
		f.reconnect()
	}
	return f.done(ctx)
}

const endOthers = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`

// clockOff lets one process live in another time, and kills the other.
func (s *siege) clockOff(by time.Duration) func(ctx context.Context, f *field) error {
	return func(ctx context.Context, f *field) error {
		if err := f.queue(ctx, 16); err != nil {
			return err
		}
		if _, err := f.hire(ctx, func(d *duty) { d.Shift = by }); err != nil {
			return err
		}
		right, err := f.hire(ctx, nil)
		if err != nil {
			return err
		}
		if err := f.busy(ctx, right); err != nil {
			return err
		}
		if err := f.fell(ctx, right); err != nil {
			return err
		}
		return f.done(ctx)
	}
}

// newer kills the present program in the middle of nodes; a later one, with one step more
// and another order, goes on with them.
func (s *siege) newer(ctx context.Context, f *field) error {
	if err := f.queue(ctx, 16); err != nil {
		return err
	}
	old, err := f.hire(ctx, nil)
	if err != nil {
		return err
	}
	if err := until(ctx, f.pool, midway, old.Name); err != nil {
		return err
	}
	if err := f.fell(ctx, old); err != nil {
		return err
	}
	if _, err := f.hire(ctx, func(d *duty) { d.Newer = true }); err != nil {
		return err
	}
	return f.done(ctx)
}

// midway counts nothing when a worker is in the middle of a node some steps of which are
// recorded.
const midway = `
SELECT CASE WHEN EXISTS (SELECT FROM node n JOIN step s ON s.node_id = n.id WHERE n.worker = $1 AND n.state = 'running' AND n.name = 'work'
    AND s.key LIKE 'turn/%') THEN 0 ELSE 1 END`

// privateDatabase is the database of an installation.
type privateDatabase struct{ in *installation }

func (p *privateDatabase) crash(ctx context.Context) error {
	status, err := private.StatusOf(filepath.Join(p.in.folder, "data"))
	if err != nil {
		return err
	}
	if status.PID == 0 {
		return errors.New("the database does not run")
	}
	if err := syscall.Kill(status.PID, syscall.SIGQUIT); err != nil { // PostgreSQL's immediate shutdown
		return fmt.Errorf("stop the database: %w", err)
	}
	for status.Running && ctx.Err() == nil {
		pause(ctx, 20*time.Millisecond)
		if status, err = private.StatusOf(filepath.Join(p.in.folder, "data")); err != nil {
			return err
		}
	}
	_, err = p.in.command(ctx, "migrate") // starts it
	return err
}
