package api

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/document/export"
	"cofounder/internal/product/project"

	"github.com/danielgtaylor/huma/v2"
)

type exportQuery struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Version  int    `query:"version" minimum:"0" doc:"Left out: the one in force"`
	Cut      string `query:"cut" enum:"full,one_page" default:"full" doc:"one_page leaves out what was written when going deeper"`
}

// format is a form in which documents leave.
type format struct {
	name, media, extension string
	write                  func(io.Writer, export.Book) error
}

func (a *api) exports() {
	for _, f := range []format{
		{"markdown", "text/markdown", "md", export.Markdown},
		{"pdf", "application/pdf", "pdf", export.PDF},
	} {
		register(a, operation{
			id: "export-document-" + f.name, method: http.MethodGet, path: "/projects/{project}/documents/{document}/" + f.name,
			tag: tagDocuments, access: member, media: f.media,
			summary: "Get a document as " + f.extension,
			notes:   "In every state of the project, on every plan. The same version gives the same bytes.",
		}, a.exportDocument(f))
		register(a, operation{
			id: "export-documents-" + f.name, method: http.MethodGet, path: "/projects/{project}/documents-" + f.name,
			tag: tagDocuments, access: member, media: f.media,
			summary: "Get all documents that are written as one " + f.extension,
		}, a.exportDocuments(f))
	}
}

func (a *api) exportDocument(f format) func(context.Context, account.Actor, *exportQuery) (*huma.StreamResponse, error) {
	return func(ctx context.Context, actor account.Actor, in *exportQuery) (*huma.StreamResponse, error) {
		id, k, err := onDocument(in.Project, in.Document)
		if err != nil {
			return nil, err
		}
		name, versions, err := a.cfg.Documents.Shelf(ctx, actor, id, k, in.Version)
		if err != nil {
			return nil, err
		}
		return leave(f, export.Book{Project: name, Versions: versions, Cut: export.Cut(in.Cut)})
	}
}

func (a *api) exportDocuments(f format) func(context.Context, account.Actor, *projectPath) (*huma.StreamResponse, error) {
	return func(ctx context.Context, actor account.Actor, in *projectPath) (*huma.StreamResponse, error) {
		id, err := parse[project.ID](in.Project)
		if err != nil {
			return nil, err
		}
		name, versions, err := a.cfg.Documents.Shelf(ctx, actor, id, document.Kind(""), 0)
		if err != nil {
			return nil, err
		}
		return leave(f, export.Book{Project: name, Versions: versions, Cut: export.Full})
	}
}

// leave writes a book whole before anything is answered, so that what goes wrong is a
// problem and not half a file.
func leave(f format, b export.Book) (*huma.StreamResponse, error) {
	var file bytes.Buffer
	if err := f.write(&file, b); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		media := f.media
		if f.name == "markdown" {
			media += "; charset=utf-8"
		}
		hc.SetHeader("Content-Type", media)
		hc.SetHeader("Content-Disposition", `attachment; filename="`+b.FileName(f.extension)+`"`)
		_, _ = file.WriteTo(hc.BodyWriter()) //nolint:errcheck // the client is gone
	}}, nil
}
