package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestJobPages: River's own pages draw under the policy we give them, and what is done
// there is done, and in the audit.
func TestJobPages(t *testing.T) {
	t.Parallel()
	p := serve(t)
	openTeam(t, p)
	for name, s := range map[string]screen{"1440": {1440, 900, "light"}, "360": {360, 780, "dark"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := tab(t, s)
			do(ctx, t, chromedp.Navigate(p.startLink(t)), chromedp.Navigate(p.base+"/admin/jobs/jobs?state=completed"))
			until(ctx, t, "the jobs that are done", `document.querySelector('#root').innerText.includes('account.sweep')`)
			do(ctx, t, chromedp.Navigate(p.base+"/admin/jobs/queues"))
			until(ctx, t, "the queues", `document.querySelector('#root').innerText.includes('Pause, node')`)
			for _, f := range js[[]string](ctx, t, `window.__faults || []`) {
				// A library asks whether it may make code, and does without.
				if !strings.HasPrefix(f, "csp: script-src eval ") {
					t.Error(f)
				}
			}
		})
	}
	t.Run("pause", func(t *testing.T) {
		t.Parallel()
		ctx := tab(t, screen{1440, 900, "light"})
		do(ctx, t, chromedp.Navigate(p.startLink(t)), chromedp.Navigate(p.base+"/admin/runs"))
		until(ctx, t, "the way there", `document.querySelector('main nav a[href="/admin/jobs/"]')`)
		do(ctx, t, chromedp.Navigate(p.base+"/admin/jobs/queues/default"))
		button := `[...document.querySelectorAll('button')].find(b => b.innerText.trim() === '`
		until(ctx, t, "the button", button+`Pause')`)
		js[bool](ctx, t, `(`+button+`Pause').click(), true)`)
		until(ctx, t, "the queue is paused", button+`Resume')`)
		do(ctx, t, chromedp.Navigate(p.base+"/admin/audit"))
		until(ctx, t, "the audit", `document.querySelector('main table').innerText.includes('Paused a queue') && document.querySelector('main table').innerText.includes('queue default')`)
		do(ctx, t, chromedp.Navigate(p.base+"/admin/runs"))
		until(ctx, t, "the warning", `document.querySelector('main').innerText.includes('The queue default was paused')`)
	})
}
