package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// series replaces processes one after another while visitors come and go.
type series struct {
	plan
	site     *site
	fleet    *fleet
	journal  *journal
	order    order
	restarts int
	name     string
	control  bool

	members []*member
}

// member is a process and what the balancer knows of it.
type member struct {
	*process
	*target
}

// open starts the two processes and waits until the balancer uses them.
func (s *series) open(ctx context.Context) error {
	for range 2 {
		m, err := s.join(ctx)
		if err != nil {
			return err
		}
		s.members = append(s.members, m)
	}
	return nil
}

// join starts a process and returns when the balancer uses it.
func (s *series) join(ctx context.Context) (*member, error) {
	p, err := s.fleet.start(ctx)
	if err != nil {
		return nil, err
	}
	m := &member{p, s.site.balancer.register(context.WithoutCancel(ctx), p.addr)}
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-m.ready:
		return m, nil
	case <-limit.C:
		err = fmt.Errorf("a server was not ready within %s", startLimit)
	case <-p.ended:
		err = fmt.Errorf("a server ended before it was ready: %w", p.result)
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.site.balancer.remove(m.target)
	return nil, errors.Join(err, p.kill())
}

// leave takes a process out in the series' order. A bad end of it is an error,
// except in the control, where any end is bad.
func (s *series) leave(ctx context.Context, m *member) error {
	var err error
	switch s.order {
	case termFirst:
		err = m.stop(ctx)
		s.site.balancer.notice(ctx, m.target)
	case together:
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			s.site.balancer.deregister(ctx, m.target)
		}()
		err = m.stop(ctx)
		<-gone
	case drainFirst:
		s.site.balancer.deregister(ctx, m.target)
		err = m.stop(ctx)
	}
	s.site.balancer.remove(m.target)
	if err != nil && !s.control {
		return fmt.Errorf("a server did not end well: %w", err)
	}
	return nil
}

func (m *member) stop(ctx context.Context) error {
	m.target.term.Store(time.Now().UnixNano())
	return m.process.term(ctx)
}

// joined is what join returns, through a channel.
type joined struct {
	m   *member
	err error
}

// run restarts under load. The successor of the next process starts while the
// present one still drains, which is when a busy machine hurts most.
func (s *series) run(ctx context.Context, who visitor) (result, error) {
	l := &load{
		url: s.site.url, who: who, rate: s.rate, slow: 4, slowly: s.slowly, streams: 8,
		complain: func(text string) {
			if !s.control {
				s.journal.say("p12: %s: visitor: %s", s.name, text)
			}
		},
	}
	begun := time.Now()
	l.start(ctx)
	done, err := s.replaceAll(ctx)
	l.stop()
	took := time.Since(begun)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return result{}, err
	}
	r := result{
		name: s.name, control: s.control, restarts: done,
		requests: l.sent.Load() + l.slowSent.Load(), failed: l.failed.Load(),
	}
	if !s.control {
		if r.lost, err = l.lost(ctx); err != nil {
			return result{}, err
		}
	}
	s.journal.say("p12: %s: %d restarts in %.0f s; %d requests (%d slow), %d failed, %d shed by us; p50 %s, p99 %s; %d projects acknowledged, %d lost; streams came back %d times, %d told to, %d cut without a word",
		s.name, done, took.Seconds(), r.requests, l.slowSent.Load(), r.failed, l.shed.Load(),
		l.quantile(.5), l.quantile(.99), len(l.made), r.lost,
		l.reconnects.Load(), l.announced.Load(), l.unannounced.Load())
	return r, nil
}

func (s *series) replaceAll(ctx context.Context) (int, error) {
	next := make(chan joined, 1)
	begin := func() {
		go func() {
			m, err := s.join(ctx)
			next <- joined{m, err}
		}()
	}
	begin()
	for n := range s.restarts {
		fresh := <-next
		if fresh.err != nil {
			return n, fresh.err
		}
		old := s.members[n%2]
		s.members[n%2] = fresh.m
		if n+1 < s.restarts {
			begin()
		}
		if err := s.leave(ctx, old); err != nil {
			if n+1 < s.restarts {
				if late := <-next; late.err == nil {
					s.members = append(s.members, late.m)
				}
			}
			return n, err
		}
	}
	return s.restarts, nil
}

// closeAll ends what still runs, after the visitors left.
func (s *series) closeAll(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for _, m := range s.members {
		s.site.balancer.remove(m.target)
		if err := m.stop(ctx); err != nil && !s.control {
			errs = append(errs, fmt.Errorf("a server did not end well: %w", err))
		}
	}
	s.members = nil
	return errors.Join(errs...)
}
