package hosting

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/platform/sandbox"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Where an app finds things.
const (
	// Port is where an app must answer HTTP, told as PORT.
	Port = 8080
	// DataFolder is what is kept, below the workspace, told as DATA_DIR.
	DataFolder = "data"
)

const (
	// leaseFor is how long an owner that says nothing is believed; it says something
	// every beatEvery, and gives up what it runs when it could not for giveUp.
	leaseFor  = 5 * time.Second
	beatEvery = time.Second
	giveUp    = 3500 * time.Millisecond
	// lookEvery is how often an app that starts elsewhere is looked at.
	lookEvery = 150 * time.Millisecond
	// firstStart is what a start takes when nothing is known of it.
	firstStart = 8 * time.Second
	// stopTime bounds stopping all apps with their data saved.
	stopTime = 20 * time.Second

	// Standards of Config.
	idleStandard = 15 * time.Minute
	mostStandard = 12
	dataStandard = 128 << 20
	saveStandard = time.Minute
)

// Config is what a Host needs. DB, Clock, Log, Code, Name and Key are required.
type Config struct {
	DB    *pgxpool.Pool
	Clock clock.Clock // the database's time
	Log   *slog.Logger
	// Driver makes cages; nil runs nothing here, and Why says why in plain words.
	Driver sandbox.Driver
	Why    string
	// Code returns the files that a code of an app names.
	Code func(ctx context.Context, project, code string) (fs.FS, error)
	// Name is this process's own among all there ever are; Machine is the same for all
	// processes of one computer.
	Name, Machine string
	// PeerAddr is where other processes reach this one, as host:port. Empty is a free
	// port for processes of this computer only.
	PeerAddr string
	// Key is the same for all processes of an installation, and known to no other.
	Key ed25519.PrivateKey
	// Most is how many apps run on this machine at once; 0 is 12.
	Most int
	// Idle is how long an app runs on while nobody uses it; 0 is 15 minutes.
	Idle time.Duration
	// Save is how often changed data are saved; 0 is a minute.
	Save time.Duration
	// DataCap bounds a data set in bytes; 0 is 128 MB.
	DataCap int64
	// Limits of an app's cage; a zero field is sandbox.Serving's.
	Limits sandbox.Limits
}

// Host keeps apps running. Make one with New, give it a goroutine with Run, end it
// with Close. It is safe for concurrent use.
type Host struct {
	cfg  Config
	peer *peer

	mu        sync.Mutex
	instances map[string]*instance // by label, those that run or start here
	routes    map[string]route     // to those that run elsewhere
	closed    bool
	work      sync.WaitGroup // of the instances
	beaten    time.Time      // when the leases were renewed last, by the computer's clock
}

// New returns a Host that listens for its peers.
func New(ctx context.Context, cfg Config) (*Host, error) {
	if cfg.DB == nil || cfg.Clock == nil || cfg.Log == nil || cfg.Code == nil || cfg.Name == "" || len(cfg.Key) == 0 {
		return nil, errors.New("hosting: incomplete Config")
	}
	cfg.Most = orStandard(cfg.Most, mostStandard)
	cfg.Idle = orStandard(cfg.Idle, idleStandard)
	cfg.Save = orStandard(cfg.Save, saveStandard)
	cfg.DataCap = orStandard(cfg.DataCap, dataStandard)
	cfg.Limits = cfg.Limits.Or(sandbox.Serving())
	h := &Host{cfg: cfg, instances: map[string]*instance{}, routes: map[string]route{}, beaten: now()}
	var err error
	if h.peer, err = listenPeer(ctx, h); err != nil {
		return nil, err
	}
	return h, nil
}

func orStandard[T int | int64 | time.Duration](value, standard T) T {
	if value == 0 {
		return standard
	}
	return value
}

// now is the operating system's time: for pauses and idling, not for what is agreed on.
func now() time.Time { return clock.System{}.Now() }

// Run renews leases and answers other processes until ctx ends. What runs goes on
// until Close.
func (h *Host) Run(ctx context.Context) {
	var peers sync.WaitGroup
	peers.Go(func() { h.peer.serve(ctx) })
	h.beat(ctx)
	peers.Wait()
}

