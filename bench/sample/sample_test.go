package sample_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"cofounder/bench/sample"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/flow"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// open starts a world with a model for the length of the test.
func open(t *testing.T) *sample.World {
	t.Helper()
	model, err := sample.ServeModel(t.Context(), 0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	w, err := sample.Open(t.Context(), sample.Config{DatabaseURL: dbtest.URL(t), ModelURL: model.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := w.Engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func await(t *testing.T, w *sample.World, run flow.RunID, s flow.State) flow.Run {
	t.Helper()
	deadline := time.After(time.Minute)
	for look := time.NewTicker(10 * time.Millisecond); ; {
		r, err := w.Engine.Run(t.Context(), string(w.Actor.Workspace), run)
		if err != nil {
			t.Fatal(err)
		}
		if r.State == s {
			return r
		}
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("the run is %s (%s %s) after a minute, want %s", r.State, r.Reason, r.Detail, s)
		}
	}
}

func TestSampleComesToItsEnd(t *testing.T) {
	t.Parallel()
	for _, serial := range []bool{false, true} {
		t.Run(fmt.Sprint("serial ", serial), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			run, err := w.Start(t.Context(), sample.Plan{Pieces: 2, Turns: 2, Serial: serial})
			if err != nil {
				t.Fatal(err)
			}
			await(t, w, run, flow.Waiting)
			if err := w.Answer(t.Context(), run, "ship it"); err != nil {
				t.Fatal(err)
			}
			var got sample.Report
			if err := json.Unmarshal(await(t, w, run, flow.Finished).Output, &got); err != nil {
				t.Fatal(err)
			}
			want := sample.Report{Thought: "You said: Plan 2 pieces.", Answer: "ship it"}
			for i := range 2 {
				want.Pieces = append(want.Pieces, fmt.Sprintf("You said: Piece %d, turn 0.You said: Piece %d, turn 1.", i, i))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			checkBooks(t, w, run)
			if problems, err := w.Verify(t.Context()); err != nil || len(problems) > 0 {
				t.Errorf("verify: %s, %v", strings.Join(problems, "; "), err)
			}
		})
	}
}

// checkBooks counts what the plan of TestSampleComesToItsEnd pays for and tells.
func checkBooks(t *testing.T, w *sample.World, run flow.RunID) {
	t.Helper()
	var paid, superseded, events, last int
	err := w.DB.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE superseded) FROM ledger`).Scan(&paid, &superseded)
	if err != nil {
		t.Fatal(err)
	}
	if paid != 5 || superseded != 0 {
		t.Errorf("%d paid calls, %d of them superseded; want 5 and 0", paid, superseded)
	}
	err = w.DB.QueryRow(t.Context(), `SELECT count(*), max(seq) FROM event WHERE stream = $1`, sample.Stream(run)).Scan(&events, &last)
	if err != nil {
		t.Fatal(err)
	}
	if events != 8 || last != 8 {
		t.Errorf("%d events up to %d, want 8: five answers, asked, decided, finished", events, last)
	}
}
