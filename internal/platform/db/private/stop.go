package private

import (
	"context"
	"errors"
	"fmt"
)

// ErrNotRunning means that there is no server to stop.
var ErrNotRunning = errors.New("the database is not running")

// Stop ends the server of the data folder, also under processes that use it:
// what they have not committed is rolled back. It returns when the server is
// gone. A data folder without a server is ErrNotRunning.
func Stop(ctx context.Context, config Config) error {
	status, err := StatusOf(config.Dir)
	if err != nil {
		return err
	}
	if !status.Running {
		return ErrNotRunning
	}
	c, err := enter(ctx, config)
	if err != nil {
		return err
	}
	defer c.leave()
	return c.stop(ctx)
}

func (c *cluster) stop(ctx context.Context) error {
	alive, err := c.running()
	if err != nil {
		return err
	}
	if !alive {
		return ErrNotRunning
	}
	if err := c.write(stopped, "", secretMode); err != nil {
		return err
	}
	found, err := c.readPID()
	if err != nil {
		return fmt.Errorf("stop the database: %w", err)
	}
	// pg_ctl runs as the server's user, so the system itself sees to it that
	// whatever the file names, only a process of that user is signalled.
	cmd := Command(ctx, c.user, c.programs.Path("pg_ctl"), "stop", "-D", c.at("pg"), "-m", "fast", "-w", "-t", "120")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("stop the database: %w", failed(ctx, "pg_ctl", err, string(out)))
	}
	if err := c.untilDown(ctx); err != nil {
		return fmt.Errorf("stop the database: %w", err)
	}
	c.removeSocketFolder(found.folder)
	return nil
}
