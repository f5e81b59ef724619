package app

import (
	"context"
	"fmt"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/private"
	"cofounder/migrations"

	"github.com/jackc/pgx/v5/pgxpool"
)

// database is a connected pool and, where we run it ourselves, its server.
type database struct {
	pool   *pgxpool.Pool
	server *private.Server // nil with DATABASE_URL
}

// openDatabase connects to DATABASE_URL, or to the private database, which it
// starts when needed.
func openDatabase(ctx context.Context, o Options) (database, error) {
	var d database
	address := o.Config.Data.DatabaseURL.Reveal()
	if address == "" {
		var err error
		d.server, err = private.Start(ctx, private.Config{Dir: o.Config.Data.Dir, Log: o.Log, Progress: o.Progress})
		if err != nil {
			return database{}, err
		}
		address = d.server.URL()
	}
	var err error
	d.pool, err = db.Open(ctx, address, db.Options{})
	return d, err
}

// close gives the connections back; the server goes on.
func (d database) close() {
	if d.pool != nil {
		d.pool.Close()
	}
}

// Migrate brings the schema up to date and says where it is.
func Migrate(ctx context.Context, cfg config.Config, s Streams) error {
	log := logger(cfg, s)
	d, err := openDatabase(ctx, Options{Config: cfg, Log: log})
	if err != nil {
		return err
	}
	defer d.close()
	if err := db.Migrate(ctx, d.pool, migrations.FS, log); err != nil {
		return err
	}
	schema, err := db.SchemaOf(ctx, d.pool, migrations.FS)
	if err != nil {
		return err
	}
	return say(s, "The schema is at %d.", schema.Applied)
}

// ResetUser prints a link that signs a user in once and lets them set a new
// password. Without an address it is the owner's; while there is no account it
// makes the first one.
func ResetUser(ctx context.Context, cfg config.Config, s Streams, email string) error {
	a, err := Open(ctx, Options{Config: cfg, Log: logger(cfg, s)})
	if err != nil {
		return err
	}
	known, err := a.Accounts.HasUsers(ctx)
	var code string
	switch {
	case err != nil:
	case known || email != "":
		code, err = a.Accounts.MintResetLink(ctx, email)
	default:
		code, err = a.Accounts.MintStartLink(ctx)
	}
	if err == nil {
		err = say(s, "Open this link. It works once, for 15 minutes:\n\n  %s", publicURL(cfg, cfg.HTTP.Addr).JoinPath("start", code))
	}
	if closed := a.Close(ctx); err == nil {
		err = closed
	}
	return err
}

// say prints one thing to people or pipes.
func say(s Streams, format string, args ...any) error {
	if _, err := fmt.Fprintf(s.Out, format+"\n", args...); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// PrintVersion prints the version.
func PrintVersion(s Streams) error { return say(s, "cofounder %s", Version()) }
