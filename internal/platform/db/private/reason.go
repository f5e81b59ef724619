package private

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// failed is the error of a program that ended badly: the line in which it says
// why, or how it ended when it said nothing.
func failed(ctx context.Context, program string, err error, output string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", program, ctx.Err())
	}
	if why := reason(output); why != "" {
		return fmt.Errorf("%s: %s", program, why)
	}
	return fmt.Errorf("%s: %w", program, err)
}

var (
	// grave stands before what matters; what stands before it is a time, the
	// name of a program or progress.
	grave = regexp.MustCompile(`^.*\b(error|ERROR|FATAL|PANIC): +`)
	named = regexp.MustCompile(`^(initdb|postgres|pg_ctl|pg_dump|pg_restore): +`)
)

// reason finds the line that tells why in what a program of PostgreSQL said,
// and adds what to do about the common ones.
func reason(output string) string {
	last, found := "", ""
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		last = line
		if found == "" && grave.MatchString(line) {
			found = line
		}
	}
	if found == "" {
		found = last
	}
	found = named.ReplaceAllString(grave.ReplaceAllString(found, ""), "")
	for _, known := range knownReasons {
		if strings.Contains(found, known.text) {
			return found + "; " + known.todo
		}
	}
	return found
}

var knownReasons = []struct{ text, todo string }{ //nolint:gochecknoglobals // a constant table
	{"No space left on device", "the disk is full: make room and start again, nothing committed is lost"},
	{"Disk quota exceeded", "the disk quota is used up: make room and start again, nothing committed is lost"},
	{"Read-only file system", "the disk is mounted read-only"},
	{"Permission denied", "the database's files and folders must belong to the user it runs as"},
	{"could not look up effective user ID", "the user id needs a line in /etc/passwd"},
	{"unsupported version", "the file was made by a newer PostgreSQL; install that one"},
}
