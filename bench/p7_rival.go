package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// langgraph is a program of a few lines and the exact versions of what it stands on.
//
//go:embed langgraph/package.json langgraph/package-lock.json langgraph/step.mjs
var langgraph embed.FS

const installTime = 5 * time.Minute

// rival is a running LangGraph.js.
type rival struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

// openRival installs LangGraph.js into the user's cache, unless it is there, and starts
// it on a schema of its own. Where it cannot be had why says so.
func openRival(ctx context.Context, db *pgx.ConnConfig, bytes int, j *journal) (r *rival, why string, err error) {
	for _, program := range []string{"node", "npm"} {
		if path, _ := exec.LookPath(program); path == "" { //nolint:errcheck // nowhere is all there is to know
			return nil, program + " is not installed", nil
		}
	}
	folder, err := langgraphFolder()
	if err != nil {
		return nil, "", err
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		begun := time.Now()
		if text, err := installLanggraph(ctx, folder); err != nil {
			return nil, fmt.Sprintf("npm ci failed: %v %.300s", err, text), nil
		}
		j.say("p7: npm ci took %.0f s", time.Since(begun).Seconds())
	}
	cmd := exec.CommandContext(ctx, "node", "step.mjs", db.Host, strconv.Itoa(int(db.Port)), db.User, db.Database, strconv.Itoa(bytes)) //nolint:gosec // our own program
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	r = &rival{cmd: cmd}
	if r.in, err = cmd.StdinPipe(); err != nil {
		return nil, "", fmt.Errorf("start LangGraph.js: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", fmt.Errorf("start LangGraph.js: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start LangGraph.js: %w", err)
	}
	r.answers = bufio.NewScanner(out)
	r.answers.Buffer(nil, 1<<20)
	if !r.answers.Scan() || r.answers.Text() != "ready" {
		return nil, "", errors.Join(fmt.Errorf("LangGraph.js did not start: %q", r.answers.Text()), r.close())
	}
	return r, "", nil
}

// langgraphFolder names a folder by what is in it, and puts our files there.
func langgraphFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache: %w", err)
	}
	lock, err := langgraph.ReadFile("langgraph/package-lock.json")
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "cofounder", fmt.Sprintf("bench-langgraph-%x", sha256.Sum256(lock))[:24])
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", fmt.Errorf("make a folder for LangGraph.js: %w", err)
	}
	for _, name := range []string{"package.json", "package-lock.json", "step.mjs"} {
		text, err := langgraph.ReadFile("langgraph/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o600)
		}
		if err != nil {
			return "", fmt.Errorf("write %s: %w", name, err)
		}
	}
	return folder, nil
}

func installLanggraph(ctx context.Context, folder string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = folder
	return cmd.CombinedOutput()
}

// run takes steps on a new thread and returns how long each took.
func (r *rival) run(ctx context.Context, steps int) ([]time.Duration, error) {
	if _, err := fmt.Fprintln(r.in, steps); err != nil {
		return nil, fmt.Errorf("ask LangGraph.js: %w", err)
	}
	if !r.answers.Scan() {
		return nil, errors.Join(errors.New("LangGraph.js ended"), r.answers.Err(), ctx.Err())
	}
	var took []float64
	if err := json.Unmarshal(r.answers.Bytes(), &took); err != nil {
		return nil, fmt.Errorf("read LangGraph.js: %w", err)
	}
	all := make([]time.Duration, len(took))
	for i, ms := range took {
		all[i] = time.Duration(ms * float64(time.Millisecond))
	}
	return all, nil
}

func (r *rival) close() error {
	err := r.in.Close()
	return errors.Join(err, r.cmd.Wait())
}
