package sandboxtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/platform/sandbox"
)

// small are limits that a test reaches quickly.
func small() sandbox.Limits {
	return sandbox.Limits{
		Memory: 256 << 20, CPU: 2000, Processes: 128, Files: 256, FileSize: 64 << 20, Disk: 128 << 20, Temp: 32 << 20,
		Output: 1 << 20, Life: time.Minute,
	}
}

// Conform checks that a driver's cages are what package sandbox says.
func Conform(t *testing.T, driver sandbox.Driver) {
	t.Helper()
	d := stage{driver, Puppet(t)}
	for _, part := range []struct {
		name string
		test func(*testing.T, stage)
	}{
		{"programs", programs},
		{"surroundings", surroundings},
		{"workspace", workspace},
		{"stopping", stopping},
		{"what is left behind", leftBehind},
		{"limits", limits},
		{"output", output},
		{"connections", connections},
		{"ending", ending},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, d)
		})
	}
}

// said is what a program wrote.
type said struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.String()
}

// stage is a driver with what its cages show of us.
type stage struct {
	sandbox.Driver
	puppet sandbox.Mount
}

// cage returns one for a test, with puppets.
func cage(t *testing.T, d stage, l sandbox.Limits) sandbox.Cage {
	t.Helper()
	return Create(t, d, sandbox.Spec{ID: "test-" + strings.ToLower(rand.Text()[:10]), Limits: l, ReadOnly: []sandbox.Mount{d.puppet}})
}

// run runs a program to its end and returns what it wrote to both streams.
func run(t *testing.T, c sandbox.Cage, cmd sandbox.Command) (string, sandbox.Exit, error) {
	t.Helper()
	var out said
	cmd.Stdout, cmd.Stderr = &out, &out
	exit, err := c.Exec(t.Context(), cmd)
	return out.String(), exit, err
}

// sh is a line for the shell.
func sh(line string) sandbox.Command { return sandbox.Command{Args: []string{"sh", "-c", line}} }

func programs(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	cases := map[string]struct {
		cmd   sandbox.Command
		want  string
		code  int
		cause sandbox.Cause
	}{
		"output":             {cmd: sh("echo hello"), want: "hello\n"},
		"status":             {cmd: sh("exit 3"), code: 3},
		"ended by a signal":  {cmd: sh("kill -SEGV $$"), code: 139},
		"arguments as given": {cmd: sandbox.Command{Args: []string{"printf", "%s|", "a b", "$HOME", "'; *"}}, want: "a b|$HOME|'; *|"},
		"order of streams":   {cmd: sh("echo 1; echo 2 >&2; echo 3; echo 4 >&2"), want: "1\n2\n3\n4\n"},
		"input":              {cmd: sandbox.Command{Args: []string{"tr", "a-z", "A-Z"}, Stdin: strings.NewReader("abc\n")}, want: "ABC\n"},
		"input not read":     {cmd: sandbox.Command{Args: []string{"true"}, Stdin: strings.NewReader(strings.Repeat("x", 1<<20))}},
		"no input":           {cmd: sandbox.Command{Args: []string{"cat"}}},
		"variables":          {cmd: sandbox.Command{Args: []string{"sh", "-c", "echo $A $HOME"}, Env: []string{"A=1", "HOME=/x", "A=2"}}, want: "2 /x\n"},
		"start folder":       {cmd: sh("pwd"), want: sandbox.Workspace + "\n"},
		"folder of its own":  {cmd: sandbox.Command{Args: []string{"pwd"}, Dir: "sub"}, want: sandbox.Workspace + "/sub\n"},
		"folder outside":     {cmd: sandbox.Command{Args: []string{"pwd"}, Dir: "../../sub"}, want: sandbox.Workspace + "/sub\n"},
		"not there":          {cmd: sandbox.Command{Args: []string{"no-such-program"}}, cause: sandbox.Refused},
		"not executable":     {cmd: sandbox.Command{Args: []string{"/etc/passwd"}}, cause: sandbox.Refused},
		"no such folder":     {cmd: sandbox.Command{Args: []string{"pwd"}, Dir: "nowhere"}, cause: sandbox.Refused},
		"nothing":            {cause: sandbox.Refused},
		"much too long":      {cmd: sandbox.Command{Args: []string{"echo", strings.Repeat("x", 1<<20)}}, cause: sandbox.Refused},
	}
	if err := c.Files().Mkdir("sub"); err != nil {
		t.Fatal(err)
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, exit, err := run(t, c, want.cmd)
			if sandbox.CauseOf(err) != want.cause || err != nil && want.cause == 0 {
				t.Fatalf("error %v, want cause %q", err, want.cause)
			}
			if exit.Code != want.code || out != want.want {
				t.Errorf("exit %d with %q, want %d with %q", exit.Code, out, want.code, want.want)
			}
		})
	}
}

