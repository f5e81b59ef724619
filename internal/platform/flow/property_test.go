package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/flow"
)

// shape is a random graph: some steps, perhaps a question, then branches that are joined.
type shape struct {
	Name  string
	Steps int
	Asks  bool
	Parts []shape
}

func randomShape(r *rand.Rand, name string, depth int) shape {
	s := shape{Name: name, Steps: r.IntN(3), Asks: r.IntN(3) == 0}
	if depth > 0 {
		for i := range r.IntN(4) {
			s.Parts = append(s.Parts, randomShape(r, fmt.Sprintf("%s.%d", name, i), depth-1))
		}
	}
	return s
}

// end is what a run of this shape comes to, whatever happens on its way.
func (s shape) end() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%d", s.Name, s.Steps)
	if s.Asks {
		b.WriteString("!")
	}
	for _, p := range s.Parts {
		b.WriteString("(" + p.end() + ")")
	}
	return b.String()
}

// stretch is the input of a node of such a run.
type stretch struct {
	Shape shape
	Said  string
}

// shapes are the handlers of kind shape.
func shapes() flow.Handlers {
	fan := func(s stretch) flow.Outcome {
		if len(s.Shape.Parts) == 0 {
			return flow.Done(s.Said)
		}
		var parts []flow.Next
		for _, p := range s.Shape.Parts {
			parts = append(parts, flow.Next{Name: "begin", Input: stretch{Shape: p}})
		}
		return flow.Fan(flow.Next{Name: "join", Input: s}, parts...)
	}
	return flow.Handlers{
		"begin": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			var s stretch
			if err := n.Input(&s); err != nil {
				return flow.Outcome{}, err
			}
			done := 0
			for i := range s.Shape.Steps {
				one, err := flow.Paid(ctx, n, fmt.Sprint("step/", i), func(context.Context) (int, error) { return 1, nil }, func(c *flow.Commit, _ int) error {
					c.Batch.Queue(`INSERT INTO test_kept (node, key) VALUES ($1, $2)`, n.ID, fmt.Sprint(i))
					return nil
				})
				if err != nil {
					return flow.Outcome{}, err
				}
				done += one
			}
			s.Said = fmt.Sprintf("%s/%d", s.Shape.Name, done)
			if s.Shape.Asks {
				return flow.Await(flow.Wait{For: flow.ForDecision, Key: string(n.Run) + "/" + s.Shape.Name}, flow.Next{Name: "answered", Input: s}), nil
			}
			return fan(s), nil
		},
		"answered": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			var s stretch
			if err := n.Input(&s); err != nil {
				return flow.Outcome{}, err
			}
			var said string
			if _, err := n.Answer(&said); err != nil {
				return flow.Outcome{}, err
			}
			s.Said += said
			return fan(s), nil
		},
		"join": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			var s stretch
			if err := n.Input(&s); err != nil {
				return flow.Outcome{}, err
			}
			parts, err := n.Branches(ctx)
			if err != nil {
				return flow.Outcome{}, err
			}
			for _, p := range parts {
				var said string
				if err := json.Unmarshal(p, &said); err != nil {
					return flow.Outcome{}, err
				}
				s.Said += "(" + said + ")"
			}
			return flow.Done(s.Said), nil
		},
	}
}

// kills is how many workers of its own TestRandomGraphsComeToTheSameEnd kills. After each,
// what they had is taken over within five seconds.
const kills = 3

