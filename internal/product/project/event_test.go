package project_test

import (
	"encoding/json"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/platform/event"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
)

// told is an event as a test names it.
type told struct {
	Kind string
	project.Told
}

// story reads everything that was told of a project.
func (w *world) story(t *testing.T, i project.ID) (all []told) {
	t.Helper()
	page, err := event.Read(t.Context(), w.db, project.StreamOf(i), 0, event.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		one := told{Kind: e.Kind}
		if err := json.Unmarshal(e.Data, &one.Told); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// Each change is told once, what changes nothing or is refused is not, and a purged
// project leaves no trace.
func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	p := w.create(t, owner, "Dogs")
	other := w.create(t, owner, "Cats")
	park := func() (project.Project, error) { return w.Park(t.Context(), owner, p.ID, "until spring") }
	rename := func() (project.Project, error) { return w.Rename(t.Context(), owner, p.ID, "Pawbook") }
	unpark := func() (project.Project, error) { return w.Unpark(t.Context(), owner, p.ID) }
	remove := func() (project.Project, error) { return w.Delete(t.Context(), owner, p.ID) }
	restore := func() (project.Project, error) { return w.Restore(t.Context(), owner, p.ID) }
	for _, do := range []func() (project.Project, error){rename, rename, park, park, unpark, unpark, remove, remove} {
		if _, err := do(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := park()
	faulttest.Wants(t, "Park of a deleted project", err, "conflict project_deleted")
	if _, err := restore(); err != nil {
		t.Fatal(err)
	}
	by := owner.User
	want := []told{
		{project.Created, project.Told{By: by, Name: "Dogs"}},
		{project.Renamed, project.Told{By: by, Name: "Pawbook"}},
		{project.WasParked, project.Told{By: by, Note: "until spring"}},
		{project.Unparked, project.Told{By: by}},
		{project.WasDeleted, project.Told{By: by}},
		{project.Restored, project.Told{By: by}},
	}
	if diff := cmp.Diff(want, w.story(t, p.ID)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if _, err := remove(); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(project.KeepDeleted)
	if n, err := w.Purge(t.Context()); n != 1 || err != nil {
		t.Fatalf("Purge = %d, %v; want 1", n, err)
	}
	if left := w.story(t, p.ID); left != nil {
		t.Errorf("of the purged project is left: %v", left)
	}
	if n := w.count(t, `SELECT count(*) FROM event_stream`); n != 1 || len(w.story(t, other.ID)) != 1 {
		t.Errorf("%d streams are left, want that of the other project", n)
	}
}
