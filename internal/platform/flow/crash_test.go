package flow_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"cofounder/internal/platform/flow"
)

// busy waits until a worker is in the middle of nodes.
func busy(w *world, name string) {
	w.tb.Helper()
	w.until(func() bool { return w.holds(name) > 0 }, func() string { return name + " claims nothing" })
}

func TestKilledWorkersNodesAreTakenOver(t *testing.T) {
	t.Parallel()
	const runs = 30
	w, _, url := loadWorld(t, runs)
	victim := spawn(t, url, "victim")
	busy(w, "victim")
	victim.signal(t, syscall.SIGKILL)
	<-victim.ended
	left := w.holds("victim")
	began := time.Now()
	spawn(t, url, "heir")
	w.until(func() bool { return w.holds("victim") == 0 }, func() string { return "nobody takes over" })
	t.Logf("%d nodes taken over %v after the kill", left, time.Since(began))
	w.settle(runs)
}

func TestStoppedProcessIsFencedOff(t *testing.T) {
	t.Parallel()
	const runs = 30
	w, _, url := loadWorld(t, runs)
	zombie := spawn(t, url, "zombie")
	busy(w, "zombie")
	zombie.signal(t, syscall.SIGSTOP)
	spawn(t, url, "heir")
	w.until(func() bool { return w.holds("zombie") == 0 }, func() string { return "nobody takes over" })
	zombie.signal(t, syscall.SIGCONT)
	w.settle(runs)
	// It found out, and works again under its old name.
	w.until(func() bool { return w.count(`SELECT count(*) FROM worker WHERE id = 'zombie'`) == 1 },
		func() string { return "the stopped process did not come back" })
}

func TestSignalledWorkerHandsOver(t *testing.T) {
	t.Parallel()
	const runs = 30
	w, _, url := loadWorld(t, runs)
	leaver := spawn(t, url, "leaver")
	spawn(t, url, "heir")
	busy(w, "leaver")
	leaver.signal(t, syscall.SIGTERM)
	<-leaver.ended
	if leaver.err != nil {
		t.Errorf("it ended with %v", leaver.err)
	}
	if n := w.count(`SELECT count(*) FROM worker WHERE id = 'leaver'`) + w.holds("leaver"); n != 0 {
		t.Errorf("it left %d rows behind", n)
	}
	w.settle(runs)
	if calls, steps := w.count(`SELECT count(*) FROM test_call`), w.count(`SELECT count(*) FROM step`); calls != steps {
		t.Errorf("%d calls for %d results: stopping in order repeats none", calls, steps)
	}
}

func TestBackendsTerminatedUnderLoad(t *testing.T) {
	t.Parallel()
	const runs = 40
	w, _, url := loadWorld(t, runs)
	spawn(t, url, "one")
	spawn(t, url, "two")
	busy(w, "one")
	for round := range 3 {
		done := w.count(`SELECT count(*) FROM step`)
		w.until(func() bool { return w.count(`SELECT count(*) FROM step`) > done }, func() string { return "nothing goes on" })
		w.until(func() bool {
			return w.count(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name IN ('one', 'two')`) > 0
		}, func() string { return fmt.Sprintf("in round %d nobody has a connection", round) })
	}
	w.settle(runs)
}

func TestWorkerWhoseClockIsAnHourOff(t *testing.T) {
	t.Parallel()
	const runs = 20
	w, _, url := loadWorld(t, runs)
	spawn(t, url, "late", childShift+"=-1h")
	victim := spawn(t, url, "early", childShift+"=1h")
	busy(w, "early")
	victim.signal(t, syscall.SIGKILL)
	<-victim.ended
	w.settle(runs)
	if n := w.count(`SELECT count(*) FROM attempt a WHERE a.worker = 'early' AND a.epoch > 1`); n != 0 {
		t.Errorf("the worker with the early clock took over %d nodes of one that lives", n)
	}
}

func TestNewerProgramGoesOn(t *testing.T) {
	t.Parallel()
	const runs = 20
	w, _, url := loadWorld(t, runs)
	old := spawn(t, url, "old")
	w.until(func() bool {
		return w.count(`SELECT count(*) FROM step s JOIN node n ON n.id = s.node_id WHERE n.worker = 'old'`) > 0
	}, func() string { return "the old program does nothing" })
	old.signal(t, syscall.SIGKILL)
	<-old.ended
	begun := w.count(`SELECT count(DISTINCT n.id) FROM step s JOIN node n ON n.id = s.node_id WHERE n.state = 'running'`)
	spawn(t, url, "new", childVersion+"=new")
	w.settle(runs)
	if begun == 0 {
		t.Error("the old program was in the middle of nothing")
	}
	done := w.count(`SELECT count(*) FROM node n WHERE n.state = 'done' AND EXISTS (SELECT FROM step s WHERE s.node_id = n.id AND s.key = 'turn/new')`)
	old2 := w.count(`SELECT count(*) FROM node n WHERE n.state = 'done' AND NOT EXISTS (SELECT FROM attempt a WHERE a.node_id = n.id AND a.worker = 'new')`)
	if all := runs * loadNodes; done+old2 != all {
		t.Errorf("%d nodes ended with the new step and %d with the old program, want together %d", done, old2, all)
	}
}

func TestWorkerNameOfALivingProcessIsRefused(t *testing.T) {
	t.Parallel()
	w, _, url := loadWorld(t, 0)
	first := spawn(t, url, "twin")
	second, _ := launch(t, url, "twin")
	<-second.ended
	if second.err == nil || !strings.Contains(second.output(), "worker_name_taken") {
		t.Errorf("the second process ended with %v and said %q; want a refusal", second.err, second.output())
	}
	// A name whose process died is free after the limit.
	first.signal(t, syscall.SIGKILL)
	<-first.ended
	w.until(func() bool {
		return w.count(`SELECT count(*) FROM worker WHERE beat > clock_timestamp() - interval '5 s'`) == 0
	}, func() string { return "the dead worker counts as alive" })
	spawn(t, url, "twin")
}

// What a process had told our tables, but not River, when it died is cleared away; rows of
// those who live are not.
func TestDeliveriesOfTheDeadAreClearedAway(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), newStuck()
	e := w.engine()
	e.Register("test", s.handlers(t))
	w.start(e)
	w.run(e, flow.NewRun{})
	<-s.begun
	before := w.count(`INSERT INTO river_job (kind, queue, state, max_attempts, attempt, args, attempted_at, attempted_by)
		VALUES ('node', 'node', 'running', 1, 1, '{}', now(), '{gone}') RETURNING id`)
	reborn := w.count(`INSERT INTO river_job (kind, queue, state, max_attempts, attempt, args, attempted_at, attempted_by)
		VALUES ('node', 'node', 'running', 1, 1, '{}', now() - interval '1 day', ARRAY[$1]) RETURNING id`, e.Worker())
	w.until(func() bool {
		return w.count(`SELECT count(*) FROM river_job WHERE id IN ($1, $2) AND finalized_at IS NOT NULL`, before, reborn) == 2
	}, func() string { return "they are still there" })
	if n := w.count(`SELECT count(*) FROM river_job j JOIN node n ON n.job = j.id WHERE j.state = 'running' AND n.state = 'running'`); n != 1 {
		t.Errorf("%d deliveries are at work, want that of the node that is", n)
	}
}
