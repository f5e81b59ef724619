package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/llm"

	"go.opentelemetry.io/otel/metric"
)

// Config is what a client is made of.
type Config struct {
	Clock clock.Clock
	Log   *slog.Logger
	Meter metric.Meter
	// Transport carries the requests; nil is NewTransport.
	Transport http.RoundTripper
	// Policy is how patient the client is; the zero Policy is DefaultPolicy.
	Policy Policy
}

// Policy is how patient a client is. When patience ends the error says when to come
// back: a run that waits holds no worker, so waiting long is the caller's.
type Policy struct {
	Attempts  int           // most attempts of one question
	Patience  time.Duration // most time lost without an answer flowing, a server's Retry-After included
	BackOff   time.Duration // the first pause is at most this, each further at most twice the one before
	MostPause time.Duration // and at most this
	// The watchdogs: until the first byte of an answer; between bytes, pings
	// included; between pieces of content.
	FirstByte time.Duration
	Silence   time.Duration
	Progress  time.Duration
	// The breaker opens after so many failures in a row, for so long.
	BreakAfter uint32
	BreakFor   time.Duration
}

// DefaultPolicy is for production.
func DefaultPolicy() Policy {
	return Policy{
		Attempts: 3, Patience: 20 * time.Second, BackOff: time.Second, MostPause: 30 * time.Second,
		FirstByte: 3 * time.Minute, Silence: 90 * time.Second, Progress: 5 * time.Minute,
		BreakAfter: 5, BreakFor: 30 * time.Second,
	}
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	clock    clock.Clock
	log      *slog.Logger
	http     *http.Client
	policy   Policy
	breakers *breakers
	counters counters

	mu    sync.Mutex
	known map[place]knowledge
}

// New returns a client.
func New(cfg Config) (*Client, error) {
	if cfg.Transport == nil {
		cfg.Transport = NewTransport()
	}
	if cfg.Policy == (Policy{}) {
		cfg.Policy = DefaultPolicy()
	}
	c, err := newCounters(cfg.Meter)
	if err != nil {
		return nil, err
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		clock: cfg.Clock, log: cfg.Log, policy: cfg.Policy, counters: c, known: map[place]knowledge{},
		http:     &http.Client{Transport: cfg.Transport, CheckRedirect: stay},
		breakers: newBreakers(cfg.Policy),
	}, nil
}

// NewTransport returns a transport that reuses connections. It has no time limits of
// its own besides connecting: the watchdogs know what an answer is.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// Call asks the model and returns a complete answer with the bill for it, or an
// error. Every attempt is admitted before it is made; with an error all of them are
// accounted for and the Bill is empty. An error is a *llm.Error, or wraps what admit
// returned. With Truncated and ContextTooLong the Result holds what came.
func (c *Client) Call(ctx context.Context, ep llm.Endpoint, req llm.Request, admit llm.Admit, sink llm.Sink) (llm.Result, llm.Bill, error) {
	if err := check(req); err != nil {
		return llm.Result{}, llm.Bill{}, fmt.Errorf("model call: %w", err)
	}
	k := newCall(c, ep, req, c.Capabilities(ctx, ep, req.Model))
	k.admit, k.sink = admit, sink
	return k.run(ctx)
}

// check refuses what is a mistake of this program.
func check(req llm.Request) error {
	switch {
	case req.Model == "":
		return errors.New("no model")
	case len(req.Turns) == 0:
		return errors.New("no turn")
	case req.Turns[0].Role() != llm.FromUser || req.Turns[len(req.Turns)-1].Role() != llm.FromUser:
		return errors.New("a conversation begins and ends with the user")
	case req.MaxTokens < 1:
		return errors.New("no cap on the output")
	}
	return nil
}
