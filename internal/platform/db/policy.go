package db

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

var (
	migrationName = regexp.MustCompile(`^(\d{5})_[a-z][a-z0-9_]*\.sql$`)
	// directive is a goose instruction; the words after it decide.
	directive = regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+(.*?)\s*$`)
	// ownTransaction is a statement that would end or split the transaction
	// goose runs the file in.
	ownTransaction = regexp.MustCompile(`(?i)^\s*(begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction)\b[^;]*;`)
	// outsideOnly are statements PostgreSQL runs outside transactions only.
	outsideOnly = regexp.MustCompile(`(?i)\b(index\s+concurrently|vacuum|create\s+database|drop\s+database|alter\s+system|reindex\s+(?:database|system))\b`)
	comment     = regexp.MustCompile(`--[^\n]*`)
)

// CheckMigrations refuses files that break the rules of the schema: named
// 00001_noun.sql and on, no number twice, forward only (no Down), one transaction
// each. Migrate calls it, so a file that breaks them is never applied.
func CheckMigrations(fsys fs.FS) error {
	names, err := migrationFiles(fsys)
	if err != nil {
		return err
	}
	var problems []error
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		if err := checkMigration(string(text)); err != nil {
			problems = append(problems, fmt.Errorf("migration %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

// migrationFiles returns the names in the order of their numbers. A gap is fine: numbers
// are taken when work begins, and not all of it lands in that order.
func migrationFiles(fsys fs.FS) ([]string, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("list migrations: there are none")
	}
	last := ""
	for _, name := range names { // Glob sorts
		m := migrationName.FindStringSubmatch(name)
		if m == nil {
			return nil, fmt.Errorf("migration %s: a name is five digits, an underscore and small letters: 00001_noun.sql", name)
		}
		if m[1] == last {
			return nil, fmt.Errorf("migration %s: number %s is taken; take the next one", name, last)
		}
		last = m[1]
	}
	return names, nil
}

func checkMigration(text string) error {
	ups, inBlock := 0, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := directive.FindStringSubmatch(line); m != nil {
			switch strings.ToLower(m[1]) {
			case "up":
				ups++
			case "statementbegin":
				inBlock = true
			case "statementend":
				inBlock = false
			case "down":
				return errors.New("has a Down section; migrations go forward only")
			case "no transaction":
				return errors.New("asks for no transaction; each runs in one")
			default:
				return fmt.Errorf("has an instruction we do not use: %s", m[1])
			}
			continue
		}
		bare := comment.ReplaceAllString(line, "")
		if !inBlock && ownTransaction.MatchString(bare) {
			return fmt.Errorf("controls its own transaction: %s", strings.TrimSpace(line))
		}
		if m := outsideOnly.FindString(bare); m != "" {
			return fmt.Errorf("holds a statement that cannot run in a transaction: %s", m)
		}
	}
	if ups != 1 {
		return errors.New("must begin with one line: -- +goose Up")
	}
	return nil
}
