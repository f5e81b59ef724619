package e2e_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestLiveStream: the page's stream works under the content security policy,
// says so when the server goes, and comes back by itself with the next server.
func TestLiveStream(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)))
	until(ctx, t, "connected", `document.documentElement.dataset.live === 'on'`)
	p.stop(t)
	until(ctx, t, "the page says it reconnects", `document.documentElement.dataset.live === 'lost' &&
		getComputedStyle(document.querySelector('.live.lost')).display !== 'none'`)
	p.again(t)
	until(ctx, t, "connected again", `document.documentElement.dataset.live === 'on'`)
	clean(ctx, t)
}

// TestHomeIsLive: an open page shows what happens to its project elsewhere, each thing
// once, also what happened while the tab was hidden; what somebody is typing stays, and
// the part they typed in is brought up to date when they leave it.
func TestHomeIsLive(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)))
	until(ctx, t, "the idea box has the focus", `document.activeElement.tagName === 'TEXTAREA'`)
	press(ctx, t, idea)
	tabTo(ctx, t, "form[action='/projects'] button")
	press(ctx, t, kb.Enter)
	until(ctx, t, "the questions are live", `location.pathname.startsWith('/p/prj_') && document.documentElement.dataset.live === 'on'`)
	home(ctx, t, idea) // without the toast of before
	until(ctx, t, "live again", `document.documentElement.dataset.live === 'on'`)
	js[bool](ctx, t, `(() => {
		window.elsewhere = (what, fields) => fetch(location.pathname + what, { method: 'POST', redirect: 'manual',
			body: new URLSearchParams({ team: document.querySelector('#manage [name=team]').value, ...fields }) }).then(() => true);
		window.rows = () => [...document.querySelectorAll('#lately-rows b')].map(b => b.textContent);
		return true;
	})()`)
	js[bool](ctx, t, `elsewhere('rename', { name: 'Pawbook' })`)
	until(ctx, t, "the new name and its row", `document.querySelector('h1').textContent === 'Pawbook' && rows().join() === 'Begun with an idea,Renamed to Pawbook'`)

	tabTo(ctx, t, "#manage [name=name]")
	press(ctx, t, " and more")
	js[bool](ctx, t, `elsewhere('park', { note: 'until spring' })`)
	until(ctx, t, "on hold", `document.querySelector('#home-note').innerText.includes('until spring')`)
	if got := js[string](ctx, t, `document.activeElement.value`); !strings.Contains(got, "and more") {
		t.Errorf("what was being typed became %q", got)
	}
	if !js[bool](ctx, t, `!!document.querySelector('#manage [name=note]')`) {
		t.Error("the part that is worked in was replaced")
	}
	js[bool](ctx, t, `(document.activeElement.blur(), true)`)
	until(ctx, t, "the part that was left is up to date", `!document.querySelector('#manage [name=note]')`)

	hide := func(hidden string) {
		js[bool](ctx, t, `(Object.defineProperty(document, 'hidden', { configurable: true, get: () => `+hidden+` }), document.dispatchEvent(new Event('visibilitychange')), true)`)
	}
	hide("true")
	until(ctx, t, "a hidden tab has no stream", `!document.querySelector('#live')._htmx?.sse`)
	for i := range 22 {
		js[bool](ctx, t, `elsewhere('rename', { name: 'Name `+strconv.Itoa(i)+`' })`)
	}
	hide("false")
	until(ctx, t, "what was missed", `rows().at(-1) === 'Renamed to Name 21' && document.querySelector('h1').textContent === 'Name 21'`)
	if got := js[[]string](ctx, t, `rows()`); len(got) != 20 || got[0] != "Renamed to Name 2" {
		t.Errorf("the log shows %d rows from %q, want the newest 20, each once", len(got), got[0])
	}
	accessible(ctx, t)
	clean(ctx, t)
}

// TestOffline: with the server gone a page is still an answer, and its way back
// works.
func TestOffline(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{360, 780, "light"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)))
	until(ctx, t, "the service worker is there", `navigator.serviceWorker.controller || (navigator.serviceWorker.ready, document.documentElement.dataset.worker ?? (navigator.serviceWorker.ready.then(() => document.documentElement.dataset.worker = 'yes'), false))`)
	p.stop(t)
	do(ctx, t, chromedp.Navigate(p.base+"/account"))
	until(ctx, t, "the offline page", `/not reach|offline|not running|cannot be reached/i.test(document.body.innerText)`)
	accessible(ctx, t)
	p.again(t)
	do(ctx, t, chromedp.Navigate(p.base+"/account"))
	until(ctx, t, "the page itself", `document.querySelector('h1').textContent === 'Settings'`)
}
