package web

import (
	"net/http"

	"cofounder/internal/surface/web/view"
)

// offlinePage is kept by the service worker. It is the same for everybody.
func (s *Site) offlinePage(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, http.StatusOK, revisit, view.OfflinePage(s.outside(r, "Not reached")))
}

// serviceWorker has no hash in its address: browsers look there for a newer one.
func (s *Site) serviceWorker(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, http.StatusOK, s.worker, nil)
	return nil
}
