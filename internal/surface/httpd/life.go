package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// abortWait is how long handlers get to notice that their connection is
	// gone, so that what they use is not closed under them.
	abortWait = 2 * time.Second
	abortPoll = 10 * time.Millisecond
)

// Run serves until ctx ends and everything has been answered, or until Abort.
// It stops in an order that lost no request when measured (docs/PROOFS.md, P12):
//
//  1. readiness says no at once; answers carry Connection: close;
//  2. for LameDuck requests are taken as before, so that a balancer that only
//     probes can find out;
//  3. Draining closes and streams end with a reconnect hint, not earlier, or
//     they would come back to this same process;
//  4. the address is given up and requests may finish for Drain;
//  5. what is left then is cut, and reported as an error.
//
// Requests do not see ctx end. Run may be called once.
func (s *Server) Run(ctx context.Context) error {
	if _, err := s.Listen(ctx); err != nil {
		return err
	}
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	srv := s.server(base)
	s.mu.Lock()
	listeners := s.listeners
	s.http = srv
	s.mu.Unlock()

	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- srv.Serve(l) }() // ends with Shutdown or Close below
	}
	var err error
	select {
	case <-ctx.Done():
		err = s.stop(context.WithoutCancel(ctx), srv)
	case <-s.abort:
		err = errAborted
	case e := <-failed:
		failed <- e
		err = fmt.Errorf("serve: %w", e)
	}
	s.draining.Store(true)
	err = errors.Join(err, srv.Close())
	cut()
	s.waitIdle()
	for range listeners {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) && err == nil {
			err = fmt.Errorf("serve: %w", e)
		}
	}
	return err
}

var (
	errAborted = errors.New("stopped at once: requests in flight were cut")
	errCut     = errors.New("requests did not finish within the drain limit and were cut")
)

// stop is what happens between the signal and the end.
func (s *Server) stop(ctx context.Context, srv *http.Server) error {
	s.draining.Store(true)
	s.cfg.Log.Log(ctx, s.cfg.RoutineLevel, "stopping", "lame_duck", s.cfg.LameDuck, "drain", s.cfg.Drain, "in_flight", s.inFlight.Load())
	if !s.wait(s.cfg.LameDuck) {
		close(s.drain)
		return errAborted
	}
	close(s.drain)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Drain)
	defer cancel()
	stopAbort := make(chan struct{})
	defer close(stopAbort)
	go func() {
		select {
		case <-s.abort:
			cancel()
		case <-stopAbort:
		}
	}()
	switch err := srv.Shutdown(ctx); {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return errAborted
	case errors.Is(err, context.DeadlineExceeded):
		if n := s.inFlight.Load(); n > 0 {
			return fmt.Errorf("%w: %d", errCut, n)
		}
		return nil // only connections nobody used
	default:
		return fmt.Errorf("shut down: %w", err)
	}
}

// wait returns false when Abort came first.
func (s *Server) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.abort:
		return false
	}
}

// waitIdle gives handlers whose connection was cut a moment to return.
func (s *Server) waitIdle() {
	tick := time.NewTicker(abortPoll)
	defer tick.Stop()
	for range int(abortWait / abortPoll) {
		if s.inFlight.Load() == 0 {
			return
		}
		<-tick.C
	}
	s.cfg.Log.Warn("handlers still running after their connections were cut", "in_flight", s.inFlight.Load())
}

// Abort ends Run at once: connections are cut, requests cancelled. It is what a
// second signal means. It may be called at any time and more than once.
func (s *Server) Abort() { s.abortOnce.Do(func() { close(s.abort) }) }

// server is net/http's server with our limits.
func (s *Server) server(base context.Context) *http.Server {
	headerTimeout := headerTimeoutExposed
	if len(s.cfg.TrustedProxies) > 0 {
		headerTimeout = headerTimeoutProxied
	}
	return &http.Server{
		Handler:        s.chain,
		MaxHeaderBytes: headerLimit,
		// From accepting the connection, or from the first byte of a later
		// request, to the end of the header.
		ReadHeaderTimeout: headerTimeout,
		// From the end of the header to the end of the answer. Streams set
		// their own deadline for each write. There is no ReadTimeout, because
		// it runs from the moment a connection was opened: limits sets one per
		// request instead.
		WriteTimeout: requestTimeout + answerGrace,
		IdleTimeout:  idleTimeout,
		ErrorLog:     slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
		BaseContext:  func(net.Listener) context.Context { return base },
	}
}
