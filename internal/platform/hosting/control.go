package hosting

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/platform/sandbox"

	"github.com/jackc/pgx/v5"
)

// Stop ends the instance of an app, wherever it runs, with its data saved. One that
// does not run is stopped already.
func (h *Host) Stop(ctx context.Context, label string) error { return h.end(ctx, label, "stop") }

// outdate is Stop unless what runs is what should.
func (h *Host) outdate(ctx context.Context, label string) error { return h.end(ctx, label, "outdate") }

// end stops an instance and waits until its lease is given back. An owner that does
// not answer loses it by itself.
func (h *Host) end(ctx context.Context, label, verb string) error {
	for {
		r, err := h.read(ctx, label)
		if err != nil || !r.leased {
			return err
		}
		h.mu.Lock()
		here := h.instances[label]
		h.mu.Unlock()
		switch {
		case here != nil && (verb == "stop" || here.Revision != r.Revision):
			here.stop(errOutdated)
			select {
			case <-here.done:
			case <-ctx.Done():
				return fmt.Errorf("stop app: %w", ctx.Err())
			}
			return nil
		case here != nil:
			return nil
		case r.owner != h.cfg.Name:
			h.forget(label)
			if err := h.peer.ask(ctx, r, verb); err == nil {
				return nil
			}
		}
		pause(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("stop app: %w", ctx.Err())
		}
	}
}

// Limits are what each app may use.
func (h *Host) Limits() sandbox.Limits { return h.cfg.Limits }

// Most is how many apps may run on one machine.
func (h *Host) Most() int { return h.cfg.Most }

// Live is an app that runs or starts somewhere, for whoever operates the
// installation.
type Live struct {
	App
	Standing  Standing
	Machine   string
	Owner     string    // the process
	UsedAt    time.Time // when somebody used it last
	Memory    int64     // bytes now
	Disk      int64     // bytes of its cage now
	Processes int
	CPU       time.Duration // since it was started
	Crashes   int           // in a row, before this start
}

// live are the apps with a lease, the hungriest first.
const live = `
SELECT label, project_id, slot, code, command, data, state, since, machine, owner, coalesce(used_at, since), memory, disk, processes, cpu_ms, crashes
FROM hosted_app WHERE owner <> '' AND lease_until > clock_timestamp()
ORDER BY memory DESC, label`

// Live lists what runs or starts now, over all processes.
func (h *Host) Live(ctx context.Context) ([]Live, error) {
	rows, err := h.cfg.DB.Query(ctx, live)
	if err != nil {
		return nil, fmt.Errorf("ask for running apps: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Live, error) {
		var l Live
		var cpu int64
		err := row.Scan(&l.Label, &l.Project, &l.Slot, &l.Code, &l.Command, &l.Data, &l.Standing.State, &l.Standing.Since, &l.Machine, &l.Owner,
			&l.UsedAt, &l.Memory, &l.Disk, &l.Processes, &cpu, &l.Crashes)
		l.CPU = time.Duration(cpu) * time.Millisecond
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("list running apps: %w", err)
	}
	return list, nil
}
