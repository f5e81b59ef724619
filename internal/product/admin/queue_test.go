package admin_test

import (
	"strconv"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"

	"github.com/google/go-cmp/cmp"
)

// What is done to the queue is done and audited, or neither.
func TestQueueIsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.exec(`INSERT INTO river_queue (name, created_at, metadata, updated_at) VALUES ('spare', now(), '{}', now())`)
	w.exec(`INSERT INTO river_job (kind, args, max_attempts, queue) SELECT 'x', '{}', 1, 'spare' FROM generate_series(1, 2)`)
	first, second := int64(w.count(`SELECT min(id) FROM river_job WHERE queue = 'spare'`)), int64(w.count(`SELECT max(id) FROM river_job WHERE queue = 'spare'`))
	jobs := func(of account.Actor, what flow.JobChange, ids ...int64) error {
		return w.ChangeJobs(ctx, of, what, ids)
	}
	for name, tt := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"jobs, not an operator":   {jobs(w.owner, flow.CancelJobs, first), fault.Forbidden},
		"pause, not an operator":  {w.PauseQueue(ctx, w.owner, "spare"), fault.Forbidden},
		"resume, not an operator": {w.ResumeQueue(ctx, w.owner, "spare"), fault.Forbidden},
		"one of two is not there": {jobs(w.boss, flow.CancelJobs, first, 1<<60), fault.NotFound},
		"no such change":          {jobs(w.boss, "forget", first), fault.NotFound},
		"no job":                  {jobs(w.boss, flow.CancelJobs), fault.Invalid},
		"too many jobs":           {jobs(w.boss, flow.CancelJobs, make([]int64, 1001)...), fault.Invalid},
		"no such queue":           {w.PauseQueue(ctx, w.boss, "nowhere"), fault.NotFound},
	} {
		if !fault.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %s", name, tt.err, tt.want)
		}
	}
	if n := w.count(`SELECT count(*) FROM river_job WHERE queue = 'spare' AND state = 'available'`); n != 2 {
		t.Fatalf("%d jobs are as they were, want both", n)
	}
	if n := w.count(`SELECT count(*) FROM audit`); n != 0 {
		t.Fatalf("%d audit entries of what was refused", n)
	}
	for _, err := range []error{
		jobs(w.boss, flow.CancelJobs, first, second), jobs(w.boss, flow.RetryJobs, first), jobs(w.boss, flow.DeleteJobs, second),
		w.PauseQueue(ctx, w.boss, "spare"), w.ResumeQueue(ctx, w.boss, "spare"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := w.Audit(ctx, w.boss, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Entries {
		got = append(got, e.Who+"|"+string(e.Action)+"|"+e.Subject+"|"+e.Reason)
	}
	one, two := "|job "+strconv.FormatInt(first, 10)+"|", "|job "+strconv.FormatInt(second, 10)+"|"
	want := []string{"Olga|queue.resume|queue spare|", "Olga|queue.pause|queue spare|", "Olga|job.delete" + two, "Olga|job.retry" + one, "Olga|job.cancel" + two, "Olga|job.cancel" + one}
	for i := range want {
		want[i] += admin.ThroughQueuePages
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
