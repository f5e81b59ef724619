package web

import (
	"net/http"
	"net/url"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// refusal is a form that goes back to the person with what is wrong.
type refusal struct {
	form   view.Form
	status int
}

// refused turns what a person can mend into a refusal, with what was typed
// except passwords. Any other error comes back as it is.
func refused(w http.ResponseWriter, err error, typed url.Values) (refusal, error) {
	f := fault.Of(err)
	if f == nil {
		return refusal{}, err
	}
	switch f.Kind {
	case fault.Invalid, fault.Conflict, fault.TooMany, fault.Unauthenticated:
	case fault.Internal, fault.Malformed, fault.PaymentRequired, fault.Forbidden, fault.NotFound, fault.NotAllowed,
		fault.Gone, fault.TooLarge, fault.Unsupported, fault.Misdirected, fault.Unavailable:
		return refusal{}, err
	}
	p := httpd.ProblemOf(err, "")
	if after := p.RetryHeader(); after != "" {
		w.Header().Set("Retry-After", after)
	}
	out := refusal{status: p.Status, form: view.Form{Fields: p.Fields, Values: map[string]string{}}}
	if len(p.Fields) == 0 {
		out.form.Problem = p.Detail
	}
	for name, values := range typed {
		if !strings.Contains(name, "password") && len(values) > 0 {
			out.form.Values[name] = values[0]
		}
	}
	return out, nil
}