// surroundings: what a program finds, and that it is enough to work with.
func surroundings(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	report, err := d.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range report.Tools {
		if tool.Path == "" {
			t.Logf("%s is not on this machine: %s", tool.Name, tool.Do)
			continue
		}
		if out, exit, err := run(t, c, sandbox.Command{Args: []string{"test", "-x", tool.Path}}); err != nil || exit.Code != 0 {
			t.Errorf("%s is not at %s: %s %v", tool.Name, tool.Path, out, err)
		}
	}
	for _, step := range []struct{ line, want string }{
		{"id -u; id -un", "1000\napp\n"},
		{"ls -A /workspace /home/app", "/home/app:\n\n/workspace:\n"},
		{"touch /workspace/a ~/b /tmp/c && ls -A", "a\n"},
		{"cat /etc/resolv.conf; getent hosts localhost | wc -l", "1\n"},
		{"touch /etc/x /usr/x /x 2>/dev/null; ls /etc/x /usr/x /x 2>/dev/null", ""},
	} {
		out, _, err := run(t, c, sh(step.line))
		if err != nil || out != step.want {
			t.Errorf("%s: %q, %v, want %q", step.line, out, err, step.want)
		}
	}
}

func workspace(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	if err := c.Files().Write("src/main.txt", []byte("from the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, exit, err := run(t, c, sh("cat src/main.txt && echo changed > src/main.txt && mkdir made && echo new > made/file && chmod 600 made/file"))
	if err != nil || exit.Code != 0 || out != "from the host" {
		t.Fatalf("the inside read %q, exit %d, %v", out, exit.Code, err)
	}
	for name, want := range map[string]string{"src/main.txt": "changed\n", "made/file": "new\n"} {
		if got, err := c.Files().Read(name, 100); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
		}
	}
	if err := c.Files().Write("made/file", []byte("again"), 0o644); err != nil {
		t.Error(err)
	}
	if out, _, err := run(t, c, sh("rm -r src made && ls -A")); err != nil || out != "" {
		t.Errorf("the inside may not delete what the host wrote: %q, %v", out, err)
	}
}

func stopping(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	t.Run("deadline", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		exit, err := c.Exec(ctx, sh("trap '' TERM INT; while :; do sleep 1; done"))
		if sandbox.CauseOf(err) != sandbox.OutOfTime || exit.Code != 137 {
			t.Errorf("exit %d, %v", exit.Code, err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cmd := Pull("polite")
		cmd.Stdout = onFirst(cancel)
		if _, err := c.Exec(ctx, cmd); sandbox.CauseOf(err) != sandbox.Killed {
			t.Error(err)
		}
	})
	t.Run("with grace", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out said
		cmd := Pull("polite")
		cmd.Stdout, cmd.Grace = io.MultiWriter(&out, onFirst(cancel)), 20*time.Second
		exit, err := c.Exec(ctx, cmd)
		if sandbox.CauseOf(err) != sandbox.Killed || exit.Code != 0 || !strings.Contains(out.String(), "goodbye") {
			t.Errorf("exit %d with %q, %v", exit.Code, out.String(), err)
		}
	})
	t.Run("before it began", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Exec(ctx, sh("true")); sandbox.CauseOf(err) != sandbox.Killed {
			t.Error(err)
		}
	})
}