// Close stops all instances, their data saved, and gives their leases back.
func (h *Host) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	h.mu.Lock()
	h.closed = true
	for _, i := range h.instances {
		i.stop(errStopped)
	}
	h.mu.Unlock()
	done := make(chan struct{})
	go func() { h.work.Wait(); close(done) }()
	// The leases of what still stops must last.
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return h.peer.close()
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("stop apps: %w", ctx.Err()), h.peer.close())
		case <-tick.C:
			h.renew(ctx)
		}
	}
}

// Wake starts the app of a label unless it runs somewhere, waits until it runs or
// cannot, at most until ctx ends, and returns how it stands then. An app nobody knows
// is fault.NotFound.
func (h *Host) Wake(ctx context.Context, label string) (Standing, error) {
	for {
		st, settled, err := h.try(ctx, label)
		if err != nil && ctx.Err() == nil {
			return Standing{}, err
		}
		if settled {
			return st, nil
		}
		if ctx.Err() != nil {
			// It goes on without whoever asked.
			detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatEvery)
			defer cancel()
			st, err := h.Standing(detached, label)
			if st.State == Running || st.State == Stopped {
				st.State = Starting // not reached yet
			}
			return st, err
		}
	}
}

// try looks once where an app stands and does what comes next. Unsettled means that
// time has passed and things may have changed.
func (h *Host) try(ctx context.Context, label string) (Standing, bool, error) {
	h.mu.Lock()
	here, known := h.instances[label], h.routes[label]
	h.mu.Unlock()
	if here != nil {
		return here.wait(ctx)
	}
	if known.fresh() {
		return Standing{State: Running, Since: known.since}, true, nil
	}
	r, err := h.read(ctx, label)
	if err != nil {
		return Standing{}, false, err
	}
	if r.leased && r.owner != h.cfg.Name {
		return h.elsewhere(ctx, r)
	}
	st := r.standing()
	switch at := h.cfg.Clock.Now(); {
	case st.State == Crashed && at.Before(st.RetryAt):
		return st, true, nil
	case h.cfg.Driver == nil:
		return Standing{State: Refused, Since: at, Reason: h.cfg.Why}, true, nil
	}
	full, err := h.makeRoom(ctx, label)
	if err != nil {
		return Standing{}, false, err
	}
	if full {
		return Standing{State: Refused, Since: h.cfg.Clock.Now(), Reason: tooMany}, true, nil
	}
	i, err := h.claim(ctx, label)
	if err != nil || i == nil {
		pause(ctx) // somebody else was faster
		return Standing{}, false, err
	}
	return i.wait(ctx)
}

// elsewhere waits for an app that another process runs.
func (h *Host) elsewhere(ctx context.Context, r record) (Standing, bool, error) {
	if r.state.State == Running {
		if err := h.peer.reach(ctx, r); err == nil {
			h.mu.Lock()
			h.routes[r.Label] = route{record: r, since: r.state.Since, until: now().Add(routeFor)}
			h.mu.Unlock()
			return r.state, true, nil
		}
	}
	// It starts, stops, or its owner is gone and the lease will be over soon.
	pause(ctx)
	return Standing{}, false, nil
}

// dials is how often a connection is tried before an app counts as unreachable.
const dials = 10

// routeFor is how long another process is believed to run an app; a connection that
// fails ends it.
const routeFor = 2 * time.Second

// route is where an app runs that does not run here.
type route struct {
	record
	since, until time.Time
}

func (r route) fresh() bool { return r.Label != "" && now().Before(r.until) }

// pause waits a little before the next look, or until ctx ends.
func pause(ctx context.Context) {
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Dial connects to a running app, wherever it runs. One that stopped meanwhile is
// started again.
func (h *Host) Dial(ctx context.Context, label string) (net.Conn, error) {
	for range dials {
		st, err := h.Wake(ctx, label)
		if err != nil {
			return nil, err
		}
		if st.State != Running {
			return nil, fault.New(fault.Unavailable, "app_"+string(st.State), "The app does not run now.")
		}
		h.mu.Lock()
		here, there := h.instances[label], h.routes[label]
		h.mu.Unlock()
		var conn net.Conn
		switch {
		case here != nil:
			conn, err = here.dial(ctx)
		case there.Label != "":
			conn, err = h.peer.dial(ctx, there.record)
		default:
			continue
		}
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		h.forget(label)
		pause(ctx) // an end takes a moment to be noticed
	}
	return nil, fault.New(fault.Unavailable, "app_unreached", "The app cannot be reached now.")
}

// forget drops the route to an app, so that the next look finds where it is now.
func (h *Host) forget(label string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.routes, label)
}
