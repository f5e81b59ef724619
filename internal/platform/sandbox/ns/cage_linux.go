package ns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

// cage is one living cage.
type cage struct {
	driver *Driver
	id     string
	spec   sandbox.Spec
	limits sandbox.Limits
	since  time.Time // when it was ready
	caches []*cache
	tools  []tool
	uid    int // on the host
	gid    int
	files  *sandbox.Files
	home   *sandbox.Files
	group  *group   // nil without control groups
	mount  *os.File // the disk image; nil where the disk is a folder
	conn   *wire.Conn
	first  *first
	// endFirst ends everything that runs in the cage, and waits for it.
	endFirst func() error

	steps []func(context.Context) error // to undo, last first

	mu      sync.Mutex
	next    int
	answers map[int]chan answer // questions that wait
	exits   map[int]chan answer // programs that run
	gone    chan struct{}       // closed when the line ended
	why     *sandbox.Error      // what ended the cage; set before gone is closed
	used    int64               // bytes of disk, where it is watched
	overran bool                // the disk was found full

	destroying sync.Once
	destroyed  error
}

// answer is a message of the cage with its descriptors.
type answer struct {
	wire.Message
	files []*os.File
}

func newCage(d *Driver, spec sandbox.Spec) *cage {
	return &cage{
		driver: d, id: spec.ID, spec: spec, limits: spec.Limits.Or(sandbox.Building()), caches: d.warm(spec.Caches),
		answers: map[int]chan answer{}, exits: map[int]chan answer{}, gone: make(chan struct{}),
	}
}

func (c *cage) onUndo(step func(context.Context) error) { c.steps = append(c.steps, step) }

// undo takes back what was made, the last first, all of it whatever fails.
func (c *cage) undo(ctx context.Context) error {
	var err error
	for len(c.steps) > 0 {
		last := len(c.steps) - 1
		err = errors.Join(err, c.steps[last](ctx))
		c.steps = c.steps[:last]
	}
	return err
}

// launch tells the first process what to build and waits until it is ready.
func (c *cage) launch(ctx context.Context, plan *wire.Plan, files []*os.File) error {
	// From here on it holds disk and control group, which can go only after it.
	c.onUndo(func(context.Context) error { return c.endFirst() })
	if c.group != nil {
		// Before it hears what to do, so that nothing runs without limits.
		if err := c.group.add(c.first.cmd.Process.Pid); err != nil {
			return err
		}
	}
	ready, err := c.ask(ctx, wire.Message{Op: wire.Setup, Plan: plan}, files...)
	if err != nil {
		return explain(err, c.first.said.String())
	}
	wire.CloseAll(ready.files)
	return nil
}

// takeFirst gets the cage its first process and follows its line.
func (c *cage) takeFirst() error {
	var err error
	if c.first, err = c.driver.spares.take(); err != nil {
		return err
	}
	c.conn, c.uid, c.gid = c.first.conn, c.first.uid, c.first.gid
	var following sync.WaitGroup
	following.Go(c.follow)
	c.endFirst = sync.OnceValue(func() error {
		c.kill(sandbox.Errorf(sandbox.Died, "The cage was taken down."))
		following.Wait() // its line ends with it
		return c.first.end()
	})
	c.onUndo(func(context.Context) error { return c.endFirst() })
	return nil
}

// explain turns a failure to build into what can be done about it. said is what the
// first process complained about.
func explain(err error, said string) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EACCES):
		return sandbox.Errorf(sandbox.Refused, "This computer does not let cofounder make namespaces: %s", remedy()).Because(err)
	case said != "" && sandbox.CauseOf(err) != sandbox.Refused:
		return fmt.Errorf("build a cage: %w (%s)", err, said)
	}
	return fmt.Errorf("build a cage: %w", err)
}

// remedy says how to be let.
func remedy() string {
	if text, err := os.ReadFile("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"); err == nil && strings.TrimSpace(string(text)) == "1" {
		return "AppArmor forbids them to ordinary users here. Run cofounder as root, or allow them with sysctl kernel.apparmor_restrict_unprivileged_userns=0."
	}
	if text, err := os.ReadFile("/proc/sys/user/max_user_namespaces"); err == nil && strings.TrimSpace(string(text)) == "0" {
		return "they are switched off. Allow them with sysctl user.max_user_namespaces=10000."
	}
	return "run it as root on the computer itself, not in a container that forbids them."
}

