package meter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

// TestNoInterleavingBreaksABudget plays random sequences of everything that can happen
// to a call, crashes included, against the reference, step by step.
func TestNoInterleavingBreaksABudget(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	// What was admitted, refused and so on over all sequences: a test that only ever
	// refuses proves nothing.
	happened := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlay(t.Context(), rt, worldOn(pool))
		p.happened = happened
		rt.Repeat(map[string]func(*rapid.T){
			"":                p.check,
			"reserve":         p.reserve,
			"reserve too":     p.reserve, // more often than all else
			"reserve also":    p.reserve,
			"settle":          p.settle,
			"settle_alone":    p.settleAlone,
			"roll_back":       p.rollBack,
			"lose_connection": p.loseConnection,
			"fail":            p.fail,
			"forget":          p.forget,
			"crash":           p.crash,
			"come_back":       p.comeBack,
			"credit":          p.credit,
			"fold":            p.fold,
			"sweep":           p.sweep,
			"time":            p.time,
			"raise":           p.raise,
		})
		p.end(rt)
	})
	for _, what := range []string{
		"reserve", "refuse", "shorten", "settle", "settle_alone", "roll_back", "lose_connection", "fail", "forget", "crash", "come_back", "credit", "sweep", "borrow",
	} {
		if happened[what] == 0 {
			t.Errorf("%q never happened; what did: %v", what, happened)
		}
	}
}

// held is a reservation under way and what the reference knows of it.
type held struct {
	meter.Reservation
	at     time.Time
	ids    []meter.BudgetID
	model  refModel
	call   meter.Call
	charge meter.Charge
	until  time.Time // written off from then on
	gives  bool      // a plan pays
	ours   bool      // it is our mistake if nobody comes back
}

// booked is a call in the ledger.
type booked struct {
	*held
	cost     meter.Amount
	credited bool
}

// play is one random sequence in a team of its own.
type play struct {
	*world
	ctx      context.Context //nolint:containedctx // rapid's actions take none
	ref      *reference
	owner    account.Actor
	payer    meter.Payer
	open     []*held // somebody holds them
	lost     []*held // nobody does, until the sweep
	gone     []*held // swept
	ledger   []*booked
	happened map[string]int
}

func newPlay(ctx context.Context, rt *rapid.T, w *world) *play {
	p := &play{world: w, ctx: ctx, ref: newReference(), owner: w.owner()}
	team := p.ref.budget(meter.WorkspaceBudget(p.owner.Workspace))
	var err error
	if rapid.Bool().Draw(rt, "plan") {
		p.payer = meter.OnPlan
		begun := rapid.IntRange(1, 31).Draw(rt, "begun")
		share := meter.Weighed(rapid.Int64Range(100_000, 2_000_000).Draw(rt, "share"))
		month := 30 * share
		team.anchor, team.paced, team.dayWeighed, team.periodWeighed = min(begun, 28), true, &share, &month
		err = w.SetPlan(ctx, p.owner.Workspace, account.Plan{ID: "test", DayShare: int64(share)}, time.Date(2026, 10, begun, 12, 0, 0, 0, time.UTC))
	} else {
		p.payer = meter.OwnKey
		amount := rapid.Map(rapid.Int64Range(1, 3_000), func(n int64) meter.NanoUSD { return meter.NanoUSD(n) * meter.Dollar / 1000 })
		month, day, run := amount.Draw(rt, "month"), amount.Draw(rt, "day"), amount.Draw(rt, "run")
		team.period, team.day = &month, &day
		for _, r := range runs {
			limit := run
			b := p.ref.budget(meter.RunBudget(p.owner.Workspace, r))
			b.monthly, b.period = false, &limit
		}
		err = w.SetLimits(ctx, p.owner, meter.Limits{Month: meter.Ceiling(month), Day: meter.Ceiling(day), Run: meter.Ceiling(run)})
	}
	for _, r := range runs {
		p.ref.budget(meter.RunBudget(p.owner.Workspace, r)).monthly = false
	}
	if err != nil {
		rt.Fatal(err)
	}
	return p
}

var runs = []string{"run1", "run2"}

