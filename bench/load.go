package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/internal/surface/httpd"
)

const (
	sessionCookie = httpd.SessionCookie
	// openAtMost bounds the requests under way; what would be more is shed and
	// counted, so that a stall does not become a pile.
	openAtMost = 256
	patience   = 60 * time.Second
)

// load is what visitors do to an address: many short requests at a fixed rate,
// a few bodies that arrive slowly, a few event streams. The rate does not wait
// for answers.
type load struct {
	url       string
	who       visitor
	rate      int // short requests a second
	slow      int // clients that send slowly, one request after another
	slowly    time.Duration
	streams   int
	complain  func(string)
	transport *http.Transport

	sent, shed, failed        atomic.Int64
	slowSent, reconnects      atomic.Int64
	announced, unannounced    atomic.Int64
	mu                        sync.Mutex
	took                      []time.Duration
	made                      []string // ids of projects the server said it made
	running                   sync.WaitGroup
	stopShort, stopRestOfLoad context.CancelFunc
}

// start begins. stop ends it and waits until everything under way is answered.
func (l *load) start(ctx context.Context) {
	l.transport = &http.Transport{MaxIdleConnsPerHost: openAtMost, DisableCompression: true}
	short, stopShort := context.WithCancel(ctx)
	rest, stopRest := context.WithCancel(ctx)
	l.stopShort, l.stopRestOfLoad = stopShort, stopRest
	l.running.Go(func() { l.shortOnes(short, ctx) })
	for i := range l.slow {
		l.running.Go(func() {
			for n := 0; short.Err() == nil; n++ {
				l.slowOne(ctx, fmt.Sprintf("slow %d/%d", i, n))
			}
		})
	}
	for range l.streams {
		l.running.Go(func() { l.follow(rest) })
	}
}

func (l *load) stop() {
	l.stopShort()
	l.stopRestOfLoad()
	l.running.Wait()
	l.transport.CloseIdleConnections()
}

// shortOnes sends at the rate until short ends; requests live with ctx.
func (l *load) shortOnes(short, ctx context.Context) {
	tick := time.NewTicker(time.Second / time.Duration(l.rate))
	defer tick.Stop()
	open := make(chan struct{}, openAtMost)
	var wg sync.WaitGroup
	defer wg.Wait()
	for n := 0; ; n++ {
		select {
		case <-short.Done():
			return
		case <-tick.C:
		}
		select {
		case open <- struct{}{}:
			wg.Go(func() {
				defer func() { <-open }()
				l.shortOne(ctx, n)
			})
		default:
			l.shed.Add(1)
		}
	}
}

// shortOne is one of ten in turn: five reads of the API, two pages, three writes.
func (l *load) shortOne(ctx context.Context, n int) {
	begun := time.Now()
	l.sent.Add(1)
	var err error
	switch n % 10 {
	case 0, 3, 6:
		err = l.write(ctx, strings.NewReader(fmt.Sprintf(`{"idea":"number %d"}`, n)))
	case 1, 5:
		err = l.read(ctx, "/account")
	default:
		err = l.read(ctx, "/api/v1/me")
	}
	if err != nil && ctx.Err() == nil {
		l.failed.Add(1)
		l.complain(err.Error())
	}
	l.mu.Lock()
	l.took = append(l.took, time.Since(begun))
	l.mu.Unlock()
}

// do sends one request and reads the whole answer, which must have this status.
func (l *load) do(ctx context.Context, method, path string, body io.Reader, want int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, l.url+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if strings.HasPrefix(path, "/api/") {
		req.Header.Set("Authorization", "Bearer "+l.who.key)
	} else {
		req.Header.Set("Cookie", l.who.cookie)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := l.transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if res.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %s %.200s", method, path, res.Status, text)
	}
	return text, nil
}

func (l *load) read(ctx context.Context, path string) error {
	_, err := l.do(ctx, http.MethodGet, path, nil, http.StatusOK)
	return err
}

// write makes a project and remembers its id: what was acknowledged must be there
// at the end.
func (l *load) write(ctx context.Context, body io.Reader) error {
	text, err := l.do(ctx, http.MethodPost, "/api/v1/projects", body, http.StatusCreated)
	if err != nil {
		return err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(text, &made); err != nil || made.ID == "" {
		return fmt.Errorf("a project was made without an id: %.200s", text)
	}
	l.mu.Lock()
	l.made = append(l.made, made.ID)
	l.mu.Unlock()
	return nil
}

// The body of a slow request: large enough that it leaves every buffer on its way
// piece by piece.
const (
	slowPieces = 16
	slowPiece  = 2 << 10
)

// slowOne writes with a body that takes its time.
func (l *load) slowOne(ctx context.Context, idea string) {
	l.slowSent.Add(1)
	text := fmt.Sprintf(`{"idea":%q}`, idea+strings.Repeat(".", slowPieces*slowPiece))
	if err := l.write(ctx, &trickle{text: text, ctx: ctx, gap: l.slowly / slowPieces}); err != nil && ctx.Err() == nil {
		l.failed.Add(1)
		l.complain("slow: " + err.Error())
	}
}

// trickle yields a piece each gap.
type trickle struct {
	text string
	ctx  context.Context //nolint:containedctx // a reader has nowhere else to take it from
	gap  time.Duration
}

func (t *trickle) Read(p []byte) (int, error) {
	if t.text == "" {
		return 0, io.EOF
	}
	pause(t.ctx, t.gap)
	n := copy(p, t.text[:min(slowPiece, len(t.text))])
	t.text = t.text[n:]
	return n, nil
}

// follow keeps an event stream open, as a page does: it comes back when told to,
// and also when the stream ends without a word.
func (l *load) follow(ctx context.Context) {
	for ctx.Err() == nil {
		told, err := l.followOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		l.reconnects.Add(1)
		switch {
		case err != nil:
			l.failed.Add(1)
			l.complain("stream: " + err.Error())
			pause(ctx, time.Second)
		case told:
			l.announced.Add(1)
		default:
			l.unannounced.Add(1)
		}
	}
}

// followOnce reads one stream to its end and reports whether it said that it
// would end. The error is about opening it.
func (l *load) followOnce(ctx context.Context) (told bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+"/live", nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Cookie", l.who.cookie)
	res, err := l.transport.RoundTrip(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false, errors.New(res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		told = told || lines.Text() == "event: reconnect"
	}
	return told, nil
}

// quantile returns the time within which this share of short requests was
// answered.
func (l *load) quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return quantileOf(l.took, q)
}

// lost returns how many projects were acknowledged and are not there.
func (l *load) lost(ctx context.Context) (int, error) {
	there := map[string]bool{}
	for cursor := ""; ; {
		path := "/api/v1/projects?limit=100"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		text, err := l.do(ctx, http.MethodGet, path, nil, http.StatusOK)
		if err != nil {
			return 0, err
		}
		var page struct {
			Items []struct{ ID string }
			Next  *string
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return 0, fmt.Errorf("list projects: %w", err)
		}
		for _, p := range page.Items {
			there[p.ID] = true
		}
		if page.Next == nil || *page.Next == "" {
			break
		}
		cursor = *page.Next
	}
	lost := 0
	for _, id := range l.made {
		if !there[id] {
			lost++
		}
	}
	return lost, nil
}
