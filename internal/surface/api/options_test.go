package api_test

import (
	"net/http"
	"testing"

	"cofounder/internal/platform/llm/llmtest"
)

// From a way to build to a build that waits in line: nothing is paid before limits are
// set, more than half of what is left needs a second word, and twice is once.
func TestBuildThis(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	d := w.desk(t, ann)
	at := "/projects/" + string(d.project)
	send := func(method, path string, body any) answer {
		return w.send(t, request{method: method, path: path, as: ann, body: body})
	}
	type (
		shown struct {
			Chosen  *string
			Left    *int64 `json:"left_nano_usd"`
			Options []struct {
				ID           string
				NeedsConfirm string `json:"needs_confirm"`
				Coverage     int    `json:"scope_coverage"`
				Quote        *struct {
					Nano struct{ P50, P80, Ceiling int64 } `json:"amount_nano_usd"`
				}
			}
			Order *struct{ ID, State string }
		}
		order struct{ ID, State, Run string }
	)
	look := func() shown {
		var s shown
		send(http.MethodGet, at+"/options", nil).want(t, http.StatusOK).into(t, &s)
		return s
	}
	want := fields{"key": "k", "option": string(d.option), "ceiling_nano_usd": int64(5e9), "on_question": "wait", "at_limit": "ask", "tell": "page"}

	if s := look(); len(s.Options) != 1 || s.Options[0].Quote != nil || s.Options[0].Coverage != 100 || s.Order != nil {
		t.Errorf("without an AI: %+v", s)
	}
	send(http.MethodPost, at+"/build-this", want).wantProblem(t, http.StatusConflict, "no_price", "see")

	server := llmtest.StartConfig(t, llmtest.Config{})
	send(http.MethodPut, "/ai/connection", fields{
		"preset": "other", "base_url": server.URL, "auth": "x-api-key", "key": secretKey,
		"best": "claude-opus-5-5", "standard": "claude-sonnet-5-5", "small": "claude-haiku-5-5", "rate_card": "anthropic",
	}).want(t, http.StatusOK)
	send(http.MethodPost, at+"/build-this", want).wantProblem(t, http.StatusPaymentRequired, "no_limits", "see")
	send(http.MethodPut, "/spending/limits", fields{"month_nano_usd": int64(6e9), "day_nano_usd": nil, "run_nano_usd": int64(10e9)}).want(t, http.StatusOK)
	s := look()
	if s.Left == nil || *s.Left != 6e9 || s.Options[0].Quote == nil || s.Options[0].NeedsConfirm == "" {
		t.Fatalf("with an AI: %+v", s)
	}
	want["ceiling_nano_usd"] = s.Options[0].Quote.Nano.Ceiling

	a := send(http.MethodPost, at+"/build-this", want)
	a.wantProblem(t, http.StatusConflict, "confirm_needed", "see", "confirm")
	want["tell"] = "mail"
	send(http.MethodPost, at+"/build-this", want).wantProblem(t, http.StatusUnprocessableEntity, "invalid", "tell")
	want["tell"], want["confirm"] = "page", a.problem(t).Fields[1].Detail
	var first, again order
	send(http.MethodPost, at+"/build-this", want).want(t, http.StatusAccepted).into(t, &first)
	send(http.MethodPost, at+"/build-this", want).want(t, http.StatusAccepted).into(t, &again)
	if first != again || first.State != "queued" {
		t.Errorf("first %+v, again %+v", first, again)
	}
	want["key"] = "another"
	send(http.MethodPost, at+"/build-this", want).wantProblem(t, http.StatusConflict, "build_running", "see")
	if s = look(); s.Chosen == nil || *s.Chosen != string(d.option) || s.Order == nil || s.Order.ID != first.ID {
		t.Errorf("afterwards %+v", s)
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("%d calls were made for it", n)
	}
}

func TestWishesOfATeam(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	at := "/projects/" + string(w.desk(t, ann).project)
	do := w.as(t, ann)
	made := do(http.MethodPost, at+"/wishes", fields{"text": "Bookings by the week.\n"}, http.StatusCreated)
	if got := w.list(t, ann, at+"/wishes"); len(got.Items) != 2 || made.ID != got.Items[0].ID && made.ID != got.Items[1].ID {
		t.Errorf("wishes %+v", got)
	}
	do(http.MethodPatch, at+"/wishes/"+made.ID, fields{"ticked": true}, http.StatusOK)
	var compared struct {
		Score   int
		Creep   bool `json:"scope_creep"`
		Belongs []string
	}
	w.send(t, request{method: http.MethodGet, path: at + "/alignment", as: ann}).want(t, http.StatusOK).into(t, &compared)
	if compared.Score != 100 || compared.Creep || len(compared.Belongs) != 1 || compared.Belongs[0] != "Bookings" {
		t.Errorf("alignment of the ticked one: %+v", compared)
	}
	do(http.MethodDelete, at+"/wishes/"+made.ID, nil, http.StatusNoContent)
	do(http.MethodPatch, at+"/wishes/"+made.ID, fields{"ticked": true}, http.StatusNotFound)
	w.send(t, request{method: http.MethodGet, path: at + "/alignment", as: ann}).want(t, http.StatusOK).into(t, &compared)
	if compared.Score != 0 || !compared.Creep {
		t.Errorf("alignment of the one that is left: %+v", compared)
	}
}
