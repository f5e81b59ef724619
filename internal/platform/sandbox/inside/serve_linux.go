package inside

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

const (
	// dialLimit is how long a server inside may take to accept.
	dialLimit = 5 * time.Second
	// lookEvery is how often memory is summed up where no control group does it.
	lookEvery = 50 * time.Millisecond
)

// server carries out what the host asks. Its fields belong to the goroutine of serve.
type server struct {
	conn     *wire.Conn
	plan     *wire.Plan
	programs map[int]*running // by process id
}

// running is a program the host asked for.
type running struct {
	id      int
	stopped sandbox.Cause // why we stopped it; zero when we did not
}

func newServer(conn *wire.Conn, plan *wire.Plan) *server {
	return &server{conn: conn, plan: plan, programs: map[int]*running{}}
}

// request is a message with its descriptors.
type request struct {
	wire.Message
	files []*os.File
}

// serve returns when the host is gone.
func (s *server) serve() {
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	requests := make(chan request)
	go func() {
		defer close(requests)
		for {
			m, files, err := s.conn.Receive()
			if err != nil {
				return
			}
			requests <- request{m, files}
		}
	}()
	var look <-chan time.Time
	if s.plan.Watch > 0 {
		look = time.Tick(lookEvery)
	}
	for {
		select {
		case <-children:
			s.reap()
		case r, ok := <-requests:
			if !ok {
				return
			}
			s.handle(r)
			wire.CloseAll(r.files)
		case <-look:
			s.watch()
		}
	}
}

func (s *server) handle(r request) {
	switch r.Op {
	case wire.Exec:
		if err := s.start(r); err != nil {
			s.refuse(r.Message, err)
		}
	case wire.Signal:
		s.signal(r.Message)
	case wire.Dial:
		go s.dial(r.Message)
	case wire.Listen:
		s.listen(r.Message)
	case wire.Usage:
		s.say(wire.Message{Op: wire.Ready, ID: r.ID, Used: s.used()})
	case wire.Setup, wire.Ready, wire.Exited, wire.Failed:
		s.refuse(r.Message, fmt.Errorf("%q is not a question now", r.Op))
	}
}

// say answers. When that fails the host is gone, and serve is about to return.
func (s *server) say(m wire.Message, files ...*os.File) {
	_ = s.conn.Send(m, files...) //nolint:errcheck // see above
}

func (s *server) refuse(m wire.Message, err error) {
	s.say(wire.Message{Op: wire.Failed, ID: m.ID, Why: err.Error()})
}

// start starts a program in a session of its own.
func (s *server) start(r request) error {
	if len(r.files) != 3 || r.Program == nil || len(r.Program.Args) == 0 {
		return errors.New("a program needs arguments and three descriptors")
	}
	p := r.Program
	path, err := lookUp(p.Args[0], p.Env)
	if err != nil {
		return err
	}
	pid, err := syscall.ForkExec(path, p.Args, &syscall.ProcAttr{ //nolint:gosec // what the host asked for, in a cage
		Dir: p.Dir, Env: p.Env, Sys: &syscall.SysProcAttr{Setsid: true},
		Files: []uintptr{r.files[0].Fd(), r.files[1].Fd(), r.files[2].Fd()},
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Args[0], err)
	}
	s.programs[pid] = &running{id: r.ID}
	// Too late for children it has by now; they then count as we do.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(strconv.Itoa(programBadness)), 0) //nolint:errcheck // see above
	s.say(wire.Message{Op: wire.Ready, ID: r.ID})
	return nil
}

// lookUp finds a program in the PATH of env.
func lookUp(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	path := ""
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, name)
		if found, err := os.Stat(candidate); err == nil && !found.IsDir() && found.Mode()&0o111 != 0 {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("%s: not found in PATH (%s)", name, path)
}

// signal passes a signal on to a program's group. SIGKILL reaches the program itself
// too; the rest of what it started follows when it is reaped.
func (s *server) signal(m wire.Message) {
	for pid, p := range s.programs {
		if p.id != m.ID {
			continue
		}
		_ = unix.Kill(-pid, unix.Signal(m.Signal)) //nolint:errcheck // it may have ended just now
		if unix.Signal(m.Signal) == unix.SIGKILL {
			_ = unix.Kill(pid, unix.SIGKILL) //nolint:errcheck // it may have ended just now
		}
	}
}

// dial connects to a server inside. It may have taken either loopback address.
func (s *server) dial(m wire.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit) //nolint:forbidigo // the process's own; the host's ctx is on the other side
	defer cancel()
	var dialer net.Dialer
	var conn net.Conn
	var failed error
	for _, host := range []string{"127.0.0.1", "::1"} {
		var err error
		if conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(m.Port))); err == nil {
			break
		}
		failed = errors.Join(failed, err)
	}
	if conn == nil {
		s.refuse(m, failed)
		return
	}
	s.hand(m, conn)
}

// listen makes a listener for the host. What programs inside hold is not taken.
func (s *server) listen(m wire.Message) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	listener, err := config.Listen(context.Background(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.Port))) //nolint:forbidigo // listening takes no time
	if err != nil {
		s.refuse(m, err)
		return
	}
	s.hand(m, listener)
}

// hand passes a socket to the host and closes it here.
func (s *server) hand(m wire.Message, socket interface{ Close() error }) {
	defer socket.Close() //nolint:errcheck // the host has it
	filer, ok := socket.(interface{ File() (*os.File, error) })
	if !ok {
		s.refuse(m, fmt.Errorf("a %T cannot be passed", socket))
		return
	}
	file, err := filer.File()
	if err != nil {
		s.refuse(m, err)
		return
	}
	s.say(wire.Message{Op: wire.Ready, ID: m.ID}, file)
	_ = file.Close() //nolint:errcheck // the host has it
}

// reap takes what ended and tells the host about its programs.
func (s *server) reap() {
	for {
		var status unix.WaitStatus
		var used unix.Rusage
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &used)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		p, ours := s.programs[pid]
		if !ours {
			continue // an orphan
		}
		delete(s.programs, pid)
		if len(s.programs) == 0 {
			killRest()
		} else if !killOrphansOf(pid, s.programs) {
			s.stopAll(sandbox.Killed)
		}
		s.say(wire.Message{Op: wire.Exited, ID: p.id, Exit: exitOf(status, used, p)})
	}
}

func exitOf(status unix.WaitStatus, used unix.Rusage, p *running) *wire.Exit {
	code := status.ExitStatus()
	if status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return &wire.Exit{
		Code: code, Stopped: p.stopped, Full: code != 0 && full("/tmp"),
		CPU: used.Utime.Nano() + used.Stime.Nano(), Memory: used.Maxrss << 10,
	}
}

// full says whether a file system has room for nothing more.
func full(dir string) bool {
	var stat unix.Statfs_t
	return unix.Statfs(dir, &stat) == nil && (stat.Bavail == 0 || stat.Files > 0 && stat.Ffree == 0)
}

// watch ends everything when it uses more memory than the cage may.
func (s *server) watch() {
	if len(s.programs) == 0 || s.used().Memory <= s.plan.Watch {
		return
	}
	s.stopAll(sandbox.OutOfMemory)
}

// stopAll ends everything in the cage but us.
func (s *server) stopAll(why sandbox.Cause) {
	for _, p := range s.programs {
		p.stopped = why
	}
	_ = unix.Kill(-1, unix.SIGKILL) //nolint:errcheck // all may have ended just now
}
