package e2e_test

import (
	"testing"

	"github.com/chromedp/chromedp"
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
