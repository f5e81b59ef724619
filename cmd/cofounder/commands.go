package main

import (
	"context"

	"cofounder/internal/app"
	"cofounder/internal/platform/config"
)

// dispatch carries out the chosen command.
func (c *cli) dispatch(ctx context.Context, command string, environ []string, s app.Streams, abort <-chan struct{}) error {
	if command == "version" {
		return app.PrintVersion(s)
	}
	if c.Serve.Roles != "" {
		environ = append(environ, "COFOUNDER_ROLES="+c.Serve.Roles)
	}
	cfg, err := config.Load(environ, c.Config)
	if err != nil {
		return err
	}
	switch command {
	case "migrate":
		return app.Migrate(ctx, cfg, s)
	case "doctor":
		return app.Doctor(ctx, cfg, s)
	case "user reset", "user reset <email>":
		return app.ResetUser(ctx, cfg, s, c.User.Reset.Email)
	case "db status":
		return app.DatabaseStatus(ctx, cfg, s)
	case "db url":
		return app.DatabaseURL(ctx, cfg, s)
	case "db stop":
		return app.StopDatabase(ctx, cfg, s)
	case "db backup <file>":
		return app.BackupDatabase(ctx, cfg, s, c.DB.Backup.File)
	case "db restore <file>":
		return app.RestoreDatabase(ctx, cfg, s, c.DB.Restore.File, c.DB.Restore.Force)
	default:
		return app.Serve(ctx, cfg, s, abort)
	}
}