// onFirst is a writer that does something with the first write.
func onFirst(do func()) io.Writer { return &first{do: sync.OnceFunc(do)} }

type first struct{ do func() }

func (f *first) Write(b []byte) (int, error) {
	f.do()
	return len(b), nil
}

// leftBehind: nothing outlives the program that started it, and nothing else is hit.
func leftBehind(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	serving := make(chan struct{})
	wait.Go(func() {
		cmd := Pull("serve", "7000")
		cmd.Stdout = onFirst(func() { close(serving) })
		if _, err := c.Exec(ctx, cmd); sandbox.CauseOf(err) != sandbox.Killed {
			t.Errorf("the server ended: %v", err)
		}
	})
	<-serving
	if out, exit, err := run(t, c, Pull("spawn", "7001", "7002", "7003")); err != nil || exit.Code != 0 {
		t.Fatalf("spawn: %s %v", out, err)
	}
	for _, port := range []int{7001, 7002, 7003} {
		if conn, err := c.Dial(t.Context(), port); err == nil {
			t.Errorf("what listened on %d outlived its program", port)
			conn.Close()
		}
	}
	if conn, err := c.Dial(t.Context(), 7000); err != nil {
		t.Errorf("another program's server is gone: %v", err)
	} else {
		conn.Close()
	}
	cancel()
	wait.Wait()
	if s, err := c.Stats(t.Context()); err != nil || s.Processes != 0 {
		t.Errorf("%d processes are left, %v", s.Processes, err)
	}
}

func limits(t *testing.T, d stage) {
	t.Helper()
	cases := map[string]struct {
		cmd   sandbox.Command
		cause sandbox.Cause
	}{
		"memory":            {Pull("eat", "1000"), sandbox.OutOfMemory},
		"memory allowed":    {Pull("eat", "100"), 0},
		"workspace":         {Pull("fill", "/workspace", "400"), sandbox.OutOfDisk},
		"home":              {Pull("fill", "/home/app", "400"), sandbox.OutOfDisk},
		"workspace allowed": {Pull("fill", "/workspace", "60"), 0},
		"temp":              {Pull("fill", "/tmp", "64"), sandbox.OutOfDisk},
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cage(t, d, small())
			out, exit, err := run(t, c, want.cmd)
			if sandbox.CauseOf(err) != want.cause || want.cause == 0 && (err != nil || exit.Code != 0) {
				t.Errorf("exit %d with %q: %v, want %q", exit.Code, out, err, want.cause)
			}
			if want.cause == sandbox.OutOfDisk && name != "temp" {
				return // where the disk is watched, nothing runs until there is room
			}
			if out, _, err := run(t, c, sh("echo alive")); err != nil || out != "alive\n" {
				t.Errorf("the cage did not survive: %q, %v", out, err)
			}
		})
	}
	limitsOfOthers(t, d)
}

// limitsOfOthers are those that are not met by filling something up.
func limitsOfOthers(t *testing.T, d stage) {
	t.Helper()
	t.Run("one file", func(t *testing.T) {
		t.Parallel()
		c := cage(t, d, small())
		if out, _, err := run(t, c, sh("head -c 100M /dev/zero > big; wc -c < big")); err != nil || !strings.Contains(out, fmt.Sprint(64<<20)) {
			t.Errorf("a file beyond the limit: %q, %v", out, err)
		}
	})
	t.Run("life", func(t *testing.T) {
		t.Parallel()
		l := small()
		l.Life = 500 * time.Millisecond
		c := cage(t, d, l)
		if _, err := c.Exec(t.Context(), sh("sleep 100")); sandbox.CauseOf(err) != sandbox.OutOfTime {
			t.Error(err)
		}
	})
}

