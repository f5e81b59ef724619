package sandbox

import (
	"context"
	"io"
	"net"
	"time"
)

// Where things are inside, in every cage of every driver.
const (
	Workspace = "/workspace" // the cage's own files; programs start here
	Home      = "/home/app"  // HOME: caches of package clients, on the workspace's disk
	Temp      = "/tmp"       // kept in memory, bounded by Limits.Temp
)

// Driver is one way of building cages. It is safe for concurrent use.
type Driver interface {
	// Name is short and stable, for logs and pages: "ns".
	Name() string
	// Probe says what this driver enforces on this machine, having tried it in a
	// cage. An error with cause Refused says that no cage can be built here, why, and
	// what to do about it.
	Probe(ctx context.Context) (Report, error)
	// Create builds an empty cage and returns when it is ready for Exec. ctx bounds
	// the building, not the cage.
	Create(ctx context.Context, spec Spec) (Cage, error)
	// Sweep removes what cages of processes that are gone left on this machine, and
	// touches nothing of those that live. Call it once at start.
	Sweep(ctx context.Context) error
}

// Cage is one running cage. All methods are safe for concurrent use; after Destroy,
// or once the cage died, they answer with cause Died.
type Cage interface {
	// ID is the Spec's.
	ID() string
	// Exec runs a program and waits for it, for everything it started, and for the
	// last byte of its output. However it ended by itself is an Exit and no error:
	// look at Code. An *Error says what stopped it otherwise; the Exit is filled as
	// far as it is known. When ctx ends, the program is stopped: OutOfTime after a
	// deadline, else Killed.
	Exec(ctx context.Context, cmd Command) (Exit, error)
	// Files is the workspace, from the host.
	Files() *Files
	// Dial connects to a port of 127.0.0.1 inside.
	Dial(ctx context.Context, port int) (net.Conn, error)
	// Listen takes connections that programs inside make to a port of 127.0.0.1. It
	// fails when something inside holds the port.
	Listen(ctx context.Context, port int) (net.Listener, error)
	// Stats says what the cage uses now.
	Stats(ctx context.Context) (Stats, error)
	// Destroy ends the cage and waits until nothing is left of it. It may be called
	// many times, and works on a cage that died.
	Destroy(ctx context.Context) error
}

// Spec describes a cage to be built.
type Spec struct {
	// ID names the cage among all living ones of the machine: 1 to 40 lower-case
	// letters, digits and hyphens. Paths inside may show it: no founder's words.
	ID string
	// Purpose is what the cage is for, in a word or two, for whoever operates this
	// installation: "app", "build".
	Purpose string
	// Limits; a zero field takes the value of Building.
	Limits Limits
	// ReadOnly are folders and files of the host shown inside besides the system and
	// the tools. Nothing inside can change them.
	ReadOnly []Mount
	// Caches are the warm caches to show inside, by the names they were warmed under;
	// one that is not ready yet is left out.
	Caches []string
}

// Mount shows a path of the host inside.
type Mount struct {
	Host   string // absolute
	Inside string // absolute; made if it is missing
}

// Command is a program to run. It is started directly, without a shell.
type Command struct {
	// Args are the program and its arguments. A program without a slash is looked for
	// in the folders of the cage's PATH.
	Args []string
	// Dir is where it starts, relative to the workspace.
	Dir string
	// Env is added to the cage's own short environment (PATH, HOME, LANG, TMPDIR, what
	// the tools need), as KEY=value; the last of a key wins. Nothing else is passed.
	Env []string
	// Stdin is read to its end or until the program ends. Nil is empty.
	Stdin io.Reader
	// Stdout and Stderr take the output as it comes, raw: see Plain and Transcript
	// before showing it to anybody. Nil throws it away. If both are the same writer,
	// the order in which the program wrote is kept. Otherwise they are called from two
	// goroutines.
	Stdout, Stderr io.Writer
	// Grace is how long the program may take after SIGTERM once ctx ended, before
	// everything it started is killed. Zero kills at once.
	Grace time.Duration
}

// Exit is how a program ended.
type Exit struct {
	Code    int           // its status, or 128 + the signal that ended it
	Took    time.Duration // from start to end
	CPU     time.Duration // processor time of it and its children
	Memory  int64         // most bytes that one of its processes had in memory
	Dropped int64         // bytes of output beyond Limits.Output, which nobody got
}

// Living is a cage as an operator sees it.
type Living struct {
	ID, Purpose string
	Since       time.Time // when it was ready
	Stats       Stats
}

// Stats is what a cage uses at one moment, and what it may.
type Stats struct {
	Memory    int64         // bytes, as the memory limit counts them
	Processes int           // living ones, without the cage's own
	CPU       time.Duration // since it was built
	Disk      int64         // bytes of workspace and home
	Limits    Limits
}
