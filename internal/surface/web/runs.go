package web

import (
	"errors"
	"net/http"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// operator is for pages of administrators; nobody else learns that they are there.
func (s *Site) operator(h func(w http.ResponseWriter, r *http.Request, v visit) error) http.Handler {
	return s.person(func(w http.ResponseWriter, r *http.Request, v visit) error {
		if !v.actor.Operator {
			return errNothingHere()
		}
		return h(w, r, v)
	})
}

// runsPage lists runs of all teams, chosen by the address.
func (s *Site) runsPage(w http.ResponseWriter, r *http.Request, v visit) error {
	q := r.URL.Query()
	p := view.Runs{Now: s.cfg.Clock.Now(), Query: admin.Query{
		State: flow.State(q.Get("state")), Kind: flow.Kind(q.Get("kind")), Team: account.WorkspaceID(q.Get("team")), After: q.Get("after"),
	}}
	var err error
	if p.Page, err = s.cfg.Admin.Runs(r.Context(), v.actor, p.Query); err != nil {
		return err
	}
	if p.Kinds, err = s.cfg.Admin.Kinds(r.Context(), v.actor); err != nil {
		return err
	}
	if p.Condition, err = s.cfg.Admin.Condition(r.Context(), v.actor); err != nil {
		return err
	}
	sh, err := s.shell(w, r, v, "Runs")
	if err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, secret, view.RunsPage(sh, p))
}

// runOf reads the run that the address names.
func runOf(r *http.Request) (flow.RunID, error) {
	run, err := id.Parse[flow.RunID](r.PathValue("run"))
	if err != nil {
		return "", fault.New(fault.NotFound, "run_not_found", "There is no such run.").Because(err)
	}
	return run, nil
}

func (s *Site) runPage(w http.ResponseWriter, r *http.Request, v visit) error {
	return s.showRun(w, r, v, "", refusal{status: http.StatusOK})
}

// showRun shows one run, with what is wrong with the form about one of its parts.
func (s *Site) showRun(w http.ResponseWriter, r *http.Request, v visit, about string, re refusal) error {
	run, err := runOf(r)
	if err != nil {
		return err
	}
	detail, err := s.cfg.Admin.Run(r.Context(), v.actor, run)
	if err != nil {
		return err
	}
	sh, err := s.shell(w, r, v, "Run")
	if err != nil {
		return err
	}
	sh.Crumbs = []view.Crumb{{Label: "Runs", Address: "/admin/runs"}}
	return s.page(w, r, re.status, secret, view.RunPage(sh, view.Run{Now: s.cfg.Clock.Now(), Form: re.form, Failed: about, Detail: detail}))
}

// stepIn does something to a run and leads back to it; about names the form.
func (s *Site) stepIn(w http.ResponseWriter, r *http.Request, v visit, about string, what event, do func(run flow.RunID) error) error {
	run, err := runOf(r)
	if err != nil {
		return err
	}
	if err := do(run); err != nil {
		re, err := refused(w, err, r.PostForm)
		if err != nil {
			return err
		}
		return s.showRun(w, r, v, about, re)
	}
	return done(w, r, "/admin/runs/"+string(run), flash{what: what})
}

func (s *Site) endRun(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	return s.stepIn(w, r, v, "end", runEnded, func(run flow.RunID) error {
		return s.cfg.Admin.End(r.Context(), v.actor, run, f.Get("reason"))
	})
}

func (s *Site) retryRun(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	return s.stepIn(w, r, v, "retry", runRetried, func(run flow.RunID) error {
		return s.cfg.Admin.Retry(r.Context(), v.actor, run, f.Get("reason"))
	})
}

func (s *Site) replayNode(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	node, err := id.Parse[flow.NodeID](r.PathValue("node"))
	if err != nil {
		return errors.Join(errNothingHere(), err)
	}
	return s.stepIn(w, r, v, string(node), nodeReplayed, func(run flow.RunID) error {
		how := admin.Replay{Node: node, Keep: admin.Keep(f.Get("keep")), Words: f.Get("words")}
		return s.cfg.Admin.Replay(r.Context(), v.actor, run, how, f.Get("reason"))
	})
}

func (s *Site) auditPage(w http.ResponseWriter, r *http.Request, v visit) error {
	page, err := s.cfg.Admin.Audit(r.Context(), v.actor, r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	sh, err := s.shell(w, r, v, "Audit")
	if err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, secret, view.AuditPage(sh, view.Audit{Now: s.cfg.Clock.Now(), AuditPage: page}))
}
