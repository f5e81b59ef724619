//go:build fault

package option_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"cofounder/internal/base/faultpoint"
	"cofounder/internal/product/option"
)

// TestOptionsKilledAtEachFaultPoint kills the process at every fault point while ways to
// build are worked out. Another goes on: they are there once, whole, and paid for once.
func TestOptionsKilledAtEachFaultPoint(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, point := range faultpoint.Names() {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			stop := w.work(t)
			d := w.tell(t, walks)
			first := d.awaitState(t, option.Written)
			stop()
			if _, err := d.Ask(t.Context(), d.actor, d.id, option.Wanted{Compare: true}); err != nil {
				t.Fatal(err)
			}
			victim := exec.CommandContext(context.WithoutCancel(t.Context()), self)
			victim.Env = append(os.Environ(), childURL+"="+w.db.Config().ConnString(), childProject+"="+string(d.id),
				childUser+"="+string(d.actor.User), childTeam+"="+string(d.actor.Workspace), "FAULT="+point+":1")
			var told bytes.Buffer
			victim.Stderr = &told
			ended := victim.Run()
			status, _ := victim.ProcessState.Sys().(syscall.WaitStatus) //nolint:errcheck // this is Unix
			killed := status.Signaled() && status.Signal() == syscall.SIGKILL
			if ended != nil && !killed {
				t.Fatalf("it ended by itself: %v %s", ended, told.String())
			}
			t.Logf("killed there: %v", killed)

			heir, err := assemble(w.db)
			if err != nil {
				t.Fatal(err)
			}
			heir.start(t)
			d.world = heir
			set := d.await(t, "the ways to build", func(s option.Set) bool { return s.State == option.Written && s.Compare })
			if set.Number != first.Number+1 || len(set.Options) != 2 || !set.Options[0].Recommended || set.Options[1].Recommended {
				t.Errorf("set %d %+v", set.Number, set.Options)
			}
			var sets, settled int
			const counted = `SELECT (SELECT count(*) FROM option_set), (SELECT count(*) FROM ledger WHERE step = 'options' AND state = 'settled')`
			if err := d.db.QueryRow(t.Context(), counted).Scan(&sets, &settled); err != nil || sets != 2 {
				t.Errorf("%d sets, %v", sets, err)
			}
			// An answer that came while the process died may be paid for and lost, once.
			if settled < 2 || settled > 3 {
				t.Errorf("%d answers settled, want 2 or 3", settled)
			}
			if n, err := heir.meter.CheckBooks(t.Context()); err != nil || n != 0 {
				t.Errorf("%d differences in the books, %v", n, err)
			}
		})
	}
}
