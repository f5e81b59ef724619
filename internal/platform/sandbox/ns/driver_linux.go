package ns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/inside"
)

// Driver builds cages. Make one with Open.
type Driver struct {
	cfg    Config
	store  *store
	groups *groups // nil where there are none for us
	images *images // nil where the disk is a folder that is watched

	mu     sync.Mutex
	cages  map[string]*cage // by ID; nil once closed, and for an ID that is being built
	closed bool
	warmed map[string]*cache

	spares spares

	looking sync.Mutex
	found   []tool

	probing sync.Mutex
	report  *sandbox.Report
}

// Open looks at what this machine has and returns a driver. It succeeds where no cage
// can be built, too; Probe says so.
func Open(cfg Config) (*Driver, error) {
	store, err := openStore(cfg.Dir)
	if err != nil {
		return nil, err
	}
	return &Driver{
		cfg: cfg, store: store, groups: findGroups(), images: findImages(cfg.Dir), cages: map[string]*cage{}, warmed: map[string]*cache{},
	}, nil
}

// tools returns what cages offer. Looking takes a moment, since each tool is asked,
// and happens once.
func (d *Driver) tools(ctx context.Context) []tool {
	d.looking.Lock()
	defer d.looking.Unlock()
	if d.found == nil {
		d.found = findTools(context.WithoutCancel(ctx))
	}
	return d.found
}

// beFirst is the whole life of the first process of a cage.
func beFirst() int { return inside.Main() }

// Name implements sandbox.Driver.
func (d *Driver) Name() string { return Name }

// privileged reports whether each cage has a user of its own.
func privileged() bool { return os.Geteuid() == 0 }

// id is the form of Spec.ID.
var id = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Create implements sandbox.Driver.
func (d *Driver) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Cage, error) {
	if !id.MatchString(spec.ID) {
		return nil, sandbox.Errorf(sandbox.Refused, "A cage cannot be called %q.", spec.ID)
	}
	if err := d.reserve(spec.ID); err != nil {
		return nil, err
	}
	c, err := d.build(ctx, spec)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err != nil:
		delete(d.cages, spec.ID)
		return nil, err
	case d.closed:
		delete(d.cages, spec.ID)
		return nil, errors.Join(errClosed(), c.Destroy(context.WithoutCancel(ctx)))
	}
	c.since = d.cfg.Clock.Now()
	d.cages[spec.ID] = c
	return c, nil
}

// Living lists the cages of this process, the oldest first, with what they use. One
// that does not say so before ctx ends is left out, as is one that ends meanwhile.
func (d *Driver) Living(ctx context.Context) []sandbox.Living {
	var list []sandbox.Living
	for _, c := range d.all() {
		if stats, err := c.Stats(ctx); err == nil {
			list = append(list, sandbox.Living{ID: c.id, Purpose: c.spec.Purpose, Since: c.since, Stats: stats})
		}
	}
	slices.SortFunc(list, func(a, b sandbox.Living) int { return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID)) })
	return list
}

// all returns the cages that are built.
func (d *Driver) all() []*cage {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*cage
	for _, c := range d.cages {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

func errClosed() error { return sandbox.Errorf(sandbox.Refused, "cofounder is stopping.") }

// reserve keeps a name for a cage that is being built.
func (d *Driver) reserve(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed()
	}
	if _, taken := d.cages[name]; taken {
		return sandbox.Errorf(sandbox.Refused, "There is a cage called %q already.", name)
	}
	d.cages[name] = nil
	return nil
}

// forget gives a name back.
func (d *Driver) forget(c *cage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cages[c.id] == c {
		delete(d.cages, c.id)
	}
}

// Close destroys every cage and builds no more. It may be called many times.
func (d *Driver) Close(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	var err error
	for _, c := range d.all() {
		err = errors.Join(err, c.Destroy(ctx))
	}
	err = errors.Join(err, d.spares.close())
	if d.images != nil {
		err = errors.Join(err, d.images.close())
	}
	return err
}

// Sweep implements sandbox.Driver.
func (d *Driver) Sweep(ctx context.Context) error {
	left, err := d.store.abandoned()
	for _, f := range left {
		if d.groups != nil {
			if sweepErr := d.groups.sweep(ctx, f.name()); sweepErr != nil {
				err = errors.Join(err, sweepErr, f.release())
				continue // the folder stays as the reminder
			}
		}
		err = errors.Join(err, f.remove())
	}
	if err != nil {
		return fmt.Errorf("sweep cages: %w", err)
	}
	return nil
}
