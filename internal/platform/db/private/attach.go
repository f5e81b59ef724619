package private

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

const (
	port       = "5432" // part of the socket's name
	socketName = ".s.PGSQL." + port
	// socketPath is the longest path of a socket we use; the systems allow 107
	// (Linux) and 103 (macOS) bytes.
	socketPath   = 90
	socketPrefix = "cofounder-db-"
)

// socket is where a server listens.
type socket struct {
	folder string
	pid    int
	ready  bool // by its own word
}

// address is a connection string for one database.
func (s *socket) address(user, name string) string {
	address := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + name}
	address.RawQuery = url.Values{"host": {s.folder}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return address.String()
}

// attach finds the server that serves this cluster by what it wrote about
// itself, makes sure that nobody else sits in its place, and connects.
func (c *cluster) attach(ctx context.Context) (*socket, error) {
	found, err := c.readPID()
	if err != nil {
		return nil, err
	}
	if !found.ready {
		return nil, errors.New("it is starting or stopping")
	}
	if !c.ours(found.folder) {
		return nil, fmt.Errorf("%s is not the database's own folder", found.folder)
	}
	if err := c.heal(ctx, found); err != nil {
		return nil, err
	}
	return found, nil
}

// readPID reads what PostgreSQL writes into its folder when it starts: process
// id, socket folder and state are its first, fifth and eighth line.
func (f *folder) readPID() (*socket, error) {
	text, err := f.root.ReadFile("pg/postmaster.pid")
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 5 || lines[4] == "" {
		return nil, errors.New("the server has not said yet where it listens")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.at("pg/postmaster.pid"), err)
	}
	ready := len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
	return &socket{folder: lines[4], pid: pid, ready: ready}, nil
}

const (
	healSQL = `SELECT coalesce((SELECT datallowconn FROM pg_database WHERE datname = $1), false),
       ARRAY(SELECT datname::text FROM pg_database WHERE datname LIKE $2)`
	openSQL = `ALTER DATABASE ` + database + ` ALLOW_CONNECTIONS true`
)

// heal connects, which shows that the server is ready, and finishes what a
// killed restore left: a database closed to connections, a half-filled one.
func (c *cluster) heal(ctx context.Context, found *socket) error {
	conn, err := pgx.Connect(ctx, found.address(superuser, superuser))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is pending on it
	var open bool
	var leftovers []string
	if err := conn.QueryRow(ctx, healSQL, database, restoring+"%").Scan(&open, &leftovers); err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if !open {
		if _, err := conn.Exec(ctx, openSQL); err != nil {
			return fmt.Errorf("open the database to connections: %w", err)
		}
	}
	for _, name := range leftovers {
		if err := drop(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}

// plainPath is a path that needs no quoting in an address: a comma would make
// it two.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9/._~-]+$`)

// socketFolder is the cluster's own folder, or a short one where the path of a
// socket in there would be too long or odd. The short one has the same name each
// time, so that pools find the server again, unless somebody else sits there.
func (c *cluster) socketFolder() (string, error) {
	own := c.at("pg")
	if len(filepath.Join(own, socketName)) <= socketPath && plainPath.MatchString(own) {
		return own, nil
	}
	parents := []string{"/tmp"}
	if c.user.Switch {
		parents = []string{"/run", "/tmp"} // where nothing is swept, if there is one
	}
	name := fmt.Sprintf("%s%x", socketPrefix, sha256.Sum256([]byte(own)))[:len(socketPrefix)+12]
	var problems []error
	for _, parent := range parents {
		path := filepath.Join(parent, name)
		err := os.Mkdir(path, clusterMode)
		if errors.Is(err, fs.ErrExist) && !c.ours(path) {
			path, err = os.MkdirTemp(parent, socketPrefix)
		}
		if err == nil || errors.Is(err, fs.ErrExist) {
			if err = c.user.Own(path); err == nil {
				return path, nil
			}
		}
		problems = append(problems, err)
	}
	return "", fmt.Errorf("make a short folder for the database's socket: %w", errors.Join(problems...))
}

// ours reports whether path is a folder, no link to one, that only the server's
// user (or root, who then gives it away) can have made and can enter.
func (c *cluster) ours(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm() != clusterMode {
		return false
	}
	return int(stat.Uid) == c.user.UID || c.user.Switch && stat.Uid == 0
}

// clearStale removes what a killed server left: its short socket folder and,
// where its process id demonstrably belongs to no server of ours any more (as in
// containers), the files that would stop the new one.
func (c *cluster) clearStale() error {
	old, err := c.readPID()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return nil //nolint:nilerr // unreadable: PostgreSQL judges it itself
	}
	if cannotServe(old.pid, c.at("pg")) {
		for _, name := range []string{"pg/postmaster.pid", "pg/" + socketName + ".lock"} {
			if err := c.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove a stale process id: %w", err)
			}
		}
	}
	c.removeSocketFolder(old.folder)
	return nil
}

// removeSocketFolder removes a short folder of ours and what a server keeps in
// it, no more, and leaves anything else alone.
func (c *cluster) removeSocketFolder(path string) {
	if !strings.HasPrefix(filepath.Base(path), socketPrefix) || !c.ours(path) {
		return
	}
	for _, name := range []string{socketName, socketName + ".lock", ""} {
		os.Remove(filepath.Join(path, name)) //nolint:errcheck // what is left is an empty folder
	}
}
