package private

import (
	"context"
	"log/slog"
	"time"
)

const (
	watchEvery = 2 * time.Second
	// stopped exists when a person's stop was the last word.
	stopped = "pg.stopped"
)

// Watch looks after the server until ctx ends: one that died is started again
// (a pool of package db then reconnects by itself), one that Stop stopped is
// left alone, and the log is kept short. Run it in one goroutine of each process
// that uses the server.
func (s *Server) Watch(ctx context.Context) {
	log := s.config.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		restarted, err := s.look(ctx)
		switch {
		case restarted:
			log.WarnContext(ctx, "database had ended and was started again")
		case err != nil && !failing && ctx.Err() == nil:
			log.ErrorContext(ctx, "database cannot be kept running", "error", err)
		}
		failing = err != nil
	}
}

// look is one round of Watch.
func (s *Server) look(ctx context.Context) (restarted bool, err error) {
	f, err := openFolder(s.config.Dir)
	if err != nil {
		return false, err
	}
	defer f.close() //nolint:errcheck // nothing was written
	if err := f.trimLog(); err != nil {
		return false, err
	}
	alive, err := f.running()
	if err != nil || alive {
		return false, err
	}
	if quiet, err := f.exists(stopped); err != nil || quiet {
		return false, err
	}
	again, err := Start(ctx, Config{Dir: s.config.Dir})
	if err != nil {
		return false, err
	}
	return again.Started(), nil
}