func (p *play) reserve(rt *rapid.T) {
	model := rapid.SampledFrom(refModels).Draw(rt, "model")
	price, err := p.card.Price(model.name, p.clock.Now())
	if err != nil {
		rt.Fatal(err)
	}
	c := p.charge(p.owner, rapid.SampledFrom(runs).Draw(rt, "run"))
	call := meter.Call{
		Payer: p.payer, Endpoint: "test", Price: price,
		InputUpper: llm.Tokens(rapid.Int64Range(1, 150_000).Draw(rt, "upper")),
		MaxTokens:  llm.Tokens(rapid.Int64Range(1, 64_000).Draw(rt, "most")),
	}
	ids := []meter.BudgetID{
		meter.RunBudget(p.owner.Workspace, c.Run), meter.ProjectBudget(c.Project),
		meter.UserBudget(p.owner.User), meter.WorkspaceBudget(p.owner.Workspace),
	}
	at := p.clock.Now()
	want := p.ref.granted(ids, at, model, call.InputUpper, call.MaxTokens)
	r, err := p.Reserve(p.ctx, c, call)
	if want < 0 {
		if over := (*meter.LimitError)(nil); !errors.As(err, &over) {
			rt.Fatalf("Reserve = %+v, %v; want a refusal", r, err)
		}
		p.happened["refuse"]++
		return
	}
	if err != nil {
		rt.Fatalf("Reserve: %v; want %d tokens", err, want)
	}
	if worst := model.worst(call.InputUpper, want); r.Output != want || r.Reserved != worst {
		rt.Fatalf("Reserve granted %d tokens for %+v; want %d for %+v", r.Output, r.Reserved, want, worst)
	}
	p.happened["reserve"]++
	if want < call.MaxTokens {
		p.happened["shorten"]++
	}
	h := &held{Reservation: r, at: at, ids: ids, model: model, call: call, charge: c, until: at.Add(15 * time.Minute), gives: p.payer == meter.OnPlan, ours: true}
	if !p.ref.budget(meter.WorkspaceBudget(p.owner.Workspace)).insideDay(at, r.Reserved) {
		p.happened["borrow"]++
	}
	for _, id := range ids {
		p.ref.budget(id).add(at, 1, r.Reserved)
	}
	p.open = append(p.open, h)
}

// usage is what the call may have used, inside its worst case.
func (h *held) usage(rt *rapid.T) llm.Usage {
	left := h.call.InputUpper
	take := func(what string) llm.Tokens {
		n := llm.Tokens(rapid.Int64Range(0, int64(left)).Draw(rt, what))
		left -= n
		return n
	}
	return llm.Usage{
		Input: take("input"), CacheWrite5m: take("write5m"), CacheWrite1h: take("write1h"), CacheRead: take("read"),
		Output: llm.Tokens(rapid.Int64Range(0, int64(h.Output)).Draw(rt, "output")), Known: true,
	}
}

// one takes a random element out of a list.
func one(rt *rapid.T, list *[]*held) *held {
	if len(*list) == 0 {
		rt.Skip("there is none")
	}
	i := rapid.IntRange(0, len(*list)-1).Draw(rt, "which")
	h := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return h
}

// book does in the reference what settling does.
func (p *play) book(h *held, cost meter.Amount) *booked {
	for _, id := range h.ids {
		b := p.ref.budget(id)
		b.add(h.at, -1, h.Reserved)
		b.add(h.at, 1, cost)
	}
	entry := &booked{held: h, cost: cost}
	p.ledger = append(p.ledger, entry)
	return entry
}

func (p *play) answer(rt *rapid.T, h *held) (meter.Receipt, meter.Amount) {
	u := h.usage(rt)
	return h.Answered(llm.Outcome{State: llm.Settled, Usage: u, Model: h.model.name}), h.model.cost(u)
}

func (p *play) settle(rt *rapid.T) {
	h := one(rt, &p.open)
	receipt, cost := p.answer(rt, h)
	if err := db.InTx(p.ctx, p.db, func(tx pgx.Tx) error { return receipt.SettleTx(p.ctx, tx) }); err != nil {
		rt.Fatal(err)
	}
	p.book(h, cost)
	p.happened["settle"]++
	if rapid.Bool().Draw(rt, "again") { // the commit's answer was lost
		if err := receipt.Settle(p.ctx); err != nil {
			rt.Fatal(err)
		}
	}
}

func (p *play) settleAlone(rt *rapid.T) {
	h := one(rt, &p.open)
	receipt, cost := p.answer(rt, h)
	over, cancel := context.WithCancel(p.ctx)
	cancel() // the run was stopped
	if err := receipt.Settle(over); err != nil {
		rt.Fatal(err)
	}
	p.book(h, cost)
	p.happened["settle_alone"]++
}

// rollBack settles in a transaction that does not commit: nothing may change.
func (p *play) rollBack(rt *rapid.T) {
	h := one(rt, &p.open)
	receipt, _ := p.answer(rt, h)
	fenced := errors.New("fenced")
	err := db.InTx(p.ctx, p.db, func(tx pgx.Tx) error { return errors.Join(receipt.SettleTx(p.ctx, tx), fenced) })
	if !errors.Is(err, fenced) {
		rt.Fatal(err)
	}
	p.open = append(p.open, h)
	p.happened["roll_back"]++
}

