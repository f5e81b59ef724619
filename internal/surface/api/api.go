// Package api is the JSON API under /api/v1: HTTP in, one product call, HTTP out.
//
// Terms. An operation is one method of one address; there is a file per noun with
// its operations, the shapes they speak and nothing else. A caller comes with an
// access key (Authorization: Bearer cof_…), which acts in one workspace, or with the
// session cookie of a signed-in browser, which acts in the workspace it names in
// X-Workspace. See operation.choosy for when it must.
//
// Invariants. The OpenAPI document is made from the types and compared with a golden
// copy, openapi.json. Every error is a problem (RFC 9457) from httpd's one switch,
// also those huma finds. An id that is malformed, of another kind or of someone
// else's is 404. Lists are {items, next}, items never null. Times are RFC 3339 in
// UTC. Every write may carry an Idempotency-Key, and no write leaves half of itself.
package api

import (
	"net/http"

	"cofounder/internal/platform/idempotency"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Prefix is where the API lives.
const Prefix = "/api/v1"

// Config is what the API needs.
type Config struct {
	Accounts    *account.Accounts
	Projects    *project.Projects
	Journeys    *journey.Journeys
	Documents   *document.Documents
	Interviews  *interview.Interviews
	Options     *option.Options
	Meter       *meter.Meter
	Connections *meter.Connections
	Model       *meter.Model
	Admin       *admin.Desk
	Idempotency *idempotency.Store
	// Version is the program's, told by GET /status.
	Version string
}

// New returns the handler of everything below Prefix, which it expects to see in
// the path. It must run behind an httpd.Server, which gives requests their ids and
// bodies their limit.
func New(cfg Config) http.Handler {
	mux := httpd.NewMux()
	a := &api{cfg: cfg, huma: humago.NewWithPrefix(mux, Prefix, openAPI())}
	a.status()
	a.me()
	a.sessions()
	a.passkeys()
	a.tokens()
	a.workspaces()
	a.members()
	a.invitations()
	a.projects()
	a.interview()
	a.attachments()
	a.events()
	a.journey()
	a.decisions()
	a.options()
	a.wishes()
	a.documents()
	a.versions()
	a.proposals()
	a.comments()
	a.exports()
	a.ai()
	a.roles()
	a.spending()
	a.publish(mux)
	return mux
}

// api is one instance of the API.
type api struct {
	cfg     Config
	huma    huma.API
	readers httpd.Readers
}
