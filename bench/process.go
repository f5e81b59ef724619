package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startLimit and stopLimit are patience, not targets.
const (
	startLimit = 90 * time.Second
	stopLimit  = 60 * time.Second
)

// fleet starts processes of one kind, which share what they keep.
type fleet struct {
	command []string
	environ []string
	notes   func(string) // lines of a process that are warnings or worse
}

// process is one running server.
type process struct {
	cmd    *exec.Cmd
	addr   string
	ended  chan struct{} // closed when it has
	result error         // of cmd.Wait, once it has
}

// start runs one and returns when it says where it listens.
func (f *fleet) start(ctx context.Context) (*process, error) {
	cmd := exec.Command(f.command[0], f.command[1:]...) //nolint:gosec,noctx // our own program; it ends by signal, in stop
	cmd.Env = f.environ
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	serving := make(chan string, 1)
	go func() {
		f.follow(stderr, serving)
		p.result = cmd.Wait()
		close(p.ended)
	}()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case p.addr = <-serving:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("a server ended while starting: %w", p.result)
	case <-limit.C:
		err = fmt.Errorf("a server did not start within %s", startLimit)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, p.kill())
}

// follow reads the log to its end, finds the address and passes on what is odd.
func (f *fleet) follow(log io.Reader, serving chan<- string) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		if !strings.Contains(text, `"serving"`) && !strings.Contains(text, `"level":"WARN"`) && !strings.Contains(text, `"level":"ERROR"`) && strings.HasPrefix(text, "{") {
			continue
		}
		var line struct{ Msg, Addr string }
		if err := json.Unmarshal([]byte(text), &line); err == nil && line.Msg == "serving" {
			serving <- line.Addr
			continue
		}
		f.notes(text)
	}
}

// term sends SIGTERM and waits for the end, which must be a good one.
func (p *process) term(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("send SIGTERM: %w", err)
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-p.ended:
		return p.result
	case <-limit.C:
		return errors.Join(fmt.Errorf("a server did not end within %s of SIGTERM", stopLimit), p.kill())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.kill())
	}
}

// kill ends it whatever it does.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill a server: %w", err)
	}
	<-p.ended
	return nil
}

// installation is the product as an operator has it: a program and a data folder.
type installation struct {
	binary, folder string
	environ        []string
}

// install builds the program and makes an empty data folder. Our own environment
// does not reach it, apart from what finding programs takes.
func install(ctx context.Context, url string, lameDuck, drain time.Duration) (*installation, error) {
	folder, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, fmt.Errorf("install: %w", err)
	}
	// PostgreSQL runs as a user of its own, who must get through.
	if err := os.Chmod(folder, 0o711); err != nil { //nolint:gosec // see above
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	in := &installation{binary: filepath.Join(folder, "cofounder"), folder: folder}
	build := exec.CommandContext(ctx, "go", "build", "-o", in.binary, "cofounder/cmd/cofounder") //nolint:gosec // our own program
	if text, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build cofounder: %w\n%s", err, text), os.RemoveAll(folder))
	}
	in.environ = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "TMPDIR=" + os.TempDir(),
		"COFOUNDER_DATA=" + filepath.Join(folder, "data"), "COFOUNDER_ADDR=localhost:0", "COFOUNDER_URL=" + url,
		"COFOUNDER_TRUSTED_PROXIES=127.0.0.0/8,::1/128", "COFOUNDER_LOG=json",
		"COFOUNDER_WARM=false", "COFOUNDER_LAME_DUCK=" + lameDuck.String(), "COFOUNDER_DRAIN=" + drain.String(),
	}
	return in, nil
}

// remove stops the database and deletes everything.
func (in *installation) remove(ctx context.Context) error {
	_, err := in.command(ctx, "db", "stop")
	return errors.Join(err, os.RemoveAll(in.folder))
}

// command runs a short command of the program and returns what it prints.
func (in *installation) command(ctx context.Context, args ...string) (string, error) {
	var errs strings.Builder
	cmd := exec.CommandContext(ctx, in.binary, args...) //nolint:gosec // our own program
	cmd.Env, cmd.Stderr = in.environ, &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("cofounder %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out), nil
}

// visitor is somebody with a session and an access key.
type visitor struct{ cookie, key string }

// signIn opens a start link through the balancer and makes an access key.
func (in *installation) signIn(ctx context.Context, url string) (visitor, error) {
	text, err := in.command(ctx, "user", "reset")
	if err != nil {
		return visitor{}, err
	}
	at := strings.Index(text, url)
	if at < 0 {
		return visitor{}, fmt.Errorf("no link to %s in %q", url, text)
	}
	link := strings.Fields(text[at:])[0]
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return visitor{}, fmt.Errorf("open the start link: %w", err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return visitor{}, fmt.Errorf("open the start link: %w", err)
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if v := (visitor{cookie: c.Name + "=" + c.Value}); c.Name == sessionCookie {
			v.key, err = v.makeKey(ctx, url)
			return v, err
		}
	}
	return visitor{}, fmt.Errorf("open the start link: %s and no session", res.Status)
}

func (v visitor) makeKey(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v1/tokens", strings.NewReader(`{"name":"bench","scope":"write"}`))
	if err != nil {
		return "", fmt.Errorf("make an access key: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cookie", v.cookie)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("make an access key: %w", err)
	}
	defer res.Body.Close()
	var made struct{ Secret string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.Secret == "" {
		return "", fmt.Errorf("make an access key: %s: %w", res.Status, err)
	}
	return made.Secret, nil
}

// journal is an io.Writer's lines, kept apart from what others print.
type journal struct {
	mu  sync.Mutex
	out io.Writer
}

func (j *journal) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	say(j.out, format, args...)
}
