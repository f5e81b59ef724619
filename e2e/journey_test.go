package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	ownerEmail    = "mara@example.com"
	ownerPassword = "seven walnut umbrellas"
	idea          = "I walk dogs for eleven families and want them to book a free slot themselves."
)

// TestFirstVisitByKeyboard is a newcomer's first minutes without a mouse: start
// link, an idea, a way to come back, an access key that works, another browser
// signed out.
func TestFirstVisitByKeyboard(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	link := p.startLink(t)
	do(ctx, t, chromedp.Navigate(link))
	until(ctx, t, "the idea box has the focus", `document.activeElement.tagName === 'TEXTAREA'`)
	press(ctx, t, idea)
	tabTo(ctx, t, "form[action='/projects'] button")
	press(ctx, t, kb.Enter)
	until(ctx, t, "the first question", `location.pathname.endsWith('/questions') && document.querySelector('#talk .step').innerText.startsWith('Question 1 of 3')`)
	clean(ctx, t)

	openSettings(ctx, t)
	tabTo(ctx, t, "#return-email")
	press(ctx, t, ownerEmail)
	press(ctx, t, kb.Tab)
	press(ctx, t, ownerPassword)
	press(ctx, t, kb.Enter)
	until(ctx, t, "settings know the address", `document.querySelector('#password') && document.body.innerText.includes('Current password')`)
	clean(ctx, t)

	tabTo(ctx, t, "#key-name")
	press(ctx, t, "Backup script")
	press(ctx, t, kb.Enter)
	until(ctx, t, "the key is shown", `document.querySelector('#new-key')`)
	key := js[string](ctx, t, `document.querySelector('#new-key').textContent.trim()`)
	if names := projectsByKey(t, p.base, key); len(names) != 1 {
		t.Errorf("the key sees projects %q, want one", names)
	}

	other := tab(t, screen{360, 780, "dark"})
	signIn(other, t, p.base)
	do(ctx, t, chromedp.Navigate(p.base+"/account"))
	tabTo(ctx, t, "form[action^='/account/sessions/ses_'] button")
	press(ctx, t, kb.Enter)
	until(ctx, t, "one session is left", `document.querySelectorAll('#sessions li').length === 1 || console.log(document.querySelector('#sessions').innerText)`)
	do(other, t, chromedp.Navigate(p.base+"/account"))
	until(other, t, "the other browser is signed out", `location.pathname === '/sign-in'`)
	clean(ctx, t)
	clean(other, t)

	do(ctx, t, chromedp.Navigate(link))
	until(ctx, t, "a used link in the same browser leads home", `location.pathname === '/'`)
	do(other, t, chromedp.Navigate(link))
	until(other, t, "a used link elsewhere says so", `/used/.test(document.body.innerText)`)
}

// openSettings goes there through the palette.
func openSettings(ctx context.Context, t *testing.T) {
	t.Helper()
	do(ctx, t, chromedp.KeyEvent("k", chromedp.KeyModifiers(2)))
	until(ctx, t, "the palette is open", `document.querySelector('#palette').open`)
	press(ctx, t, "settings")
	until(ctx, t, "settings are chosen", `/settings/i.test(document.querySelector('#palette li[aria-selected=true]').textContent)`)
	press(ctx, t, kb.Enter)
	until(ctx, t, "settings", `location.pathname === '/account' && document.querySelector('h1').textContent === 'Settings'`)
}

// signIn comes back with e-mail address and password.
func signIn(ctx context.Context, t *testing.T, base string) {
	t.Helper()
	do(ctx, t, chromedp.Navigate(base+"/account"))
	until(ctx, t, "the sign-in page", `location.pathname === '/sign-in' && document.activeElement.name === 'email'`)
	press(ctx, t, ownerEmail)
	press(ctx, t, kb.Tab)
	press(ctx, t, ownerPassword)
	press(ctx, t, kb.Enter)
	until(ctx, t, "the page that was asked for", `location.pathname === '/account'`)
}

// projectsByKey lists the names of the projects an access key sees.
func projectsByKey(t *testing.T, base, key string) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/projects", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	r := exchange(t, http.DefaultClient.Do, req)
	var list struct{ Items []struct{ Name string } }
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != http.StatusOK {
		t.Fatalf("%d: %s", r.status, r.body)
	}
	var names []string
	for _, i := range list.Items {
		if !strings.HasPrefix(i.Name, "I walk dogs") {
			t.Errorf("a project is called %q", i.Name)
		}
		names = append(names, i.Name)
	}
	return names
}

