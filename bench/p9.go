package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/event"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The targets of P9.
const (
	liveTarget   = 250 * time.Millisecond
	streamMemory = 200 << 20
	crowd        = 1000 // streams on one process
	// streamsOfKey stays below what the product lets one access key open.
	streamsOfKey = 20
)

// p9 measures how soon an event is on the screen, what open streams weigh, and
// whether readers who are cut off miss anything. The events are committed by another
// process than the one that serves, as those of a build are.
func p9(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	p := watching{readers: 199, events: 150, every: 200 * time.Millisecond, crowd: crowd, cuts: 2}
	flags := flag.NewFlagSet("p9", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&p.readers, "readers", p.readers, "HTTP readers beside the browser")
	flags.IntVar(&p.events, "events", p.events, "events told live")
	flags.IntVar(&p.crowd, "streams", p.crowd, "streams whose memory is measured")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	say(out, "p9: one process of cofounder serve, events committed by another; load average %s", loadAverage())
	found, err := p.all(ctx, &journal{out: out})
	if err != nil {
		return verdict{}, err
	}
	say(out, "p9: load average at the end %s", loadAverage())
	return found.judge(p), nil
}

// watching is what p9 does.
type watching struct {
	readers, events int
	every           time.Duration
	crowd           int
	cuts            int // restarts of the server under its readers, of each kind
}

// sight is what p9 found.
type sight struct {
	browser, http []time.Duration
	memory        int64
	streams       int // as many were open
	returns       int // of readers who were cut off or left
	gaps, doubles int
}

func (s sight) judge(p watching) verdict {
	browser, http := quantileOf(s.browser, .95), quantileOf(s.http, .95)
	return verdict{
		figures: fmt.Sprintf("commit → browser p95 %s of %d, → %d HTTP readers p95 %s of %d; %d streams in %d MB; %d reconnects, %d gaps, %d doubles",
			browser, len(s.browser), p.readers, http, len(s.http), s.streams, s.memory>>20, s.returns, s.gaps, s.doubles),
		targets: fmt.Sprintf("p95 < %s, %d streams < %d MB, 0 gaps, 0 doubles", liveTarget, crowd, streamMemory>>20),
		short: browser >= liveTarget || http >= liveTarget || len(s.browser) == 0 || len(s.http) == 0 ||
			s.memory >= streamMemory || s.streams < crowd || s.gaps+s.doubles > 0 || s.returns == 0,
	}
}

func (p watching) all(ctx context.Context, j *journal) (found sight, err error) {
	w, err := openWing(ctx, j)
	if err != nil {
		return sight{}, err
	}
	s := &stage{wing: w, journal: j}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err := s.open(ctx, max(p.readers, p.crowd)); err != nil {
		return sight{}, err
	}
	if err := p.live(ctx, s, &found); err != nil {
		return sight{}, fmt.Errorf("live: %w", err)
	}
	if err := p.cut(ctx, s, &found); err != nil {
		return sight{}, fmt.Errorf("cut off: %w", err)
	}
	if err := p.weigh(ctx, s, &found); err != nil {
		return sight{}, fmt.Errorf("memory: %w", err)
	}
	return found, nil
}

// stage is a server with readers' keys and somebody elsewhere who commits events.
type stage struct {
	*wing
	journal *journal
	keys    []string
	pool    *pgxpool.Pool
	hub     *event.Hub
	stop    func()
	told    map[string]int64 // the newest sequence of each project
}

func (s *stage) open(ctx context.Context, readers int) error {
	for range 1 + readers/streamsOfKey {
		key, err := s.who.makeKey(ctx, s.url)
		if err != nil {
			return err
		}
		s.keys = append(s.keys, key)
	}
	address, err := s.in.command(ctx, "db", "url")
	if err != nil {
		return err
	}
	if s.pool, err = db.Open(ctx, strings.TrimSpace(address), db.Options{Name: "bench", MaxConns: 4}); err != nil {
		return err
	}
	s.hub = event.NewHub(s.pool, slog.New(slog.DiscardHandler))
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { s.hub.Run(running) })
	s.stop = func() {
		stop()
		done.Wait()
	}
	s.told = map[string]int64{}
	return s.project(ctx)
}

// project makes one more.
func (s *stage) project(ctx context.Context) error {
	if err := s.write(ctx, strings.NewReader(`{"idea":"A place where dog owners find a walker nearby"}`)); err != nil {
		return err
	}
	s.told[s.made[len(s.made)-1]] = 1
	return nil
}

func (s *stage) close(ctx context.Context) error {
	if s.stop != nil {
		s.stop()
	}
	if s.pool != nil {
		s.pool.Close()
	}
	return s.wing.close(ctx)
}

// key is the one a reader comes with.
func (s *stage) key(reader int) string { return s.keys[reader/streamsOfKey] }

