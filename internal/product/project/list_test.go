package project_test

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
)

func TestListPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	var all, active, parked, deleted []project.ID // newest first
	for i := range 137 {
		if i%5 == 0 { // most are made at the same instant as another
			w.clock.Advance(time.Millisecond)
		}
		p := w.create(t, owner, fmt.Sprint("idea ", i))
		first := func(list []project.ID) []project.ID { return append([]project.ID{p.ID}, list...) }
		var err error
		switch i % 4 {
		case 1:
			_, err = w.Park(t.Context(), owner, p.ID, "")
			parked, all = first(parked), first(all)
		case 2:
			_, err = w.Delete(t.Context(), owner, p.ID)
			deleted = first(deleted)
		default:
			active, all = first(active), first(all)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		query project.Query
		pages int
		want  []project.ID
	}{
		{"zero", project.Query{}, 3, all},
		{"by ones", project.Query{Limit: 1}, len(all), all},
		{"by sevens", project.Query{Limit: 7}, 15, all},
		{"by a hundred", project.Query{Limit: 100}, 2, all},
		{"active", project.Query{Status: project.Active, Limit: 10}, 7, active},
		{"parked", project.Query{Status: project.Parked, Limit: 34}, 1, parked},
		{"deleted", project.Query{Status: project.Deleted, Limit: 33}, 2, deleted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q, pages := tt.query, 0
			got := map[project.ID]int{}
			var last project.Project
			for {
				page, err := w.List(t.Context(), owner, q)
				if err != nil {
					t.Fatal(err)
				}
				pages++
				for _, p := range page.Projects {
					if last.ID != "" && (p.CreatedAt.After(last.CreatedAt) || p.CreatedAt.Equal(last.CreatedAt) && p.ID > last.ID) {
						t.Errorf("%s comes after %s", p.ID, last.ID)
					}
					last = p
					got[p.ID]++
				}
				if page.Next == "" {
					break
				}
				q.After = page.Next
			}
			want := map[project.ID]int{}
			for _, i := range tt.want {
				want[i] = 1
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
			if pages != tt.pages {
				t.Errorf("%d pages, want %d", pages, tt.pages)
			}
		})
	}
}

func TestListRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	p := w.create(t, owner, "x")
	cursor := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	good := fmt.Sprintf("%d.%s", p.CreatedAt.UnixMicro(), p.ID)
	tests := []struct {
		name  string
		query project.Query
		want  string
	}{
		{"limit 0", project.Query{Limit: 0}, ""},
		{"limit 101", project.Query{Limit: 101}, "invalid limit"},
		{"limit -1", project.Query{Limit: -1}, "invalid limit"},
		{"unknown status", project.Query{Status: "purged"}, "invalid status"},
		{"cursor", project.Query{After: cursor(good)}, ""},
		{"cursor with padding", project.Query{After: cursor(good) + "="}, "malformed bad_cursor"},
		{"not base64", project.Query{After: "%%%"}, "malformed bad_cursor"},
		{"no id", project.Query{After: cursor("1790000000000000")}, "malformed bad_cursor"},
		{"another kind of id", project.Query{After: cursor("1790000000000000." + string(owner.User))}, "malformed bad_cursor"},
		{"no time", project.Query{After: cursor("." + string(p.ID))}, "malformed bad_cursor"},
		{"before 1970", project.Query{After: cursor("-1." + string(p.ID))}, "malformed bad_cursor"},
		{"no year there is", project.Query{After: cursor("9223372036854775807." + string(p.ID))}, "malformed bad_cursor"},
		{"another spelling", project.Query{After: cursor("0" + good)}, "malformed bad_cursor"},
		{"SQL", project.Query{After: cursor("1.'; DROP TABLE project; --")}, "malformed bad_cursor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page, err := w.List(t.Context(), owner, tt.query)
			faulttest.Wants(t, "List", err, tt.want)
			if err == nil && page.Projects == nil {
				t.Error("no projects are nil, want an empty list")
			}
		})
	}
}
