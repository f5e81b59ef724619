package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

func keyed(key string) http.Header { return http.Header{"Idempotency-Key": {key}} }

// needMore are the writes that a new project or team is not ready for, or its owner; their refusal
// is remembered too.
var needMore = []string{
	"restore-project", "unpark-project", "test-ai-connection", "set-roles", "set-operator-roles",
	"enough-questions", "go-deeper", "rewrite-page", "build-this", "correct-understanding",
}

// what is answered with a secret.
var showOnce = []string{"create-token", "create-invitation"}

// Every write, sent twice with one key, is carried out once and answered twice.
func TestEveryWriteOnce(t *testing.T) {
	t.Parallel()
	for _, o := range open(t).doc.operations() {
		if !o.writes() {
			continue
		}
		t.Run(o.OperationID, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			owner := w.founder(t)
			r := w.whole(t, o, owner)
			r.as, r.header = owner, keyed("the same")
			first := w.send(t, r)
			if first.status >= http.StatusBadRequest && !slices.Contains(needMore, o.OperationID) {
				t.Fatalf("first: %d %s", first.status, first.body)
			}
			if first.header.Get("Idempotency-Replayed") != "" {
				t.Error("the first answer says it is a repetition")
			}
			after := w.contents(t)
			if slices.Contains(showOnce, o.OperationID) {
				w.send(t, r).wantProblem(t, http.StatusConflict, "answer_was_secret")
				if diff := cmp.Diff(after, w.contents(t)); diff != "" {
					t.Errorf("the second wrote something\n%s", diff)
				}
				return
			}
			second := w.send(t, r).want(t, first.status)
			if diff := cmp.Diff(string(first.body), string(second.body)); diff != "" {
				t.Errorf("body (-first +second)\n%s", diff)
			}
			if second.header.Get("Idempotency-Replayed") != "true" {
				t.Error("the second answer does not say it is a repetition")
			}
			for _, name := range []string{"Content-Type", "Location"} {
				if first.header.Get(name) != second.header.Get(name) {
					t.Errorf("%s: %q, then %q", name, first.header.Get(name), second.header.Get(name))
				}
			}
			if diff := cmp.Diff(after, w.contents(t)); diff != "" {
				t.Errorf("the second wrote something\n%s", diff)
			}
			r.path += "?x=1" // another request: same key, other address
			if a := w.send(t, r); a.status != http.StatusUnprocessableEntity || a.problem(t).Code != "idempotency_key_reused" {
				t.Errorf("with another address: %d %s", a.status, a.body)
			}
		})
	}
}

func TestReplayedKeyWithAnotherBody(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	send := func(as any, key, idea string) answer {
		return w.send(t, request{method: http.MethodPost, path: "/projects", as: as, header: keyed(key), body: map[string]any{"idea": idea}})
	}
	send(ann, "k", "One").want(t, http.StatusCreated)
	before := w.contents(t)
	send(ann, "k", "Two").wantProblem(t, http.StatusUnprocessableEntity, "idempotency_key_reused", "Idempotency-Key")
	if diff := cmp.Diff(before, w.contents(t)); diff != "" {
		t.Errorf("something was written\n%s", diff)
	}

	// An access key of the same person, or somebody else, has keys of their own.
	for _, other := range []any{w.key(t, ann, account.ScopeWrite), w.joins(t, ann, account.Member), w.founder(t)} {
		if a := send(other, "k", "One").want(t, http.StatusCreated); a.header.Get("Idempotency-Replayed") != "" {
			t.Error("answered with somebody else's answer")
		}
	}
	w.clock.Advance(24 * time.Hour)
	if a := send(ann, "k", "Two").want(t, http.StatusCreated); a.header.Get("Idempotency-Replayed") != "" {
		t.Error("remembered for longer than a day")
	}
}

