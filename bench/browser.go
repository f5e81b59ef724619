package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// The slow profile: a mediocre phone on a mediocre network.
const (
	slowBytes       = 1_600_000 / 8 // a second
	slowLatency     = 150           // milliseconds
	slowCPU         = 4             // times slower
	slowLoads       = 7             // of each page; the median counts
	paintBudget     = 1200 * time.Millisecond
	interactBudget  = 1000 * time.Millisecond
	browserPatience = time.Minute
)

// arrival is how soon a page could be seen and used.
type arrival struct{ paint, interactive time.Duration }

// openBrowser starts a Chromium with a profile of its own; end stops it and removes
// that.
func openBrowser(ctx context.Context) (browser context.Context, end func() error, err error) {
	profile, err := os.MkdirTemp("", "bench-browser-")
	if err != nil {
		return nil, nil, fmt.Errorf("start a browser: %w", err)
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(profile),
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	browser, leave := chromedp.NewContext(allocator)
	end = func() error {
		leave()
		stop()
		return os.RemoveAll(profile)
	}
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start a browser: %w", err), end())
	}
	return browser, end, nil
}

// slowly loads a page anew several times in a real browser on a slow connection
// and a slow processor, each time without anything kept, and returns the medians.
func slowly(ctx context.Context, address, cookie string) (median arrival, err error) {
	browser, end, err := openBrowser(ctx)
	if err != nil {
		return arrival{}, err
	}
	defer func() { err = errors.Join(err, end()) }()
	var paints, uses []time.Duration
	for range slowLoads {
		a, err := loadOnce(browser, address, cookie)
		if err != nil {
			return arrival{}, fmt.Errorf("load %s: %w", address, err)
		}
		paints, uses = append(paints, a.paint), append(uses, a.interactive)
	}
	slices.Sort(paints)
	slices.Sort(uses)
	return arrival{paints[slowLoads/2], uses[slowLoads/2]}, nil
}

// loadOnce loads a page in a context with the session and no cache.
func loadOnce(browser context.Context, address, cookie string) (arrival, error) {
	tab, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer end()
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
		return arrival{}, err
	}
	limited, cancel := context.WithTimeout(tab, browserPatience)
	defer cancel()
	if _, err := chromedp.Call(limited, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: slowCPU}); err != nil {
		return arrival{}, fmt.Errorf("slow the processor: %w", err)
	}
	if _, err := chromedp.Call(limited, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Latency: slowLatency, DownloadThroughput: slowBytes, UploadThroughput: slowBytes}},
	}); err != nil {
		return arrival{}, fmt.Errorf("slow the network: %w", err)
	}
	name, value, _ := strings.Cut(cookie, "=")
	if _, err := chromedp.Call(limited, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address, Path: "/", Secure: new(true)}); err != nil {
		return arrival{}, fmt.Errorf("sign in: %w", err)
	}
	if err := chromedp.Do(limited, chromedp.Navigate(address)); err != nil {
		return arrival{}, err
	}
	// Deferred scripts have run when DOMContentLoaded ends: the page's handlers
	// are attached.
	times, err := chromedp.Run(limited, chromedp.Evaluate[[]float64](`new Promise(ok => {
		const look = () => { const p = performance.getEntriesByName('first-contentful-paint')[0], n = performance.getEntriesByType('navigation')[0];
			p && n.domContentLoadedEventEnd ? ok([p.startTime, n.domContentLoadedEventEnd]) : setTimeout(look, 50); };
		look(); })`, chromedp.EvalAwaitPromise))
	if err != nil {
		return arrival{}, err
	}
	return arrival{milliseconds(times[0]), milliseconds(times[1])}, nil
}

func milliseconds(n float64) time.Duration {
	return time.Duration(n * float64(time.Millisecond)).Round(time.Millisecond)
}
