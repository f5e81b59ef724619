package db_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"cofounder/internal/platform/db"
)

func TestCheckMigrations(t *testing.T) {
	t.Parallel()
	const up = "-- +goose Up\n"
	one := func(text string) map[string]string { return map[string]string{"00001_thing.sql": text} }
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string // part of the error; empty for none
	}{
		{"good", one("-- why\n" + up + "CREATE TABLE thing (id int);\nALTER TABLE thing ADD COLUMN name text;\n"), ""},
		{"a function may say begin", one(up + "-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n  NULL;\nEND;\n$$;\n-- +goose StatementEnd\n"), ""},
		{"a comment may say commit", one(up + "-- commit;\nSELECT 1; -- vacuum later\n"), ""},
		{"no files", nil, "there are none"},
		{"down section", one(up + "SELECT 1;\n-- +goose Down\nDROP TABLE thing;\n"), "00001_thing.sql: has a Down section"},
		{"down section, other letters", one(up + "SELECT 1;\n--  +goose DOWN\n"), "has a Down section"},
		{"outside a transaction", one("-- +goose NO TRANSACTION\n" + up + "SELECT 1;\nSELECT 2;\n"), "asks for no transaction"},
		{"splits its transaction", one(up + "CREATE TABLE a (id int);\nCOMMIT;\nBEGIN;\nCREATE TABLE b (id int);\n"), "controls its own transaction: COMMIT;"},
		{"rolls back by itself", one(up + "rollback ;\n"), "controls its own transaction"},
		{"begins its own", one(up + "START TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n"), "controls its own transaction"},
		{"concurrent index", one(up + "CREATE INDEX CONCURRENTLY i ON thing (id);\n"), "cannot run in a transaction: INDEX CONCURRENTLY"},
		{"vacuum", one(up + "VACUUM thing;\n"), "cannot run in a transaction: VACUUM"},
		{"environment variables", one("-- +goose ENVSUB ON\n" + up + "SELECT '${HOME}';\n"), "an instruction we do not use: ENVSUB ON"},
		{"no up", one("CREATE TABLE thing (id int);\n"), "must begin with one line: -- +goose Up"},
		{"two ups", one(up + "SELECT 1;\n" + up + "SELECT 2;\n"), "must begin with one line"},
		{"bad name", map[string]string{"1_thing.sql": up}, "a name is five digits"},
		{"gap", map[string]string{"00001_a.sql": up, "00003_b.sql": up}, ""},
		{"double", map[string]string{"00001_a.sql": up, "00001_b.sql": up}, "00001_b.sql: number 00001 is taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := db.CheckMigrations(files(c.files))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
		})
	}
}

func files(texts map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range texts {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}
