//go:build fault

package event_test

import (
	"testing"

	"cofounder/internal/base/faultpoint"
	"cofounder/internal/base/faultpoint/faultpointtest"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// appendTwice is what a process does that is killed: two events in one transaction.
func appendTwice(t *testing.T, url string) {
	t.Helper()
	pool, err := db.Open(t.Context(), url, db.Options{Name: "victim"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	err = db.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		for range 2 {
			if err := event.AppendTx(t.Context(), tx, "one", noon(), event.Draft{Kind: "victim"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKilledAtEachFaultPoint kills a process at every fault point of event: of what it
// appended in one transaction all is there or nothing, and those who follow the stream
// are told what comes after, without a gap.
func TestKilledAtEachFaultPoint(t *testing.T) {
	t.Parallel()
	if url, ok := faultpointtest.Victim(); ok {
		appendTwice(t, url)
		return
	}
	for _, point := range faultpoint.Of("event") {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			pool := dbtest.New(t)
			add(t, pool, "one", noon(), "before")
			sub, err := hub(t, pool).Subscribe("one", 0)
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			faultpointtest.Kill(t, point, pool.Config().ConnString())
			add(t, pool, "one", noon(), "after") // waits until the server has ended the transaction
			stored := read(t, pool, "one", 0).Events
			kinds := map[string]int{}
			for i, e := range stored {
				kinds[e.Kind]++
				if e.Seq != int64(i)+1 {
					t.Errorf("event %d has sequence %d", i+1, e.Seq)
				}
			}
			if n := kinds["victim"]; n != 0 && n != 2 || kinds["test.happened"] != 2 {
				t.Errorf("events by kind: %v; want two of ours, and both of the victim's or none", kinds)
			}
			var told []event.Event
			for len(told) < len(stored) {
				page, err := sub.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				told = append(told, page.Events...)
			}
			if diff := cmp.Diff(stored, told); diff != "" {
				t.Errorf("stored (-) and told (+):\n%s", diff)
			}
		})
	}
}
