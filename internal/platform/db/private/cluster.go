package private

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

const (
	database   = "cofounder" // the product's database, and its user
	superuser  = "postgres"
	newCluster = "pg.new-"
)

// cluster is the data folder together with what runs it. Its methods are called
// with the lock held.
type cluster struct {
	*folder
	config   Config
	user     User
	programs Programs
	guard    *os.File // the lock; a child that inherits it keeps it
}

// enter prepares the data folder, waits for the lock and chooses user and
// programs: those that fit the cluster where there is one.
func enter(ctx context.Context, config Config) (*cluster, error) {
	if config.Progress == nil {
		config.Progress = func(string) {}
	}
	f, err := openFolder(config.Dir)
	if err != nil {
		return nil, err
	}
	guard, err := f.lock(ctx, config.Progress)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	c := &cluster{folder: f, config: config, guard: guard}
	if err := c.choose(ctx); err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

// leave gives the lock back.
func (c *cluster) leave() {
	c.guard.Close() //nolint:errcheck // nothing was written; the lock is free either way
	c.close()       //nolint:errcheck // nothing was written
}

func (c *cluster) choose(ctx context.Context) error {
	made, err := c.exists("pg")
	if err != nil {
		return err
	}
	if !made {
		if c.user, err = ServerUser(); err != nil {
			return err
		}
		if err := c.checkReach(ctx, c.user); err != nil {
			return err
		}
		found, err := FindPrograms(ctx, c.path, c.user)
		if err != nil {
			return err
		}
		c.programs = found[0]
		return nil
	}
	major, err := c.major()
	if err != nil {
		return err
	}
	if c.user, err = ownerOf(c.at("pg")); err != nil {
		return err
	}
	if err := c.checkReach(ctx, c.user); err != nil {
		return err
	}
	c.programs, err = c.programsOf(ctx, major)
	return err
}

// major is the version of PostgreSQL the cluster was made by.
func (f *folder) major() (int, error) {
	text, err := f.root.ReadFile("pg/PG_VERSION")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%s is not a PostgreSQL data folder; move it away", f.at("pg"))
	}
	if errors.Is(err, fs.ErrPermission) {
		return 0, fmt.Errorf("%s belongs to another user; run this as that user or as root, or choose another data folder with COFOUNDER_DATA", f.at("pg"))
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the database: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s holds %q, which is no version", f.at("pg/PG_VERSION"), text)
	}
	return major, nil
}

// programsOf returns the programs of one version, or says how to get from that
// version to an installed one.
func (c *cluster) programsOf(ctx context.Context, major int) (Programs, error) {
	found, err := FindPrograms(ctx, c.path, c.user)
	if err != nil && !errors.Is(err, ErrNoPrograms) {
		return Programs{}, err
	}
	var others []string
	for _, programs := range found {
		if programs.Major == major {
			return programs, nil
		}
		others = append(others, fmt.Sprintf("%d in %s", programs.Major, programs.Folder))
	}
	if len(others) == 0 {
		return Programs{}, fmt.Errorf("%s was made by PostgreSQL %d: %w", c.at("pg"), major, ErrNoPrograms)
	}
	return Programs{}, fmt.Errorf(
		"%s was made by PostgreSQL %d; installed is %s, which cannot read it. Install PostgreSQL %d beside it (%s) and start again; "+
			"to move on from there: cofounder db backup FILE, cofounder db stop, move %s away, cofounder db restore FILE",
		c.at("pg"), major, strings.Join(others, ", "), major, installVersion(major), c.at("pg"))
}

// create makes the cluster beside its place and renames it, so that there is
// either a whole one or none.
func (c *cluster) create(ctx context.Context) error {
	c.config.Progress(fmt.Sprintf("database: first start, creating %s with PostgreSQL %d", c.at("pg"), c.programs.Major))
	if err := c.sweep(); err != nil {
		return err
	}
	name := newCluster + strings.ToLower(rand.Text()[:8])
	err := c.createAs(ctx, name)
	if err == nil {
		err = c.root.Rename(name, "pg")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("create the database in %s: %w", c.path, err), c.root.RemoveAll(name))
	}
	return c.sync()
}

// sweep removes what a killed first start left. Whatever was making it is gone:
// it would still hold the lock.
func (c *cluster) sweep() error {
	left, err := fs.Glob(c.root.FS(), newCluster+"*")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	for _, name := range left {
		if err := c.root.RemoveAll(name); err != nil {
			return fmt.Errorf("remove a half-made database: %w", err)
		}
	}
	return nil
}

func (c *cluster) createAs(ctx context.Context, name string) error {
	if err := c.root.Mkdir(name, clusterMode); err != nil {
		return err
	}
	info, err := c.root.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().Perm() != clusterMode {
		return fmt.Errorf("this file system does not keep permissions (a Windows or shared drive?); choose another data folder with COFOUNDER_DATA")
	}
	if c.user.Switch {
		if err := c.root.Lchown(name, c.user.UID, c.user.GID); err != nil {
			return err
		}
	}
	if err := c.make(ctx, "", "initdb", "--pgdata="+c.at(name), "--username="+superuser, "--auth=peer",
		"--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"); err != nil {
		return err
	}
	// One line each. The database is made before the cluster takes its place, so
	// none is ever without it.
	const setup = "CREATE ROLE " + database + " LOGIN\nCREATE DATABASE " + database + " OWNER " + database + "\n"
	return c.make(ctx, setup, "postgres", "--single", "-D", c.at(name), "-c", "exit_on_error=on",
		"-c", "log_min_messages=fatal", superuser)
}

// make runs a program that writes to a cluster nobody serves. It inherits the
// lock, so that if we are killed the next start waits for its end.
func (c *cluster) make(ctx context.Context, input, program string, args ...string) error {
	cmd := Command(ctx, c.user, c.programs.Path(program), args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.ExtraFiles = []*os.File{c.guard}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return failed(ctx, program, err, said.String())
	}
	return nil
}
