package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// How quickly things are noticed. Everything that processes must agree on is measured by
// the database's clock.
const (
	beatEvery     = time.Second
	deadAfter     = 5 * time.Second        // without a beat others take over
	stopAfter     = 4 * time.Second        // without a beat a worker stops its own nodes
	watchEvery    = 250 * time.Millisecond // takeover, stopped nodes, lost jobs
	wakeEvery     = time.Second
	dispatchEvery = 100 * time.Millisecond // and at once when poked
	repairEvery   = 5 * time.Second
	lookTime      = 3 * time.Second  // bounds one of these looks
	commitTime    = 30 * time.Second // how long a result is tried to be kept
	finishTime    = 60 * time.Second // what was paid for may finish while draining
	riverTime     = 5 * time.Second  // and plain jobs after that
)

// Config is what an Engine needs.
type Config struct {
	DB    *pgxpool.Pool
	Clock clock.Clock // for durations; instants come from the database
	IDs   *id.Source
	Log   *slog.Logger
	// Worker names this process among all that work; empty: a fresh id. The same
	// name twice at a time is refused.
	Worker string
	// Slots is how many nodes this process does at a time; default 8.
	Slots int
	// MaxWaiting is the operator's cap: while as many runs of a kind are in line and
	// have not begun, StartTx refuses another. 0 is no cap.
	MaxWaiting int
	// Admit, if any, is asked when a node starts. A reason pauses the run instead,
	// for example because its starter was suspended.
	Admit func(ctx context.Context, n *Node) (why Reason, err error)
}

// Engine starts, delivers and watches runs. It is safe for concurrent use. Every
// process has one; those that work Start it.
type Engine struct {
	cfg      Config
	client   *river.Client[pgx.Tx] // inserts; working after Start
	kinds    map[Kind]Handlers
	workers  *river.Workers
	periodic []*river.PeriodicJob
	instance string

	kick     chan struct{}   // wakes the dispatcher
	look     chan struct{}   // wakes the watch
	draining context.Context //nolint:containedctx // its end is the message; it carries nothing else
	drain    context.CancelFunc
	lost     atomic.Bool // no beat for too long: nothing may be claimed
	live     live
	medians  medians

	mu       sync.Mutex
	started  bool
	stopping sync.Once
	stopped  chan struct{}
	loops    sync.WaitGroup
	halt     context.CancelFunc // ends the loops
}

// New returns an Engine that can start, answer and read runs. It works on none before
// Start.
func New(cfg Config) (*Engine, error) {
	if cfg.Slots == 0 {
		cfg.Slots = 8
	}
	if cfg.Worker == "" {
		cfg.Worker = string(id.Mint[workerID](cfg.IDs))
	}
	client, err := river.NewClient(riverpgxv5.New(cfg.DB), &river.Config{Logger: riverLog(cfg.Log)})
	if err != nil {
		return nil, fmt.Errorf("open the job queue: %w", err)
	}
	e := &Engine{
		cfg: cfg, client: client, kinds: map[Kind]Handlers{}, workers: river.NewWorkers(),
		instance: string(id.Mint[workerID](cfg.IDs)),
		kick:     make(chan struct{}, 1), look: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	e.draining, e.drain = context.WithCancel(context.Background()) //nolint:forbidigo // a signal of the engine's own, ended by Stop
	e.live.claims = map[NodeID]*claim{}
	return e, nil
}

// workerID is the id of a process that was given no name.
type workerID string

// Prefix implements id.Kind.
func (workerID) Prefix() string { return "wrk" }

// Register names the handlers of a kind of run. It panics after Start and on a kind that
// is registered already.
func (e *Engine) Register(kind Kind, handlers Handlers) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, twice := e.kinds[kind]; twice || e.started {
		panic(fmt.Sprintf("flow: kind %q is registered twice or after Start", kind))
	}
	e.kinds[kind] = handlers
}

// leaving reports whether this process is being stopped.
func (e *Engine) leaving() bool { return e.draining.Err() != nil }

// handler finds who does a node; names are kind/node.
func (e *Engine) handler(kind Kind, node string) (Handler, bool) {
	h, ok := e.kinds[kind][node]
	return h, ok
}

// known lists what this process can do, as node.handler has it.
func (e *Engine) known() []string {
	names := []string{} // not NULL for the database
	for kind, handlers := range e.kinds {
		for node := range handlers {
			names = append(names, string(kind)+"/"+node)
		}
	}
	slices.Sort(names)
	return names
}

