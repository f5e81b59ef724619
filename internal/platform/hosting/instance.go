package hosting

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"strconv"
	"sync"
	"time"

	"cofounder/internal/platform/sandbox"
)

const (
	// startTime is how long an app may take until it answers.
	startTime = 60 * time.Second
	probeTime = 2 * time.Second
	probeGap  = 50 * time.Millisecond
	// grace is how long an app may take to end when it is asked to.
	grace = 3 * time.Second
	// proven is how long an app must have run to be as good as new after a crash.
	proven = 5 * time.Minute
	// The pause after a crash doubles from the one to the other.
	leastPause = time.Second
	mostPause  = 2 * time.Minute
	// cleanUp bounds what has to be done after an instance is over.
	cleanUp = 15 * time.Second
	// spare is how long before the end of its cage's life an app is stopped, to start
	// anew with the next request.
	spare = 5 * time.Minute
)

// Why an instance is stopped by us. Its data are saved first.
var (
	errStopped  = errors.New("stopped")
	errIdle     = errors.New("not used for a while")
	errOutdated = errors.New("something else runs in this slot now")
	errAged     = errors.New("its cage has lived long enough")
	errOver     = errors.New("it is over")
)

// instance is one app that starts or runs here. What it owns ends with run.
type instance struct {
	record
	host *Host
	log  *output

	ready chan struct{} // closed when it runs, or is over
	done  chan struct{} // closed when nothing is left of it
	halt  chan struct{} // closed when it must stop, for the reason in why

	mu       sync.Mutex
	why      error // set once
	standing Standing
	cage     sandbox.Cage // while it runs
	conns    int
	used     time.Time // by the computer's clock
	stats    sandbox.Stats
	flush    chan chan error // asks keep to save
	kept     kept            // of run's goroutine
}

func newInstance(h *Host, r record) *instance {
	return &instance{
		record: r, host: h, log: newOutput(), ready: make(chan struct{}), done: make(chan struct{}), halt: make(chan struct{}),
		flush: make(chan chan error), used: now(), standing: Standing{State: Starting, Since: r.state.Since},
	}
}

// stop asks the instance to end in order; kill the same, when its data are not its own
// any more. Only the first reason counts, but a kill overrules a stop.
func (i *instance) stop(why error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.why == nil {
		i.why = why
		close(i.halt)
	}
}

func (i *instance) kill(why error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.why == nil {
		close(i.halt)
	}
	i.why = why
}

func (i *instance) reason() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.why
}

// wait returns how the instance stands when it runs or is over, or when ctx ends;
// unsettled when the app should be looked at anew.
func (i *instance) wait(ctx context.Context) (Standing, bool, error) {
	select {
	case <-i.ready:
	case <-ctx.Done():
		return Standing{}, false, nil
	}
	i.mu.Lock()
	st := i.standing
	stopping := i.why != nil
	i.used = now()
	i.mu.Unlock()
	if st.State == Running && !stopping {
		return st, true, nil
	}
	select {
	case <-i.done:
	case <-ctx.Done():
		return Standing{}, false, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.standing, i.standing.State == Crashed || i.standing.State == Refused, nil
}

// dial connects to the app and counts the connection as use.
func (i *instance) dial(ctx context.Context) (net.Conn, error) {
	i.mu.Lock()
	cage := i.cage
	if cage == nil || i.why != nil {
		i.mu.Unlock()
		return nil, errStopped
	}
	i.conns++
	i.used = now()
	i.mu.Unlock()
	conn, err := cage.Dial(ctx, Port)
	if err != nil {
		i.left()
		return nil, fmt.Errorf("connect to app: %w", err)
	}
	return &counted{Conn: conn, close: sync.OnceFunc(i.left)}, nil
}

func (i *instance) left() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.conns--
	i.used = now()
}

// counted is a connection that says when it is closed.
type counted struct {
	net.Conn
	close func()
}

