package ns

import (
	"context"
	"errors"
	"fmt"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/inside"
)

// Probe implements sandbox.Driver. It builds a cage once and remembers what came out;
// a refusal is tried again the next time.
func (d *Driver) Probe(ctx context.Context) (sandbox.Report, error) {
	d.probing.Lock()
	defer d.probing.Unlock()
	if d.report != nil {
		return *d.report, nil
	}
	if err := d.try(ctx); err != nil {
		return sandbox.Report{Driver: Name, Isolation: sandbox.SharedKernel, Tools: d.offered(ctx)}, err
	}
	d.report = &sandbox.Report{Driver: Name, Isolation: sandbox.SharedKernel, Promises: d.promises(), Tools: d.offered(ctx)}
	return *d.report, nil
}

// try builds a cage and runs something in it.
func (d *Driver) try(ctx context.Context) error {
	const name = "probe"
	c, err := d.Create(ctx, sandbox.Spec{ID: name, Purpose: "trial"})
	if err != nil {
		return err
	}
	said := sandbox.NewTranscript(1 << 10)
	exit, err := c.Exec(ctx, sandbox.Command{Args: []string{"sh", "-c", "id -u"}, Stdout: said, Stderr: said})
	if err == nil && (exit.Code != 0 || said.Text() != fmt.Sprintln(insideUser)) {
		err = sandbox.Errorf(sandbox.Refused, "A cage can be built, but a shell does not work in it: %s", said.Text())
	}
	return errors.Join(err, c.Destroy(context.WithoutCancel(ctx)))
}

func (d *Driver) offered(ctx context.Context) []sandbox.Tool {
	tools := d.tools(ctx)
	offered := make([]sandbox.Tool, len(tools))
	for i, t := range tools {
		offered[i] = t.Tool
	}
	return offered
}

// promises says what holds a cage here. What Create cannot do without is not asked
// for again.
func (d *Driver) promises() []sandbox.Promise {
	const asRoot = "run cofounder as root (as a system service), or give its service Delegate=yes"
	promises := []sandbox.Promise{
		{Name: "files", Strength: sandbox.Enforced, How: "a file system of its own; the system and the tools read-only"},
		{Name: "network", Strength: sandbox.Enforced, How: "a network of its own without a way out"},
		{Name: "processes of others", Strength: sandbox.Enforced, How: "not visible, not reachable"},
		{Name: "system calls", Strength: sandbox.Enforced, How: "a filter (seccomp) that no program can take off"},
		landlockPromise(), userPromise(),
	}
	held := func(name, how string) {
		promises = append(promises, sandbox.Promise{Name: name, Strength: sandbox.Enforced, How: how})
	}
	watched := func(name string, s sandbox.Strength, how, do string) {
		promises = append(promises, sandbox.Promise{Name: name, Strength: s, How: how, Do: do})
	}
	if d.groups != nil {
		held("memory", "a control group")
		held("processor", "a control group")
		held("number of processes", "a control group")
	} else {
		watched("memory", sandbox.Watched, "a limit for each process, and their sum looked at 20 times a second", asRoot)
		watched("processor", sandbox.Missing, "programs of cages only go last", asRoot)
		held("number of processes", "a limit of the cage's user")
	}
	if d.images != nil {
		held("workspace size", "a disk image")
	} else {
		watched("workspace size", sandbox.Watched, "looked at while it grows; single files are limited by the kernel",
			"run cofounder as root, with loop devices and mkfs.ext4 (package e2fsprogs)")
	}
	return promises
}

func landlockPromise() sandbox.Promise {
	p := sandbox.Promise{Name: "second wall", Strength: sandbox.Enforced}
	switch version := inside.LandlockVersion(); {
	case version == 0:
		p.Strength, p.How, p.Do = sandbox.Missing, "this kernel has no Landlock", "use a kernel of version 6.12 or newer, started with lsm=landlock"
	case version < scopedLandlock:
		p.How = fmt.Sprintf("Landlock %d, for files", version)
	default:
		p.How = fmt.Sprintf("Landlock %d, for files, signals and abstract sockets", version)
	}
	return p
}

// scopedLandlock is the first version that knows signals and sockets (Linux 6.12).
const scopedLandlock = 6

func userPromise() sandbox.Promise {
	p := sandbox.Promise{Name: "user of its own", Strength: sandbox.Enforced, How: "each cage is another user, who owns nothing else"}
	if !privileged() {
		p.Strength, p.How = sandbox.Missing, "cages are the user who runs cofounder: who breaks out of one is that user"
		p.Do = "run cofounder as root (as a system service)"
	}
	return p
}
