package ns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

// first is the first process of a cage, started and waiting to hear what to build.
type first struct {
	cmd      *exec.Cmd
	conn     *wire.Conn
	said     complaint
	hearing  sync.WaitGroup // what it complains about
	user     *user          // nil without root
	uid, gid int            // on the host
}

// insideUser is the cage's user, as it sees itself.
const insideUser = 1000

// startFirst starts one in new namespaces. It keeps the rights over these, until it
// gives them up.
func startFirst() (_ *first, err error) {
	f := &first{uid: os.Getuid(), gid: os.Getgid()}
	if privileged() {
		if f.user, err = takeUser(); err != nil {
			return nil, err
		}
		f.uid, f.gid = f.user.number, f.user.number
	}
	here, there, err := wire.Pair()
	if err != nil {
		return nil, errors.Join(err, f.releaseUser())
	}
	f.conn, err = wire.NewConn(here)
	if err == nil {
		err = f.start(there)
	} else {
		err = errors.Join(err, there.Close())
	}
	if err != nil {
		if f.conn != nil {
			err = errors.Join(err, f.conn.Close())
		}
		return nil, errors.Join(err, f.releaseUser())
	}
	return f, nil
}

func (f *first) start(there *os.File) error {
	complaints, its, err := os.Pipe()
	if err != nil {
		return errors.Join(fmt.Errorf("start a cage: %w", err), there.Close())
	}
	f.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{initName}, Env: []string{"GOMAXPROCS=2", "GOGC=50"}, Dir: "/",
		ExtraFiles: []*os.File{there}, Stderr: its, SysProcAttr: f.namespaces(),
	}
	err = f.cmd.Start()
	err = errors.Join(err, there.Close(), its.Close())
	if err != nil {
		return errors.Join(explain(err, ""), complaints.Close())
	}
	f.hearing.Go(func() { f.said.take(complaints) })
	return nil
}

func (f *first) namespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
			unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: insideUser, HostID: f.uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: insideUser, HostID: f.gid, Size: 1}},
		Credential:  &syscall.Credential{Uid: insideUser, Gid: insideUser, NoSetGroups: !privileged()},
		AmbientCaps: []uintptr{
			unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_SETPCAP, unix.CAP_NET_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_SYS_ADMIN,
		},
		Setsid:                     true,
		GidMappingsEnableSetgroups: privileged(),
	}
}

// alive reports whether the process still waits. Whoever is short of memory may have
// ended it.
func (f *first) alive() bool {
	var state unix.Siginfo
	err := unix.Waitid(unix.P_PID, f.cmd.Process.Pid, &state, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && state.Signo == 0
}

// kill ends the process, and everything in its cage with it.
func (f *first) kill() {
	_ = f.cmd.Process.Kill() //nolint:errcheck // it may have ended just now
}

// end kills the process, waits for it, and gives back what it had.
func (f *first) end() error {
	f.kill()
	err := f.cmd.Wait()
	if _, killed := errors.AsType[*exec.ExitError](err); killed {
		err = nil // by us
	}
	f.hearing.Wait()
	return errors.Join(err, f.conn.Close(), f.releaseUser())
}

func (f *first) releaseUser() error {
	if f.user == nil {
		return nil
	}
	return f.user.release()
}

// complaint is the first words a process said on stderr.
type complaint struct {
	mu   sync.Mutex
	text []byte
}

// take reads to the end; what is too much is thrown away.
func (c *complaint) take(from *os.File) {
	defer from.Close() //nolint:errcheck // only read
	const enough = 8 << 10
	buffer := make([]byte, 1<<10)
	for {
		n, err := from.Read(buffer)
		c.mu.Lock()
		c.text = append(c.text, buffer[:min(n, enough-len(c.text))]...)
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *complaint) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.TrimSpace(string(c.text))
}

// spares keeps one process ahead: starting a program of our size takes longer than
// building the cage. It is there after the first cage and for a while after each.
type spares struct {
	mu      sync.Mutex
	ready   *first
	idle    *time.Timer // ends it when nobody comes
	closed  bool
	filling sync.WaitGroup
}

// spareIdle is how long a spare waits. It also holds on to the mounts of the host as
// they were, which no cage does.
const spareIdle = time.Minute

// take returns a process and starts the next one in the background.
func (s *spares) take() (*first, error) {
	s.mu.Lock()
	ready := s.ready
	s.ready = nil
	if s.idle != nil {
		s.idle.Stop()
	}
	if !s.closed {
		s.filling.Go(s.fill)
	}
	s.mu.Unlock()
	if ready == nil {
		return startFirst()
	}
	if ready.alive() {
		return ready, nil
	}
	if err := ready.end(); err != nil {
		return nil, err
	}
	return startFirst()
}

// fill starts a spare, unless there is one. Why it failed is said to who needs one.
func (s *spares) fill() {
	fresh, err := startFirst()
	if err != nil {
		return
	}
	s.mu.Lock()
	if !s.closed && s.ready == nil {
		s.ready, fresh = fresh, nil
		s.idle = time.AfterFunc(spareIdle, func() { _ = s.drop() }) //nolint:errcheck // it had nothing yet
	}
	s.mu.Unlock()
	if fresh != nil {
		_ = fresh.end() //nolint:errcheck // it had nothing yet
	}
}

// drop ends the spare.
func (s *spares) drop() error {
	s.mu.Lock()
	ready := s.ready
	s.ready = nil
	s.mu.Unlock()
	if ready == nil {
		return nil
	}
	return ready.end()
}

// close ends the spare and keeps no more.
func (s *spares) close() error {
	s.mu.Lock()
	s.closed = true
	if s.idle != nil {
		s.idle.Stop()
	}
	s.mu.Unlock()
	s.filling.Wait()
	return s.drop()
}
