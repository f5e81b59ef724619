package ns

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/inside"
	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

// The folders of a cage's disk.
const (
	workFolder = "work"
	homeFolder = "home"
)

// build makes a cage. What was made is kept as steps to undo, from the last to the
// first; Destroy does the same.
func (d *Driver) build(ctx context.Context, spec sandbox.Spec) (_ *cage, err error) {
	if err := possible(); err != nil {
		return nil, err
	}
	c := newCage(d, spec)
	c.tools = d.tools(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, c.undo(context.WithoutCancel(ctx)))
		}
	}()
	folder, err := d.store.create()
	if err != nil {
		return nil, err
	}
	c.onUndo(func(context.Context) error { return folder.remove() })
	if err := c.takeFirst(); err != nil {
		return nil, err
	}
	disk, err := c.makeDisk(ctx, folder)
	if err != nil {
		return nil, err
	}
	plan, files, err := d.plan(c, disk)
	defer wire.CloseAll(files)
	if err != nil {
		return nil, err
	}
	if d.groups != nil {
		group, err := d.groups.create(folder.name(), c.limits)
		if err != nil {
			return nil, err
		}
		c.group = group
		c.onUndo(group.remove)
	}
	if err := c.launch(ctx, plan, files); err != nil {
		return nil, err
	}
	c.watchOver(disk)
	return c, nil
}

// possible says why no cage can be built here.
func possible() error {
	if !called.Load() {
		return sandbox.Errorf(sandbox.Refused, "This program cannot be the first process of a cage: its main does not call ns.Init.")
	}
	if _, err := os.Stat("/proc/self/ns/user"); err != nil {
		return sandbox.Errorf(sandbox.Refused, "This Linux kernel was built without user namespaces, so code cannot be run safely here.")
	}
	if !privileged() && inside.LandlockVersion() == 0 {
		// Without root the cage's user is ours, and the mounts would be the only wall.
		return sandbox.Errorf(sandbox.Refused, "This Linux kernel has no Landlock. Run cofounder as root, or start the kernel with lsm=landlock (5.13 or newer).")
	}
	return nil
}

// disk is where a cage's files are.
type disk struct {
	mount *os.File // an image; nil when it is a folder
	path  string   // from the host
}

// makeDisk makes the cage's disk and opens the workspace on it.
func (c *cage) makeDisk(ctx context.Context, f *folder) (disk, error) {
	made := disk{path: filepath.Join(f.path, "disk")}
	if c.driver.images == nil {
		if err := os.Mkdir(made.path, 0o700); err != nil {
			return disk{}, fmt.Errorf("make a cage's disk: %w", err)
		}
	} else {
		image, err := c.driver.images.mount(ctx, c.limits.Disk)
		if err != nil {
			return disk{}, err
		}
		c.onUndo(image.release)
		c.mount, made.mount, made.path = image.mount, image.mount, "/proc/self/fd/"+strconv.Itoa(int(image.mount.Fd()))
	}
	root, err := os.OpenRoot(made.path)
	if err != nil {
		return disk{}, fmt.Errorf("open a cage's disk: %w", err)
	}
	defer root.Close() //nolint:errcheck // a handle
	if made.mount != nil {
		if err := root.Remove("lost+found"); err != nil {
			return disk{}, fmt.Errorf("empty a cage's disk: %w", err)
		}
	}
	if err := c.makeFolders(root); err != nil {
		return disk{}, err
	}
	work, err := root.OpenRoot(workFolder)
	if err != nil {
		return disk{}, fmt.Errorf("open a workspace: %w", err)
	}
	c.onUndo(func(context.Context) error { return work.Close() })
	owner := -1
	if privileged() {
		owner = c.uid
	}
	home, err := root.OpenRoot(homeFolder)
	if err != nil {
		return disk{}, fmt.Errorf("open a home: %w", err)
	}
	c.onUndo(func(context.Context) error { return home.Close() })
	c.files, c.home = sandbox.NewFiles(work, owner, c.gid), sandbox.NewFiles(home, owner, c.gid)
	return made, nil
}

// makeFolders lays out the disk. The disk itself stays ours.
func (c *cage) makeFolders(root *os.Root) error {
	folders := []string{workFolder, homeFolder}
	for _, cache := range c.caches {
		folders = append(folders, cache.onDisk()...)
	}
	for _, name := range folders {
		if err := root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("lay out a cage's disk: %w", err)
		}
		if err := root.Lchown(name, c.uid, c.gid); err != nil {
			return fmt.Errorf("lay out a cage's disk: %w", err)
		}
	}
	return nil
}

