package hosting

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cofounder/internal/base/fault"

	"github.com/jackc/pgx/v5"
)

// errFenced is an instance's whose lease somebody else has by now, or nobody.
var errFenced = errors.New("another process has this app now")

const claimLease = `
UPDATE hosted_app
SET owner = $2, machine = $3, address = $4, epoch = epoch + 1, lease_until = clock_timestamp() + $5,
    state = 'starting', since = clock_timestamp(), reason = '', used_at = clock_timestamp()
WHERE label = $1 AND (owner = '' OR lease_until <= clock_timestamp()) AND coalesce(retry_at <= clock_timestamp(), true)
RETURNING ` + columns

// claim takes the lease on an app and begins its instance; nil when somebody else has
// it.
func (h *Host) claim(ctx context.Context, label string) (*instance, error) {
	r, err := h.one(ctx, claimLease, label, h.cfg.Name, h.cfg.Machine, h.peer.address, leaseFor)
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	i := newInstance(h, r)
	if h.closed {
		i.stop(errStopped) // run gives the lease back
	}
	h.instances[label] = i
	delete(h.routes, label)
	// It outlives whoever asked first.
	h.work.Go(func() { i.run(context.WithoutCancel(ctx)) })
	return i, nil
}

// beat renews leases until ctx ends.
func (h *Host) beat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.renew(ctx)
		}
	}
}

const renewLeases = `
UPDATE hosted_app a
SET lease_until = clock_timestamp() + $2, used_at = clock_timestamp() - u.idle,
    memory = u.memory, disk = u.disk, processes = u.processes, cpu_ms = u.cpu_ms
FROM unnest($3::text[], $4::bigint[], $5::interval[], $6::bigint[], $7::bigint[], $8::integer[], $9::bigint[])
     AS u(label, epoch, idle, memory, disk, processes, cpu_ms)
WHERE a.label = u.label AND a.epoch = u.epoch AND a.owner = $1
RETURNING a.label, a.revision`

// renew extends the leases of all instances, kills those that lost theirs, and stops
// those that are outdated or that nobody uses.
func (h *Host) renew(ctx context.Context) {
	h.mu.Lock()
	instances, last := maps.Clone(h.instances), h.beaten
	h.mu.Unlock()
	began := now()
	revisions, err := h.renewed(ctx, instances)
	if err != nil {
		if ctx.Err() == nil {
			h.cfg.Log.WarnContext(ctx, "leases of apps not renewed", "err", err)
		}
		if now().Sub(last) >= giveUp {
			for _, i := range instances {
				i.kill(errFenced)
			}
		}
		return
	}
	h.mu.Lock()
	h.beaten = began
	h.mu.Unlock()
	for label, i := range instances {
		switch revision, ours := revisions[label]; {
		case !ours:
			i.kill(errFenced)
		case revision != i.Revision:
			i.stop(errOutdated)
		case i.idle() >= h.cfg.Idle:
			i.stop(errIdle)
		}
	}
}

func (h *Host) renewed(ctx context.Context, instances map[string]*instance) (map[string]int64, error) {
	if len(instances) == 0 {
		return map[string]int64{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	labels := slices.Sorted(maps.Keys(instances)) // one order of locks for all
	n := len(labels)
	epochs, idles := make([]int64, n), make([]time.Duration, n)
	memory, disk, cpu, processes := make([]int64, n), make([]int64, n), make([]int64, n), make([]int32, n)
	for at, label := range labels {
		i := instances[label]
		use := i.use()
		epochs[at], idles[at] = i.epoch, i.idle()
		memory[at], disk[at], cpu[at], processes[at] = use.Memory, use.Disk, use.CPU.Milliseconds(), int32(min(use.Processes, 1<<30)) //nolint:gosec // it is bounded
	}
	rows, err := h.cfg.DB.Query(ctx, renewLeases, h.cfg.Name, leaseFor, labels, epochs, idles, memory, disk, processes, cpu)
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	revisions := map[string]int64{}
	var label string
	var revision int64
	_, err = pgx.ForEachRow(rows, []any{&label, &revision}, func() error {
		revisions[label] = revision
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	return revisions, nil
}

// An instance's row when it runs, and when it is over. Both name the epoch.
const (
	markRunning = `
UPDATE hosted_app SET state = 'running', since = clock_timestamp(), start_ms = $3, reason = ''
WHERE label = $1 AND epoch = $2 AND owner <> ''`
	markWarned = `UPDATE hosted_app SET reason = $3 WHERE label = $1 AND epoch = $2 AND owner <> ''`
	markOver   = `
UPDATE hosted_app
SET state = $3, since = clock_timestamp(), reason = $4, crashes = $5, retry_at = clock_timestamp() + $6, output = $7,
    owner = '', address = '', machine = '', lease_until = NULL, memory = 0, disk = 0, processes = 0, cpu_ms = 0
WHERE label = $1 AND epoch = $2 AND owner <> ''`
)

// mark writes to the row of an instance; errFenced when it is its own no more.
func (h *Host) mark(ctx context.Context, sql string, args ...any) error {
	done, err := h.cfg.DB.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("write app's state: %w", err)
	}
	if done.RowsAffected() == 0 {
		return errFenced
	}
	return nil
}

const machineLoad = `
SELECT count(*) FROM hosted_app WHERE machine = $1 AND owner <> '' AND lease_until > clock_timestamp() AND label <> $2`

// makeRoom stops the app that was used least lately when as many run on this machine
// as may. It reports true when all of them are in use.
func (h *Host) makeRoom(ctx context.Context, label string) (bool, error) {
	var load int
	if err := h.cfg.DB.QueryRow(ctx, machineLoad, h.cfg.Machine, label).Scan(&load); err != nil {
		return false, fmt.Errorf("count apps: %w", err)
	}
	if load < h.cfg.Most {
		return false, nil
	}
	h.mu.Lock()
	var least *instance
	for _, i := range h.instances {
		if i.unused() && (least == nil || i.idle() > least.idle()) {
			least = i
		}
	}
	h.mu.Unlock()
	if least == nil {
		return true, nil
	}
	least.stop(errIdle)
	select {
	case <-least.done:
	case <-ctx.Done():
	}
	return false, nil
}
