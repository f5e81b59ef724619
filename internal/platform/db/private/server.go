package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"
)

// Config says where the database lives. Log and Progress may be nil.
type Config struct {
	Dir      string       // the data folder (COFOUNDER_DATA)
	Log      *slog.Logger // what Watch does
	Progress func(string) // one line for a person at the terminal, per thing that takes time
}

// Server is a running server that answers. It is safe for concurrent use.
type Server struct {
	config   Config
	socket   socket
	user     User
	programs Programs
	started  bool
}

// Start returns the server of the data folder: the one that runs, or a new one,
// for which the cluster is made first if there is none. Processes that start at
// once share one server. Cancelling ctx gives up waiting; a server on its way up
// stays.
func Start(ctx context.Context, config Config) (*Server, error) {
	c, err := enter(ctx, config)
	if err != nil {
		return nil, err
	}
	defer c.leave()
	return c.start(ctx)
}

func (c *cluster) start(ctx context.Context) (*Server, error) {
	made, err := c.exists("pg")
	if err != nil {
		return nil, err
	}
	if !made {
		if err := c.create(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.root.Remove(stopped); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	s := &Server{config: c.config, user: c.user, programs: c.programs}
	found, err := c.share(ctx)
	if errors.Is(err, errEnded) {
		s.started = true
		found, err = c.launch(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.socket = *found
	return s, nil
}

// share waits for a server that runs or is on its way up or down, or returns
// errEnded when there is none (any more).
func (c *cluster) share(ctx context.Context) (*socket, error) {
	ended := make(chan struct{})
	watching, stop := context.WithCancel(ctx)
	defer stop()
	alive, err := c.running()
	if err != nil {
		return nil, err
	}
	if !alive {
		return nil, errEnded
	}
	c.config.Progress("database: found it running")
	go func() {
		if c.untilDown(watching) == nil {
			close(ended)
		}
	}()
	return c.await(ctx, ended)
}

// untilDown returns nil when no process of the server is left.
func (f *folder) untilDown(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		alive, err := f.running()
		if err != nil || !alive {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// URL is the address of the product's database, for db.Open and for psql. It
// holds no secret: who may connect is decided by user id.
func (s *Server) URL() string { return s.socket.address(database, database) }

// Major is the version of PostgreSQL.
func (s *Server) Major() int { return s.programs.Major }

// Started reports whether this call of Start started the server, rather than
// finding it.
func (s *Server) Started() bool { return s.started }
