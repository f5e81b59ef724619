package ns

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/wire"
)

// A warm cache is what a tool made once, in a cage of its own, so that it need not be
// made in every cage: the compiled standard library, above all. It is a folder of ours
// on the host. A cage sees it beneath what its programs add, which is the cage's own
// and ends with it; nothing a cage writes reaches another.
//
//	DIR/caches/NAME-KEY/…   KEY changes with the tools and the recipe

// cachesFolder holds them, below Config.Dir.
const cachesFolder = "caches"

// cache is one that is ready.
type cache struct {
	name    string
	path    string   // on the host
	inside  string   // absolute
	folders []string // of which it is made, relative
}

// far is the time of every file of a cache. Go marks an entry it uses by its time
// unless that is less than an hour old, and deletes old ones; in a cage marking would
// copy the entry first.
func far() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }

// keepOld is how long another version of a cache stays: longer than a cage lives.
const keepOld = 48 * time.Hour

// Warm makes a cache, unless it is there already. It takes as long as the recipe's
// commands do; several may run at once, and the first to end wins. After it returned
// without an error, cages whose Spec names the cache see it.
func (d *Driver) Warm(ctx context.Context, r sandbox.Recipe) error {
	if !id.MatchString(r.Name) || !within(r.Inside, sandbox.Home) || r.Inside == sandbox.Home {
		return sandbox.Errorf(sandbox.Refused, "A cache cannot be called %q or be at %q.", r.Name, r.Inside)
	}
	target, made, err := d.find(ctx, r)
	if err != nil {
		return err
	}
	if !made {
		if err := d.make(ctx, r, target); err != nil {
			return fmt.Errorf("warm cache %s: %w", r.Name, err)
		}
	}
	c := &cache{name: r.Name, path: target, inside: r.Inside}
	if c.folders, err = foldersOf(target); err != nil {
		return fmt.Errorf("warm cache %s: %w", r.Name, err)
	}
	d.mu.Lock()
	d.warmed[r.Name] = c
	d.mu.Unlock()
	return d.forgetOld(r.Name, target)
}

// Warmed reports whether a cache is there, which Warm would not have to make.
func (d *Driver) Warmed(ctx context.Context, r sandbox.Recipe) (bool, error) {
	_, made, err := d.find(ctx, r)
	return made, err
}

// find returns where a cache is to be, and whether it is there.
func (d *Driver) find(ctx context.Context, r sandbox.Recipe) (target string, made bool, err error) {
	key, err := d.keyOf(ctx, r)
	if err != nil {
		return "", false, err
	}
	target = filepath.Join(d.cfg.Dir, cachesFolder, r.Name+"-"+key)
	if _, err = os.Stat(target); errors.Is(err, fs.ErrNotExist) {
		return target, false, nil
	}
	return target, err == nil, err
}

// keyOf names the state of a cache by everything it is made from.
func (d *Driver) keyOf(ctx context.Context, r sandbox.Recipe) (string, error) {
	parts := []string{r.Inside}
	for _, t := range d.tools(ctx) {
		parts = append(parts, t.Name, t.Version, t.Path)
	}
	for _, c := range r.Commands {
		parts = append(parts, fmt.Sprintf("%q %q %q", c.Args, c.Dir, c.Env))
	}
	if r.Files != nil {
		err := fs.WalkDir(r.Files, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			text, err := fs.ReadFile(r.Files, name)
			parts = append(parts, fmt.Sprintf("%q %d", name, len(text)), string(text))
			return err
		})
		if err != nil {
			return "", fmt.Errorf("read recipe of cache %s: %w", r.Name, err)
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return fmt.Sprintf("%x", sum[:8]), nil
}

// make runs the recipe in a cage and takes what it left.
func (d *Driver) make(ctx context.Context, r sandbox.Recipe, target string) (err error) {
	limits := sandbox.Building()
	limits.Disk, limits.FileSize = 2*limits.Disk, 2*limits.FileSize
	built, err := d.Create(ctx, sandbox.Spec{ID: r.Name + "-warming", Purpose: "compiling ahead", Limits: limits})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, built.Destroy(context.WithoutCancel(ctx))) }()
	if r.Files != nil {
		if err := built.Files().Import(ctx, r.Files); err != nil {
			return err
		}
	}
	for _, command := range r.Commands {
		said := sandbox.NewTranscript(2 << 10)
		command.Stdout, command.Stderr = said, said
		exit, err := built.Exec(ctx, command)
		if err == nil && exit.Code != 0 {
			err = fmt.Errorf("%s ended with %d", strings.Join(command.Args, " "), exit.Code)
		}
		if err != nil {
			return fmt.Errorf("%w: %s", err, said.Text())
		}
	}
	c, ours := built.(*cage)
	if !ours {
		return fmt.Errorf("a cage of another driver: %T", built)
	}
	return d.take(c, r, target)
}

