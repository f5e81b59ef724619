package web

import (
	"net/http"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/document"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// wholeDocument is the name of the form for comments that are on no single section.
const wholeDocument = "whole"

// makeComment keeps what somebody says about a section, or about all of a version.
func (s *Site) makeComment(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	section := f.Get("section")
	made, err := s.cfg.Documents.Comment(r.Context(), v.actor, at.project.ID, at.paper.kind, document.Remark{
		Version: at.paper.version, Place: document.Place{Section: section}, Text: f.Get("text"),
	})
	if section == "" {
		section = wholeDocument
	}
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showReader(w, r, v, at, working{status: re.status, commenting: section, form: re.form})
	}
	to := view.DocumentAddress(at.project, made.Kind, at.paper.version) + "#" + section
	return done(w, r, to, flash{what: commentMade})
}

// settleComment marks a comment as settled.
func (s *Site) settleComment(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	which, err := id.Parse[document.CommentID](r.PathValue("comment"))
	if err != nil {
		return fault.New(fault.NotFound, "", "There is no such comment.")
	}
	if _, err := s.cfg.Documents.Resolve(r.Context(), v.actor, at.project.ID, at.paper.kind, which); err != nil {
		return err
	}
	return done(w, r, view.DocumentAddress(at.project, at.paper.kind, at.paper.version), flash{what: commentSettled})
}
