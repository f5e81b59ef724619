// Package migrations holds the schema as goose files: one forward step each,
// each in one transaction, no number twice. db.Migrate applies them and
// says what a file may hold (db.CheckMigrations).
package migrations

import "embed"

// FS holds the files at its root.
//
//go:embed *.sql
var FS embed.FS
