package ns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"
	"time"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

// lateOutput is how long output may still come after a program and all it started
// ended. Only a descriptor that was passed to another program can hold it up.
const lateOutput = 2 * time.Second

// Exec implements sandbox.Cage.
func (c *cage) Exec(ctx context.Context, cmd sandbox.Command) (sandbox.Exit, error) {
	if len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return sandbox.Exit{}, sandbox.Errorf(sandbox.Refused, "There is no program to run.")
	}
	if ctx.Err() != nil {
		return sandbox.Exit{}, ended(ctx)
	}
	pipes, err := c.connect(cmd)
	if err != nil {
		return sandbox.Exit{}, fmt.Errorf("run %s: %w", cmd.Args[0], err)
	}
	run := &execution{cage: c, cmd: cmd, pipes: pipes, began: c.driver.cfg.Clock.Now(), kills: c.kills()}
	exit, err := run.run(ctx)
	if err != nil {
		return exit, fmt.Errorf("run %s: %w", cmd.Args[0], err)
	}
	return exit, nil
}

func (c *cage) kills() int64 {
	if c.group == nil {
		return 0
	}
	return c.group.kills()
}

// ended says why a caller's context did.
func ended(ctx context.Context) *sandbox.Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return sandbox.Errorf(sandbox.OutOfTime, "It took longer than allowed and was stopped.").Because(ctx.Err())
	}
	return sandbox.Errorf(sandbox.Killed, "It was stopped.").Because(ctx.Err())
}

// execution is one program on its way.
type execution struct {
	cage  *cage
	cmd   sandbox.Command
	pipes *pipes
	began time.Time
	kills int64 // for want of memory, before it began
}

func (e *execution) run(ctx context.Context) (sandbox.Exit, error) {
	c := e.cage
	exited := make(chan answer, 1)
	c.mu.Lock()
	c.next++
	number := c.next
	c.exits[number] = exited
	c.overran = false
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.exits, number)
		c.mu.Unlock()
	}()
	message := wire.Message{Op: wire.Exec, ID: number, Program: &wire.Program{
		Args: e.cmd.Args, Env: c.environment(e.cmd.Env), Dir: path.Join(sandbox.Workspace, path.Join("/", e.cmd.Dir)),
	}}
	// The start itself is not given up: what started has to be stopped.
	_, err := c.ask(context.WithoutCancel(ctx), message, e.pipes.theirs...)
	wire.CloseAll(e.pipes.theirs)
	if err != nil {
		e.pipes.abandon()
		return sandbox.Exit{}, notStarted(err)
	}
	e.pipes.start()
	last, stopped := e.wait(ctx, number, exited)
	dropped := e.pipes.finish()
	exit := sandbox.Exit{Took: c.driver.cfg.Clock.Now().Sub(e.began), Dropped: dropped}
	if last == nil {
		return exit, c.died()
	}
	exit.Code, exit.CPU, exit.Memory = last.Code, time.Duration(last.CPU), last.Memory
	return exit, e.judge(ctx, last, stopped)
}

// notStarted tells a program that is not there from a cage that is not.
func notStarted(err error) error {
	if sandbox.CauseOf(err) != 0 {
		return err
	}
	return sandbox.Errorf(sandbox.Refused, "The program could not be started: %s.", err)
}

// wait waits for the end, and brings it about when ctx ends. It returns nil when the
// cage is gone, and whether the program was told to stop.
func (e *execution) wait(ctx context.Context, number int, exited <-chan answer) (*wire.Exit, bool) {
	stop := func(signal unix.Signal) {
		// If the line is broken, gone is about to be closed.
		_ = e.cage.conn.Send(wire.Message{Op: wire.Signal, ID: number, Signal: int(signal)}) //nolint:errcheck // see above
	}
	done, stopped := ctx.Done(), false
	grace := time.NewTimer(0)
	<-grace.C
	defer grace.Stop()
	for {
		select {
		case a := <-exited:
			return a.Exit, stopped
		case <-e.cage.gone:
			return nil, stopped
		case <-done:
			done, stopped = nil, true
			if e.cmd.Grace > 0 {
				stop(unix.SIGTERM)
			}
			grace.Reset(max(e.cmd.Grace, 0))
		case <-grace.C:
			stop(unix.SIGKILL)
		}
	}
}

