package private

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	// restoring begins the names of databases that are being filled. One that a
	// crash left is dropped by the next start.
	restoring = "cofounder_restoring_"
	// replaced ends the name of the database that made room, until it is dropped.
	replaced = "_old"
)

// Restoration says what to restore.
type Restoration struct {
	File    string // a backup by Backup (or pg_dump's custom format)
	Replace bool   // even if there are tables now, which are lost, or somebody is connected
}

// ErrNotEmpty means that a restore would replace something and was not told to.
var ErrNotEmpty = errors.New("there is data already, which a restore would replace")

// Restore replaces the product's database by what a backup holds. The backup
// goes into a new database first, and only when all of it is there do the names
// change in one transaction: a restore that fails or is killed loses nothing.
// Sessions on the old database are ended; programs should be started again, since
// what they remember may be gone. The server is started if need be and left
// running.
func Restore(ctx context.Context, config Config, what Restoration) error {
	if err := checkBackup(what.File); err != nil {
		return fmt.Errorf("restore the database: %w", err)
	}
	c, err := enter(ctx, config)
	if err != nil {
		return err
	}
	defer c.leave()
	s, err := c.start(ctx)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.socket.address(superuser, superuser))
	if err != nil {
		return fmt.Errorf("restore the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	if !what.Replace {
		if err := s.checkEmpty(ctx, conn); err != nil {
			return err
		}
	}
	name := restoring + strings.ToLower(rand.Text()[:8])
	err = s.fill(ctx, conn, name, what.File)
	if err == nil {
		err = swap(ctx, conn, name, name+replaced)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("restore the database (it is as it was): %w", err), drop(context.WithoutCancel(ctx), conn, name))
	}
	return drop(ctx, conn, name+replaced)
}

const (
	tablesSQL   = `SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))`
	sessionsSQL = `SELECT count(*) FROM pg_stat_activity WHERE datname = $1`
)

// checkEmpty returns ErrNotEmpty when the database holds tables or is in use.
func (s *Server) checkEmpty(ctx context.Context, admin *pgx.Conn) error {
	var sessions, tables int
	if err := admin.QueryRow(ctx, sessionsSQL, database).Scan(&sessions); err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if sessions > 0 {
		return fmt.Errorf("%w: a program is connected to it", ErrNotEmpty)
	}
	conn, err := pgx.Connect(ctx, s.socket.address(superuser, database))
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is pending on it
	if err := conn.QueryRow(ctx, tablesSQL).Scan(&tables); err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if tables > 0 {
		return fmt.Errorf("%w: it has %d tables", ErrNotEmpty, tables)
	}
	return nil
}

// fill makes a database and puts the backup into it. A backup is SQL of whoever
// made it: nothing of it runs as anybody but the product's user, who connects
// himself, since a role that was only set can be reset.
func (s *Server) fill(ctx context.Context, conn *pgx.Conn, name, path string) error {
	s.config.Progress("database: reading " + path)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+quote(name)+" OWNER "+database+" TEMPLATE template0"); err != nil {
		return err
	}
	file, err := os.Open(path) //nolint:gosec // the person's choice
	if err != nil {
		return plain(err)
	}
	defer file.Close() //nolint:errcheck // only read
	if err := s.program(ctx, file, nil, "pg_restore", "--dbname="+s.socket.address(database, name),
		"--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"); err != nil {
		return err
	}
	inside, err := pgx.Connect(ctx, s.socket.address(database, name))
	if err != nil {
		return err
	}
	_, err = inside.Exec(ctx, "ANALYZE")
	return errors.Join(err, inside.Close(ctx))
}

const (
	closeSQL = `ALTER DATABASE ` + database + ` ALLOW_CONNECTIONS false`
	endSQL   = `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1`
)

// swap puts the new database in the place of the old one. Nobody
// can connect in between; if we are killed there, the next start opens the old
// one again.
func swap(ctx context.Context, conn *pgx.Conn, name, old string) error {
	if _, err := conn.Exec(ctx, closeSQL); err != nil {
		return err
	}
	if err := rename(ctx, conn, name, old); err != nil {
		_, openErr := conn.Exec(context.WithoutCancel(ctx), openSQL)
		return errors.Join(err, openErr)
	}
	return nil
}

func rename(ctx context.Context, conn *pgx.Conn, name, old string) error {
	if _, err := conn.Exec(ctx, endSQL, database); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "ALTER DATABASE "+database+" RENAME TO "+quote(old)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "ALTER DATABASE "+quote(name)+" RENAME TO "+database)
		return err
	})
}

func drop(ctx context.Context, conn *pgx.Conn, name string) error {
	if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop the database %s: %w", name, err)
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