// tell commits an event of a project and returns its sequence and when it was
// committed.
func (s *stage) tell(ctx context.Context, project string) (int64, time.Time, error) {
	seq := s.told[project] + 1
	stream, at := event.Stream(project), time.Now().UTC()
	err := db.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		return event.AppendTx(ctx, tx, stream, at, event.Draft{
			Kind: "project.renamed", Data: map[string]string{"name": fmt.Sprintf("Pawbook %d", seq)},
		})
	})
	committed := time.Now()
	if err != nil {
		return 0, committed, err
	}
	s.hub.Wake(stream)
	s.told[project] = seq
	return seq, committed, nil
}

// live tells events to a browser and to many readers of the same project.
func (p watching) live(ctx context.Context, s *stage, found *sight) error {
	project := s.made[0]
	screen, err := openScreen(ctx, s.url+"/p/"+project+"/", s.who.cookie)
	if err != nil {
		return err
	}
	readers := s.crowd(ctx, p.readers, func(int) string { return project })
	if err = readers.await(ctx, s.told[project]); err == nil {
		var committed map[int64]time.Time
		if committed, err = s.tellAll(ctx, project, p.events, p.every); err == nil {
			err = readers.await(ctx, s.told[project])
		}
		readers.leave()
		for _, r := range readers.all {
			found.http = append(found.http, r.delays(committed)...)
			found.gaps, found.doubles = found.gaps+r.gaps, found.doubles+r.doubles
		}
		if err == nil {
			found.browser, err = screen.delays(committed) //nolint:contextcheck // the tab has its own
		}
	}
	s.journal.say("p9: %d events at %.0f/s: browser p50 %s p95 %s max %s; %d readers p50 %s p95 %s max %s", p.events, float64(time.Second)/float64(p.every),
		quantileOf(found.browser, .5), quantileOf(found.browser, .95), quantileOf(found.browser, 1),
		p.readers, quantileOf(found.http, .5), quantileOf(found.http, .95), quantileOf(found.http, 1))
	return errors.Join(err, screen.close())
}

// tellAll tells events at a steady pace and returns when each was committed.
func (s *stage) tellAll(ctx context.Context, project string, n int, every time.Duration) (map[int64]time.Time, error) {
	committed := map[int64]time.Time{}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for range n {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		seq, at, err := s.tell(ctx, project)
		if err != nil {
			return nil, err
		}
		committed[seq] = at
	}
	return committed, nil
}

// cut tells events to readers who leave at random while the server is stopped and
// killed under them.
func (p watching) cut(ctx context.Context, s *stage, found *sight) error {
	project := s.made[0]
	readers := s.crowd(ctx, min(p.readers, 50), func(int) string { return project })
	readers.restless.Store(true)
	telling, done := context.WithCancel(ctx)
	told := make(chan error, 1)
	go func() { // until the server was cut down as often as wanted
		for telling.Err() == nil {
			if _, err := s.tellAll(telling, project, 1, 50*time.Millisecond); err != nil && telling.Err() == nil {
				told <- err
				return
			}
		}
		told <- nil
	}()
	err := s.cutDown(ctx, p.cuts)
	done()
	err = errors.Join(err, <-told)
	readers.restless.Store(false)
	if err == nil {
		err = readers.await(ctx, s.told[project])
	}
	readers.leave()
	for _, r := range readers.all {
		found.returns += r.returns
		found.gaps, found.doubles = found.gaps+r.gaps, found.doubles+r.doubles
	}
	s.journal.say("p9: %d readers up to event %d, %d × SIGTERM and %d × SIGKILL under them: %d reconnects, %d gaps, %d doubles",
		len(readers.all), s.told[project], p.cuts, p.cuts, found.returns, found.gaps, found.doubles)
	return err
}

// cutDown ends the server in both ways, several times, and starts it again.
func (s *stage) cutDown(ctx context.Context, times int) error {
	for range times {
		for _, end := range []func() error{func() error { return s.process.term(ctx) }, func() error { return s.process.kill() }} {
			pause(ctx, 2*time.Second)
			if err := end(); err != nil {
				return err
			}
			var err error
			if s.process, err = s.fleet.start(ctx); err != nil {
				return err
			}
		}
	}
	pause(ctx, 2*time.Second)
	return ctx.Err()
}

// weigh opens many streams, each of a project of its own, tells each something and
// reads the memory of the process.
func (p watching) weigh(ctx context.Context, s *stage, found *sight) error {
	idle, err := residentOf(s.process.cmd.Process.Pid)
	if err != nil {
		return err
	}
	for len(s.made) < p.crowd {
		if err := s.project(ctx); err != nil {
			return err
		}
	}
	readers := s.crowd(ctx, p.crowd, func(i int) string { return s.made[i] })
	defer readers.leave()
	for i := range readers.all {
		if _, _, err := s.tell(ctx, s.made[i]); err != nil {
			return err
		}
	}
	for _, r := range readers.all {
		if err := r.await(ctx, s.told[r.project]); err != nil {
			return err
		}
		found.gaps, found.doubles = found.gaps+r.gaps, found.doubles+r.doubles
	}
	found.streams = len(readers.all)
	found.memory, err = residentOf(s.process.cmd.Process.Pid)
	s.journal.say("p9: resident memory %d MB before, %d MB with %d streams open, each of a project of its own and told something", idle>>20, found.memory>>20, found.streams)
	return err
}
