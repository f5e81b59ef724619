package e2e_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// told is an idea that can be built without an AI.
const told = "I walk dogs for eleven families. Every Sunday evening I text everyone to plan the week. " +
	"I want one page where they pick a free slot themselves, and where I see my week with each dog's name and its quirks."

// TestIdeaToOption goes from the start link to "Build this" in demo mode: with a mouse,
// by keyboard alone, on a phone, and without script. The build then waits.
func TestIdeaToOption(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		screen screen
		walk   func(ctx context.Context, t *testing.T)
	}{
		"mouse":       {screen{1440, 900, "light"}, byMouse},
		"keyboard":    {screen{1440, 900, "dark"}, byKeyboard},
		"phone":       {screen{360, 780, "light"}, byMouse},
		"scripts off": {screen{360, 780, "dark"}, withoutScript},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := serve(t)
			ctx := tab(t, way.screen)
			if name == "scripts off" {
				scriptOff(ctx, t)
			}
			do(ctx, t, chromedp.Navigate(p.startLink(t)))
			way.walk(ctx, t)
			until(ctx, t, "the build waits", `location.pathname.endsWith('/build') && document.querySelector('h1').innerText === 'Waiting'`)
			until(ctx, t, "its place in line", `document.body.innerText.includes('first in line')`)
			clean(ctx, t)
			if name != "scripts off" { // axe is a script
				accessible(ctx, t)
			}
		})
	}
}

const (
	canBuild = `document.querySelector('#build .primary')?.innerText.startsWith('Build this, up to $0.00')`
)

func asksNumber(n string) string {
	return `document.querySelector('#talk .step')?.innerText.startsWith('Question ` + n + ` of 3')`
}

// byMouse needs one press to the first question.
func byMouse(ctx context.Context, t *testing.T) {
	t.Helper()
	do(ctx, t, chromedp.SendKeys("#idea", told), chromedp.Click(".idea .primary"))
	until(ctx, t, "the first question", asksNumber("1"))
	clean(ctx, t)
	do(ctx, t, chromedp.Click(".options label"), chromedp.Click("button[value=next]"))
	until(ctx, t, "the second question", asksNumber("2"))
	do(ctx, t, chromedp.Click("button[value=decide]"))
	until(ctx, t, "what was assumed, at once", asksNumber("3")+` && document.querySelector('#said').innerText.includes('We assume')`)
	clean(ctx, t)
	do(ctx, t, chromedp.Click("button[value=enough]"))
	until(ctx, t, "the page with its price", `location.pathname.endsWith('/brief') && document.querySelectorAll('.part.done').length > 8 && `+canBuild)
	clean(ctx, t)
	accessible(ctx, t)
	do(ctx, t, chromedp.Click("#build .primary"))
}

func byKeyboard(ctx context.Context, t *testing.T) {
	t.Helper()
	until(ctx, t, "the idea box has the focus", `document.activeElement.id === 'idea'`)
	press(ctx, t, told)
	do(ctx, t, chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(2)))
	until(ctx, t, "the first question", asksNumber("1"))
	tabTo(ctx, t, ".options input")
	press(ctx, t, " ")
	press(ctx, t, kb.Enter)
	until(ctx, t, "the second question", asksNumber("2"))
	tabTo(ctx, t, "#text")
	press(ctx, t, "What I say myself")
	do(ctx, t, chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(2)))
	until(ctx, t, "the third question", asksNumber("3")+` && document.querySelector('#said').innerText.includes('What I say myself')`)
	tabTo(ctx, t, "button[value=enough]")
	press(ctx, t, kb.Enter)
	until(ctx, t, "the page with its price", canBuild)
	tabTo(ctx, t, "#build .primary")
	press(ctx, t, kb.Enter)
}

// withoutScript presses "Look again" where a page would have changed by itself.
func withoutScript(ctx context.Context, t *testing.T) {
	t.Helper()
	do(ctx, t, chromedp.SendKeys("#idea", told), chromedp.Click(".idea .primary"))
	until(ctx, t, "the questions", `location.pathname.endsWith('/questions')`)
	again(ctx, t, "the first question", asksNumber("1"))
	for _, next := range []string{"2", "3"} {
		do(ctx, t, chromedp.Click("button[value=decide]"))
		until(ctx, t, "question "+next, asksNumber(next))
	}
	do(ctx, t, chromedp.Click("button[value=decide]"))
	until(ctx, t, "the page", `location.pathname.endsWith('/brief')`)
	again(ctx, t, "the page with its price", canBuild)
	do(ctx, t, chromedp.Click("#build .primary"))
}

// again reloads until an expression is true, as a person without script does.
func again(ctx context.Context, t *testing.T, what, expression string) {
	t.Helper()
	for range 60 {
		until(ctx, t, "a page", `document.readyState === 'complete' && document.querySelector('h1')`)
		if js[bool](ctx, t, `!!(`+expression+`)`) {
			return
		}
		do(ctx, t, chromedp.Reload())
	}
	t.Fatalf("%s never came\non %s", what, where(ctx))
}
