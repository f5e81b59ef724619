package meter_test

import (
	"errors"
	"testing"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/meter"
)

// claimedNode makes a run with a node that is held at epoch 3.
const claimedNode = `
WITH r AS (
    INSERT INTO run (id, kind, workspace_id, project_id, starter_id, input, "offset", due)
    VALUES ($1, 'test', 'wsp_1', '', 'usr_1', 'null', '0', now()) RETURNING id)
INSERT INTO node (id, run_id, name, handler, state, epoch, worker, due, input)
SELECT $2, r.id, 'work', 'test/work', 'running', 3, 'here', now(), 'null' FROM r`

// Who lost a node to another process, a pause or an end spends nothing more.
func TestOnlyTheNewestClaimSpends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	const node, other = "nod_01kav5zsk3q8t2m4x7n9p6r0wd", "nod_01kav5zsk3q8t2m4x7n9p6r0we"
	for run, n := range map[string]string{"run_1": node, "run_2": other} {
		if _, err := w.db.Exec(t.Context(), claimedNode, run, n); err != nil {
			t.Fatal(err)
		}
	}
	try := func(change func(*meter.Charge)) error {
		c := w.charge(a, "run_1")
		c.Node, c.Epoch = node, 3
		change(&c)
		_, err := w.Reserve(t.Context(), c, w.call(t, sonnet))
		return err
	}
	if err := try(func(*meter.Charge) {}); err != nil {
		t.Fatalf("the newest claim may not spend: %v", err)
	}
	for name, change := range map[string]func(*meter.Charge){
		"an older claim":             func(c *meter.Charge) { c.Epoch = 2 },
		"a claim that never was":     func(c *meter.Charge) { c.Epoch = 4 },
		"the node of another run":    func(c *meter.Charge) { c.Node = other },
		"a node that does not exist": func(c *meter.Charge) { c.Node = "nod_01kav5zsk3q8t2m4x7n9p6r0wf" },
	} {
		if err := try(change); !errors.Is(err, flow.ErrFenced) {
			t.Errorf("%s: %v, want ErrFenced", name, err)
		}
	}
	if _, err := w.db.Exec(t.Context(), "UPDATE node SET state = 'held', worker = NULL"); err != nil {
		t.Fatal(err)
	}
	if err := try(func(*meter.Charge) {}); !errors.Is(err, flow.ErrFenced) {
		t.Errorf("the node of a paused run: %v, want ErrFenced", err)
	}
	var reserved int
	if err := w.db.QueryRow(t.Context(), "SELECT count(*) FROM reservation").Scan(&reserved); err != nil || reserved != 1 {
		t.Errorf("%d reservations, %v; want the first one only", reserved, err)
	}
	checkBooks(t, w.Meter, w.clock.Now())
}