// home goes to the home of a project that was just made of an idea with these words.
func home(ctx context.Context, t *testing.T, words string) {
	t.Helper()
	until(ctx, t, "the questions", `location.pathname.startsWith('/p/prj_') && location.pathname.endsWith('/questions')`)
	do(ctx, t, chromedp.Navigate(js[string](ctx, t, `location.href.replace('questions', '')`)))
	until(ctx, t, "the project's home", `document.body.innerText.includes(`+quote(words)+`)`)
}

// TestIdeaIsKept: what was typed survives a reload and a stray click.
func TestIdeaIsKept(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)))
	until(ctx, t, "the idea box has the focus", `document.activeElement.tagName === 'TEXTAREA'`)
	press(ctx, t, "A plan I have been carrying around")
	do(ctx, t, chromedp.Navigate(p.base+"/account"), chromedp.Navigate(p.base+"/new"))
	until(ctx, t, "the text is back", `document.querySelector('textarea').value === 'A plan I have been carrying around'`)
	clean(ctx, t)
}

// TestExampleTakesNothingAway: a text of one's own outlives an example that is
// looked at, changed and even sent; what was sent is forgotten.
func TestExampleTakesNothingAway(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	const own = "A plan I have been carrying around"
	box := func(text string) string { return `document.querySelector('textarea').value === ` + quote(text) }
	do(ctx, t, chromedp.Navigate(p.startLink(t)))
	until(ctx, t, "the idea box has the focus", `document.activeElement.tagName === 'TEXTAREA'`)
	press(ctx, t, own)
	do(ctx, t, chromedp.Click(".examples a"))
	until(ctx, t, "the example is in the box", `document.querySelector('textarea').value.startsWith('I walk dogs')`)

	do(ctx, t, chromedp.SendKeys("textarea", "And cats."), chromedp.Click("#idea-back"))
	until(ctx, t, "my own words are back", box(own))
	do(ctx, t, chromedp.Click("#idea-back"))
	until(ctx, t, "the changed example is there too", `document.querySelector('textarea').value.includes('And cats.')`)
	accessible(ctx, t)

	do(ctx, t, chromedp.Click("form[action='/projects'] button"))
	home(ctx, t, "And cats.")
	do(ctx, t, chromedp.Navigate(p.base+"/new"))
	until(ctx, t, "my own words were not sent, and are kept", box(own)+` && document.querySelector('#idea-back').hidden`)

	do(ctx, t, chromedp.Click("form[action='/projects'] button"))
	home(ctx, t, own)
	do(ctx, t, chromedp.Navigate(p.base+"/new"))
	until(ctx, t, "the box is focused", `document.activeElement.tagName === 'TEXTAREA'`)
	if left := js[string](ctx, t, `document.querySelector('textarea').value + Object.keys(localStorage).filter(k => k.startsWith('kept:'))`); left != "" {
		t.Errorf("%q is kept although it was sent", left)
	}
	clean(ctx, t)
}

// TestWithoutScript: sign-in, a project and taking back its deletion need no
// JavaScript.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{360, 780, "light"})
	scriptOff(ctx, t)
	do(ctx, t, chromedp.Navigate(p.startLink(t)),
		chromedp.SendKeys("textarea", idea),
		chromedp.Click("form[action='/projects'] button"),
	)
	home(ctx, t, idea)
	do(ctx, t,
		chromedp.Click("a[href$='/delete']"),
		chromedp.WaitVisible("#confirm"),
	)
	name := js[string](ctx, t, `document.querySelector('#confirm-hint').textContent`)
	do(ctx, t, chromedp.SendKeys("#confirm", name),
		chromedp.Click("form[action$='/delete'] button"),
		chromedp.WaitVisible(".toast form[action$='/restore'] button"),
		chromedp.Click(".toast form[action$='/restore'] button"),
	)
	until(ctx, t, "the project is in the list again", `location.pathname === '/' && document.querySelector('.projects .project h2')?.textContent === `+quote(name))
}