// Whose rights are gone is not answered with what they could see before.
func TestReplayAfterLosingARight(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	mel := w.joins(t, ann, account.Member)
	r := request{method: http.MethodPost, path: "/projects", as: mel, header: keyed("k"), body: map[string]any{"idea": "One"}}
	w.send(t, r).want(t, http.StatusCreated)
	if err := w.accounts.SetRole(t.Context(), ann.actor, mel.actor.User, account.Viewer); err != nil {
		t.Fatal(err)
	}
	w.send(t, r).want(t, http.StatusForbidden)
}

// What is refused before it is anybody's request takes no key.
func TestRefusedRequestTakesNoKey(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	reading := w.key(t, ann, account.ScopeRead)
	r := request{method: http.MethodPost, path: "/projects", header: keyed("k"), body: map[string]any{"idea": "One"}}
	for _, who := range []any{nil, "cof_bad", reading} {
		r.as = who
		if a := w.send(t, r); a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
			t.Errorf("status = %d", a.status)
		}
	}
	if n := len(w.contents(t)["idempotency"]); n != 0 {
		t.Errorf("%d keys taken", n)
	}
	// A key that may only read does not get at the answer of a write either.
	r.as = ann
	w.send(t, r).want(t, http.StatusCreated)
	r.as = reading
	w.send(t, r).wantProblem(t, http.StatusForbidden, "token_read_only")
}

func TestManyAtOnceMakeOne(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	r := request{method: http.MethodPost, path: "/projects", as: ann, header: keyed("k"), body: map[string]any{"idea": "One"}}
	var made, replayed, running atomic.Int64
	var ids sync.Map
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			a, err := w.exchange(t.Context(), r)
			if err != nil {
				t.Error(err)
				return
			}
			w.check(t, r, a)
			switch {
			case a.status == http.StatusConflict:
				running.Add(1)
				if a.header.Get("Retry-After") == "" {
					t.Error("409 without Retry-After")
				}
				return
			case a.header.Get("Idempotency-Replayed") == "true":
				replayed.Add(1)
			default:
				made.Add(1)
			}
			var p struct{ ID string }
			if err := json.Unmarshal(a.body, &p); err != nil {
				t.Error(err)
			}
			ids.Store(p.ID, true)
		})
	}
	all.Wait()
	distinct := 0
	ids.Range(func(any, any) bool { distinct++; return true })
	if made.Load() != 1 || distinct != 1 || len(w.contents(t)["project"]) != 1 {
		t.Errorf("made %d, %d ids, %d projects; want one of each", made.Load(), distinct, len(w.contents(t)["project"]))
	}
	if got := made.Load() + replayed.Load() + running.Load(); got != 50 {
		t.Errorf("%d answers, want 50", got)
	}
}

// A process that died in the middle leaves a pending key behind.
func TestCutOffRequest(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	r := request{method: http.MethodPost, path: "/projects", as: ann, header: keyed("k"), body: map[string]any{"idea": "One"}}
	w.send(t, r).want(t, http.StatusCreated)
	if _, err := w.db.Exec(t.Context(), `UPDATE idempotency SET status = NULL, answer = NULL`); err != nil {
		t.Fatal(err)
	}
	a := w.send(t, r)
	a.wantProblem(t, http.StatusConflict, "idempotency_in_progress")
	if got := a.header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After = %q, want 1", got)
	}
	w.clock.Advance(time.Minute)
	w.send(t, r).wantProblem(t, http.StatusConflict, "idempotency_outcome_unknown")
	if n := len(w.contents(t)["project"]); n != 1 {
		t.Errorf("%d projects, want 1", n)
	}
}

// Without a key each request is its own.
func TestWithoutKeyTwiceIsTwo(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	for i := range 2 {
		w.send(t, request{method: http.MethodPost, path: "/projects", as: ann, body: map[string]any{"idea": fmt.Sprint("Idea ", i)}}).want(t, http.StatusCreated)
	}
	if n := len(w.contents(t)["project"]); n != 2 {
		t.Errorf("%d projects, want 2", n)
	}
}