// loseConnection settles in a transaction whose connection the server ends.
func (p *play) loseConnection(rt *rapid.T) {
	h := one(rt, &p.open)
	receipt, cost := p.answer(rt, h)
	conn, err := p.db.Acquire(p.ctx)
	if err != nil {
		rt.Fatal(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(p.ctx)
	if err != nil {
		rt.Fatal(err)
	}
	defer tx.Rollback(p.ctx)
	if err := receipt.SettleTx(p.ctx, tx); err != nil {
		rt.Fatal(err)
	}
	pid := conn.Conn().PgConn().PID()
	if _, err := p.db.Exec(p.ctx, "SELECT pg_terminate_backend($1)", pid); err != nil {
		rt.Fatal(err)
	}
	if err := tx.Commit(p.ctx); err == nil { // it was faster
		p.book(h, cost)
		return
	}
	p.untilGone(rt, pid)
	p.open = append(p.open, h)
	p.happened["lose_connection"]++
}

// untilGone waits for the end of a connection, which keeps its locks until then: a
// sweep would pass by what it locks.
func (p *play) untilGone(rt *rapid.T, pid uint32) {
	for alive := true; alive; {
		err := p.db.QueryRow(p.ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", pid).Scan(&alive) //nolint:unqueryvet // it waits
		if err != nil {
			rt.Fatal(err)
		}
	}
}

// kinds are failures, and whether they are our mistake.
var kinds = map[llm.Kind]bool{
	llm.Overloaded: true, llm.RateLimited: true, llm.Unavailable: true, llm.Unreadable: true, llm.Truncated: true,
	llm.ContextTooLong: true, llm.Refused: false, llm.Cancelled: false,
}

func drawKind(rt *rapid.T) (llm.Kind, bool) {
	all := []llm.Kind{
		llm.Overloaded, llm.RateLimited, llm.Unavailable, llm.Unreadable, llm.Truncated, llm.ContextTooLong, llm.Refused, llm.Cancelled,
	}
	k := rapid.SampledFrom(all).Draw(rt, "kind")
	return k, kinds[k]
}

func (p *play) fail(rt *rapid.T) {
	h := one(rt, &p.open)
	kind, ours := drawKind(rt)
	o := llm.Outcome{State: rapid.SampledFrom([]llm.State{llm.Settled, llm.Estimated, llm.Void}).Draw(rt, "state"), Err: kind, Usage: h.usage(rt)}
	cost := h.model.cost(o.Usage)
	if o.State == llm.Void {
		cost = meter.Amount{}
	}
	if err := h.Failed(p.ctx, o); err != nil {
		rt.Fatal(err)
	}
	entry := p.book(h, cost)
	if ours && cost.Nano > 0 {
		p.giveBack(entry)
	}
	p.happened["fail"]++
}

// giveBack does in the reference what a credit does.
func (p *play) giveBack(e *booked) {
	e.credited = true
	if !e.gives {
		return
	}
	for _, id := range e.ids {
		if id != meter.RunBudget(p.owner.Workspace, e.charge.Run) {
			p.ref.budget(id).add(p.clock.Now(), -1, e.cost)
		}
	}
}

func (p *play) credit(rt *rapid.T) {
	run := rapid.SampledFrom(runs).Draw(rt, "run")
	var want int
	for _, e := range p.ledger {
		if e.charge.Run == run && !e.credited && e.cost.Nano > 0 {
			p.giveBack(e)
			want++
		}
	}
	var given meter.Given
	err := db.InTx(p.ctx, p.db, func(tx pgx.Tx) error {
		var err error
		given, err = p.CreditTx(p.ctx, tx, meter.LoopStop, meter.Calls{Workspace: p.owner.Workspace, Run: run})
		return err
	})
	if err != nil || given.Calls != want {
		rt.Fatalf("CreditTx = %+v, %v; want %d calls", given, err, want)
	}
	p.happened["credit"] += want
}

// forget fails a call of which nobody knows what it cost.
func (p *play) forget(rt *rapid.T) {
	h := one(rt, &p.open)
	kind, ours := drawKind(rt)
	if err := h.Failed(p.ctx, llm.Outcome{State: llm.Unknown, Err: kind}); err != nil {
		rt.Fatal(err)
	}
	h.until, h.ours = p.clock.Now().Add(15*time.Minute), ours
	p.lost = append(p.lost, h)
	p.happened["forget"]++
}

func (p *play) crash(rt *rapid.T) {
	p.lost = append(p.lost, one(rt, &p.open))
	p.happened["crash"]++
}

// comeBack settles a call that was written off meanwhile: the limits hold.
func (p *play) comeBack(rt *rapid.T) {
	h := one(rt, &p.gone)
	receipt, _ := p.answer(rt, h)
	if err := receipt.Settle(p.ctx); err != nil {
		rt.Fatal(err)
	}
	p.happened["come_back"]++
}

func (p *play) fold(rt *rapid.T) {
	if _, err := p.Fold(p.ctx); err != nil {
		rt.Fatal(err)
	}
}

func (p *play) sweep(rt *rapid.T) {
	if _, err := p.Sweep(p.ctx); err != nil {
		rt.Fatal(err)
	}
	written := func(h *held) bool {
		if p.clock.Now().Before(h.until) {
			return false
		}
		entry := p.book(h, h.model.promptOnly(h.call.InputUpper))
		if h.ours {
			p.giveBack(entry)
		}
		p.gone = append(p.gone, h)
		p.happened["sweep"]++
		return true
	}
	p.lost = slices.DeleteFunc(p.lost, written)
	p.open = slices.DeleteFunc(p.open, written) // nobody keeps calls alive here
}

func (p *play) time(rt *rapid.T) {
	p.clock.Advance(rapid.SampledFrom([]time.Duration{time.Minute, 8 * time.Minute, time.Hour, 11 * time.Hour, 9 * 24 * time.Hour}).Draw(rt, "time"))
}

// raise accepts a quote, or a higher one.
func (p *play) raise(rt *rapid.T) {
	run := rapid.SampledFrom(runs).Draw(rt, "run")
	ceiling := meter.NanoUSD(rapid.Int64Range(1, 5_000).Draw(rt, "ceiling")) * meter.Dollar / 1000
	b := p.ref.budget(meter.RunBudget(p.owner.Workspace, run))
	if b.period != nil && *b.period > ceiling || b.byPeriod["ever"].Nano > ceiling {
		rt.Skip("a limit may be set below what was spent")
	}
	p.fold(rt) // until then the counters read too full for a limit chosen by what is true
	b.period, b.borrows = &ceiling, true
	if err := p.AcceptQuote(p.ctx, p.owner, run, ceiling); err != nil {
		rt.Fatal(err)
	}
}

const overLimit = `
SELECT count(*) FROM budget WHERE id = ANY($1) AND (
    day_spent + day_reserved > day_limit OR period_spent + period_reserved > period_limit
    OR period_spent_weighed + period_reserved_weighed > period_limit_weighed
    OR NOT paced AND day_spent_weighed + day_reserved_weighed > day_limit_weighed)`

// check holds after every step.
func (p *play) check(rt *rapid.T) {
	ids := make([]meter.BudgetID, 0, len(p.ref.budgets))
	for id := range p.ref.budgets {
		ids = append(ids, id)
	}
	var over int
	if err := p.db.QueryRow(p.ctx, overLimit, ids).Scan(&over); err != nil {
		rt.Fatal(err)
	}
	if over != 0 {
		rt.Fatalf("%d budgets are over a limit", over)
	}
}

// end compares the whole of it: books with themselves, and with the reference.
func (p *play) end(rt *rapid.T) {
	books, err := p.Books(p.ctx, p.clock.Now().AddDate(-1, 0, 0), p.clock.Now())
	if err != nil {
		rt.Fatal(err)
	}
	for _, d := range meter.Reconcile(books) {
		if d.Rule != meter.RuleLate && d.Rule != meter.RuleSwept {
			rt.Errorf("books: %+v", d)
		}
	}
	var want, listed meter.NanoUSD
	for _, e := range p.ledger {
		want += e.cost.Nano
		if e.credited {
			listed += e.cost.Nano
			if e.gives {
				want -= e.cost.Nano
			}
		}
	}
	s, err := p.Statement(p.ctx, p.owner, meter.Filter{}, meter.ByRun)
	if err != nil {
		rt.Fatal(err)
	}
	if s.Total.Cost != want || s.Total.Mistakes != listed || s.Total.Calls != len(p.ledger) {
		rt.Errorf("statement: %s of %d calls, %s mistakes; want %s of %d, %s", s.Total.Cost, s.Total.Calls, s.Total.Mistakes, want, len(p.ledger), listed)
	}
	standing, err := p.Standing(p.ctx, p.owner)
	if err != nil {
		rt.Fatal(err)
	}
	team := p.ref.budget(meter.WorkspaceBudget(p.owner.Workspace))
	day, period := team.windows(p.clock.Now())
	got := []meter.Amount{plus(standing.Day.Spent, 1, standing.Day.Reserved), plus(standing.Period.Spent, 1, standing.Period.Reserved)}
	if diff := cmp.Diff([]meter.Amount{team.byDay[day], team.byPeriod[period]}, got); diff != "" {
		rt.Errorf("used of day and month (-want +got):\n%s", diff)
	}
	if rt.Failed() {
		rt.Log(fmt.Sprintf("%d open, %d lost, %d gone, %d booked", len(p.open), len(p.lost), len(p.gone), len(p.ledger)))
	}
}
