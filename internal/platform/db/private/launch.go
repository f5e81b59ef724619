package private

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// startTime is how long a server may take until it answers. After a crash it
	// replays at most max_wal_size, which takes seconds.
	startTime = 3 * time.Minute
	// recoveryTime is after how long we say that it takes its time.
	recoveryTime = 2 * time.Second
)

// settings are given on the command line, so that a new release brings its own
// and no file needs editing. They keep an idle server small: 64 MB of cache, of
// which only used pages count, no parallel workers waiting, no JIT compiler.
func (c *cluster) settings(socketFolder string) []string {
	values := []string{
		"listen_addresses=", // no port
		"unix_socket_directories=" + listed(socketFolder),
		"unix_socket_permissions=0700",
		"port=" + port,
		"hba_file=" + c.at("pg.hba"),
		"ident_file=" + c.at("pg.ident"),
		"cluster_name=cofounder",
		"timezone=UTC",
		"log_timezone=UTC",
		// A commit that was acknowledged is on the disk.
		"fsync=on",
		"synchronous_commit=on",
		"full_page_writes=on",
		"recovery_init_sync_method=" + recoverySync,
		"wal_level=minimal",
		"max_wal_senders=0",
		"max_wal_size=256MB",
		"min_wal_size=64MB",
		"max_connections=100",
		"shared_buffers=64MB",
		"work_mem=4MB",
		"maintenance_work_mem=64MB",
		"jit=off",
		"max_worker_processes=4",
		"max_parallel_workers=2",
		"max_logical_replication_workers=0",
		"autovacuum_max_workers=2",
		// The log is for the operator and holds no statement and no value: the
		// product reports its own errors.
		"logging_collector=off",
		"log_destination=stderr",
		"log_line_prefix=%m [%p] ",
		"log_min_messages=warning",
		"log_min_error_statement=panic",
		"log_error_verbosity=terse",
		"log_checkpoints=off",
		"log_autovacuum_min_duration=-1",
	}
	args := []string{"-D", c.at("pg")}
	for _, value := range values {
		args = append(args, "-c", value)
	}
	return args
}

// listed writes a path as the one element of a list of PostgreSQL's.
func listed(path string) string { return `"` + strings.ReplaceAll(path, `"`, `""`) + `"` }

// Who may connect is decided by the kernel's word alone: root and the server's
// own user, as the product or as the superuser.
func (c *cluster) writeAccess() error {
	hba := "local all all peer map=cofounder\n" //nolint:dupword // two columns: databases, users
	var ident strings.Builder
	for _, name := range []string{"root", c.user.Name} {
		for _, role := range []string{database, superuser} {
			fmt.Fprintf(&ident, "cofounder %s %s\n", listed(name), role)
		}
	}
	return errors.Join(c.write("pg.hba", hba, 0o644), c.write("pg.ident", ident.String(), 0o644))
}

// launch starts the server and waits until it answers. It is left running,
// whatever becomes of ctx or of us.
func (c *cluster) launch(ctx context.Context) (*socket, error) {
	c.config.Progress(fmt.Sprintf("database: starting PostgreSQL %d", c.programs.Major))
	if err := c.clearStale(); err != nil {
		return nil, err
	}
	if err := c.writeAccess(); err != nil {
		return nil, err
	}
	if err := c.trimLog(); err != nil {
		return nil, err
	}
	log, err := c.open("pg.log")
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // only its end is read
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("read the database's log: %w", err)
	}
	at, err := c.socketFolder()
	if err != nil {
		return nil, err
	}
	ended, err := c.spawn(ctx, log, at)
	if err != nil {
		return nil, err
	}
	found, err := c.await(ctx, ended)
	if errors.Is(err, errEnded) {
		text, readErr := io.ReadAll(io.NewSectionReader(log, begin, logCap))
		if readErr != nil {
			return nil, errors.Join(err, readErr)
		}
		return nil, fmt.Errorf("start the database: %w", failed(ctx, "postgres", err, string(text)))
	}
	return found, err
}

var errEnded = errors.New("the server ended at once")

// spawn starts the server. All its processes inherit pg.running, locked.
func (c *cluster) spawn(ctx context.Context, log *os.File, socketFolder string) (ended <-chan struct{}, err error) {
	alive, err := c.open("pg.running")
	if err != nil {
		return nil, err
	}
	defer alive.Close() //nolint:errcheck // the server has its own by now
	taken, err := tryLock(alive, syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	if !taken {
		return nil, fmt.Errorf("start the database: %s is held by another program", c.at("pg.running"))
	}
	cmd := Command(context.WithoutCancel(ctx), c.user, c.programs.Path("postgres"), c.settings(socketFolder)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{alive}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the database: %w", err)
	}
	gone := make(chan struct{})
	go reap(cmd, gone)
	return gone, nil
}

// reap waits for the server, which outlives this on purpose; while we live, a
// dead one must not stay a zombie that looks alive.
func reap(cmd *exec.Cmd, gone chan<- struct{}) {
	defer close(gone)
	cmd.Wait() //nolint:errcheck // its log says more than its exit code
}

// await connects as soon as the server answers.
func (c *cluster) await(ctx context.Context, ended <-chan struct{}) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	slow := time.After(recoveryTime)
	var last error
	for {
		found, err := c.attach(ctx)
		if err == nil {
			return found, nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-look.C:
		case <-slow:
			c.config.Progress("database: still starting; after a sudden end it first reads back its log")
		case <-ended:
			return nil, errEnded
		case <-ctx.Done():
			return nil, fmt.Errorf("the database does not answer (%w: %s); its log is %s",
				ctx.Err(), strings.Join(strings.Fields(fmt.Sprint(last)), " "), c.at("pg.log"))
		}
	}
}
