package private_test

import (
	"testing"

	"cofounder/internal/platform/db/private"
)

func TestReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, output, want string }{
		{"nothing said", "", ""},
		{"one line", "it broke\n", "it broke"},
		{"initdb, with its advice after it", "creating subdirectories ... ok\ninitdb: error: directory \"/d\" exists but is not empty\ninitdb: hint: choose another\n", `directory "/d" exists but is not empty`},
		{"a log line", "2026-11-23 21:40:33.994 UTC [26330] LOG:  starting\n2026-11-23 21:40:33.994 UTC [26330] FATAL:  could not open file \"global/pg_control\"\n2026-11-23 21:40:33.999 UTC [26330] LOG:  database system is shut down\n", `could not open file "global/pg_control"`},
		{"pg_restore", "pg_restore: while PROCESSING TOC:\npg_restore: error: could not execute query: ERROR:  relation \"a\" exists\nCommand was: CREATE TABLE\n", `relation "a" exists`},
		{"a full disk", "initdb: error: could not write to file \"x\": No space left on device\n", `could not write to file "x": No space left on device; the disk is full: make room and start again, nothing committed is lost`},
		{"a newer file", "pg_restore: error: unsupported version (1.99) in file header\n", "unsupported version (1.99) in file header; the file was made by a newer PostgreSQL; install that one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := private.Reason(c.output); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}
