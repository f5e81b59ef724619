package interview_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// wakeNow ends the only wait there is, and tells until when it was to last.
const wakeNow = `
UPDATE node n SET wake_at = now() FROM (SELECT id, wake_at FROM node WHERE state = 'waiting' AND wake_at > now() FOR UPDATE) w
WHERE n.id = w.id RETURNING w.wake_at`

// wake waits until a run waits, and ends it.
func (w *world) wake(t *testing.T) time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		var at time.Time
		err := w.db.QueryRow(ctx, wakeNow).Scan(&at)
		if err == nil {
			return at
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			t.Fatalf("nothing waits: %v", err)
		}
		<-look.C
	}
}

// TestServersTimeIsWaitedFor wants a run to wait as a row for as long as a server says,
// beyond the patience of a call, and then to go on by itself.
func TestServersTimeIsWaitedFor(t *testing.T) {
	t.Parallel()
	script, err := llmtest.Parse("turn\nfail rate_limited 120\n")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 8)
	server := llmtest.StartConfig(t, llmtest.Config{Script: script, Seen: func(llmtest.Call) { asked <- struct{}{} }})
	w := newWorld(t).start(t)
	a := w.founder(t)
	if _, err := w.connections.Save(t.Context(), w.model, a, meter.Draft{
		Preset: meter.OtherServer, BaseURL: server.URL, Auth: llm.KeyHeader, Key: config.NewSecret("sk-test"), Models: meter.DefaultModels(), RateCard: meter.AnthropicCard,
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.meter.SetLimits(t.Context(), a, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	begun, err := w.Begin(t.Context(), a, project.Draft{Idea: "A calendar for a dog groomer, in which owners book an hour for their dog."})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{world: w, actor: a, id: begun.Project}
	got := d.await(t, "trouble", func(i interview.Interview) bool { return i.Trouble != "" })
	if want := "The AI takes no more requests from this key for the moment. Nothing is lost; I try again. I will go on by myself."; got.Trouble != want || got.State != interview.Reading {
		t.Errorf("%s: %q, want %q", got.State, got.Trouble, want)
	}
	if wait := w.wake(t).Sub(began); wait < 2*time.Minute || wait > 3*time.Minute {
		t.Errorf("it goes on after %v, want two minutes and a little", wait)
	}
	for range 2 {
		select {
		case <-asked:
		case <-time.After(patience):
			t.Fatal("it did not go on")
		}
	}
}
