package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// readers are many who each follow a project over a connection of their own.
type readers struct {
	all      []*reader
	restless atomic.Bool // they leave now and then, and come back
	leave    func()
}

// reader follows a project by the API and comes back by its last id.
type reader struct {
	url, project, key string
	restless          *atomic.Bool
	transport         *http.Transport

	seen  atomic.Int64
	moved chan struct{} // something was seen

	// Read them after leave, or for a sequence that await saw.
	mu            sync.Mutex
	at            map[int64]time.Time // when each sequence arrived
	gaps, doubles int
	returns       int
}

// crowd begins n readers; project says whom each follows.
func (s *stage) crowd(ctx context.Context, n int, project func(i int) string) *readers {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	all := &readers{}
	// From an address of their own: who dials a port while nobody listens on it may
	// be given that very port to dial from, and take it from the server.
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for i := range n {
		r := &reader{
			url: s.url, project: project(i), key: s.key(i), restless: &all.restless,
			transport: &http.Transport{DialContext: dialer.DialContext}, moved: make(chan struct{}, 1), at: map[int64]time.Time{},
		}
		all.all = append(all.all, r)
		running.Go(func() { r.follow(ctx) })
	}
	all.leave = func() {
		cancel()
		running.Wait()
	}
	return all
}

// await waits until all have seen a sequence.
func (all *readers) await(ctx context.Context, seq int64) error {
	for _, r := range all.all {
		if err := r.await(ctx, seq); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) await(ctx context.Context, seq int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for r.seen.Load() < seq {
		select {
		case <-r.moved:
		case <-ctx.Done():
			return fmt.Errorf("a reader saw %d of %d events: %w", r.seen.Load(), seq, ctx.Err())
		}
	}
	return nil
}

// follow reads until ctx ends.
func (r *reader) follow(ctx context.Context) {
	defer r.transport.CloseIdleConnections()
	for ctx.Err() == nil {
		if err := r.once(ctx); err != nil {
			pause(ctx, 200*time.Millisecond) // the server is away
		}
		r.mu.Lock()
		r.returns++
		r.mu.Unlock()
	}
	r.mu.Lock()
	r.returns-- // leaving for good
	r.mu.Unlock()
}

// once reads one stream to its end. The error is about opening it.
func (r *reader) once(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/v1/projects/"+r.project+"/events", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	if seen := r.seen.Load(); seen > 0 {
		req.Header.Set("Last-Event-ID", strconv.FormatInt(seen, 10))
	}
	res, err := r.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: {")
		if !ok {
			continue
		}
		var told struct{ Seq int64 }
		if err := json.Unmarshal([]byte("{"+data), &told); err != nil {
			return err
		}
		r.saw(told.Seq)
		if r.restless.Load() && rand.IntN(40) == 0 { //nolint:gosec // no secret depends on it
			return nil
		}
	}
	return nil
}

func (r *reader) saw(seq int64) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch seen := r.seen.Load(); {
	case seq <= seen:
		r.doubles++
		return
	case seq > seen+1:
		r.gaps++
	}
	r.at[seq] = now
	r.seen.Store(seq)
	select {
	case r.moved <- struct{}{}:
	default:
	}
}

// delays are how long after its commit each event arrived.
func (r *reader) delays(committed map[int64]time.Time) []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []time.Duration
	for seq, at := range committed {
		if arrived, ok := r.at[seq]; ok {
			all = append(all, arrived.Sub(at))
		}
	}
	return all
}

// residentOf is a process's resident memory in bytes.
func residentOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read memory: %w", err)
			}
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("read memory of process %d: no VmRSS", pid)
}
