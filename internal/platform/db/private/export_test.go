package private

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Look is one round of Watch, which tests need not wait for.
func (s *Server) Look(ctx context.Context) (restarted bool, err error) { return s.look(ctx) }

// Attach is one try to find the running server.
func Attach(ctx context.Context, dir string) error {
	c, err := enter(ctx, Config{Dir: dir})
	if err != nil {
		return err
	}
	defer c.leave()
	_, err = c.attach(ctx)
	return err
}

// Reason is what is made of a program's output.
func Reason(output string) string { return reason(output) }

// BreakRestore leaves what a restore leaves that is killed just before the
// names change.
func BreakRestore(ctx context.Context, s *Server) error {
	conn, err := pgx.Connect(ctx, s.socket.address(superuser, superuser))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is pending on it
	for _, sql := range []string{"CREATE DATABASE " + restoring + "abc", closeSQL, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database + "'"} {
		//nolint:unqueryvet // closing a database cannot share a transaction
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