// Worker is the name of this process among those that work.
func (e *Engine) Worker() string { return e.cfg.Worker }

// Start makes this process one that works: nodes of the registered kinds, plain jobs,
// and watching over the others. It returns when it is ready; ctx bounds only that. A name
// that another living process has is a fault.Conflict. Stop ends it.
func (e *Engine) Start(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started {
		return errors.New("start worker: it is started")
	}
	client, err := e.workingClient()
	if err != nil {
		return err
	}
	if err := e.join(ctx); err != nil {
		return err
	}
	running, halt := context.WithCancel(context.WithoutCancel(ctx))
	if err := client.Start(running); err != nil {
		halt()
		return fmt.Errorf("start worker: %w", errors.Join(err, e.leave(context.WithoutCancel(ctx))))
	}
	e.client, e.started, e.halt = client, true, halt
	e.loops.Go(func() { e.beats(running) })
	e.loops.Go(func() { e.every(running, watchEvery, e.look, "watch", e.watch) })
	e.loops.Go(func() { e.every(running, wakeEvery, nil, "wake", e.wake) })
	e.loops.Go(func() { e.every(running, repairEvery, nil, "repair", e.repair) })
	e.loops.Go(func() { e.every(running, dispatchEvery, e.kick, "dispatch", e.dispatch) })
	return nil
}

// Stop ends the work of this process: nothing more is claimed, tools stop at once, what
// was paid for may finish for at most a minute, nodes are given back at their next step.
// It returns when all that has happened and is safe to call twice, or without Start.
// When ctx ends first it cuts what is left off.
func (e *Engine) Stop(ctx context.Context) error {
	e.mu.Lock()
	started := e.started
	e.mu.Unlock()
	e.drain()
	if !started {
		return nil
	}
	var err error
	e.stopping.Do(func() {
		defer close(e.stopped)
		err = e.stop(ctx)
	})
	<-e.stopped
	return err
}

func (e *Engine) stop(ctx context.Context) error {
	detached := context.WithoutCancel(ctx)
	if err := e.retire(ctx); err != nil {
		e.cfg.Log.WarnContext(ctx, "the worker could not say that it stops; others notice by themselves", "err", err)
	}
	cut := time.AfterFunc(finishTime, func() { e.live.cancel(ErrDraining) })
	defer cut.Stop()
	defer context.AfterFunc(ctx, func() { e.live.cancel(ErrDraining) })()
	e.stopRiver(detached) // waits for the nodes; the two above bound it
	e.halt()
	e.loops.Wait()
	return e.leave(detached)
}

// stopRiver stops fetching and waits for the nodes of this process. What River then
// still has to do, such as to give up leading, it gets a moment for: without a database
// it would try that for minutes.
func (e *Engine) stopRiver(ctx context.Context) {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	e.loops.Go(func() {
		tick := time.NewTicker(dispatchEvery)
		defer tick.Stop()
		for !e.live.none() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
		tick.Reset(riverTime)
		select {
		case <-ctx.Done():
		case <-tick.C:
			cut()
		}
	})
	if err := e.client.Stop(ctx); err != nil {
		e.cfg.Log.WarnContext(ctx, "the job queue did not stop in order; others notice by themselves", "err", err)
	}
}

// Poke lets this process look at once for what may be done: after a transaction
// with StartTx, AnswerTx or EndTx has committed. It does not wait.
func (e *Engine) Poke() {
	poke(e.kick)
	poke(e.look)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake
	}
}

// every does one look after the other until ctx ends; kicks may be nil. What fails is
// logged, and tried again with the next.
func (e *Engine) every(ctx context.Context, d time.Duration, kicks <-chan struct{}, what string, do func(context.Context) error) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-kicks:
		}
		one, cancel := context.WithTimeout(ctx, lookTime)
		if err := do(one); err != nil && ctx.Err() == nil {
			e.cfg.Log.WarnContext(ctx, "background look failed", "what", what, "err", err)
		}
		cancel()
	}
}

// errDuplicate is what a worker is told whose name is taken.
func errDuplicate(name string) error {
	return fault.Newf(fault.Conflict, "worker_name_taken",
		"Another process works as %q. Give each process a name of its own, or none.", name)
}