// judge says what stopped the program, if anything did.
func (e *execution) judge(ctx context.Context, last *wire.Exit, stopped bool) error {
	c := e.cage
	c.mu.Lock()
	overran := c.overran
	c.mu.Unlock()
	switch {
	case last.Stopped == sandbox.OutOfMemory, last.Code != 0 && c.kills() > e.kills:
		return sandbox.Errorf(sandbox.OutOfMemory, "It used more memory than its limit of %d MB.", c.limits.Memory>>20)
	case overran:
		return outOfDisk(c.limits.Disk)
	case stopped:
		return ended(ctx)
	case last.Stopped != 0:
		return sandbox.Errorf(last.Stopped, "Another program left so many processes behind that all were stopped.")
	case last.Code != 0 && last.Full:
		return sandbox.Errorf(sandbox.OutOfDisk, "%s is full: it holds %d MB.", sandbox.Temp, c.limits.Temp>>20)
	case last.Code != 0 && c.diskFull():
		return outOfDisk(c.limits.Disk)
	}
	return nil
}

func outOfDisk(limit int64) *sandbox.Error {
	return sandbox.Errorf(sandbox.OutOfDisk, "Its files are larger than the limit of %d MB.", limit>>20)
}

// pipes carry a program's input and output.
type pipes struct {
	theirs []*os.File // stdin, stdout, stderr
	input  *os.File   // nil without any
	stdin  io.Reader
	pumps  []*pump
	wait   sync.WaitGroup
}

// connect makes them.
func (c *cage) connect(cmd sandbox.Command) (*pipes, error) {
	p := &pipes{stdin: cmd.Stdin}
	flow := newFlow(c.limits.Output, c.driver.cfg.Clock)
	err := p.addInput()
	if err == nil {
		err = p.addOutput(cmd.Stdout, flow)
	}
	if err == nil && cmd.Stderr != nil && same(cmd.Stdout, cmd.Stderr) {
		p.theirs = append(p.theirs, p.theirs[1])
	} else if err == nil {
		err = p.addOutput(cmd.Stderr, flow)
	}
	if err != nil {
		wire.CloseAll(p.theirs)
		p.abandon()
		return nil, err
	}
	return p, nil
}

// same compares two writers, of which some kinds cannot be compared.
func same(a, b io.Writer) bool {
	defer func() { _ = recover() }() //nolint:errcheck // as os/exec does
	return a == b
}

func (p *pipes) addInput() error {
	if p.stdin == nil {
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		p.theirs = append(p.theirs, null)
		return nil
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	p.theirs, p.input = append(p.theirs, theirs), ours
	return nil
}

func (p *pipes) addOutput(w io.Writer, flow *flow) error {
	if w == nil {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		p.theirs = append(p.theirs, null)
		return nil
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	p.theirs, p.pumps = append(p.theirs, theirs), append(p.pumps, &pump{from: ours, to: w, flow: flow})
	return nil
}

// start begins to carry.
func (p *pipes) start() {
	for _, pump := range p.pumps {
		p.wait.Go(pump.run)
	}
	if p.input == nil {
		return
	}
	// Nobody waits for this one: a reader that never ends cannot be stopped, as with
	// os/exec. Writing fails once the program ended and finish closed the pipe.
	go func() {
		_, _ = io.Copy(p.input, p.stdin) //nolint:errcheck // a program need not read its input
		_ = p.input.Close()              //nolint:errcheck // the end of the input is all it says
	}()
}

// finish waits for the last of the output and returns how much was dropped.
func (p *pipes) finish() int64 {
	carried := make(chan struct{})
	go func() {
		p.wait.Wait()
		close(carried)
	}()
	late := time.NewTimer(lateOutput)
	defer late.Stop()
	select {
	case <-carried:
	case <-late.C:
		for _, pump := range p.pumps {
			// Ends a read that waits; a write to a slow writer is waited for.
			_ = pump.from.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // pipes have deadlines
		}
		<-carried
	}
	p.abandon()
	var dropped int64
	for _, pump := range p.pumps {
		dropped += pump.dropped
	}
	return dropped
}

// abandon closes our ends.
func (p *pipes) abandon() {
	for _, pump := range p.pumps {
		_ = pump.from.Close() //nolint:errcheck // only read
	}
	if p.input != nil {
		_ = p.input.Close() //nolint:errcheck // the program ended
	}
}
