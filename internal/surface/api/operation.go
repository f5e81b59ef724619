package api

import (
	"context"
	"net/http"
	"strings"

	"cofounder/internal/product/account"

	"github.com/danielgtaylor/huma/v2"
)

// access says whom an operation serves.
type access uint8

const (
	anyone access = iota // also who is not signed in
	member               // an access key or a session, as its role and scope allow
	person               // a session only: what concerns a person in all their workspaces
)

// operation is what an operation's types do not say about it.
type operation struct {
	id      string // in the OpenAPI document, stable, for generated clients
	method  string
	path    string // below Prefix
	tag     string
	summary string
	notes   string // more than the summary, where there is more to know
	access  access
	status  int    // of the good answer; 0 is 200, or 204 without a body
	media   string // of the good answer; empty is JSON
	pays    bool   // it may cost money, so a limit may refuse it
	own     bool   // about the person who asks, in whichever workspace
	secret  bool   // the good answer holds what is shown only once
	body    int64  // the most bytes of a request, where files come with it; 0 is httpd's limit
}

// write tells whether the operation may change something.
func (o operation) write() bool { return o.method != http.MethodGet }

// choosy tells whether the operation changes something of a workspace that no id in
// its address names, so that a session, which may look at several, must say which.
func (o operation) choosy() bool {
	return o.write() && o.access != anyone && !o.own && !strings.HasPrefix(o.path, "/projects/{")
}

// nothing is the input or output of an operation that has none.
type nothing struct{}

// register adds an operation to the API and its document. I and O are huma's input
// and output structs; do is told who asks, the zero Actor where anyone may.
func register[I, O any](a *api, o operation, do func(context.Context, account.Actor, *I) (*O, error)) {
	described := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path,
		Tags: []string{o.tag}, Summary: o.summary, Description: o.notes,
		DefaultStatus: o.status, Errors: refusals(o),
		Security: security(o.access), Parameters: parameters(o),
		RejectUnknownQueryParameters: true,
		MaxBodyBytes:                 -1, // httpd's limit holds for every body
		Middlewares:                  huma.Middlewares{a.authenticate(o)},
	}
	if o.media != "" {
		described.Responses = map[string]*huma.Response{"200": {
			Description: http.StatusText(http.StatusOK),
			Content:     map[string]*huma.MediaType{o.media: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
	}
	if o.write() {
		described.Middlewares = append(described.Middlewares, a.once(o))
	}
	huma.Register(a.huma, described, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, actorOf(ctx), in)
		if err != nil {
			return nil, &problemError{cause: err}
		}
		return out, nil
	})
}

// refusals lists the statuses an operation documents besides its good one.
func refusals(o operation) []int {
	all := []int{
		http.StatusBadRequest, http.StatusUnprocessableEntity,
		http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if o.access != anyone {
		all = append(all, http.StatusUnauthorized, http.StatusForbidden)
	}
	if strings.Contains(o.path, "{") || o.access != anyone && !o.own { // X-Workspace
		all = append(all, http.StatusNotFound)
	}
	if o.pays {
		all = append(all, http.StatusPaymentRequired)
	}
	if o.write() {
		all = append(all, http.StatusConflict, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusTooManyRequests)
	}
	return all
}

func security(who access) []map[string][]string {
	session, key := map[string][]string{schemeSession: {}}, map[string][]string{schemeKey: {}}
	switch who {
	case anyone:
		return []map[string][]string{}
	case member:
		return []map[string][]string{key, session}
	case person:
		return []map[string][]string{session}
	}
	return nil
}

func parameters(o operation) []*huma.Param {
	var all []*huma.Param
	if o.access != anyone && !o.own {
		note := "The workspace to act in, for a session. Left out: the one last looked at."
		if o.choosy() {
			note = "The workspace to act in. A session of somebody in several must say it: 409 workspace_needed."
		}
		all = append(all, &huma.Param{
			Name: workspaceHeader, In: "header", Description: note, Schema: &huma.Schema{Type: huma.TypeString},
		})
	}
	if !o.write() {
		return all
	}
	shortest, longest := 1, 255
	return append(all, &huma.Param{
		Name: keyHeader, In: "header",
		Description: "Makes repeating the request safe: it is carried out once, and the same request with the same key is answered the same for 24 hours.",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest, Pattern: "^[ -~]+$"},
	})
}