// follow takes the messages of the cage until its line ends.
func (c *cage) follow() {
	for {
		m, files, err := c.conn.Receive()
		if err != nil {
			break
		}
		c.deliver(answer{m, files})
	}
	c.kill(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == nil {
		c.why = sandbox.Errorf(sandbox.Died, "The cage ended by itself.")
		if c.group != nil && c.group.kills() > 0 {
			c.why = sandbox.Errorf(sandbox.OutOfMemory, "The cage used more memory than its limit of %d MB.", c.limits.Memory>>20)
		}
	}
	close(c.gone)
}

// deliver gives a message to who waits for it.
func (c *cage) deliver(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.answers
	if a.Op == wire.Exited {
		waiting = c.exits
	}
	if to := waiting[a.ID]; to != nil {
		delete(waiting, a.ID)
		to <- a // has room for the only one
		return
	}
	wire.CloseAll(a.files)
}

// kill ends the cage for a reason; the first reason stays.
func (c *cage) kill(why *sandbox.Error) {
	c.mu.Lock()
	if c.why == nil {
		c.why = why
	}
	c.mu.Unlock()
	c.first.kill()
}

// died returns why the cage is gone.
func (c *cage) died() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// ask sends a question and waits for its answer.
func (c *cage) ask(ctx context.Context, m wire.Message, files ...*os.File) (answer, error) {
	to := make(chan answer, 1)
	c.mu.Lock()
	if m.ID == 0 {
		c.next++
		m.ID = c.next
	}
	c.answers[m.ID] = to
	c.mu.Unlock()
	err := c.conn.Send(m, files...)
	if err == nil {
		select {
		case a := <-to:
			if a.Op == wire.Failed {
				return answer{}, errors.New(a.Why)
			}
			return a, nil
		case <-c.gone:
			err = c.died()
		case <-ctx.Done():
			err = ctx.Err()
		}
	} else if errors.Is(err, wire.ErrTooLong) {
		err = sandbox.Errorf(sandbox.Refused, "The arguments and variables of a program may be %d KB together.", wire.MaxMessage>>10)
	} else {
		<-c.gone // the line is broken, so it ends
		err = c.died()
	}
	c.giveUp(m.ID, to)
	return answer{}, err
}

// giveUp forgets a question, and closes what came with an answer that was too late.
func (c *cage) giveUp(id int, to chan answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.answers, id)
	select {
	case a := <-to:
		wire.CloseAll(a.files)
	default:
	}
}

// ID implements sandbox.Cage.
func (c *cage) ID() string { return c.id }

// Files implements sandbox.Cage.
func (c *cage) Files() *sandbox.Files { return c.files }

// Dial implements sandbox.Cage.
func (c *cage) Dial(ctx context.Context, port int) (net.Conn, error) {
	file, err := c.socket(ctx, wire.Dial, port)
	if err != nil {
		return nil, fmt.Errorf("connect to port %d in the cage: %w", port, err)
	}
	conn, err := net.FileConn(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("connect to port %d in the cage: %w", port, err)
	}
	return conn, nil
}

// Listen implements sandbox.Cage.
func (c *cage) Listen(ctx context.Context, port int) (net.Listener, error) {
	file, err := c.socket(ctx, wire.Listen, port)
	if err != nil {
		return nil, fmt.Errorf("listen on port %d in the cage: %w", port, err)
	}
	listener, err := net.FileListener(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("listen on port %d in the cage: %w", port, err)
	}
	return listener, nil
}

// socket asks for one that belongs to a port.
func (c *cage) socket(ctx context.Context, op wire.Op, port int) (*os.File, error) {
	if port < 1 || port > 65535 {
		return nil, sandbox.Errorf(sandbox.Refused, "There is no port %d.", port)
	}
	a, err := c.ask(ctx, wire.Message{Op: op, Port: port})
	if err != nil {
		return nil, err
	}
	if len(a.files) != 1 {
		wire.CloseAll(a.files)
		return nil, fmt.Errorf("the cage passed %d sockets", len(a.files))
	}
	return a.files[0], nil
}

// Stats implements sandbox.Cage.
func (c *cage) Stats(ctx context.Context) (sandbox.Stats, error) {
	a, err := c.ask(ctx, wire.Message{Op: wire.Usage})
	if err != nil {
		return sandbox.Stats{}, fmt.Errorf("look at a cage: %w", err)
	}
	s := sandbox.Stats{Limits: c.limits, Disk: c.diskUsed()}
	if a.Used != nil {
		s.Memory, s.Processes, s.CPU = a.Used.Memory, a.Used.Processes, time.Duration(a.Used.CPU)
	}
	if c.group != nil {
		if s.Memory, err = c.group.memory(); err != nil {
			return sandbox.Stats{}, fmt.Errorf("look at a cage: %w", err)
		}
	}
	return s, nil
}

// Destroy implements sandbox.Cage.
func (c *cage) Destroy(ctx context.Context) error {
	c.destroying.Do(func() {
		c.driver.forget(c)
		if err := c.undo(context.WithoutCancel(ctx)); err != nil {
			c.destroyed = fmt.Errorf("destroy cage %s: %w", c.id, err)
		}
	})
	return c.destroyed
}
