package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/jackc/pgx/v5/pgxpool"
)

// overheadTarget is what our whole path may take more than the SDK alone, at the
// median: a fiftieth of the half second that a real model needs for its first word.
const overheadTarget = 10 * time.Millisecond

// overhead measures what metering costs a call: reserve, our client and its checks, and
// settle, against a bare call of the SDK of the same prompt to the same server.
func overhead(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	race := contest{calls: 400, crowd: 1600}
	flags := flag.NewFlagSet("overhead", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&race.calls, "calls", race.calls, "of each kind, one after the other")
	flags.IntVar(&race.crowd, "crowd", race.crowd, "of each kind, from all cores at once")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	if race.calls < 1 || race.crowd < 100 {
		return verdict{}, errors.New("at least one call, and a hundred of the crowd")
	}
	in, pool, err := openStore(ctx)
	if err != nil {
		return verdict{}, err
	}
	v, err := race.measure(ctx, pool, out)
	pool.Close()
	return v, errors.Join(err, in.remove(context.WithoutCancel(ctx)))
}

// contest is how much is measured.
type contest struct {
	calls int // of each kind, one after the other
	crowd int // of each kind, from all cores at once
}

// side is one of the two, and how it did.
type side struct {
	name string
	call func(ctx context.Context) error
	took []time.Duration
	rate float64 // calls a second, from all cores
}

func (r contest) measure(ctx context.Context, pool *pgxpool.Pool, out io.Writer) (verdict, error) {
	turns, err := llmtest.Parse("turn\ntimes 0\nsay " + strings.Repeat("All about dogs. ", 60) + "\n")
	if err != nil {
		return verdict{}, fmt.Errorf("script: %w", err)
	}
	server := llmtest.New(llmtest.Config{Script: turns})
	defer server.Close()
	url, stop, err := serve(server)
	if err != nil {
		return verdict{}, err
	}
	defer stop()
	m := clockedMeter(pool, clock.System{})
	folding, end := context.WithCancel(ctx)
	var folder sync.WaitGroup
	folder.Go(func() { m.Run(folding) })
	defer folder.Wait()
	defer end()
	metered, err := meteredCall(ctx, m, url)
	if err != nil {
		return verdict{}, err
	}
	bare, ours := &side{name: "bare SDK", call: bareCall(url)}, &side{name: "metered", call: metered}
	say(out, "overhead: a prompt of 8 kB, an answer of 1 kB; %d cores shared by server, database and callers; load average %s", runtime.GOMAXPROCS(0), loadAverage())
	if err := r.alternate(ctx, bare, ours); err != nil {
		return verdict{}, err
	}
	if err := r.together(ctx, bare, ours); err != nil {
		return verdict{}, err
	}
	for _, s := range []*side{bare, ours} {
		say(out, "overhead: %-8s p50 %6dµs p99 %6dµs one after the other, %.0f calls/s from all cores", s.name, s.at(.5), s.at(.99), s.rate)
	}
	say(out, "overhead: load average at the end %s", loadAverage())
	more := ours.at(.5) - bare.at(.5)
	return verdict{
		figures: fmt.Sprintf("p50 %dµs against %dµs, p99 %dµs against %dµs: %dµs more at the median; %.0f calls/s against %.0f",
			ours.at(.5), bare.at(.5), ours.at(.99), bare.at(.99), more, ours.rate, bare.rate),
		targets: fmt.Sprintf("≤ %dµs more at the median", overheadTarget.Microseconds()),
		short:   more > overheadTarget.Microseconds(),
	}, nil
}

// at is a quantile in microseconds.
func (s *side) at(q float64) int64 {
	slices.Sort(s.took)
	return s.took[int(q*float64(len(s.took)-1))].Microseconds()
}

// alternate calls both in turns, so that they see the same machine. The first tenth
// warms connections and plans and does not count.
func (r contest) alternate(ctx context.Context, sides ...*side) error {
	for n := range r.calls + r.calls/10 {
		for _, s := range sides {
			begun := time.Now()
			if err := s.call(ctx); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if n >= r.calls/10 {
				s.took = append(s.took, time.Since(begun))
			}
		}
	}
	return nil
}

// together calls from all cores, in blocks of each in turn.
func (r contest) together(ctx context.Context, sides ...*side) error {
	const blocks = 4
	callers := 2 * runtime.GOMAXPROCS(0) // while one waits for the database another computes
	took := make([]time.Duration, len(sides))
	for range blocks {
		for i, s := range sides {
			begun := time.Now()
			err := s.crowd(ctx, callers, r.crowd/blocks/callers)
			took[i] += time.Since(begun)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	for i, s := range sides {
		s.rate = float64(r.crowd/blocks/callers*callers*blocks) / took[i].Seconds()
	}
	return nil
}

// crowd lets so many callers make so many calls each.
func (s *side) crowd(ctx context.Context, callers, each int) error {
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for range each {
				if errs[c] = s.call(ctx); errs[c] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// dogs is the prompt of both.
func dogs() string { return strings.Repeat("A calendar of dogs. ", 400) }

const answerTokens = 4096

// bareCall reads a whole answer with the SDK as its documentation shows it.
func bareCall(url string) func(ctx context.Context) error {
	sdk := anthropic.NewClient(option.WithoutEnvironmentDefaults(), option.WithBaseURL(url), option.WithAPIKey("sk-bench"))
	prompt := dogs()
	return func(ctx context.Context) error {
		stream := sdk.Messages.NewStreaming(ctx, anthropic.MessageNewParams{
			Model: callModel, MaxTokens: answerTokens, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))},
		})
		var message anthropic.Message
		var err error
		for err == nil && stream.Next() {
			err = message.Accumulate(stream.Current())
		}
		return errors.Join(err, stream.Err(), stream.Close())
	}
}

// meteredCall asks as the product does: against four budgets, settled by itself.
func meteredCall(ctx context.Context, m *meter.Meter, url string) (func(ctx context.Context) error, error) {
	model, err := modelAt(m, clock.System{}, url, meter.OwnKey)
	if err != nil {
		return nil, err
	}
	ids := id.NewSource(time.Now)
	actor := account.Actor{User: id.Mint[account.UserID](ids), Workspace: id.Mint[account.WorkspaceID](ids), Role: account.Owner, Scope: account.ScopeWrite}
	far := meter.Ceiling(1_000_000 * meter.Dollar)
	if err := m.SetLimits(ctx, actor, meter.Limits{Month: far, Day: meter.NoLimit, Run: far}); err != nil {
		return nil, err
	}
	prompt := dogs()
	var n atomic.Int64
	return func(ctx context.Context) error {
		_, receipt, err := model.Call(ctx, meter.Charge{
			Actor: actor, Project: "prj_bench", Run: "run", Epoch: 1, Step: strconv.FormatInt(n.Add(1), 10), Role: meter.Coder,
		}, llm.Request{Model: callModel, MaxTokens: answerTokens, Turns: []llm.Turn{llm.User(llm.Text(prompt))}}, nil)
		if err != nil {
			return err
		}
		return receipt.Settle(ctx)
	}, nil
}