// TestRandomGraphsComeToTheSameEnd runs random graphs through workers killed while they
// hold nodes, stops of the process, lost connections, pauses and answers at random
// moments. Each comes to the end that its shape
// says, with each step kept once.
func TestRandomGraphsComeToTheSameEnd(t *testing.T) {
	t.Parallel()
	const runs = 25
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	if _, err := w.pool.Exec(t.Context(), loadTables); err != nil {
		t.Fatal(err)
	}
	pool, err := db.Open(t.Context(), w.pool.Config().ConnString(), db.Options{Name: "works"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	looker := w.engine()
	// An ended connection may be the first that a new process gets.
	begin := func() (e *flow.Engine) {
		w.until(func() bool {
			e = w.engine(func(c *flow.Config) { c.DB, c.Slots = pool, 4 })
			e.Register("shape", shapes())
			return e.Start(t.Context()) == nil
		}, func() string { return "the process does not start" })
		return e
	}
	e := begin()
	want, open := map[flow.RunID]string{}, map[flow.RunID]bool{}
	for i := range runs {
		s := randomShape(r, fmt.Sprint(i), 3)
		run := w.run(looker, flow.NewRun{
			Kind: "shape", First: flow.Next{Name: "begin", Input: stretch{Shape: s}}, Limits: []flow.Limit{{Key: "user", Most: 5}},
		})
		want[run], open[run] = s.end(), true
	}
	killed := 0
	victim := spawn(t, w.pool.Config().ConnString(), "victim0")
	pace := time.NewTicker(20 * time.Millisecond) // of mishaps, so that something goes on between them
	defer pace.Stop()
	for round := 0; len(open) > 0; round++ {
		<-pace.C
		switch {
		case round%150 == 40:
			if err := e.Stop(t.Context()); err != nil {
				t.Log(err) // its connection may be gone, and others see to the rest
			}
			e = begin()
		case killed < kills && round > 20*killed && w.holds(victim.name) > 0:
			victim.signal(t, syscall.SIGKILL)
			<-victim.ended
			killed++
			victim = spawn(t, w.pool.Config().ConnString(), fmt.Sprint("victim", killed))
		case round%40 == 20:
			w.count(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name = 'works' AND random() < 0.3`)
		}
		disturb(t, looker, open, r)
	}
	for run, end := range want {
		got := w.await(looker, run, flow.Finished)
		var said string
		if err := json.Unmarshal(got.Output, &said); err != nil || said != end {
			t.Errorf("a run came to %q, %v; want %q", said, err, end)
		}
	}
	steps := w.count(`SELECT count(*) FROM step`)
	if kept, once := w.count(`SELECT count(*) FROM test_kept`), w.count(`SELECT count(DISTINCT (node, key)) FROM test_kept`); kept != steps || once != steps {
		t.Errorf("%d steps, %d kept with them, %d different", steps, kept, once)
	}
	if killed == 0 {
		t.Error("no worker was killed while it held a node")
	}
	t.Logf("%d workers killed, %d nodes taken over", killed, w.count(`SELECT count(*) FROM node n WHERE EXISTS (
		SELECT FROM attempt a WHERE a.node_id = n.id AND a.worker LIKE 'victim%' AND a.epoch < n.epoch - 1)`))
	if n := w.count(`SELECT count(*) FROM run_limit WHERE held`); n != 0 {
		t.Errorf("%d tokens are held at rest", n)
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Log(err)
	}
}

// disturb looks at each open run once: it answers what it asks, or pauses and resumes
// it. Those that are over leave open.
func disturb(t *testing.T, e *flow.Engine, open map[flow.RunID]bool, r *rand.Rand) {
	t.Helper()
	for run := range open {
		got, err := e.Run(t.Context(), team, run)
		if err != nil {
			t.Fatal(err)
		}
		if got.State.Over() {
			delete(open, run)
			continue
		}
		if r.IntN(20) == 0 {
			err := e.Pause(t.Context(), team, run, flow.ByFounder, "")
			if err == nil {
				err = e.Resume(t.Context(), team, run)
			}
			if err != nil && !fault.Is(err, fault.Conflict) { // it came to its end meanwhile
				t.Fatal(err)
			}
		}
		for _, wait := range got.Waits {
			if wait.Key == "" {
				continue // it rests after a lost connection
			}
			if _, err := e.Answer(t.Context(), team, wait.Key, "!"); err != nil {
				t.Fatal(err)
			}
		}
	}
}
