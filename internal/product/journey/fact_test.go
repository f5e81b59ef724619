package journey_test

import (
	"testing"

	"cofounder/internal/platform/db/dbtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// A package that has facts of its own added them to project_fact: every view named
// <package>_fact is a part of it, in the same form.
func TestEveryFactIsAProjectFact(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	list := func(sql string) []string {
		t.Helper()
		rows, err := pool.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	want := list(`SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE '%\_fact' AND viewname <> 'project_fact' ORDER BY 1`)
	got := list(`SELECT DISTINCT table_name::text FROM information_schema.view_table_usage WHERE view_name = 'project_fact' ORDER BY 1`)
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("views of facts (-there +in project_fact):\n%s", diff)
	}
	const form = `SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position)
		FROM information_schema.columns WHERE table_name = 'project_fact'`
	if got := list(form); got[0] != "project text, fact text, at timestamp with time zone" {
		t.Errorf("project_fact is (%s)", got[0])
	}
}
