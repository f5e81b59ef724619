package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/ns"
)

// The targets of P11. Those of time are for the driver ns on an idle machine.
const (
	cageStartTarget  = 30 * time.Millisecond
	cageRatioTarget  = 4.0 // to bubblewrap, in the same run
	cageGoTestTarget = 1.6 // to the same without a cage
	quietLoad        = 2.0 // above, the first target is not judged
)

// cagePlan is how much p11 measures.
type cagePlan struct {
	starts, together, cycles, kills int
	skipAttacks, skipGo             bool
	asUser                          bool
}

// p11 measures whether a cage holds and what it costs, as root and as an ordinary
// user.
func p11(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	p := cagePlan{starts: 50, together: 20, cycles: 1000, kills: 50}
	flags := flag.NewFlagSet("p11", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&p.starts, "starts", p.starts, "fresh cages to time")
	flags.IntVar(&p.together, "together", p.together, "cages at once")
	flags.IntVar(&p.cycles, "cycles", p.cycles, "cages to make and destroy")
	flags.IntVar(&p.kills, "kills", p.kills, "processes with cages to kill")
	flags.BoolVar(&p.skipAttacks, "no-attacks", false, "leave out the attacks")
	flags.BoolVar(&p.skipGo, "no-go", false, "leave out go test, which compiles the standard library once")
	flags.BoolVar(&p.asUser, "as-user", false, "internal: this is the part without root")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return verdict{}, fmt.Errorf("measure cages: %w", err)
	}
	v, err := p.measure(ctx, dir, out)
	return v, errors.Join(err, os.RemoveAll(dir))
}

// title says how the cages of this process are built.
func (p cagePlan) title() string {
	if os.Geteuid() == 0 {
		return "as root"
	}
	return "as an ordinary user"
}

