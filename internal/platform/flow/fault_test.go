//go:build fault

package flow_test

import (
	"syscall"
	"testing"
	"time"

	"cofounder/internal/base/faultpoint"
	"cofounder/internal/platform/flow"
)

// TestKilledAtEachFaultPoint kills a worker at every fault point of flow; another comes to
// the same end.
func TestKilledAtEachFaultPoint(t *testing.T) {
	t.Parallel()
	for _, point := range faultpoint.Of("flow") {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			const runs = 6
			w, e, url := loadWorld(t, runs-1)
			// One that has to be woken, and nodes that have to be taken over.
			w.run(e, flow.NewRun{Kind: "load", First: flow.Next{Name: "work", Input: 0}, NotBefore: time.Now().Add(time.Second)})
			before := spawn(t, url, "before")
			busy(w, "before")
			before.signal(t, syscall.SIGKILL)
			<-before.ended
			victim, _ := launch(t, url, "victim", "FAULT="+point+":1")
			<-victim.ended
			if status, ok := victim.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("the victim was not killed there: %v", victim.err)
			}
			spawn(t, url, "heir")
			w.settle(runs)
		})
	}
}
