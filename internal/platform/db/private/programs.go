package private

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cofounder/internal/platform/db"
)

// ErrNoPrograms means that no usable PostgreSQL server is installed. Its text
// says what to install.
var ErrNoPrograms = errors.New(
	"no PostgreSQL server programs found (looked in the data folder, PATH and the usual places); " + howToInstall)

// Programs is one installation of PostgreSQL's server programs.
type Programs struct {
	Folder string // holds postgres, initdb and pg_ctl; perhaps pg_dump and pg_restore
	Major  int
}

// Path returns the program of that name.
func (p Programs) Path(name string) string { return filepath.Join(p.Folder, name) }

// FindPrograms returns every usable installation, best first: the data folder's
// own (pgsql/bin below dir), the one on PATH, then the usual places, newest
// first. They are asked for their version as user. dir may be empty.
func FindPrograms(ctx context.Context, dir string, user User) ([]Programs, error) {
	var found []Programs
	tooOld := 0
	for _, folder := range programFolders(dir) {
		major, err := majorOf(ctx, folder, user)
		switch {
		case err != nil: // a folder that does not answer is not an installation
			continue
		case major < db.MinMajor:
			tooOld = max(tooOld, major)
			continue
		}
		found = append(found, Programs{Folder: folder, Major: major})
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(found) > 0 {
		return found, nil
	}
	if tooOld > 0 {
		return nil, fmt.Errorf("only PostgreSQL %d is installed; version %d or newer is needed: %s", tooOld, db.MinMajor, howToInstall)
	}
	return nil, ErrNoPrograms
}

// programFolders lists the folders that hold the three programs a server
// needs, each once, symbolic links followed (/usr/bin/postgres often is one).
func programFolders(dir string) []string {
	var candidates []string
	if dir != "" {
		candidates = append(candidates, filepath.Join(dir, "pgsql", "bin"))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		candidates = append(candidates, filepath.Dir(path))
	}
	var usual []string
	for _, pattern := range usualPlaces {
		if matches, err := filepath.Glob(pattern); err == nil {
			usual = append(usual, matches...)
		}
	}
	slices.SortStableFunc(usual, func(a, b string) int { return numberIn(b) - numberIn(a) })
	var folders []string
	for _, candidate := range append(candidates, usual...) {
		program, err := filepath.EvalSymlinks(filepath.Join(candidate, "postgres"))
		if err != nil {
			continue
		}
		folder := filepath.Dir(program)
		if holds(folder, "initdb") && holds(folder, "pg_ctl") && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

func holds(folder, program string) bool {
	_, err := exec.LookPath(filepath.Join(folder, program))
	return err == nil
}

var number = regexp.MustCompile(`\d+`)

// numberIn is the last number in a path: the major version, in all the usual
// places.
func numberIn(path string) int {
	all := number.FindAllString(path, -1)
	if len(all) == 0 {
		return 0
	}
	n, err := strconv.Atoi(all[len(all)-1])
	if err != nil {
		return 0 // longer than any version
	}
	return n
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func majorOf(ctx context.Context, folder string, user User) (int, error) {
	cmd := Command(ctx, user, filepath.Join(folder, "postgres"), "--version")
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("ask postgres for its version: %w", err)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("ask postgres for its version: unexpected answer %q", strings.TrimSpace(string(out)))
	}
	return strconv.Atoi(string(m[1]))
}

// Command prepares one of PostgreSQL's programs to run as user. It gets none of
// our environment: no secret of ours, and no PGHOST or PGOPTIONS of the
// person's that would send it elsewhere.
func Command(ctx context.Context, user User, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the programs FindPrograms chose
	cmd.Env = []string{"PATH=" + filepath.Dir(path) + string(os.PathListSeparator) + "/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.Dir = "/"
	cmd.SysProcAttr = user.attributes()
	return cmd
}