func (c *counted) Close() error {
	defer c.close()
	return c.Conn.Close()
}

// CloseWrite ends the one direction, where the connection can.
func (c *counted) CloseWrite() error { return closeWrite(c.Conn) }

// idle is how long nobody has used the app. Connections kept open for later count as
// no use after a while: whoever keeps them closes them first.
func (i *instance) idle() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.conns > 0 {
		return 0
	}
	return max(now().Sub(i.used), 0)
}

// unused reports whether the app runs and nobody is connected.
func (i *instance) unused() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.conns == 0 && i.standing.State == Running && i.why == nil
}

func (i *instance) use() sandbox.Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stats
}

// run is the whole life of an instance.
func (i *instance) run(ctx context.Context) {
	defer close(i.done)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a stop ends a start too, and only what must be cleaned up goes on
		select {
		case <-i.halt:
		case <-i.done:
		}
		cancel()
	}()
	cage, err := i.build(ctx)
	if cage != nil {
		err = i.serve(ctx, cage)
	}
	i.over(context.WithoutCancel(ctx), cage, err)
}

// build makes the cage with code and data in it.
func (i *instance) build(ctx context.Context) (sandbox.Cage, error) {
	h := i.host
	code, err := h.cfg.Code(ctx, i.Project, i.Code)
	if err != nil {
		return nil, fmt.Errorf("fetch code of app: %w", err)
	}
	cage, err := h.cfg.Driver.Create(ctx, sandbox.Spec{
		ID: i.Label + "-" + strconv.FormatInt(i.epoch, 36), Purpose: "app", Limits: h.cfg.Limits,
	})
	if err != nil {
		return nil, fmt.Errorf("make a cage: %w", err)
	}
	err = cage.Files().Import(ctx, code)
	if err == nil {
		err = cage.Files().Mkdir(DataFolder)
	}
	if err == nil {
		err = h.restore(ctx, i, cage.Files())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fill the cage: %w", err), destroy(ctx, cage))
	}
	return cage, nil
}

// destroy ends a cage, whatever became of ctx.
func destroy(ctx context.Context, cage sandbox.Cage) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer cancel()
	if err := cage.Destroy(ctx); err != nil {
		return fmt.Errorf("destroy cage: %w", err)
	}
	return nil
}

// ended is how an app's program ended.
type ended struct {
	exit sandbox.Exit
	err  error
}

// serve runs the app until it ends, or must. Its error says why.
func (i *instance) serve(ctx context.Context, cage sandbox.Cage) error {
	end := make(chan ended, 1)
	running, stop := context.WithCancel(ctx)
	began := now()
	go func() {
		exit, err := cage.Exec(running, sandbox.Command{
			Args: i.Command, Stdout: i.log, Stderr: i.log, Grace: grace,
			Env: []string{"PORT=" + strconv.Itoa(Port), "DATA_DIR=" + path.Join(sandbox.Workspace, DataFolder)},
		})
		end <- ended{exit, err}
	}()
	err := i.started(running, cage, end)
	if err == nil {
		err = i.begin(ctx, cage, now().Sub(began))
	}
	if err == nil {
		err = i.keep(ctx, cage, end)
	}
	stop()
	if e, gone := errors.AsType[*exitError](err); !gone || !e.over {
		<-end // Exec returns when everything the app started is gone
	}
	return err
}

// exitError is an app that ended by itself.
type exitError struct {
	code  int
	err   error // of the cage, if it was not the app's own doing
	over  bool  // Exec has returned
	ran   bool  // it had answered before
	after time.Duration
}

func (e *exitError) Error() string {
	if e.err != nil {
		return "the app ended: " + e.err.Error()
	}
	return "the app ended with status " + strconv.Itoa(e.code)
}

func (e *exitError) Unwrap() error { return e.err }

var errSilent = errors.New("the app did not answer in time")

