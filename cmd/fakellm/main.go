// Command fakellm is a Messages API for development: it listens on this computer,
// answers like a model that has nothing to say, follows a script, and fails on
// demand. Package llmtest does the work.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"cofounder/internal/platform/llm/llmtest"

	"github.com/alecthomas/kong"
)

// Exit codes, from sysexits.h where it has one.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 64 // EX_USAGE
)

const description = `fakellm is a Messages API on this computer, for development. It costs nothing, knows
nothing, refuses what the real API refuses, and fails on demand.

Examples:
  fakellm                               any key, at http://127.0.0.1:8088
  fakellm --fail overloaded --times 2   two overloads, then answers
  fakellm --fail stall                  every answer falls silent
  fakellm --script talk.txt             answers as written there
  fakellm --ignores-format --simple     like a small local server
  fakellm --failures                    every way to fail

Connect cofounder: "Connect an AI", any key, base URL http://127.0.0.1:8088. Or:
  curl -s http://127.0.0.1:8088/v1/messages -H 'x-api-key: x' -H 'anthropic-version: 2023-06-01' \
    -d '{"model":"claude-haiku-5-5","max_tokens":100,"messages":[{"role":"user","content":"Hello."}]}'

A script:
  turn
  say Hello, founder.
  turn when tool_result
  tool read {"path":"main.go"}
  turn
  fail rate_limited 2
  turn
  times 0
  say And so on.`

type cli struct {
	Addr          string        `help:"Where to listen." default:"127.0.0.1:8088" placeholder:"HOST:PORT"`
	Script        string        `help:"File with the answers, in order. What it does not answer is made up." placeholder:"FILE"`
	Fail          string        `help:"Fail like this, after the script. NAME=VALUE gives it a value." placeholder:"NAME"`
	Times         int           `help:"Fail so many times only. 0: always." default:"0"`
	Drip          time.Duration `help:"Pause between pieces of an answer." placeholder:"20ms"`
	Key           string        `help:"The only key taken. Default: any." placeholder:"KEY"`
	IgnoresFormat bool          `help:"Answer in prose where a schema is asked for."`
	Simple        bool          `help:"Have neither a list of models nor a token counter."`
	Quiet         bool          `help:"Do not print requests."`
	Failures      bool          `help:"Print every way to fail and exit."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it serves until ctx ends and returns the exit
// code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser := kong.Must(&c, kong.Name("fakellm"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }), kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110}))
	_, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		return say(stderr, exitUsage, err.Error()+"\nTry: fakellm --help")
	}
	if c.Failures {
		list(stdout)
		return exitOK
	}
	turns, err := c.turns()
	if err != nil {
		return say(stderr, exitUsage, err.Error())
	}
	if err := c.serve(ctx, turns, stdout); err != nil {
		return say(stderr, exitFailed, err.Error())
	}
	return exitOK
}

// say prints why we failed and returns the exit code, which tells it too when nobody
// can read.
func say(w io.Writer, code int, why string) int {
	_, _ = fmt.Fprintln(w, "fakellm: "+why) //nolint:errcheck // see above
	return code
}

func list(w io.Writer) {
	for _, f := range llmtest.Failures() {
		_, _ = fmt.Fprintf(w, "  %-20s %s\n", f.Name, f.Tells) //nolint:errcheck // nobody reads on
	}
}

// turns is the script with what the flags add to it.
func (c *cli) turns() ([]llmtest.Turn, error) {
	var turns []llmtest.Turn
	if c.Script != "" {
		text, err := os.ReadFile(c.Script)
		if err != nil {
			return nil, fmt.Errorf("read script: %w", err)
		}
		if turns, err = llmtest.Parse(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Script, err)
		}
	}
	if c.Fail != "" {
		name, value, _ := strings.Cut(c.Fail, "=")
		if !slices.ContainsFunc(llmtest.Failures(), func(f llmtest.Failure) bool { return f.Name == name }) {
			return nil, fmt.Errorf("no way to fail is called %s; fakellm --failures lists them", name)
		}
		turns = append(turns, llmtest.Turn{Fail: name, Value: value, Times: c.Times})
	}
	turns = append(turns, llmtest.Turn{}) // the rest is made up
	for i := range turns {
		if turns[i].Drip == 0 {
			turns[i].Drip = c.Drip
		}
	}
	return turns, nil
}

func (c *cli) serve(ctx context.Context, turns []llmtest.Turn, stdout io.Writer) error {
	p := &printer{w: stdout}
	cfg := llmtest.Config{
		Script: turns, Key: c.Key, IgnoresFormat: c.IgnoresFormat, NoExtras: c.Simple, Ping: 5 * time.Second,
		Wrong: func(what string) { p.print("script: " + what) },
	}
	if !c.Quiet {
		cfg.Seen = p.call
	}
	model := llmtest.New(cfg)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: model, ReadHeaderTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() {
		model.Close()
		_ = server.Close() //nolint:errcheck // we are leaving
	})()
	p.print("fakellm listens at http://" + listener.Addr().String() + " and takes " + c.keys() + "; Ctrl-C ends it")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func (c *cli) keys() string {
	if c.Key == "" {
		return "any key"
	}
	return "one key"
}

// printer tells what happens, a line each.
type printer struct {
	mu   sync.Mutex
	w    io.Writer
	last *llmtest.Call // of /v1/messages
}

func (p *printer) print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintln(p.w, line) //nolint:errcheck // nobody reads on
}

// call prints a request, and how much of it was the same as the one before.
func (p *printer) call(c llmtest.Call) {
	line := c.Method + " " + c.Path
	if c.Refused != nil {
		p.print(fmt.Sprintf("%s  refused with %d: %s", line, c.Refused.Status, c.Refused.Message))
		return
	}
	if len(c.Body) > 0 {
		q := c.Request()
		line += fmt.Sprintf("  %s, %d turns, %d tokens", q.Model, len(q.Messages), q.Count())
		if title := q.SchemaTitle(); title != "" {
			line += ", form " + title
		}
	}
	if c.Path == "/v1/messages" {
		p.mu.Lock()
		before := p.last
		p.last = &c
		p.mu.Unlock()
		if before != nil {
			line += fmt.Sprintf(", %d of them as before", llmtest.Prefixes([]llmtest.Call{*before, c})[0].SameTokens)
		}
	}
	p.print(line)
}
