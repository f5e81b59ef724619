package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
)

type comment struct {
	ID         document.CommentID `json:"id"`
	Version    int                `json:"version" doc:"The version it was made at"`
	Section    string             `json:"section" doc:"Empty: the whole version"`
	Item       string             `json:"item" doc:"A feature, criterion or assumption of the section"`
	Author     account.UserID     `json:"author"`
	Text       string             `json:"text"`
	CreatedAt  time.Time          `json:"created_at"`
	ResolvedAt *time.Time         `json:"resolved_at"`
	ResolvedBy *account.UserID    `json:"resolved_by"`
}

type commentIn struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Body     struct {
		Version int    `json:"version,omitempty" minimum:"1" doc:"Left out: the one in force"`
		Place   string `json:"place,omitempty" maxLength:"600" doc:"A section, or one item of it: features/c2. Left out: the whole version"`
		Text    string `json:"text" minLength:"1" maxLength:"10000"`
	}
}

type commentsQuery struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Cursor   string `query:"cursor" maxLength:"1000" doc:"next of the page before"`
	Limit    int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type commentPath struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Comment  string `path:"comment"`
}

type commentOut struct{ Body comment }

func (a *api) comments() {
	const document = "/projects/{project}/documents/{document}"
	register(a, operation{
		id: "list-comments", method: http.MethodGet, path: document + "/comments", tag: tagDocuments, access: member,
		summary: "List the comments on all versions of a document, oldest first",
	}, a.listComments)
	register(a, operation{
		id: "create-comment", method: http.MethodPost, path: document + "/comments", tag: tagDocuments, access: member, status: http.StatusCreated,
		summary: "Comment on a version, a section or an item",
		notes:   "Viewers may.",
	}, a.createComment)
	register(a, operation{
		id: "resolve-comment", method: http.MethodPost, path: document + "/comments/{comment}/resolve", tag: tagDocuments, access: member,
		summary: "Mark a comment as settled",
	}, a.resolveComment)
}

func (a *api) listComments(ctx context.Context, actor account.Actor, in *commentsQuery) (*pageOut[comment], error) {
	p, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	if in.Cursor != "" {
		if _, err := id.Parse[document.CommentID](in.Cursor); err != nil {
			return nil, fault.New(fault.Malformed, "bad_cursor", "This page of the list does not exist. Begin at its start.")
		}
	}
	all, err := a.cfg.Documents.Comments(ctx, actor, p, k, document.CommentID(in.Cursor), in.Limit)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(all) == in.Limit {
		next = string(all[len(all)-1].ID)
	}
	return listed(all, next, shapeComment), nil
}

func (a *api) createComment(ctx context.Context, actor account.Actor, in *commentIn) (*commentOut, error) {
	p, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	return commented(a.cfg.Documents.Comment(ctx, actor, p, k, document.Remark{
		Version: in.Body.Version, Place: document.ParsePlace(in.Body.Place), Text: in.Body.Text,
	}))
}

func (a *api) resolveComment(ctx context.Context, actor account.Actor, in *commentPath) (*commentOut, error) {
	p, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	which, err := parse[document.CommentID](in.Comment)
	if err != nil {
		return nil, err
	}
	return commented(a.cfg.Documents.Resolve(ctx, actor, p, k, which))
}

func commented(c document.Comment, err error) (*commentOut, error) {
	if err != nil {
		return nil, err
	}
	return &commentOut{Body: shapeComment(c)}, nil
}

func shapeComment(c document.Comment) comment {
	return comment{
		ID: c.ID, Version: c.Version, Section: c.Place.Section, Item: c.Place.Item, Author: c.Author, Text: c.Text,
		CreatedAt: c.At, ResolvedAt: c.ResolvedAt, ResolvedBy: orNull(c.ResolvedBy),
	}
}