// started waits until the app answers HTTP.
func (i *instance) started(ctx context.Context, cage sandbox.Cage, end <-chan ended) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, errSilent)
	defer cancel()
	answered := make(chan struct{})
	var probing sync.WaitGroup
	probing.Go(func() {
		if probe(ctx, cage) {
			close(answered)
		}
	})
	defer probing.Wait()
	defer cancel()
	select {
	case <-answered:
		return nil
	case e := <-end:
		return &exitError{code: e.exit.Code, err: e.err, over: true}
	case <-ctx.Done():
		if why := i.reason(); why != nil {
			return why
		}
		return context.Cause(ctx)
	}
}

// begin says that the app runs.
func (i *instance) begin(ctx context.Context, cage sandbox.Cage, took time.Duration) error {
	if err := i.host.mark(ctx, markRunning, i.Label, i.epoch, took.Milliseconds()); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cage, i.used = cage, now()
	i.standing = Standing{State: Running, Since: i.host.cfg.Clock.Now()}
	close(i.ready)
	return nil
}

// keep saves the data now and then until the app ends or must.
func (i *instance) keep(ctx context.Context, cage sandbox.Cage, end <-chan ended) error {
	began := now()
	save, look := time.NewTicker(i.host.cfg.Save), time.NewTicker(leaseFor)
	defer save.Stop()
	defer look.Stop()
	aged := time.NewTimer(max(i.host.cfg.Limits.Life-spare, spare))
	defer aged.Stop()
	for {
		select {
		case e := <-end:
			return &exitError{code: e.exit.Code, err: e.err, over: true, ran: true, after: now().Sub(began)}
		case <-i.halt:
			return i.reason()
		case <-aged.C:
			i.stop(errAged)
		case <-look.C:
			i.measure(ctx, cage)
		case answer := <-i.flush:
			answer <- i.host.save(ctx, i, cage, whileRunning)
		case <-save.C:
			if err := i.host.save(ctx, i, cage, whileRunning); err != nil {
				i.host.cfg.Log.WarnContext(ctx, "data of app not saved", "label", i.Label, "err", err)
			}
		}
	}
}

func (i *instance) measure(ctx context.Context, cage sandbox.Cage) {
	stats, err := cage.Stats(ctx)
	if err != nil {
		return // a cage that died is seen by its program's end
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stats = stats
}

// over saves what can be saved, writes down how it ended and gives the lease back.
func (i *instance) over(ctx context.Context, cage sandbox.Cage, why error) {
	h := i.host
	ctx, cancel := context.WithTimeout(ctx, cleanUp)
	defer cancel()
	if halted := i.reason(); halted != nil {
		why = halted
	}
	i.stop(errOver) // whoever asks for the app from here on waits for what comes next
	if cage != nil {
		i.mu.Lock()
		i.cage = nil
		i.mu.Unlock()
		if !errors.Is(why, errFenced) {
			if err := h.save(ctx, i, cage, afterEnd); err != nil {
				h.cfg.Log.ErrorContext(ctx, "data of app not saved at its end", "label", i.Label, "err", err)
			}
		}
		if err := destroy(ctx, cage); err != nil {
			h.cfg.Log.ErrorContext(ctx, "cage of app not destroyed", "label", i.Label, "err", err)
		}
	}
	st, crashes, wait := i.verdict(why)
	err := h.mark(ctx, markOver, i.Label, i.epoch, st.State, st.Reason, crashes, wait, i.log.tail())
	if err != nil && !errors.Is(err, errFenced) {
		h.cfg.Log.WarnContext(ctx, "end of app not written down", "label", i.Label, "err", err)
	}
	h.cfg.Log.InfoContext(ctx, "app is over", "label", i.Label, "state", st.State, "why", why)
	h.mu.Lock()
	if h.instances[i.Label] == i {
		delete(h.instances, i.Label)
	}
	h.mu.Unlock()
	i.mu.Lock()
	defer i.mu.Unlock()
	running := i.standing.State == Running
	i.standing = st
	if !running {
		close(i.ready)
	}
}
