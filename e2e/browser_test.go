// Package e2e_test drives the whole program in a real browser, as a person would.
package e2e_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/browser/axe"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/sandbox/sandboxtest"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser is the one Chromium of this package; every test opens a context of its
// own in it, with its own cookies.
var browser context.Context

// patience is how long a test waits for anything on the screen: on a busy machine
// a page took up to 12 s.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	sandboxtest.Init() // the App of a test builds cages
	profile, err := os.MkdirTemp("", "e2e")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(profile) //nolint:errcheck // a folder in /tmp
	options := []chromedp.ExecAllocatorOption{
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(profile),
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, end := chromedp.NewContext(allocator)
	defer end()
	browser = ctx //nolint:fatcontext // set once, before any test
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		panic("e2e needs Chromium; ./do test installs it: " + err.Error())
	}
	dbtest.Main(m)
}

// screen is what a tab pretends to be.
type screen struct {
	width, height int64
	scheme        string // light or dark
}

// Screens the pages must work on: a desk and a phone, light and dark.
func screens() map[string]screen {
	return map[string]screen{
		"1440 light": {1440, 900, "light"},
		"1440 dark":  {1440, 900, "dark"},
		"360 light":  {360, 780, "light"},
		"360 dark":   {360, 780, "dark"},
	}
}

// tab opens a tab with its own cookies and fails the test at its end when the
// page broke the content security policy or a script failed.
func tab(t *testing.T, s screen) context.Context {
	t.Helper()
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	// The first action makes the tab, and the tab lives as long as its context:
	// no time limit here.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	do(ctx, t, chromedp.EmulateViewport(s.width, s.height))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: s.scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatalf("emulate media: %v", err)
	}
	// Each tab behaves as the one in front, also while another test's is.
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatalf("emulate focus: %v", err)
	}
	watch := page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.__faults = JSON.parse(sessionStorage.getItem('__faults') || '[]');
		const keep = s => { __faults.push(s); sessionStorage.setItem('__faults', JSON.stringify(__faults)); };
		document.addEventListener('securitypolicyviolation', e => keep('csp: ' + e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sample + ' on ' + location.pathname));
		addEventListener('error', e => keep('script: ' + e.message + ' on ' + location.pathname));
		addEventListener('unhandledrejection', e => keep('promise: ' + e.reason + ' on ' + location.pathname));`}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, watch); err != nil {
		t.Fatalf("watch for faults: %v", err)
	}
	return ctx
}

// do carries out browser actions, each within patience.
func do(ctx context.Context, t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	for i, a := range actions {
		limited, cancel := context.WithTimeout(ctx, patience)
		err := chromedp.Do(limited, a)
		cancel()
		if err != nil {
			t.Fatalf("browser action %d: %v\non %s", i+1, err, where(ctx))
		}
	}
}

// where says which page a tab shows, for messages.
func where(ctx context.Context) string {
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := chromedp.Run(limited, chromedp.Evaluate[string](`location.href + '\n' + document.body.innerText.slice(-1200)`))
	if err != nil {
		return "an unknown page: " + err.Error()
	}
	return s
}

// js evaluates an expression in the page; a promise is awaited.
func js[T any](ctx context.Context, t *testing.T, expression string) T {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v, err := chromedp.Run(limited, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// press sends keys to whatever has the focus, as a keyboard does.
func press(ctx context.Context, t *testing.T, keys string) {
	t.Helper()
	do(ctx, t, chromedp.KeyEvent(keys))
}

// tabTo presses Tab until the element that selector names has the focus: what a
// person without a mouse has to do to get there.
func tabTo(ctx context.Context, t *testing.T, selector string) {
	t.Helper()
	for range 200 {
		if js[bool](ctx, t, `document.activeElement?.matches(`+quote(selector)+`) ?? false`) {
			return
		}
		press(ctx, t, kb.Tab)
	}
	t.Fatalf("Tab never reaches %s\non %s", selector, where(ctx))
}

// quote writes s as a JavaScript string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(b)
}

// until waits for an expression to become true, over any number of pages.
func until(ctx context.Context, t *testing.T, what, expression string) {
	t.Helper()
	within(ctx, t, patience, what, expression)
}

// within is until with a patience of its own.
func within(ctx context.Context, t *testing.T, most time.Duration, what, expression string) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	question := `(() => { try { return !!(` + expression + `); } catch { return false; } })()`
	var last error
	for {
		yes, err := chromedp.Run(limited, chromedp.Evaluate[bool](question))
		if err == nil && yes {
			return
		}
		if limited.Err() == nil {
			last = err // a page that is being left cannot answer
		}
		select {
		case <-limited.Done():
			t.Fatalf("waited for %s (%v)\non %s", what, last, where(ctx))
		case <-look.C:
		}
	}
}

// clean fails the test for anything the page did that its policy forbids, any
// script that failed, and sideways scrolling.
func clean(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, f := range js[[]string](ctx, t, `window.__faults || []`) {
		t.Error(f)
	}
	if over := js[float64](ctx, t, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("%s scrolls sideways by %v px", js[string](ctx, t, `location.pathname`), over)
	}
}

// accessible fails the test for everything axe finds on the page.
func accessible(ctx context.Context, t *testing.T) {
	t.Helper()
	js[bool](ctx, t, axe.Script+";true")
	found := js[[]string](ctx, t, `axe.run(document, {iframes: false,
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v =>
		v.id + ' (' + v.impact + ') ' + v.nodes.map(n => n.target + ' ' + (n.failureSummary || '')).join('; ')))`)
	for _, f := range found {
		t.Errorf("axe on %s: %s", js[string](ctx, t, `location.pathname`), strings.ReplaceAll(f, "\n", " "))
	}
}

// scriptOff makes the tab a browser without JavaScript. Reading the page through
// js still works: it is not the page's own script.
func scriptOff(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatalf("switch scripts off: %v", err)
	}
}
