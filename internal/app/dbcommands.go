package app

import (
	"context"
	"errors"
	"fmt"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db/private"
)

// errElsewhere is returned by the commands of the private database when there is
// none.
var errElsewhere = errors.New("DATABASE_URL is set, so there is no private database: use that server's own tools (pg_dump, pg_restore)")

// privateConfig is what the commands of the private database work on.
func privateConfig(cfg config.Config, s Streams) (private.Config, error) {
	if cfg.Data.DatabaseURL.IsSet() {
		return private.Config{}, errElsewhere
	}
	t := newTerminal(cfg, s.Err)
	return private.Config{
		Dir: cfg.Data.Dir, Log: logger(cfg, s),
		Progress: func(step string) { t.say("%s", step) },
	}, nil
}

// DatabaseStatus says whether the private database runs, and where.
func DatabaseStatus(_ context.Context, cfg config.Config, s Streams) error {
	if cfg.Data.DatabaseURL.IsSet() {
		return errElsewhere
	}
	status, err := private.StatusOf(cfg.Data.Dir)
	switch {
	case err != nil:
		return err
	case !status.Exists:
		return say(s, "There is no database in %s yet; serve makes it.", cfg.Data.Dir)
	case !status.Running:
		return say(s, "The database in %s (PostgreSQL %d) is stopped.", cfg.Data.Dir, status.Major)
	}
	return say(s, "The database in %s (PostgreSQL %d) runs as process %d; its socket is %s.",
		cfg.Data.Dir, status.Major, status.PID, status.Socket)
}

// DatabaseURL prints the address of the private database, starting it if need be.
func DatabaseURL(ctx context.Context, cfg config.Config, s Streams) error {
	pc, err := privateConfig(cfg, s)
	if err != nil {
		return err
	}
	server, err := private.Start(ctx, pc)
	if err != nil {
		return err
	}
	return say(s, "%s", server.URL())
}

// StopDatabase stops the private database. One that does not run is fine.
func StopDatabase(ctx context.Context, cfg config.Config, s Streams) error {
	pc, err := privateConfig(cfg, s)
	if err != nil {
		return err
	}
	err = private.Stop(ctx, pc)
	switch {
	case errors.Is(err, private.ErrNotRunning):
		return say(s, "The database was not running.")
	case err != nil:
		return err
	}
	return say(s, "The database is stopped. Nothing is lost. A cofounder that still runs waits for it: stop and start that again.")
}

// BackupDatabase writes everything in the private database into file.
func BackupDatabase(ctx context.Context, cfg config.Config, s Streams, file string) error {
	pc, err := privateConfig(cfg, s)
	if err != nil {
		return err
	}
	if err := private.Backup(ctx, pc, file); err != nil {
		return err
	}
	if cfg.Data.Secret.IsSet() {
		return say(s, "Written: %s. Keep COFOUNDER_SECRET with it: it opens the keys inside.", file)
	}
	return say(s, "Written: %s. Keep %s with it, in another place: it opens the keys inside.", file, cfg.Data.SecretPath())
}

// RestoreDatabase replaces the private database by what file holds; without
// force only an empty one.
func RestoreDatabase(ctx context.Context, cfg config.Config, s Streams, file string, force bool) error {
	pc, err := privateConfig(cfg, s)
	if err != nil {
		return err
	}
	err = private.Restore(ctx, pc, private.Restoration{File: file, Replace: force})
	if errors.Is(err, private.ErrNotEmpty) {
		return fmt.Errorf("%w: back it up first (cofounder db backup), then add --force", err)
	}
	if err != nil {
		return err
	}
	return say(s, "Restored from %s. Sign-ins, access keys and invitations are as they were then: end those that should not be.\nStart cofounder again: what it remembers may be gone.", file)
}

// databaseAddress returns where doctor can look, or "" with the finding that
// says why it cannot.
func (d *doctor) databaseAddress() (string, finding) {
	f := finding{what: "database", verdict: fine}
	if d.cfg.Data.DatabaseURL.IsSet() {
		f.says = "DATABASE_URL answers"
		return d.cfg.Data.DatabaseURL.Reveal(), f
	}
	status, err := private.StatusOf(d.cfg.Data.Dir)
	switch {
	case err != nil:
		f.verdict, f.says = broken, err.Error()
	case !status.Exists:
		f.verdict, f.says = warning, "none in "+d.cfg.Data.Dir+" yet"
		f.do = "nothing: serve makes it"
	case !status.Running || status.Socket == "":
		f.verdict, f.says = warning, fmt.Sprintf("the one in %s (PostgreSQL %d) is stopped", d.cfg.Data.Dir, status.Major)
		f.do = "nothing: serve starts it"
	default:
		f.says = fmt.Sprintf("PostgreSQL %d runs in %s as process %d", status.Major, d.cfg.Data.Dir, status.PID)
		return status.URL(), f
	}
	return "", f
}
