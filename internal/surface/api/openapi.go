package api

import (
	"encoding/json"
	"net/http"
	"reflect"

	"cofounder/internal/surface/httpd"

	"github.com/danielgtaylor/huma/v2"
)

const (
	schemeKey     = "access_key"
	schemeSession = "session"

	tagSystem, tagMe, tagTeam, tagProjects, tagMoney = "System", "Me", "Workspace", "Projects", "AI and spending"
	tagInterview, tagJourney, tagDocuments           = "Questions", "Journey and decisions", "Documents"
	tagOptions                                       = "Ways to build"

	about = `Everything the pages do, for programs.

Come with an access key (Authorization: Bearer cof_…), which acts in the one workspace it was made in, or with the session cookie of a signed-in browser, which acts in the workspace that X-Workspace names, else in the one last looked at; what changes something of a workspace that the address does not name is 409 workspace_needed for somebody in several.

Errors are problems (RFC 9457) with a stable code, a detail in plain words, fields for what was wrong with which input, and a debug_id that finds the line in the operator's log. What does not exist and what belongs to someone else are both 404. 429 and 503 say in Retry-After when to ask again. Every answer has an X-Request-Id.

Lists are {items, next}: send next back as cursor until it is null. Ids are opaque. Times are RFC 3339 in UTC.

Every write takes an Idempotency-Key of 1 to 255 printable ASCII characters. For 24 hours the same request with the same key is answered the same, marked Idempotency-Replayed: true, without being carried out again; the same key with another request is 422 idempotency_key_reused; while the first is running, 409 idempotency_in_progress; if it was cut off, 409 idempotency_outcome_unknown. Answers of 429 and 5xx are not remembered. A key belongs to the session or access key that used it, with the rights it had. What is shown only once is not remembered either: repeating that is 409 answer_was_secret.`
)

// openAPI is the part of the OpenAPI document that no type holds.
func openAPI() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[httpd.Problem]())
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "cofounder", Version: "1", Description: about},
			Tags: []*huma.Tag{
				{Name: tagProjects, Description: "Ideas on their way to products"},
				{Name: tagInterview, Description: "From an idea over its questions to one page"},
				{Name: tagJourney, Description: "Where a project is, and what its founder decides"},
				{Name: tagOptions, Description: "Ways to build, what they take, Build this, and wishes for later"},
				{Name: tagDocuments, Description: "What is written about a project, in all its versions"},
				{Name: tagTeam, Description: "The workspace (on screen: team), its members and invitations"},
				{Name: tagMoney, Description: "The AI connection, limits and what was spent"},
				{Name: tagMe, Description: "The signed-in person: profile, sessions, passkeys, access keys"},
				{Name: tagSystem, Description: "This installation"},
			},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					schemeKey:     {Type: "http", Scheme: "bearer", BearerFormat: "cof_…", Description: "An access key made in the settings"},
					schemeSession: {Type: "apiKey", In: "cookie", Name: httpd.SessionCookie, Description: "The session of a signed-in browser"},
				},
			},
		},
		Formats:       formats(),
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{problems},
	}
}

// publish serves the finished document. Lists are marked as never null, which huma
// cannot know of slices.
func (a *api) publish(mux httpd.Mux) {
	doc := a.huma.OpenAPI()
	for _, schema := range doc.Components.Schemas.Map() {
		for _, property := range schema.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false
			}
		}
	}
	asJSON, err := json.Marshal(doc)
	if err != nil {
		panic("api: " + err.Error()) // the document is made of strings and numbers
	}
	asYAML, err := doc.YAML()
	if err != nil {
		panic("api: " + err.Error()) // as above
	}
	for name, file := range map[string]struct {
		kind string
		body []byte
	}{
		"openapi.json": {"application/openapi+json", asJSON},
		"openapi.yaml": {"application/openapi+yaml", asYAML},
	} {
		mux.HandleFunc("GET "+Prefix+"/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(file.body) //nolint:errcheck // the client is gone
		})
	}
}
