package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"cofounder/internal/platform/config"
)

// Serve runs the program until ctx ends, then stops it in order; closing abort
// ends it at once. Without a DATABASE_URL it speaks to the person in front of the
// terminal on s.Out; otherwise everything goes to the log.
func Serve(ctx context.Context, cfg config.Config, s Streams, abort <-chan struct{}) error {
	began := time.Now()
	log := logger(cfg, s)
	t := newTerminal(cfg, s.Out)
	a, err := Open(ctx, Options{Config: cfg, Log: log, Progress: t.progress})
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("stopped before it had started; nothing is lost")
		}
		return err
	}
	defer func() {
		if err := a.Close(context.WithoutCancel(ctx)); err != nil {
			log.WarnContext(ctx, "not everything was closed", "err", err)
		}
	}()
	a.beginLooking(ctx)
	addr, err := a.Listen(ctx)
	if err != nil {
		return err
	}
	a.log.InfoContext(ctx, "serving", "addr", addr, "url", cfg.HTTP.PublicURL.String(), "version", Version(), "roles", cfg.Process.Roles)
	for _, w := range cfg.Warnings() {
		log.WarnContext(ctx, "setting will disappoint", "why", w)
	}
	// A signal from here on is Run's to answer, in order.
	if err := a.greet(context.WithoutCancel(ctx), t, addr, time.Since(began)); err != nil {
		return err
	}
	err = a.Run(ctx, abort)
	t.farewell(err)
	a.log.InfoContext(ctx, "stopped")
	return err
}

// lookTime is how long the first start waits for what this computer can do, before it
// says so.
const lookTime = 2 * time.Second

// greet tells who is in front of the terminal what is ready and how to get in.
func (a *App) greet(ctx context.Context, t *terminal, addr string, took time.Duration) error {
	if !a.cfg.Process.Has(config.Web) {
		return nil
	}
	known, err := a.Accounts.HasUsers(ctx)
	if err != nil {
		return fmt.Errorf("look for accounts: %w", err)
	}
	if t.out == nil {
		if !known {
			a.log.InfoContext(ctx, "there is no account yet: run cofounder user reset for the link that makes the first one")
		}
		return nil
	}
	address := publicURL(a.cfg, addr)
	if known && !t.watched {
		t.again(address.String(), "", took)
		return nil
	}
	code, err := a.Accounts.MintStartLink(ctx)
	if err != nil {
		return fmt.Errorf("make the start link: %w", err)
	}
	link := address.JoinPath("start", code).String()
	if known {
		t.again(address.String(), link, took)
	} else {
		a.machine.cages.await(ctx, lookTime)
		t.first(address.String(), link, a.machine.facts(), took)
	}
	return nil
}

// publicURL is where browsers reach us. Where the settings name port 0 the real
// one stands in.
func publicURL(cfg config.Config, addr string) *url.URL {
	u := *cfg.HTTP.PublicURL
	if u.Port() == "0" {
		if _, port, err := net.SplitHostPort(addr); err == nil {
			u.Host = net.JoinHostPort(u.Hostname(), port)
		}
	}
	return &u
}