func (p cagePlan) measure(ctx context.Context, dir string, out io.Writer) (verdict, error) {
	say(out, "p11: %s; load average %s", p.title(), loadAverage())
	d, err := ns.Open(ns.Config{Dir: filepath.Join(dir, "cages"), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return verdict{}, err
	}
	b := cageBench{plan: p, driver: d, dir: dir, out: out}
	steps := []func(context.Context) error{b.report, b.starts, b.together, b.workloads, b.goTest, b.cycles}
	if !p.asUser {
		steps = append(steps, b.kills, b.attacks, b.asUser)
	}
	for _, step := range steps {
		if err = step(ctx); err != nil {
			break
		}
	}
	if err = errors.Join(err, d.Close(context.WithoutCancel(ctx))); err != nil {
		return verdict{}, err
	}
	say(out, "p11: load average at the end %s", loadAverage())
	return b.verdict(), nil
}

// cageBench is one run.
type cageBench struct {
	plan   cagePlan
	driver *ns.Driver
	dir    string
	out    io.Writer

	start, bubble  time.Duration // medians
	load           float64       // while starts were timed
	goTestRatio    float64
	remains        []string
	attempts, lost int
}

func (b *cageBench) say(format string, args ...any) {
	say(b.out, "p11: "+b.plan.title()+": "+format, args...)
}

// report says what holds here.
func (b *cageBench) report(ctx context.Context) error {
	r, err := b.driver.Probe(ctx)
	if err != nil {
		return err
	}
	var weak []string
	for _, p := range r.Weak() {
		weak = append(weak, p.Name+" "+p.Strength.String())
	}
	b.say("driver %s, %d promises enforced by the kernel; others: %s", r.Driver, len(r.Promises)-len(weak), strings.Join(weak, ", "))
	return nil
}

// starts times `true` in fresh cages, by turns with bubblewrap.
func (b *cageBench) starts(ctx context.Context) error {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		bwrap = ""
	}
	var ours, theirs, ends []time.Duration
	b.load = loadNow()
	for i := range b.plan.starts {
		began := time.Now()
		c, err := b.driver.Create(ctx, sandbox.Spec{ID: fmt.Sprint("start-", i)})
		if err != nil {
			return err
		}
		if _, err := c.Exec(ctx, sandbox.Command{Args: []string{"true"}}); err != nil {
			return errors.Join(err, c.Destroy(ctx))
		}
		ours = append(ours, time.Since(began))
		began = time.Now()
		if err := c.Destroy(ctx); err != nil {
			return err
		}
		ends = append(ends, time.Since(began))
		if bwrap == "" {
			continue
		}
		began = time.Now()
		cmd := exec.CommandContext(ctx, bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--ro-bind", "/usr", "/usr", //nolint:gosec // a program of the system
			"--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev",
			"--tmpfs", "/tmp", "--bind", b.dir, "/workspace", "/usr/bin/true")
		if said, err := cmd.CombinedOutput(); err != nil {
			b.say("bubblewrap does not work here: %s", strings.TrimSpace(string(said)))
			bwrap = ""
			continue
		}
		theirs = append(theirs, time.Since(began))
	}
	b.start = quantileOf(ours, .5)
	b.say("%d fresh cages: `true` p50 %s p95 %s, destroy p50 %s; load %.1f", len(ours), ms(b.start), ms(quantileOf(ours, .95)), ms(quantileOf(ends, .5)), b.load)
	if len(theirs) > 0 {
		b.bubble = quantileOf(theirs, .5)
		b.say("bubblewrap by turns: p50 %s p95 %s, ours is %.1f times that", ms(b.bubble), ms(quantileOf(theirs, .95)), b.start.Seconds()/b.bubble.Seconds())
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// loadNow is how many processes want a processor.
func loadNow() float64 {
	var one float64
	if _, err := fmt.Sscan(loadAverage(), &one); err != nil {
		return 0 // not known here
	}
	return one
}

// asUser runs the part that needs no root in a process of an ordinary user.
func (b *cageBench) asUser(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return nil // then this was it
	}
	const ordinary = 54321
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	err = errors.Join(os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "tmp"), 0o700), os.Chown(filepath.Join(dir, "tmp"), ordinary, ordinary)) //nolint:gosec // another user starts the program
	if err == nil {
		err = copyProgram(filepath.Join(dir, "bench"))
	}
	if err == nil {
		args := []string{"p11", "-as-user", fmt.Sprint("-starts=", b.plan.starts), fmt.Sprint("-together=", b.plan.together), fmt.Sprint("-cycles=", b.plan.cycles/10), "-kills=0", "-no-go"}
		cmd := exec.CommandContext(ctx, filepath.Join(dir, "bench"), args...) //nolint:gosec // our own program
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, b.out, b.out
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "tmp"), "TMPDIR=" + filepath.Join(dir, "tmp")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinary, Gid: ordinary}}
		err = cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
			err = nil // short: it said so itself, and times without root are not judged
		}
	}
	return errors.Join(err, os.RemoveAll(dir))
}

func copyProgram(to string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self) //nolint:gosec // this program
	if err != nil {
		return err
	}
	return os.WriteFile(to, program, 0o755) //nolint:gosec // another user starts it
}

func (b *cageBench) verdict() verdict {
	figures := []string{fmt.Sprintf("`true` p50 %s", ms(b.start))}
	short := b.load < quietLoad && b.start > cageStartTarget
	if b.load >= quietLoad {
		figures[0] += fmt.Sprintf(" (not judged at load %.1f)", b.load)
	}
	if b.bubble > 0 {
		ratio := b.start.Seconds() / b.bubble.Seconds()
		figures = append(figures, fmt.Sprintf("%.1f × bubblewrap", ratio))
		short = short || ratio > cageRatioTarget
	}
	if b.goTestRatio > 0 {
		figures = append(figures, fmt.Sprintf("warm go test %.2f × native", b.goTestRatio))
		short = short || b.goTestRatio > cageGoTestTarget
	}
	figures = append(figures, fmt.Sprintf("%d remains of %d cages and %d kills", len(b.remains), b.plan.cycles, b.plan.kills))
	if b.attempts > 0 {
		figures = append(figures, fmt.Sprintf("%d of %d attacks succeeded", b.lost, b.attempts))
	}
	return verdict{
		figures: strings.Join(figures, ", "),
		targets: fmt.Sprintf("p50 ≤ %s at load < %.0f, ≤ %.0f × bubblewrap, go test ≤ %.1f × native, 0 remains, 0 attacks", cageStartTarget, quietLoad, cageRatioTarget, cageGoTestTarget),
		short:   short || len(b.remains) > 0 || b.lost > 0,
	}
}
