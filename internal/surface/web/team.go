package web

import (
	"net/http"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

func (s *Site) teamPage(w http.ResponseWriter, r *http.Request, v visit) error {
	return s.showTeam(w, r, v, http.StatusOK, view.Team{})
}

// showTeam fills in what the page shows around what a form left in p.
func (s *Site) showTeam(w http.ResponseWriter, r *http.Request, v visit, status int, p view.Team) error {
	ctx, a := r.Context(), s.cfg.Accounts
	sh, err := s.shell(w, r, v, "Team")
	if err != nil {
		return err
	}
	if sh.Person.Alone {
		sh.Title = "Invite somebody"
	}
	sh.Here = view.PlaceTeam
	p.Now, p.MayOwn, p.Projects = s.cfg.Clock.Now(), v.may(account.MayOwn), sh.Person.Projects
	p.MayMake = s.cfg.SignUpOpen || v.actor.Operator
	for _, t := range sh.Person.Teams {
		p.MayMake = p.MayMake || t.Role == account.Owner
	}
	if loopback(s.cfg.PublicURL.Hostname()) {
		p.OnlyHere = s.cfg.PublicURL.String()
	}
	if v.actor.Workspace != "" {
		if p.Members, err = a.Members(ctx, v.actor); err != nil {
			return err
		}
	}
	if p.MayOwn {
		if p.Invitations, err = a.Invitations(ctx, v.actor); err != nil {
			return err
		}
	}
	stored := secret
	if p.Link != "" {
		stored = once
	}
	return s.page(w, r, status, stored, view.TeamPage(sh, p))
}

func (s *Site) teamAgain(w http.ResponseWriter, r *http.Request, v visit, section string, err error) error {
	re, err := refused(w, err, r.PostForm)
	if err != nil {
		return err
	}
	return s.showTeam(w, r, v, re.status, view.Team{Section: section, Form: re.form})
}

func (s *Site) renameTeam(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	t, err := s.cfg.Accounts.RenameWorkspace(r.Context(), v.actor, f.Get("name"))
	if err != nil {
		return s.teamAgain(w, r, v, view.SectionTeam, err)
	}
	return done(w, r, "/team", flash{what: teamRenamed, name: t.Name})
}

func (s *Site) makeTeam(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	t, err := s.cfg.Accounts.CreateWorkspace(r.Context(), v.actor, f.Get("name"))
	if err != nil {
		return s.teamAgain(w, r, v, view.SectionAnother, err)
	}
	if err := s.cfg.Accounts.SwitchWorkspace(r.Context(), v.session, t.ID); err != nil {
		return err
	}
	return done(w, r, "/team", flash{what: teamMade, name: t.Name})
}

func (s *Site) switchTeam(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	team, err := id.Parse[account.WorkspaceID](f.Get("team"))
	if err != nil {
		return fault.New(fault.NotFound, "", "There is no such team, or you are not in it.")
	}
	if err := s.cfg.Accounts.SwitchWorkspace(r.Context(), v.session, team); err != nil {
		return err
	}
	return done(w, r, "/", flash{what: teamSwitched})
}

func (s *Site) changeRole(w http.ResponseWriter, r *http.Request, v visit) error {
	who, err := inPath[account.UserID](r)
	if err != nil {
		return err
	}
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.SetRole(r.Context(), v.actor, who, account.Role(f.Get("role"))); err != nil {
		return s.teamAgain(w, r, v, view.SectionPeople, err)
	}
	return done(w, r, "/team", flash{what: roleChanged})
}

func (s *Site) removeMember(w http.ResponseWriter, r *http.Request, v visit) error {
	who, err := inPath[account.UserID](r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.RemoveMember(r.Context(), v.actor, who); err != nil {
		return s.teamAgain(w, r, v, view.SectionPeople, err)
	}
	if who == v.actor.User {
		return done(w, r, "/", flash{what: teamLeft})
	}
	return done(w, r, "/team", flash{what: memberRemoved})
}

// invite answers with the page itself: the link is shown once and kept nowhere.
func (s *Site) invite(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	d := account.InvitationDraft{Role: account.Role(f.Get("role"))}
	if one := f.Get("project"); one != "" {
		if d.Project, err = id.Parse[project.ID](one); err != nil {
			return fault.New(fault.NotFound, "", "There is no such project, or it is not yours.")
		}
	}
	code, _, err := s.cfg.Accounts.Invite(r.Context(), v.actor, d)
	if err != nil {
		return s.teamAgain(w, r, v, view.SectionInvite, err)
	}
	return s.showTeam(w, r, v, http.StatusOK, view.Team{Link: s.cfg.PublicURL.JoinPath("invite", code).String()})
}

func (s *Site) endInvitation(w http.ResponseWriter, r *http.Request, v visit) error {
	one, err := inPath[account.InvitationID](r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.RevokeInvitation(r.Context(), v.actor, one); err != nil {
		return err
	}
	return done(w, r, "/team", flash{what: invitationEnded})
}
