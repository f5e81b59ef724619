// Command cofounder is the whole product: web pages, API, workers and the tools
// to run it. This package knows flags and exit codes; package app does the work.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"cofounder/internal/app"
	"cofounder/internal/base/fault"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/sandbox/ns"

	"github.com/alecthomas/kong"
)

// Exit codes, from sysexits.h where it has one.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 64 // EX_USAGE
	exitConfig = 78 // EX_CONFIG
)

const description = `cofounder is an AI technical co-founder: it turns an idea into a running product.

With no command it serves. On one machine it needs nothing else: it starts a
private PostgreSQL in its data folder. Settings come from the environment or
from --config; docs/CONFIG.md lists them.`

type cli struct {
	Config string `help:"File of KEY=VALUE settings. The environment wins over it." placeholder:"FILE" env:"COFOUNDER_CONFIG"`

	Serve   serveCmd   `cmd:"" default:"withargs" help:"Serve pages and API and do the background work. The default."`
	Migrate migrateCmd `cmd:"" help:"Bring the database to this version's schema and exit. Safe to run many times at once."`
	Doctor  doctorCmd  `cmd:"" help:"Check settings, database, disk, clock, addresses and what this machine can do."`
	User    userCmd    `cmd:"" help:"Let somebody back in."`
	DB      dbCmd      `cmd:"" name:"db" help:"The private database: state, address, stop, backup, restore."`
	Version versionCmd `cmd:"" help:"Print the version and exit."`
}

type serveCmd struct {
	Roles string `help:"What this process does: web, worker or both." placeholder:"web,worker"`
}

type migrateCmd struct{}

type doctorCmd struct{}

type versionCmd struct{}

type userCmd struct {
	Reset resetCmd `cmd:"" help:"Print a link, good once and for 15 minutes, that signs a user in and lets them set a new password."`
}

type resetCmd struct {
	Email string `arg:"" optional:"" help:"The user's e-mail address. Without it: the owner."`
}

type dbCmd struct {
	Status  dbStatusCmd  `cmd:"" help:"Say whether the private database runs, and where."`
	URL     dbURLCmd     `cmd:"" name:"url" help:"Print an address that psql and other tools understand."`
	Stop    dbStopCmd    `cmd:"" help:"Stop the private database. Nothing is lost; the next serve starts it."`
	Backup  dbBackupCmd  `cmd:"" help:"Write everything into one file, while it runs."`
	Restore dbRestoreCmd `cmd:"" help:"Replace everything by a backup. The old contents stay until the backup is read completely."`
}

type (
	dbStatusCmd struct{}
	dbURLCmd    struct{}
	dbStopCmd   struct{}
)

type dbBackupCmd struct {
	File string `arg:"" help:"Where to write. An older backup there is replaced, anything else is refused."`
}

type dbRestoreCmd struct {
	File  string `arg:"" help:"A file that backup wrote."`
	Force bool   `help:"Replace a database that holds projects."`
}

func main() {
	// This program is also the first process of each cage it builds.
	if code, isInit := ns.Init(); isInit {
		os.Exit(code)
	}
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser := kong.Must(&c, kong.Name("cofounder"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		return say(stderr, exitUsage, err.Error()+"\nTry: cofounder --help")
	}
	ctx, abort, forget := onSignals()
	defer forget()
	err = c.dispatch(ctx, command.Command(), environ, app.Streams{Out: stdout, Err: stderr}, abort)
	var bad *config.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &bad):
		return say(stderr, exitConfig, err.Error())
	case fault.Of(err) != nil:
		return say(stderr, exitFailed, fault.Of(err).Detail)
	default:
		return say(stderr, exitFailed, err.Error())
	}
}

// say prints why we failed and returns the exit code, which tells it too when
// nobody can read.
func say(w io.Writer, code int, why string) int {
	_, _ = fmt.Fprintln(w, "cofounder: "+why) //nolint:errcheck // see above
	return code
}

// echo is how long after the first signal another one counts as the same: a
// wrapper that passes Ctrl-C on to its child doubles what the terminal sent.
const echo = 300 * time.Millisecond

// onSignals returns a context that ends with the first SIGINT or SIGTERM and a
// channel that is closed by the second. forget gives the signals back.
func onSignals() (ctx context.Context, abort <-chan struct{}, forget func()) {
	signals, second := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		var first time.Time
		for {
			select {
			case <-done:
				return
			case <-signals:
			}
			switch {
			case first.IsZero():
				first = time.Now()
				stop()
			case time.Since(first) > echo:
				close(second)
				return
			}
		}
	}()
	return ctx, second, func() {
		signal.Stop(signals)
		close(done)
		stop()
	}
}
