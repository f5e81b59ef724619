package project_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParkNotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	tests := []struct {
		name, note string
		want, kept string
	}{
		{"none", "", "", ""},
		{"lines", " first\r\nsecond ", "", "first\nsecond"},
		{"longest", strings.Repeat("é", 500), "", strings.Repeat("é", 500)},
		{"one more", strings.Repeat("é", 501), "invalid note", ""},
		{"far too long", strings.Repeat("x", 10<<20), "invalid note", ""},
		{"NUL", "a\x00", "invalid note", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := w.create(t, owner, "an idea")
			got, err := w.Park(t.Context(), owner, p.ID, tt.note)
			faulttest.Wants(t, "Park", err, tt.want)
			if err == nil && (got.Status != project.Parked || got.ParkNote != tt.kept) {
				t.Errorf("parked as %+v", got)
			}
		})
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	p := w.create(t, owner, "an idea")
	w.clock.Advance(time.Hour)
	same, err := w.Rename(t.Context(), owner, p.ID, " an idea ")
	if diff := cmp.Diff(p, same); err != nil || diff != "" {
		t.Errorf("to the same name (-want +got): %v\n%s", err, diff)
	}
	got, err := w.Rename(t.Context(), owner, p.ID, "Pawbook")
	p.Name, p.UpdatedAt = "Pawbook", w.clock.Now()
	if diff := cmp.Diff(p, got); err != nil || diff != "" {
		t.Errorf("Rename (-want +got): %v\n%s", err, diff)
	}
	for _, name := range []string{"", " ", "a\nb", strings.Repeat("x", 81), "\xff"} {
		_, err := w.Rename(t.Context(), owner, p.ID, name)
		faulttest.Wants(t, "Rename", err, "invalid name")
	}
}

// In whatever order a project is parked, deleted and brought back, it is what the
// rules say, nothing is changed twice, and time moves only with changes.
func TestStatusProperty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		want, err := w.Create(ctx, owner, project.Draft{Idea: "an idea"})
		if err != nil {
			rt.Fatal(err)
		}
		parked := false
		step := func(what string, got project.Project, err error, refused, changes bool) {
			if refused {
				if faulttest.Says(err) != "conflict project_deleted" {
					rt.Fatalf("%s of a deleted project = %v", what, err)
				}
				return
			}
			if changes {
				want.UpdatedAt = w.clock.Now()
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				rt.Fatalf("%s (-want +got): %v\n%s", what, err, diff)
			}
		}
		status := func() project.Status {
			if parked {
				return project.Parked
			}
			return project.Active
		}
		gone := func() bool { return want.DeletedAt != nil }
		rt.Repeat(map[string]func(*rapid.T){
			"park": func(rt *rapid.T) {
				note := rapid.SampledFrom([]string{"", "later", "no money"}).Draw(rt, "note")
				changes := !gone() && !parked
				if changes {
					parked, want.ParkNote, want.Status = true, note, project.Parked
				}
				got, err := w.Park(ctx, owner, want.ID, note)
				step("Park", got, err, gone(), changes)
			},
			"unpark": func(*rapid.T) {
				changes := !gone() && parked
				if changes {
					parked, want.ParkNote, want.Status = false, "", project.Active
				}
				got, err := w.Unpark(ctx, owner, want.ID)
				step("Unpark", got, err, gone(), changes)
			},
			"delete": func(*rapid.T) {
				changes := !gone()
				if changes {
					now := w.clock.Now()
					want.DeletedAt, want.Status = &now, project.Deleted
				}
				got, err := w.Delete(ctx, owner, want.ID)
				step("Delete", got, err, false, changes)
			},
			"restore": func(*rapid.T) {
				changes := gone()
				want.DeletedAt, want.Status = nil, status()
				got, err := w.Restore(ctx, owner, want.ID)
				step("Restore", got, err, false, changes)
			},
			"rename": func(rt *rapid.T) {
				name := rapid.SampledFrom([]string{"one", "two"}).Draw(rt, "name")
				changes := !gone() && want.Name != name
				if changes {
					want.Name = name
				}
				got, err := w.Rename(ctx, owner, want.ID, name)
				step("Rename", got, err, gone(), changes)
			},
			"wait": func(*rapid.T) { w.clock.Advance(time.Minute) },
			"": func(rt *rapid.T) {
				got, err := w.Get(ctx, owner, want.ID)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					rt.Fatalf("Get (-want +got): %v\n%s", err, diff)
				}
			},
		})
	})
}

// Of many who park at once one does; the others see it done and change nothing.
func TestParkAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	for range 10 {
		p := w.create(t, owner, "an idea")
		notes := make([]string, 6)
		errs := atOnce(t.Context(), len(notes), func(ctx context.Context, i int) error {
			parked, err := w.Park(ctx, owner, p.ID, strings.Repeat("x", i+1))
			notes[i] = parked.ParkNote
			return err
		})
		for i := range notes {
			if errs[i] != nil || notes[i] != notes[0] {
				t.Fatalf("the notes are %q (%v), want one", notes, errs[i])
			}
		}
	}
}

func TestDeleteAndParkAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	for range 10 {
		p := w.create(t, owner, "an idea")
		errs := atOnce(t.Context(), 4, func(ctx context.Context, i int) (err error) {
			if i%2 == 0 {
				_, err = w.Delete(ctx, owner, p.ID)
			} else {
				_, err = w.Park(ctx, owner, p.ID, "later")
			}
			return err
		})
		for i, err := range errs {
			if i%2 == 0 && err != nil || i%2 == 1 && err != nil && faulttest.Says(err) != "conflict project_deleted" {
				t.Errorf("%d: %v", i, err)
			}
		}
		got, err := w.Restore(t.Context(), owner, p.ID)
		parked := errs[1] == nil || errs[3] == nil
		if err != nil || (got.Status == project.Parked) != parked || (got.ParkNote == "later") != parked {
			t.Errorf("restored as %+v, %v; was it parked: %v", got, err, parked)
		}
	}
}