// take copies a folder of a cage's home to where caches are, under its name only when
// it is complete.
func (d *Driver) take(c *cage, r sandbox.Recipe, target string) error {
	parent := filepath.Dir(target)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(parent, "new-")
	if err != nil {
		return err
	}
	from, err := fs.Sub(c.home, strings.TrimPrefix(r.Inside, sandbox.Home+"/"))
	if err == nil {
		err = copyTree(fresh, from)
	}
	if err == nil {
		err = os.Rename(fresh, target)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // somebody else was faster
	}
	return errors.Join(err, os.RemoveAll(fresh))
}

// copyTree copies the folders of a cache with the regular files in them, for everybody
// to read. Files beside the folders are left out: a tool rewrites them, and what
// belongs to another user cannot be rewritten through an overlay.
func copyTree(to string, from fs.FS) error {
	err := fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		target := filepath.Join(to, filepath.FromSlash(name))
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case e.IsDir():
			return os.Mkdir(target, 0o755) //nolint:gosec // cages are other users
		case e.Type().IsRegular() && path.Dir(name) != ".":
			return copyFile(target, from, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return os.Chmod(to, 0o755) //nolint:gosec // cages are other users
}

func copyFile(to string, from fs.FS, name string) error {
	source, err := from.Open(name)
	if err != nil {
		return err
	}
	defer source.Close()                                                   //nolint:errcheck // only read
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // cages are other users
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	return errors.Join(err, file.Close(), os.Chtimes(to, far(), far()))
}

// foldersOf lists the folders of a cache, each after the one it is in.
func foldersOf(dir string) ([]string, error) {
	var folders []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() || name == dir {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		folders = append(folders, relative)
		return err
	})
	return folders, err
}

// forgetOld deletes other versions of a cache that no cage can show any more.
func (d *Driver) forgetOld(name, current string) error {
	others, err := filepath.Glob(filepath.Join(filepath.Dir(current), name+"-*"))
	for _, other := range others {
		found, statErr := os.Stat(other)
		if other == current || statErr != nil || d.cfg.Clock.Now().Sub(found.ModTime()) < keepOld {
			continue
		}
		err = errors.Join(err, os.RemoveAll(other))
	}
	return err
}

// warm returns the caches of these names that are ready.
func (d *Driver) warm(names []string) []*cache {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ready []*cache
	for _, name := range names {
		if c := d.warmed[name]; c != nil && !slices.Contains(ready, c) {
			ready = append(ready, c)
		}
	}
	return ready
}

// The places of a cache while a cage is built, below wire.HiddenRoot.
func (c *cache) lower() string { return "/caches/" + c.name }

// upper is where on the disk what a cage adds goes, and work what the kernel needs
// beside it.
func (c *cache) upper() string { return "caches/" + c.name + "/upper" }

func (c *cache) work() string { return "caches/" + c.name + "/work" }

// onDisk are the folders of the disk that take what the cage adds. Each folder of the
// cache is there from the start, since the kernel would have to copy it with its owner,
// who is nobody inside.
func (c *cache) onDisk() []string {
	all := []string{"caches", "caches/" + c.name, c.upper(), c.work()}
	for _, folder := range c.folders {
		all = append(all, path.Join(c.upper(), filepath.ToSlash(folder)))
	}
	return all
}

func (c *cache) overlay() wire.Overlay {
	return wire.Overlay{Lower: c.lower(), Upper: diskInside + "/" + c.upper(), Work: diskInside + "/" + c.work(), Inside: c.inside}
}
