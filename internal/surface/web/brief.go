package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

func briefAddress(p project.Project) string { return view.BriefAddress(view.ProjectAddress(p)) }

// briefPage shows the idea on one page. Where nothing was asked yet, or the questions are
// not answered, it leads to them.
func (s *Site) briefPage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	_, cursor, err := s.cfg.Projects.Lately(r.Context(), v.actor, p.ID, 1)
	if err != nil {
		return err
	}
	page, kept, err := s.brief(r.Context(), v.actor, p)
	if err != nil {
		return err
	}
	if page.Talk == nil || len(page.Sections) == 0 {
		seeOther(w, r, questionsAddress(p))
		return nil
	}
	live := briefAddress(p) + "/live?after=" + strconv.FormatInt(cursor, 10)
	if key := r.URL.Query().Get("edit"); key != "" && page.MayEdit {
		at := slices.IndexFunc(page.Sections, func(b view.BriefSection) bool { return b.Key == key && b.Kept })
		if at < 0 {
			return errNoPaper()
		}
		page.Editing, page.Build, live = key, nil, live+"&edit="+key
		if page.Editor, err = editorOf(*kept[page.Sections[at].Kind].Current, key); err != nil {
			return err
		}
		page.Editor.Back = view.SectionOnBrief(view.ProjectAddress(p), key)
	}
	sh, err := s.projectShell(w, r, v, p, "Your idea on one page")
	if err != nil {
		return err
	}
	sh.Here, sh.Live = view.PlaceDocuments, live
	return s.page(w, r, http.StatusOK, secret, view.BriefPage(sh, page))
}

// brief reads the page as it is now, and the documents it shows by their kind.
func (s *Site) brief(ctx context.Context, actor account.Actor, p project.Project) (view.Brief, map[document.Kind]document.Document, error) {
	page := view.Brief{MayEdit: mayWork(actor, p)}
	talk, err := s.cfg.Interviews.Get(ctx, actor, p.ID)
	if fault.Is(err, fault.NotFound) { // the project is there: it began without questions
		return page, nil, nil
	}
	if err != nil {
		return view.Brief{}, nil, err
	}
	page.Talk = &talk
	kept := map[document.Kind]document.Document{}
	for _, k := range []document.Kind{document.BriefKind, document.ScopeKind} {
		if kept[k], err = s.cfg.Documents.Get(ctx, actor, p.ID, k); err != nil {
			return view.Brief{}, nil, err
		}
		if kept[k].Proposal != nil {
			page.Proposed = append(page.Proposed, kept[k])
		}
	}
	page.Sections = briefSections(talk, kept)
	if current := kept[document.BriefKind].Current; current != nil {
		page.Version = current.Number
	}
	if talk.State == interview.Written && kept[document.ScopeKind].Current != nil {
		card, err := s.buildCard(ctx, actor, p)
		if err != nil {
			return view.Brief{}, nil, err
		}
		page.Build = &card
	}
	return page, kept, nil
}

// onThePage are the sections in the order in which they are read.
func onThePage() []string {
	return []string{
		"target_user", "problem", "value", "how_it_works_in_one_paragraph", "features", "out_of_scope", "assumptions",
		"key_constraints", "risks", "cheapest_test", "success_metrics", "differentiation", "money", "market_context", "competition", "scalability",
	}
}

// briefSections puts together what is on the page: what was finished by the writing that
// goes on or has stopped, else what is in force. Without either there is no page yet.
func briefSections(talk interview.Interview, kept map[document.Kind]document.Document) []view.BriefSection {
	fresh := talk.State == interview.Writing || talk.State == interview.Failed && talk.FailedAt == interview.Writing
	if !fresh && kept[document.BriefKind].Current == nil {
		return nil
	}
	now := map[string]interview.Section{}
	if fresh {
		for _, one := range talk.Sections {
			now[one.Name] = one
		}
	}
	var all []view.BriefSection
	writing := true // the first one that is missing is the one that is written
	for _, k := range []document.Kind{document.BriefKind, document.ScopeKind} {
		for _, sec := range k.Sections() {
			one := view.BriefSection{Kind: k, Key: sec.Key, Title: sec.Title, Step: view.Done, Stale: slices.Contains(talk.Stale, sec.Key)}
			name := sec.Key
			if k == document.ScopeKind {
				name = string(k)
			}
			written, finished := now[name]
			switch {
			case sec.Deeper && talk.Depth == interview.Quick:
				continue
			case finished:
				one.Lines, one.Sure = linesOf(written.Content.Outline(), sec.Key), written.Confidence
			case !fresh:
				inForce(&one, kept[k].Current)
			case !writing:
				one.Step = view.Waits
			case talk.State == interview.Failed:
				one.Step, one.Reason = view.Stopped, talk.Reason
			default:
				one.Step = view.Now
			}
			writing = writing && one.Step == view.Done
			all = append(all, one)
		}
	}
	order := onThePage()
	slices.SortStableFunc(all, func(a, b view.BriefSection) int { return slices.Index(order, a.Key) - slices.Index(order, b.Key) })
	return all
}

// inForce fills a section from the version in force; nil is none.
func inForce(one *view.BriefSection, v *document.Version) {
	if v == nil {
		one.Step = view.Waits
		return
	}
	one.Lines, one.Kept, one.Yours = linesOf(v.Outline(), one.Key), true, slices.Contains(v.Edited, one.Key)
	if sure, ok := v.Confidence[one.Key]; ok {
		one.Sure = &sure
	}
}

func linesOf(all []document.Section, key string) []document.Line {
	at := slices.IndexFunc(all, func(s document.Section) bool { return s.Key == key })
	if at < 0 {
		return nil
	}
	return all[at].Lines
}

// briefLive is the stream of the page.
func (s *Site) briefLive(w http.ResponseWriter, r *http.Request, at watch) error {
	editing := r.URL.Query().Get("edit")
	return s.stream(w, r, at.visit, at.panelsOnly(about("project.", "interview.", "document.", "options.", "build."), func(ctx context.Context) (templ.Component, error) {
		p, actor, err := at.read(ctx)
		if err != nil {
			return nil, err
		}
		page, _, err := s.brief(ctx, actor, p)
		if err != nil || page.Talk == nil {
			return templ.NopComponent, err
		}
		page.Live, page.Editing = true, editing
		if editing != "" {
			page.Build = nil
		} else if page.Build != nil {
			page.Build.Live = true
		}
		return view.BriefParts(view.Shell{Project: &p}, page), nil
	}), at.allowed)
}

// rewrite has the page written again from the answers as they are now.
func (s *Site) rewrite(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	if _, err := s.cfg.Interviews.Rewrite(r.Context(), v.actor, p.ID); err != nil {
		return err
	}
	seeOther(w, r, briefAddress(p))
	return nil
}
