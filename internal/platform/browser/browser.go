package browser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"cofounder/internal/platform/sandbox"
)

// ErrAbsent says that nothing was looked at, because there is no Chromium here or no
// cage for it.
var ErrAbsent = errors.New("nothing was looked at")

// Sessions has a default life, a default number at once, and memory for one Chromium
// with a few tabs of an app.
const (
	defaultLife = 10 * time.Minute
	defaultMost = 2
	memory      = 1536 << 20
	processes   = 400
	// output is what the pipe to Chromium may carry in a session: pictures, mostly.
	output = 1 << 30
	port   = 8080 // at which the app answers inside
)

// Config is what Browsers need.
type Config struct {
	Driver sandbox.Driver
	// Program returns Chromium's own program, not a script that starts it, or "" when
	// there is none. It is asked for each session, since Chromium may arrive while we run.
	Program func() string
	// Most is how many sessions there may be at once; more wait for their turn. 0 is 2.
	Most int
	// Life is how long a session may take. 0 is ten minutes.
	Life time.Duration
	Log  *slog.Logger
}

// Browsers opens sessions. It is safe for concurrent use.
type Browsers struct {
	cfg   Config
	turns chan struct{}
	count atomic.Int64
	name  string // of this process's cages
}

// New returns Browsers. name tells this process's cages from those of others.
func New(name string, cfg Config) *Browsers {
	if cfg.Most == 0 {
		cfg.Most = defaultMost
	}
	if cfg.Life == 0 {
		cfg.Life = defaultLife
	}
	return &Browsers{cfg: cfg, turns: make(chan struct{}, cfg.Most), name: name}
}

// App is what a session looks at.
type App interface {
	// Dial connects to the app.
	Dial(ctx context.Context) (net.Conn, error)
}

// DialFunc is an App that is only a function.
type DialFunc func(ctx context.Context) (net.Conn, error)

// Dial implements App.
func (f DialFunc) Dial(ctx context.Context) (net.Conn, error) { return f(ctx) }

// Open starts a browser on app, when its turn comes. Close the session when done. The
// error is ErrAbsent where none can be started.
func (b *Browsers) Open(ctx context.Context, app App) (*Session, error) {
	program := b.cfg.Program()
	if program == "" {
		return nil, fmt.Errorf("%w: there is no Chromium on this computer", ErrAbsent)
	}
	select {
	case b.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s, err := b.open(ctx, program, app)
	if err != nil {
		<-b.turns
		return nil, err
	}
	return s, nil
}

func (b *Browsers) open(ctx context.Context, program string, app App) (*Session, error) {
	cage, err := b.cfg.Driver.Create(ctx, sandbox.Spec{
		Purpose: "pictures",
		ID:      fmt.Sprintf("look-%s-%d", b.name, b.count.Add(1)),
		Limits: sandbox.Limits{
			Memory: memory, Processes: processes, Output: output, Temp: memory / 4, Life: b.cfg.Life, CPU: 2000, Files: 4096,
		},
		ReadOnly: fonts(),
	})
	switch {
	case sandbox.CauseOf(err) == sandbox.Refused:
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	case err != nil:
		return nil, fmt.Errorf("cage for a browser: %w", err)
	}
	s := &Session{browsers: b, cage: cage, log: b.cfg.Log}
	if err := s.start(ctx, program, app); err != nil {
		return nil, errors.Join(err, s.end(context.WithoutCancel(ctx)))
	}
	return s, nil
}
