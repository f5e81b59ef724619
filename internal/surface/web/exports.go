package web

import (
	"bytes"
	"net/http"

	"cofounder/internal/product/document/export"
)

// format is a form in which documents leave; the text ends the address.
type format string

const (
	asPDF      format = "pdf"
	asMarkdown format = "md"
)

// exportDocument sends one document, or all, as a file.
func (s *Site) exportDocument(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	name, versions, err := s.cfg.Documents.Shelf(r.Context(), v.actor, at.project.ID, at.paper.kind, at.paper.version)
	if err != nil {
		return err
	}
	cut := export.Full
	if export.Cut(r.URL.Query().Get("cut")) == export.OnePage {
		cut = export.OnePage
	}
	book := export.Book{Project: name, Versions: versions, Cut: cut}
	write, media := export.Markdown, "text/markdown; charset=utf-8"
	if at.paper.format == asPDF {
		write, media = export.PDF, "application/pdf"
	}
	// Written whole before anything is answered: what goes wrong is a page, not half a file.
	var file bytes.Buffer
	if err := write(&file, book); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+book.FileName(string(at.paper.format))+`"`)
	h.Set("Cache-Control", string(secret))
	send(w, r, http.StatusOK, file.Bytes(), nil)
	return nil
}
