package dbtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"cofounder/internal/platform/db/private"

	"github.com/jackc/pgx/v5"
)

const (
	startTime = time.Minute
	lookEvery = 20 * time.Millisecond
	// scratch is short, because a socket's path must be, and open to every user.
	scratch = "/tmp"
)

// server is a throw-away PostgreSQL held by a guard: a shell that starts it and,
// when its own standard input ends, stops it and removes the folder. The other
// end of that pipe is ours alone, so the system closes it when this process
// ends, in whatever way.
type server struct {
	url   string
	leash io.Closer
	ended chan struct{} // closed when the guard is gone
	last  bytes.Buffer  // the end of the server's log; read only after ended
}

// guardScript: $1 is the folder of the programs, $2 the server's. It ends with
// the server and prints the end of its log. The signal is repeated because a
// server that has only just been started ignores it.
const guardScript = `
exec 3<&0
if "$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions >"$2/log" 2>&1 </dev/null 3<&-; then
  "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=400 -c shared_buffers=64MB -c jit=off -c autovacuum=off -c timezone=UTC -c log_timezone=UTC \
    -c max_wal_senders=0 -c wal_level=minimal -c max_logical_replication_workers=0 -c checkpoint_timeout=1h \
    >"$2/log" 2>&1 </dev/null 3<&- &
  server=$!
  { cat; while kill -QUIT "$server"; do sleep 1; done; } <&3 >/dev/null 2>&1 &
  leash=$!
  wait "$server"
  kill "$leash" 2>/dev/null
fi
tail -n 5 "$2/log"
rm -rf "$2"
`

func startServer(ctx context.Context) (*server, error) {
	user, err := private.ServerUser()
	if err != nil {
		return nil, err
	}
	found, err := private.FindPrograms(ctx, "", user)
	if err != nil {
		return nil, fmt.Errorf("%w; ./do test installs it", err)
	}
	folder, err := os.MkdirTemp(scratch, "cofounder-test-")
	if err != nil {
		return nil, fmt.Errorf("make the server's folder: %w", err)
	}
	if err := user.Own(folder); err != nil {
		os.RemoveAll(folder) //nolint:errcheck // the first error says what is wrong
		return nil, fmt.Errorf("make the server's folder: %w", err)
	}
	s := &server{ended: make(chan struct{})}
	guard := private.Command(ctx, user, "/bin/sh", "-c", guardScript, "guard", found[0].Folder, folder)
	guard.Stdout = &s.last
	if s.leash, err = guard.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := guard.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go s.wait(guard)
	if err := s.prepare(ctx, folder); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) wait(guard *exec.Cmd) {
	defer close(s.ended)
	_ = guard.Wait() //nolint:errcheck // the log it printed says more than its exit code
}

// prepare waits for the server and makes the user of the tests, who has the
// rights of the product's user and may create databases besides.
func (s *server) prepare(ctx context.Context, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	address := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres"}
	address.RawQuery = url.Values{"host": {folder}, "port": {"5432"}, "sslmode": {"disable"}}.Encode()
	conn, err := s.connect(ctx, address.String())
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is pending on it
	if _, err := conn.Exec(ctx, "CREATE ROLE cofounder LOGIN CREATEDB"); err != nil {
		return fmt.Errorf("make the tests' user: %w", err)
	}
	address.User = url.User("cofounder")
	s.url = address.String()
	return nil
}

// connect waits until the server answers or has ended.
func (s *server) connect(ctx context.Context, address string) (*pgx.Conn, error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			return conn, nil
		}
		select {
		case <-look.C:
		case <-s.ended:
			return nil, fmt.Errorf("the server ended at once: %s", strings.TrimSpace(s.last.String()))
		case <-ctx.Done():
			return nil, fmt.Errorf("the server did not answer within %s: %w", startTime, err)
		}
	}
}

// stop ends the server and waits until its folder is gone.
func (s *server) stop() {
	s.leash.Close()
	<-s.ended
}
