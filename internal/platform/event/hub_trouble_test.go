package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sees waits until a subscription brought a sequence.
func sees(t *testing.T, s *event.Subscription, seq int64) {
	t.Helper()
	for {
		if page := next(t, s); page.Next >= seq {
			return
		}
	}
}

// kill ends the connections that hubs listen on, and returns how many.
func kill(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE '% events'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Nothing is missed while the listening connection is down, and it comes back.
func TestListeningConnectionKilled(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	here, there := hub(t, pool), hub(t, pool)
	s := follow(t, there, "one", 0)
	for round := range int64(3) {
		add(t, pool, "one", noon(), nil)
		here.Wake("one")
		sees(t, s, 2*round+1)
		for kill(t, pool) < 2 { // both hubs listen again
			if !wait(t, 20*time.Millisecond) {
				return
			}
		}
		add(t, pool, "one", noon(), nil)
		here.Wake("one")
		sees(t, s, 2*round+2)
	}
}

// wait is for what nobody tells: it returns false once the test is over.
func wait(t *testing.T, d time.Duration) bool {
	t.Helper()
	select {
	case <-time.After(d):
		return true
	case <-t.Context().Done():
		return false
	}
}

// While the database lets nobody in, subscriptions wait; afterwards they go on.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	address := dbtest.URL(t)
	pool, err := db.Open(t.Context(), address, db.Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	elsewhere := dbtest.New(t)
	log := &logBook{}
	h := event.NewHub(pool, slog.New(slog.NewTextHandler(log, nil)))
	run(t, h)
	s := follow(t, h, "one", 0)
	add(t, pool, "one", noon(), nil)
	sees(t, s, 1)

	name := pgx.Identifier{pool.Config().ConnConfig.Database}.Sanitize()
	admit := func(word string) {
		t.Helper()
		if _, err := elsewhere.Exec(t.Context(), `ALTER DATABASE `+name+` ALLOW_CONNECTIONS `+word); err != nil {
			t.Fatal(err)
		}
	}
	admit("false")
	if _, err := elsewhere.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, pool.Config().ConnConfig.Database); err != nil {
		t.Fatal(err)
	}
	for !log.says("look for events") || !log.says("listen for events") {
		if !wait(t, 20*time.Millisecond) {
			t.Fatalf("the log does not tell of it:\n%s", log)
		}
	}
	admit("true")
	// Sessions of the pool that died are found out by using them.
	for {
		err := db.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			return event.AppendTx(t.Context(), tx, "one", noon(), event.Draft{Kind: "k"})
		})
		if err == nil {
			break
		}
		if !db.Unavailable(err) {
			t.Fatal(err)
		}
	}
	sees(t, s, 2)
	if n := strings.Count(log.String(), "level=WARN"); n > 4 {
		t.Errorf("%d warnings of one outage:\n%s", n, log)
	}
}

// A reader who was up to date and stops reading is cut off; one who reads from far
// back is not, and neither holds events in memory.
func TestReaderTooFarBehind(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	h := hub(t, pool)
	add(t, pool, "one", noon(), nil)
	stuck, quick := follow(t, h, "one", 0), follow(t, h, "one", 0)
	for _, s := range []*event.Subscription{stuck, quick} {
		sees(t, s, 1)
		// Being up to date is found out by asking once more.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if page, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, %v; want nothing yet", page, err)
		}
		cancel()
	}
	late := follow(t, h, "one", 0)
	for round := range int64(11) {
		add(t, pool, "one", noon(), make([]any, 100)...)
		h.Wake("one")
		sees(t, quick, 1+100*(round+1))
	}
	if _, err := stuck.Next(t.Context()); !errors.Is(err, event.ErrBehind) {
		t.Errorf("who is 1100 behind: %v, want ErrBehind", err)
	}
	seen := int64(0)
	for seen < 1101 {
		page := next(t, late)
		if len(page.Events) > event.MaxPage || page.Next <= seen {
			t.Fatalf("a page of %d events from %d to %d", len(page.Events), seen, page.Next)
		}
		seen = page.Next
	}
}