func output(t *testing.T, d stage) {
	t.Helper()
	l := small()
	l.Output = 100_000
	c := cage(t, d, l)
	var out, errs said
	cmd := Pull("flood", "2000000")
	cmd.Stdout, cmd.Stderr = &out, &errs
	exit, err := c.Exec(t.Context(), cmd)
	got := int64(len(out.String()))
	if err != nil || exit.Code != 0 {
		t.Errorf("exit %d, %v", exit.Code, err)
	}
	if got < 100_000 || got > 200_000 || got+exit.Dropped < 2_000_000 {
		t.Errorf("%d bytes came and %d were dropped", got, exit.Dropped)
	}
	// A reader that is gone ends the writer, not the cage.
	cmd = Pull("flood", "2000000")
	cmd.Stdout = failing{}
	if exit, err := c.Exec(t.Context(), cmd); err != nil || exit.Code == 0 {
		t.Errorf("exit %d, %v", exit.Code, err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("nobody is here") }

func connections(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	serving := make(chan struct{})
	wait.Go(func() {
		cmd := Pull("serve", "8000")
		cmd.Stdout = onFirst(func() { close(serving) })
		_, _ = c.Exec(ctx, cmd)
	})
	<-serving
	conn, err := c.Dial(t.Context(), 8000)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer := make([]byte, 5)
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "hello" {
		t.Errorf("the server inside said %q, %v", answer, err)
	}
	if conn, err := c.Dial(t.Context(), 8001); err == nil {
		t.Error("somebody answers where nobody listens")
		conn.Close()
	}
	if l, err := c.Listen(t.Context(), 8000); err == nil {
		t.Error("a port that a program holds was given to the host")
		l.Close()
	}
	l, err := c.Listen(t.Context(), 9000)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wait.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		heard := make([]byte, 5)
		_, err = io.ReadFull(conn, heard)
		if _, err2 := io.WriteString(conn, "host heard "+string(heard)); err != nil || err2 != nil {
			t.Error(err, err2)
		}
	})
	if out, _, err := run(t, c, Pull("call", "9000", "puppet")); err != nil || out != "host heard puppe" {
		t.Errorf("the host answered %q, %v", out, err)
	}
}

func ending(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	if _, err := d.Create(t.Context(), sandbox.Spec{ID: c.ID()}); sandbox.CauseOf(err) != sandbox.Refused {
		t.Errorf("two cages of one name: %v", err)
	}
	for _, id := range []string{"", "UPPER", "a/b", "..", strings.Repeat("x", 41)} {
		if _, err := d.Create(t.Context(), sandbox.Spec{ID: id}); sandbox.CauseOf(err) != sandbox.Refused {
			t.Errorf("a cage called %q: %v", id, err)
		}
	}
	began := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		cmd := Pull("polite")
		cmd.Stdout = onFirst(func() { close(began) })
		_, err := c.Exec(t.Context(), cmd)
		ended <- err
	}()
	<-began
	for range 2 {
		if err := c.Destroy(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := <-ended; sandbox.CauseOf(err) != sandbox.Died {
		t.Errorf("a program in a cage that was destroyed: %v", err)
	}
	_, exec := c.Exec(t.Context(), sh("true"))
	_, dial := c.Dial(t.Context(), 80)
	_, listen := c.Listen(t.Context(), 80)
	_, stats := c.Stats(t.Context())
	for what, err := range map[string]error{"Exec": exec, "Dial": dial, "Listen": listen, "Stats": stats} {
		if sandbox.CauseOf(err) != sandbox.Died {
			t.Errorf("%s after Destroy: %v", what, err)
		}
	}
	if _, err := c.Files().Read("x", 1); err == nil {
		t.Error("a file was read after Destroy")
	}
	if again, err := d.Create(t.Context(), sandbox.Spec{ID: c.ID()}); err != nil {
		t.Errorf("a name was not given back: %v", err)
	} else if err := again.Destroy(t.Context()); err != nil {
		t.Error(err)
	}
}
