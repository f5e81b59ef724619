// Package queueui shows River's own pages about its queues and jobs, which are compiled
// in (riverqueue.com/riverui).
//
// They only look. What somebody does on them is sent below their prefix as well (PUT
// api/queues/NAME/pause and resume, POST api/jobs/cancel, retry and delete), but not taken
// here: whoever mounts them takes it, and has it done by a flow.Engine. They keep nobody
// out either: whoever mounts them checks who asks.
package queueui

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"riverqueue.com/riverui"
)

// Pages is an http.Handler of everything below a prefix that only looks. It is safe for
// concurrent use, and nothing goes on behind it: River's handler would count jobs every
// ten seconds once it is started; without that it counts when somebody asks.
type Pages struct {
	prefix string
	river  http.Handler
}

// New returns the pages for a prefix, such as "/admin/jobs".
func New(db *pgxpool.Pool, log *slog.Logger, prefix string) (*Pages, error) {
	client, err := river.NewClient(riverpgxv5.New(db), &river.Config{Logger: log}) // looks, and does no work
	if err != nil {
		return nil, fmt.Errorf("open the pages of the job queue: %w", err)
	}
	pages, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(client, nil), Logger: log, Prefix: prefix, JobListHideArgsByDefault: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open the pages of the job queue: %w", err)
	}
	return &Pages{prefix: prefix, river: pages}, nil
}

// ServeHTTP implements http.Handler. What is no look is refused.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "These pages only look.", http.StatusMethodNotAllowed)
		return
	}
	if strings.HasPrefix(r.URL.Path, p.prefix+"/assets/") { // their names say what is in them
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	p.river.ServeHTTP(w, r)
}