// Notifications of one process come at most every 50 ms, whatever is committed, and
// name every stream or say that there are too many.
func TestNotificationsAreCoalesced(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	h := hub(t, pool)
	conn, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if _, err := conn.Exec(t.Context(), `LISTEN cofounder_event`); err != nil {
		t.Fatal(err)
	}
	hear := func() string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return n.Payload
	}
	begun, heard, named := time.Now(), 0, map[string]bool{}
	for i := range 500 {
		h.Wake(event.Stream(fmt.Sprint("s", i)))
		h.Wake("busy")
		if i%100 == 99 && !wait(t, 30*time.Millisecond) {
			return
		}
	}
	for len(named) < 501 {
		heard++
		for _, name := range strings.Fields(hear())[1:] {
			named[name] = true
		}
	}
	if most := 2 + int(time.Since(begun)/(50*time.Millisecond)); heard > most {
		t.Errorf("%d notifications in %s, want at most %d", heard, time.Since(begun), most)
	}
	var many []event.Stream
	for i := range 10_000 {
		many = append(many, event.Stream(fmt.Sprint("stream", i)))
	}
	h.Wake(many...)
	if fields := strings.Fields(hear()); len(fields) != 2 || fields[1] != "*" {
		t.Errorf("10 000 streams are told as %d words", len(fields))
	}
	h.Wake(many[:1500]...)
	named = map[string]bool{}
	for len(named) < 1500 {
		payload := hear()
		if len(payload) >= 8000 {
			t.Errorf("a payload of %d bytes", len(payload))
		}
		for _, name := range strings.Fields(payload)[1:] {
			named[name] = true
		}
	}
}

// A stream that is trimmed or forgotten under its readers begins anew for them.
func TestStreamGoneUnderItsReaders(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	h := hub(t, pool)
	add(t, pool, "one", noon(), 1, 2, 3)
	s := follow(t, h, "one", 0)
	sees(t, s, 3)
	ahead := follow(t, h, "one", 9)
	if page := next(t, ahead); !page.Reset || page.Next != 3 {
		t.Errorf("a cursor to come: %+v, want a reset", page)
	}
	forget := func(tx pgx.Tx) error { return event.ForgetTx(t.Context(), tx, "one") }
	if err := db.InTx(t.Context(), pool, forget); err != nil {
		t.Fatal(err)
	}
	h.Wake("one")
	for _, s := range []*event.Subscription{s, ahead} {
		if page := next(t, s); !page.Reset || page.Next != 0 || page.Events != nil {
			t.Errorf("forgotten: %+v, want a reset", page)
		}
	}
	add(t, pool, "one", noon(), 1)
	h.Wake("one")
	sees(t, s, 1)
	add(t, pool, "one", noon(), 2, 3, 4)
	if _, err := event.Trim(t.Context(), pool, event.Keep{Events: 1}); err != nil {
		t.Fatal(err)
	}
	h.Wake("one")
	if page := next(t, s); !page.Reset || len(page.Events) != 1 || page.Next != 4 {
		t.Errorf("trimmed: %+v, want a reset and the last event", page)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	h := event.NewHub(dbtest.New(t), slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Run(ctx)
	}()
	<-h.Ready()
	s, closed := follow(t, h, "one", 0), follow(t, h, "two", 0)
	closed.Close()
	closed.Close()
	if _, err := closed.Next(t.Context()); err == nil {
		t.Error("a closed subscription goes on")
	}
	stop()
	<-done
	if _, err := s.Next(t.Context()); !errors.Is(err, event.ErrStopped) {
		t.Errorf("after the stop: %v, want ErrStopped", err)
	}
	if _, err := h.Subscribe("one", 0); !errors.Is(err, event.ErrStopped) {
		t.Errorf("Subscribe after the stop: %v, want ErrStopped", err)
	}
	h.Wake("one") // nobody is there to be woken
}
