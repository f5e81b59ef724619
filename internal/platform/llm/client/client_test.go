package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"

	"go.opentelemetry.io/otel/metric/noop"
)

// quick is a policy whose pauses are short and whose watchdogs never bark in a test
// that works.
func quick() client.Policy {
	p := client.DefaultPolicy()
	p.BackOff, p.MostPause = time.Millisecond, 2*time.Millisecond
	p.BreakAfter = 1000
	return p
}

func newClient(tb testing.TB, cfg client.Config) *client.Client {
	tb.Helper()
	if cfg.Policy == (client.Policy{}) {
		cfg.Policy = quick()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Clock, cfg.Meter = clock.System{}, noop.Meter{}
	c, err := client.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// till is a meter that works: it admits up to a limit and remembers what became of
// every attempt.
type till struct {
	mu       sync.Mutex
	attempts []llm.Attempt
	outcomes []llm.Outcome
	lower    llm.Tokens // if set, the most output it admits
	refuse   error      // instead of admitting
	broken   error      // instead of settling
}

type ticket struct {
	till      *till
	maxTokens llm.Tokens
}

func (t *till) admit(_ context.Context, a llm.Attempt) (llm.Ticket, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refuse != nil {
		return nil, t.refuse
	}
	t.attempts = append(t.attempts, a)
	k := &ticket{t, a.MaxTokens}
	if t.lower > 0 {
		k.maxTokens = min(k.maxTokens, t.lower)
	}
	return k, nil
}

func (k *ticket) MaxTokens() llm.Tokens { return k.maxTokens }

func (k *ticket) Failed(ctx context.Context, o llm.Outcome) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("told too late: %w", err)
	}
	k.till.mu.Lock()
	defer k.till.mu.Unlock()
	k.till.outcomes = append(k.till.outcomes, o)
	return k.till.broken
}

// states lists how the failed attempts were accounted for.
func (t *till) states() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var s []string
	for _, o := range t.outcomes {
		s = append(s, string(o.State))
	}
	return strings.Join(s, " ")
}

func ask(text string) llm.Request {
	return llm.Request{Model: "claude-opus-5-5", MaxTokens: 4096, Turns: []llm.Turn{llm.User(llm.Text(text))}}
}

// form is a schema with one text and a check of our own.
func form() *llm.Schema {
	return &llm.Schema{
		Title: "name",
		JSON:  []byte(`{"title":"name","type":"object","additionalProperties":false,"required":["name"],"properties":{"name":{"type":"string"}}}`),
		Check: func(answer []byte) error {
			if !strings.HasPrefix(string(answer), `{"name":`) {
				return errors.New("/name: is missing")
			}
			return nil
		},
	}
}

// shows describes how a call ended, in one line.
func shows(res llm.Result, err error, t *till) string {
	var s string
	if e, ok := errors.AsType[*llm.Error](err); ok {
		s = string(e.Kind)
		if e.Reason != "" {
			s += "/" + string(e.Reason)
		}
		s = fmt.Sprintf("%s after %d", s, e.Attempts)
		if e.RetryAfter > 0 {
			s += ", later"
		}
	} else if err != nil {
		return err.Error()
	} else {
		s = fmt.Sprintf("answer after %d", res.Attempts)
	}
	if states := t.states(); states != "" {
		s += ": " + states
	}
	return s
}

func asError(t *testing.T, err error) *llm.Error {
	t.Helper()
	e, ok := errors.AsType[*llm.Error](err)
	if !ok {
		t.Fatalf("%v is no model error", err)
	}
	return e
}
