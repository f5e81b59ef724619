package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/wire"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric/noop"
)

// adversity is what came of texts that no tokenizer likes.
type adversity struct {
	calls, refused int64
	over           meter.NanoUSD
	beyond, flaws  int // rows that cost more than their reservation; flaws in the books
}

// hostileTexts cost as many tokens as they can: characters of many bytes, joined
// ones, control characters, what JSON must escape, what is no text at all.
func hostileTexts() map[string]string {
	return map[string]string{
		"plain":          strings.Repeat("The quick brown fox. ", 300),
		"emoji families": strings.Repeat("👨‍👩‍👧‍👦", 300),
		"old scripts":    strings.Repeat("𒀀𒁀𒂀𓀀𓁀", 300),
		"stacked marks":  "Z" + strings.Repeat("\u0310\u035b\u0489", 1000),
		"controls":       strings.Repeat("\x01\x02\x1f\x7f", 1000),
		"quotes":         strings.Repeat(`"\`, 2000),
		"not utf-8":      strings.Repeat("\xff\xfe\xf0\x28", 1000),
		"one letter":     strings.Repeat("a", 5000),
		"base64":         strings.Repeat("q83vEjRWeJCrze8=", 300),
		"numbers":        strings.Repeat("9 8 7 6 5 ", 500),
		"private use":    strings.Repeat("\ue000\uf8ff\U0010fffd", 1000),
		"spaces":         strings.Repeat(" \t\u00a0\u2003\u200b", 800),
	}
}

// miser bills a token for every byte of text it was sent, all of it as written to the
// cache for an hour, and the whole answer that was allowed, the most any provider could.
type miser struct{ *wire.API }

func newMiser() *miser {
	m := &miser{&wire.API{Models: wire.Family(), Sign: wire.Signer("bench")}}
	m.Answer = func(w http.ResponseWriter, _ *http.Request, q *wire.Request) {
		reply := wire.Reply{
			ID: "msg_1", Model: q.Model, Stop: "end_turn", Content: wire.Content{{Type: "text", Text: "ok"}},
			Usage: wire.Usage{CacheWrite1h: bytesOf(q), Output: *q.MaxTokens},
		}
		_ = reply.Write(w, q) //nolint:errcheck // whoever asked went away
	}
	return m
}

func bytesOf(q *wire.Request) int64 {
	n := len(q.SystemText())
	for _, m := range q.Messages {
		n += len(m.Content.Text())
	}
	return int64(n)
}

// ServeHTTP counts as it bills.
func (m *miser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/messages/count_tokens" {
		m.API.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	q, refused := wire.Parse(body)
	if err != nil || refused != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	say(w, `{"input_tokens":%d}`, bytesOf(q))
}

// adversary lets forty callers send hostile texts through the real client to a server
// that bills the most it could, against a budget worth a few of them.
func adversary(ctx context.Context, pool *pgxpool.Pool, out io.Writer) (adversity, error) {
	url, stop, err := serve(newMiser())
	if err != nil {
		return adversity{}, err
	}
	defer stop()
	at := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	ids := id.NewSource(time.Now)
	a := account.Actor{User: id.Mint[account.UserID](ids), Workspace: id.Mint[account.WorkspaceID](ids), Role: account.Owner, Scope: account.ScopeWrite}
	m := fixedMeter(pool, at)
	if err := m.SetLimits(ctx, a, meter.Limits{Month: meter.Ceiling(2 * meter.Dollar), Day: meter.NoLimit, Run: meter.NoLimit}); err != nil {
		return adversity{}, err
	}
	model, err := modelAt(m, clock.NewManual(at), url, meter.OwnKey)
	if err != nil {
		return adversity{}, err
	}
	var found adversity
	var calls, refused atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, 12*40)
	for name, text := range hostileTexts() {
		for i := range 40 {
			c := meter.Charge{Actor: a, Run: "run", Node: name, Epoch: 1, Step: strconv.Itoa(i), Role: meter.Writer}
			wg.Go(func() {
				err := ask(ctx, model, c, text)
				switch over := (*meter.LimitError)(nil); {
				case err == nil:
					calls.Add(1)
				case errors.As(err, &over):
					refused.Add(1)
				default:
					errs <- fmt.Errorf("%s: %w", name, err)
				}
			})
		}
	}
	wg.Wait()
	select {
	case err := <-errs:
		return found, err
	default:
	}
	found.calls, found.refused = calls.Load(), refused.Load()
	err = found.look(ctx, pool, m, a, at)
	say(out, "p1: hostile texts to a server that bills every byte: %d calls, %d refused, overspend %s, %d beyond their worst case, %d flaws in the books",
		found.calls, found.refused, found.over, found.beyond, found.flaws)
	return found, err
}

// ask makes one call with a text and settles it.
func ask(ctx context.Context, model *meter.Model, c meter.Charge, text string) error {
	_, receipt, err := model.Call(ctx, c, llm.Request{Turns: []llm.Turn{llm.User(llm.Text(text))}, MaxTokens: 5000}, nil)
	if err != nil {
		return err
	}
	return receipt.Settle(ctx)
}

const beyondWorst = `SELECT count(*) FROM ledger WHERE workspace_id = $1 AND nano > reserved`

func (a *adversity) look(ctx context.Context, pool *pgxpool.Pool, m *meter.Meter, who account.Actor, at time.Time) error {
	if _, err := m.Fold(ctx); err != nil {
		return err
	}
	if err := pool.QueryRow(ctx, overBudget, who.Workspace).Scan(&a.over); err != nil {
		return fmt.Errorf("read budget: %w", err)
	}
	if err := pool.QueryRow(ctx, beyondWorst, who.Workspace).Scan(&a.beyond); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	books, err := m.Books(ctx, at, at)
	a.flaws = len(meter.Reconcile(books))
	return err
}

// modelAt is a Model whose calls go to one address and are one payer's.
func modelAt(m *meter.Meter, at clock.Clock, url string, payer meter.Payer) (*meter.Model, error) {
	policy := client.DefaultPolicy()
	policy.BackOff = time.Millisecond
	c, err := client.New(client.Config{Clock: at, Policy: policy, Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}})
	if err != nil {
		return nil, err
	}
	conn := meter.Connection{Payer: payer, Endpoint: llm.Endpoint{
		Name: "bench", BaseURL: url, Auth: llm.KeyHeader, Key: config.NewSecret("sk-bench"),
		RateCard: meter.AnthropicCard, Models: meter.DefaultModels(),
	}}
	return meter.NewModel(meter.ModelConfig{
		Meter: m, Client: c, Cards: map[string]*meter.Card{meter.AnthropicCard: meter.PublishedCard()},
		Connect: func(context.Context, meter.Charge) (meter.Connection, error) { return conn, nil },
	}), nil
}

// serve listens on a free port until stop.
func serve(h http.Handler) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // lives as long as the measurement
	if err != nil {
		return "", nil, fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) //nolint:errcheck // it ends with Close
	}()
	return "http://" + l.Addr().String(), func() {
		_ = server.Close() //nolint:errcheck // nothing is kept
		<-ended
	}, nil
}
