package e2e_test

import (
	"context"
	"strings"
	"testing"

	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// paged tells an idea, leaves all questions to us and waits for the page.
func paged(t *testing.T, p *product, owner account.Actor) project.ID {
	t.Helper()
	begun, err := p.app.Interviews.Begin(t.Context(), owner, project.Draft{Idea: idea})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	news, err := p.app.Projects.Follow(ctx, owner, begun.Project, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer news.Close()
	for i := begun; i.State != interview.Written; {
		if i, err = p.app.Interviews.Get(ctx, owner, begun.Project); err != nil {
			t.Fatal(err)
		}
		if i.State == interview.Asking {
			if _, err := p.app.Interviews.Submit(ctx, owner, begun.Project, interview.Reply{Question: i.Current, YouDo: true}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if i.State == interview.Written {
			break
		}
		if _, err := news.Next(ctx); err != nil {
			t.Fatalf("the page: %v; it is %s %s", err, i.State, i.Reason)
		}
	}
	return begun.Project
}

// Documents are asked for, appear one by one, are read, edited, compared, brought back
// and taken along.
func TestDocumentsInABrowser(t *testing.T) {
	t.Parallel()
	p := serve(t, "COFOUNDER_SIGNUP=open")
	owner := openTeam(t, p)
	pid := paged(t, p, owner)
	at := p.base + "/p/" + string(pid) + "/documents"
	ctx := tab(t, screen{1440, 900, "light"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)), chromedp.Navigate(at))
	tabTo(ctx, t, "main button.primary")
	press(ctx, t, kb.Enter)
	until(ctx, t, "all four, without loading again", `['milestones', 'risks', 'how_it_works', 'architecture'].every(k => document.querySelector('#doc-' + k + ' .pill.ok'))`)
	clean(ctx, t)

	do(ctx, t, chromedp.Navigate(at+"/brief"))
	press(ctx, t, "e")
	until(ctx, t, "the editor", `document.querySelector('form.editor textarea')`)
	tabTo(ctx, t, "form.editor textarea")
	js[bool](ctx, t, `document.activeElement.select(), true`)
	press(ctx, t, "Callers hang up before I can answer.")
	tabTo(ctx, t, "form.editor button.primary")
	press(ctx, t, kb.Enter)
	until(ctx, t, "version 2 with my words", `document.querySelector('.lead').innerText.includes('Version 2') && document.querySelector('main').innerText.includes('Callers hang up')`)
	do(ctx, t, chromedp.Navigate(at+"/brief@1..2"))
	if got := js[string](ctx, t, `[...document.querySelectorAll('main article ins')].map(e => e.textContent).join(' ')`); !strings.Contains(got, "Callers hang up") {
		t.Errorf("marked as added is %q", got)
	}
	clean(ctx, t)
	do(ctx, t, chromedp.Navigate(at+"/brief@1"))
	tabTo(ctx, t, "form[action$='/restore'] button")
	press(ctx, t, kb.Enter)
	until(ctx, t, "version 1 is back as version 3", `document.querySelector('.lead').innerText.includes('Version 3') && !document.querySelector('article').innerText.includes('Callers hang up')`)
	tabTo(ctx, t, "form[action$='/undo'] button")
	press(ctx, t, kb.Enter)
	until(ctx, t, "undone as version 4", `document.querySelector('.lead').innerText.includes('Version 4') && document.querySelector('article').innerText.includes('Callers hang up')`)
	if got := js[string](ctx, t, `fetch(`+quote(at+"/all.md")+`).then(r => r.text())`); !strings.Contains(got, "Callers hang up") || !strings.Contains(got, "## Risks") {
		t.Errorf("the export is %.300s", got)
	}
	if got := js[string](ctx, t, `fetch(`+quote(at+"/all.pdf")+`).then(r => r.text()).then(s => s.slice(0, 5))`); got != "%PDF-" {
		t.Errorf("the PDF begins with %q", got)
	}
	clean(ctx, t)
}

// A decision is marked by a key, taken by Enter.
func TestDecidingByKeys(t *testing.T) {
	t.Parallel()
	p := serve(t, "COFOUNDER_SIGNUP=open")
	owner := openTeam(t, p)
	pid := paged(t, p, owner)
	d, err := p.app.Journeys.Open(t.Context(), owner, pid, journey.Ask{Key: "one", Kind: journey.Direction, Advice: &journey.Advice{Value: journey.Proceed, Reasons: []string{"It is small."}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := tab(t, screen{1440, 900, "light"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)), chromedp.Navigate(p.base+"/p/"+string(pid)+"/decisions/"+string(d.ID)))
	press(ctx, t, "4")
	until(ctx, t, "the fourth choice is marked", `document.activeElement.innerText === 'Not now'`)
	press(ctx, t, "1")
	until(ctx, t, "the first choice is marked", `document.activeElement.innerText === 'Build this'`)
	press(ctx, t, kb.Enter)
	until(ctx, t, "it is taken", `document.querySelector('#decided-title')?.innerText === 'Build this'`)
	clean(ctx, t)
}

// The pages of documents and decisions pass on every screen.
func TestDocumentPagesOnEveryScreen(t *testing.T) {
	t.Parallel()
	p := serve(t, "COFOUNDER_SIGNUP=open")
	owner := openTeam(t, p)
	pid := paged(t, p, owner)
	edit := document.Edit{Place: document.Place{Section: "problem"}, Value: []byte(quote("Calls. " + longWord)), Base: 1}
	if _, err := p.app.Documents.Edit(t.Context(), owner, pid, document.BriefKind, edit); err != nil {
		t.Fatal(err)
	}
	remark := document.Remark{Place: document.Place{Section: "problem"}, Text: longWord + longWord}
	if _, err := p.app.Documents.Comment(t.Context(), owner, pid, document.BriefKind, remark); err != nil {
		t.Fatal(err)
	}
	ask := journey.Ask{Key: "one", Kind: journey.Direction, Advice: &journey.Advice{Value: journey.Narrow, Reasons: []string{longWord}}}
	d, err := p.app.Journeys.Open(t.Context(), owner, pid, ask)
	if err != nil {
		t.Fatal(err)
	}
	home := "/p/" + string(pid)
	for name, s := range screens() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := tab(t, s)
			do(ctx, t, chromedp.Navigate(p.startLink(t)))
			for _, path := range []string{
				"/documents", "/documents/brief", "/documents/brief@1", "/documents/brief@1..2", "/documents/brief?edit=problem", "/documents/brief?comment=whole",
				"/documents/scope", "/documents/scope?edit=features", "/decisions", "/decisions?ask=1", "/decisions/" + string(d.ID),
			} {
				inspect(ctx, t, p.base+home+path)
			}
		})
	}
}
