package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"

	"github.com/danielgtaylor/huma/v2"
)

// problemError carries a product call's error through huma, which asks it for a
// status and passes it to problems.
type problemError struct{ cause error }

// Error implements error.
func (e *problemError) Error() string { return e.cause.Error() }

// Unwrap returns what the product call said.
func (e *problemError) Unwrap() error { return e.cause }

// GetStatus implements huma.StatusError.
func (e *problemError) GetStatus() int { return httpd.ProblemOf(e.cause, "").Status }

// ContentType implements huma.ContentTypeFilter.
func (e *problemError) ContentType(string) string { return "application/problem+json" }

// problems is the huma transformer that turns both a product call's error and what
// huma itself found wrong into the problem that is shown. Doing it here instead of by
// huma.NewError, a global, also gives it the request's context for the debug id.
func problems(hc huma.Context, _ string, answer any) (any, error) {
	var cause error
	switch e := answer.(type) {
	case *problemError:
		cause = e.cause
	case *huma.ErrorModel:
		cause = unreadable(e)
	default:
		return answer, nil
	}
	p := httpd.Report(hc.Context(), cause)
	if after := p.RetryHeader(); after != "" {
		hc.SetHeader("Retry-After", after)
	}
	if p.Status == http.StatusUnauthorized { // the account ended while its request ran
		hc.SetHeader("WWW-Authenticate", `Bearer realm="cofounder"`)
	}
	return p, nil
}

// unreadable says in our words what huma found wrong with a request.
func unreadable(e *huma.ErrorModel) *fault.Error {
	switch e.Status {
	case http.StatusBadRequest:
		detail := "The request needs a JSON body."
		if len(e.Errors) > 0 {
			detail = "The body could not be read as JSON: " + e.Errors[0].Message + "."
		}
		return fault.New(fault.Malformed, "malformed_json", detail)
	case http.StatusUnsupportedMediaType:
		return fault.New(fault.Unsupported, "", "Send the body as application/json.")
	case http.StatusUnprocessableEntity:
		return invalid(e.Errors)
	}
	return fault.New(fault.Internal, "", "").Because(e)
}

const (
	mostFields     = 20  // a body can have thousands of unknown fields
	longestField   = 100 // and each a name as long as the body
	missing        = "expected required property "
	missingEnd     = " to be present"
	unknownField   = "unexpected property"
	misreadField   = "cannot be read: "
	requiredDetail = "This is needed."
	unknownDetail  = "There is no such field."
)

// invalid names the fields as the caller did: without huma's "body." and the like.
func invalid(found []*huma.ErrorDetail) *fault.Error {
	f := fault.New(fault.Invalid, "", "Some of what was sent needs another look.")
	for _, e := range found {
		name, detail := strings.TrimPrefix(e.Location, "body"), e.Message
		for _, part := range []string{".", "query.", "path.", "header."} {
			name = strings.TrimPrefix(name, part)
		}
		if rest, ok := strings.CutPrefix(detail, missing); ok {
			name, detail = within(name, strings.TrimSuffix(rest, missingEnd)), requiredDetail
		} else if rest, ok := strings.CutPrefix(detail, misreadField); ok {
			name, detail = within(name, rest), "This is not of the right kind."
		} else if rest, ok := strings.CutPrefix(detail, unknownField); ok {
			name, detail = within(name, strings.TrimSpace(rest)), unknownDetail
		}
		f.Fields = append(f.Fields, fault.Field{Name: shorten(name), Detail: detail})
	}
	slices.SortFunc(f.Fields, func(a, b fault.Field) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Detail, b.Detail))
	})
	f.Fields = slices.Compact(f.Fields)
	f.Fields = f.Fields[:min(len(f.Fields), mostFields)]
	return f
}

func within(parent, name string) string {
	if parent == "" || name == "" {
		return parent + name
	}
	return parent + "." + name
}

func shorten(name string) string {
	if runes := []rune(name); len(runes) > longestField {
		return string(runes[:longestField]) + "…"
	}
	return name
}
