//go:build linux

// Package wire is what the host and the first process of a cage say to each other:
// one message a packet, over a socket pair, with descriptors beside it. The host
// asks, and each answer carries the number of its question.
//
// The first process is ours and hardened, but it lives among hostile ones, so the
// host believes nothing but its answers' form.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"cofounder/internal/platform/sandbox"

	"golang.org/x/sys/unix"
)

// MaxMessage is the greatest size of one message; arguments and environment of a
// program have to fit.
const MaxMessage = 128 << 10

// maxFiles is how many descriptors go with one message (the kernel's SCM_MAX_FD).
const maxFiles = 253

// ErrTooLong is Send's error for a message above MaxMessage.
var ErrTooLong = errors.New("the message is too long")

// Op is what a message is about.
type Op string

// The operations. The host sends the first group, the cage the second.
const (
	Setup  Op = "setup"  // how to build the cage; first message, with the mounts
	Exec   Op = "exec"   // start a program; with stdin, stdout, stderr
	Signal Op = "signal" // to a program's group; SIGKILL to everything it started
	Dial   Op = "dial"   // connect to a port; answered with the connection
	Listen Op = "listen" // listen on a port; answered with the listener
	Usage  Op = "usage"  // count what is used

	Ready  Op = "ready"  // the cage is built, or the question was carried out
	Exited Op = "exited" // a program and everything it started ended
	Failed Op = "failed" // the question could not be carried out
)

// Message is one packet. Which fields are set follows from Op.
type Message struct {
	Op      Op       `json:"op"`
	ID      int      `json:"id,omitempty"` // of the question
	Plan    *Plan    `json:"plan,omitempty"`
	Program *Program `json:"program,omitempty"`
	Signal  int      `json:"signal,omitempty"`
	Port    int      `json:"port,omitempty"`
	Exit    *Exit    `json:"exit,omitempty"`
	Used    *Used    `json:"used,omitempty"`
	Why     string   `json:"why,omitempty"` // with Failed
}

// Plan is how to build a cage.
type Plan struct {
	Hostname string    `json:"hostname"`
	UID      int       `json:"uid"`
	Mounts   []Mount   `json:"mounts"`
	Overlays []Overlay `json:"overlays,omitempty"`
	Temp     int64     `json:"temp"` // bytes
	// Limits of the kernel for each process; zero leaves one as it is.
	Files     int   `json:"files,omitempty"`
	FileSize  int64 `json:"file_size,omitempty"`
	Processes int   `json:"processes,omitempty"`
	Data      int64 `json:"data,omitempty"`
	// Watch is the memory of all processes that the first one enforces by looking; zero
	// when a control group does. It also denies memory that looking cannot see.
	Watch int64 `json:"watch,omitempty"`
}

// Mount shows something of the host inside.
type Mount struct {
	// Host is the path to bind; empty when a descriptor of the message is the mount,
	// and then File is its place among them.
	Host   string `json:"host,omitempty"`
	File   int    `json:"file,omitempty"`
	Inside string `json:"inside"`
	// Writable mounts are the cage's own disk.
	Writable bool `json:"writable,omitempty"`
	// Hidden mounts are not shown inside: they are what overlays and other mounts stand
	// on, under HiddenRoot.
	Hidden bool `json:"hidden,omitempty"`
}

// HiddenRoot is where Hidden mounts are while the cage is built.
const HiddenRoot = "/hidden"

// Overlay shows Lower with what programs change on top of it. All paths are below
// HiddenRoot, but Inside.
type Overlay struct {
	Lower, Upper, Work, Inside string
}

// Program is what to run.
type Program struct {
	Args []string `json:"args"`
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
}

// Exit is how a program ended.
type Exit struct {
	Code    int           `json:"code"`
	CPU     int64         `json:"cpu"`     // nanoseconds
	Memory  int64         `json:"memory"`  // bytes
	Full    bool          `json:"full"`    // it failed and Temp has no room left
	Stopped sandbox.Cause `json:"stopped"` // why the first process stopped it, or zero
}

// Used is what a cage uses.
type Used struct {
	Processes int   `json:"processes"`
	Memory    int64 `json:"memory"` // bytes, as Watch counts them
	CPU       int64 `json:"cpu"`    // nanoseconds
}

// Conn carries messages. Send may be called by many goroutines, Receive by one.
type Conn struct {
	socket  *net.UnixConn
	sending sync.Mutex
	buffer  []byte
}

// NewConn takes over a socket of a Pair.
func NewConn(file *os.File) (*Conn, error) {
	conn, err := net.FileConn(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("open the cage's line: %w", err)
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("open the cage's line: it is a %T", conn)
	}
	return &Conn{socket: socket, buffer: make([]byte, MaxMessage)}, nil
}

// Pair returns the two ends of a line.
func Pair() (here, there *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make the cage's line: %w", err)
	}
	for _, end := range ends {
		// A packet counts with what the kernel adds to it.
		if err := unix.SetsockoptInt(end, unix.SOL_SOCKET, unix.SO_SNDBUF, 2*MaxMessage); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("make the cage's line: %w", err), unix.Close(ends[0]), unix.Close(ends[1]))
		}
	}
	return os.NewFile(uintptr(ends[0]), "cage"), os.NewFile(uintptr(ends[1]), "cage"), nil
}

// Send sends m with the descriptors of files, which stay open here.
func (c *Conn) Send(m Message, files ...*os.File) error {
	packet, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("send %s to the cage: %w", m.Op, err)
	}
	if len(packet) > MaxMessage || len(files) > maxFiles {
		return fmt.Errorf("send %s to the cage: %w", m.Op, ErrTooLong)
	}
	var rights []byte
	if len(files) > 0 {
		numbers := make([]int, len(files))
		for i, f := range files {
			numbers[i] = int(f.Fd())
		}
		rights = unix.UnixRights(numbers...)
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	if _, _, err := c.socket.WriteMsgUnix(packet, rights, nil); err != nil {
		return fmt.Errorf("send %s to the cage: %w", m.Op, err)
	}
	return nil
}

// Receive returns the next message and the descriptors that came with it, which are
// the caller's to close. At the end of the line it returns io.EOF.
func (c *Conn) Receive() (Message, []*os.File, error) {
	var m Message
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, oob, flags, _, err := c.socket.ReadMsgUnix(c.buffer, rights)
	if err != nil {
		return m, nil, fmt.Errorf("receive from the cage: %w", err)
	}
	files, err := descriptors(rights[:oob])
	switch {
	case err != nil:
	case n == 0 && oob == 0:
		err = io.EOF
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = fmt.Errorf("receive from the cage: %w", ErrTooLong)
	default:
		err = json.Unmarshal(c.buffer[:n], &m)
	}
	if err != nil {
		CloseAll(files)
		return m, nil, err
	}
	return m, files, nil
}

// descriptors takes what came beside a message. Go receives them close-on-exec.
func descriptors(rights []byte) ([]*os.File, error) {
	if len(rights) == 0 {
		return nil, nil
	}
	parts, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, fmt.Errorf("receive from the cage: %w", err)
	}
	var files []*os.File
	for i := range parts {
		numbers, err := unix.ParseUnixRights(&parts[i])
		if err != nil {
			CloseAll(files)
			return nil, fmt.Errorf("receive from the cage: %w", err)
		}
		for _, n := range numbers {
			files = append(files, os.NewFile(uintptr(n), "passed"))
		}
	}
	return files, nil
}

// CloseAll closes files nobody needs.
func CloseAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() //nolint:errcheck // nothing was written to them here
	}
}

// Close ends the line. The cage ends with it.
func (c *Conn) Close() error { return c.socket.Close() }
