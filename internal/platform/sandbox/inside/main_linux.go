package inside

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"

	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

// line is the descriptor of the socket that leads to the host.
const line = 3

// Main is the whole life of the process. It returns the exit code.
func Main() int {
	// Programs are started and ended by one thread: see scope.
	runtime.LockOSThread()
	// Descriptors that our parent inherited itself would reach the programs: Go marks
	// only those it opened.
	if err := unix.CloseRange(line+1, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return complain(fmt.Errorf("close what was inherited: %w", err))
	}
	conn, err := wire.NewConn(os.NewFile(line, "line"))
	if err != nil {
		return complain(err)
	}
	swallow()
	m, files, err := conn.Receive()
	if errors.Is(err, io.EOF) {
		return 0 // the host changed its mind
	}
	if err == nil && (m.Op != wire.Setup || m.Plan == nil) {
		err = fmt.Errorf("the first message is %q", m.Op)
	}
	if err == nil {
		err = build(m.Plan, files)
	}
	if err != nil {
		return complain(errors.Join(err, conn.Send(wire.Message{Op: wire.Failed, ID: m.ID, Why: err.Error()})))
	}
	wire.CloseAll(files)
	if err := conn.Send(wire.Message{Op: wire.Ready, ID: m.ID}); err != nil {
		return complain(err)
	}
	newServer(conn, m.Plan).serve()
	return 0
}

// complain writes to where the host listens while the cage is built.
func complain(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, err)
	return 1
}

// swallow takes every signal and does nothing, so that none ends us. Ignoring them
// instead would be inherited by every program.
func swallow() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals) // a full channel drops, which is as good
}

// build makes the cage around this process.
func build(plan *wire.Plan, files []*os.File) error {
	steps := []struct {
		what string
		do   func() error
	}{
		{"name the cage", func() error { return unix.Sethostname([]byte(plan.Hostname)) }},
		{"bring up the loopback interface", loopback},
		{"build the file system", func() error { return mountAll(plan, files) }},
		{"set limits", func() error { return limit(plan) }},
		{"give up capabilities", dropCapabilities},
		{"restrict files (Landlock)", func() error { return landlockTo(plan) }},
		{"restrict signals (Landlock)", scope},
		{"restrict system calls (seccomp)", func() error {
			if plan.Watch > 0 {
				return filterCalls(ownerless()...)
			}
			return filterCalls()
		}},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// loopback brings up the only interface there is.
func loopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	request, err := unix.NewIfreq("lo")
	if err == nil {
		request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		err = unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request)
	}
	return errors.Join(err, unix.Close(socket))
}