// plan says how the first process is to build the cage. The files go with it.
func (d *Driver) plan(c *cage, disk disk) (*wire.Plan, []*os.File, error) {
	p := planner{plan: &wire.Plan{
		Hostname: "cage", UID: insideUser, Temp: c.limits.Temp, Files: c.limits.Files, FileSize: c.limits.FileSize,
	}}
	if d.groups == nil {
		// A process may map more than it uses; what it uses is watched. Twice is what it
		// could get between two looks.
		p.plan.Processes, p.plan.Data, p.plan.Watch = c.limits.Processes+ownThreads, 2*c.limits.Memory, c.limits.Memory
	}
	p.show(wire.Mount{Host: system, Inside: system})
	for _, t := range c.tools {
		if t.root != "" {
			p.show(wire.Mount{Host: t.root, Inside: t.root})
		}
	}
	for _, m := range c.spec.ReadOnly {
		if !filepath.IsAbs(m.Host) || !filepath.IsAbs(m.Inside) || filepath.Clean(m.Inside) == "/" {
			return nil, p.files, sandbox.Errorf(sandbox.Refused, "%q cannot be shown in a cage as %q.", m.Host, m.Inside)
		}
		p.show(wire.Mount{Host: filepath.Clean(m.Host), Inside: filepath.Clean(m.Inside)})
	}
	for _, cache := range c.caches {
		p.show(wire.Mount{Host: cache.path, Inside: cache.lower(), Hidden: true})
		p.plan.Overlays = append(p.plan.Overlays, cache.overlay())
	}
	if disk.mount != nil {
		p.pass(wire.Mount{Inside: diskInside, Writable: true, Hidden: true}, disk.mount)
	} else {
		p.show(wire.Mount{Host: disk.path, Inside: diskInside, Writable: true, Hidden: true})
	}
	for folder, inside := range map[string]string{workFolder: sandbox.Workspace, homeFolder: sandbox.Home} {
		p.plan.Mounts = append(p.plan.Mounts, wire.Mount{Host: wire.HiddenRoot + diskInside + "/" + folder, Inside: inside, Writable: true})
	}
	return p.plan, p.files, p.err
}

// diskInside is where the disk is while the cage is built, below wire.HiddenRoot.
const diskInside = "/disk"

// planner collects mounts and the descriptors that go with them.
type planner struct {
	plan  *wire.Plan
	files []*os.File
	err   error
}

// show adds a path of the host. As root the mount is made here and handed over, since
// the cage's user may not go through folders that only root may enter.
func (p *planner) show(m wire.Mount) {
	if !privileged() {
		p.plan.Mounts = append(p.plan.Mounts, m)
		return
	}
	copied, err := unix.OpenTree(unix.AT_FDCWD, m.Host, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		p.err = errors.Join(p.err, fmt.Errorf("show %s in a cage: %w", m.Host, err))
		return
	}
	m.File, m.Host = len(p.files), ""
	p.plan.Mounts = append(p.plan.Mounts, m)
	p.files = append(p.files, os.NewFile(uintptr(copied), m.Inside))
}

// pass adds a mount that nothing of the host shows.
func (p *planner) pass(m wire.Mount, mount *os.File) {
	again, err := unix.FcntlInt(mount.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		p.err = errors.Join(p.err, fmt.Errorf("pass a disk to a cage: %w", err))
		return
	}
	m.File = len(p.files)
	p.plan.Mounts = append(p.plan.Mounts, m)
	p.files = append(p.files, os.NewFile(uintptr(again), m.Inside))
}

// environment is what every program of the cage gets.
func (c *cage) environment(more []string) []string {
	cores := strconv.Itoa(max(1, (c.limits.CPU+999)/1000))
	env := []string{
		"PATH=" + searchPath(c.tools), "HOME=" + sandbox.Home, "USER=" + inside.User, "LOGNAME=" + inside.User,
		"SHELL=/bin/sh", "LANG=C.UTF-8", "TERM=dumb", "NO_COLOR=1", "CI=1", "TMPDIR=" + sandbox.Temp,
		"GOMAXPROCS=" + cores, "GOTOOLCHAIN=local", "GOTELEMETRY=off", "GOPROXY=off", "GOSUMDB=off", "GOFLAGS=-buildvcs=false",
		"CGO_ENABLED=0", "GOCACHE=" + sandbox.GoCacheFolder, "GOPATH=" + sandbox.Home + "/go",
		"npm_config_offline=true", "npm_config_update_notifier=false", "npm_config_fund=false", "npm_config_audit=false",
		"PIP_NO_INDEX=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "GIT_TERMINAL_PROMPT=0",
	}
	const bundle = "/etc/ssl/certs/ca-certificates.crt"
	if _, err := os.Stat(bundle); err == nil {
		// Node.js and pip bring their own lists, which lack what the operator added.
		env = append(env, "SSL_CERT_FILE="+bundle, "NODE_EXTRA_CA_CERTS="+bundle, "PIP_CERT="+bundle)
	}
	return slices.Concat(env, more)
}
