package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// screen is an open page whose log is watched.
type screen struct {
	tab   context.Context //nolint:containedctx // chromedp keeps its tab in one
	close func() error
}

// notes writes down when each row of the log appears, by the computer's clock, and
// says whether the page is live.
const notes = `(() => {
	window.arrived = {};
	const note = () => { const now = performance.timeOrigin + performance.now();
		for (const row of document.querySelectorAll('#lately-rows b')) arrived[row.textContent] ??= now; };
	new MutationObserver(note).observe(document.querySelector('#lately-rows'), { childList: true });
	return new Promise(ok => { const look = () => document.documentElement.dataset.live === 'on' ? ok(true) : setTimeout(look, 20); look(); });
})()`

// openScreen opens a page in a real browser, signed in, and waits until it is live.
func openScreen(ctx context.Context, address, cookie string) (*screen, error) {
	browser, end, err := openBrowser(ctx)
	if err != nil {
		return nil, err
	}
	tab, leave := chromedp.NewContext(browser)
	s := &screen{tab: tab, close: func() error {
		leave()
		return end()
	}}
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
		return nil, errors.Join(fmt.Errorf("open a tab: %w", err), s.close())
	}
	limited, cancel := context.WithTimeout(tab, browserPatience)
	defer cancel()
	name, value, _ := strings.Cut(cookie, "=")
	_, err = chromedp.Call(limited, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address, Path: "/", Secure: new(true)})
	if err == nil {
		err = chromedp.Do(limited, chromedp.Navigate(address))
	}
	if err == nil {
		_, err = chromedp.Run(limited, chromedp.Evaluate[bool](notes, chromedp.EvalAwaitPromise))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", address, err), s.close())
	}
	return s, nil
}

// delays are how long after its commit each event was on the page. It waits for the
// newest.
func (s *screen) delays(committed map[int64]time.Time) ([]time.Duration, error) {
	newest := int64(0)
	for seq := range committed {
		newest = max(newest, seq)
	}
	limited, cancel := context.WithTimeout(s.tab, browserPatience)
	defer cancel()
	wait := `new Promise(ok => { const look = () => arrived['Renamed to Pawbook ` + strconv.FormatInt(newest, 10) + `'] ? ok(arrived) : setTimeout(look, 20); look(); })`
	arrived, err := chromedp.Run(limited, chromedp.Evaluate[map[string]float64](wait, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	var all []time.Duration
	for seq, at := range committed {
		when, ok := arrived["Renamed to Pawbook "+strconv.FormatInt(seq, 10)]
		if !ok {
			return nil, fmt.Errorf("event %d never was on the page", seq)
		}
		all = append(all, time.UnixMicro(int64(when*1000)).Sub(at))
	}
	return all, nil
}
