package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	events "cofounder/internal/platform/event"
	"cofounder/internal/product/interview"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

// about reports whether an event is of one of these families.
func about(families ...string) func(events.Event) bool {
	return func(e events.Event) bool {
		return slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(e.Kind, f) })
	}
}

// questionsLive is the stream of the questions. With aside the question in the middle
// stays: it is one that was answered before.
func (s *Site) questionsLive(w http.ResponseWriter, r *http.Request, at watch) error {
	draw := questionParts
	if r.URL.Query().Get("aside") != "" {
		draw = view.SaidPanels
	}
	return s.stream(w, r, at.visit, at.panelsOnly(about("project.", "interview."), func(ctx context.Context) (templ.Component, error) {
		return at.ofQuestions(ctx, draw)
	}), at.allowed)
}

// panelsOnly is a board without a log.
func (h watch) panelsOnly(touches func(events.Event) bool, panels func(ctx context.Context) (templ.Component, error)) board {
	none := func([]events.Event) (templ.Component, error) { return templ.NopComponent, nil }
	return board{follow: h.follow, touches: touches, panels: panels, rows: none, log: none}
}

// ofQuestions draws parts of the page as it is now.
func (h watch) ofQuestions(ctx context.Context, draw func(view.Shell, view.Questions) templ.Component) (templ.Component, error) {
	p, actor, err := h.read(ctx)
	if err != nil {
		return nil, err
	}
	page, err := h.site.questions(ctx, actor, p)
	if err != nil || page.Talk == nil {
		return templ.NopComponent, err
	}
	page.Live = true
	return draw(view.Shell{Project: &p}, page), nil
}

func questionParts(sh view.Shell, page view.Questions) templ.Component {
	if at := slices.IndexFunc(page.Talk.Questions, func(q interview.Question) bool { return q.ID == page.Talk.Current }); at >= 0 {
		page.Shown = &page.Talk.Questions[at]
	}
	return templ.Join(view.QuestionPanels(sh, page), view.SaidPanels(sh, page))
}
