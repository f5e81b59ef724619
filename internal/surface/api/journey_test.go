package api_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/product/account"
	papers "cofounder/internal/product/document"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// From a written brief over the decisions to a moved stage, as a program goes.
func TestJourneyByTheAPI(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	p := w.project(t, ann)
	path := "/projects/" + string(p.ID)
	var j struct {
		Stage   string
		Percent int
		Open    []thing
		Block   struct{ Code, Decision string }
	}
	look := func() {
		t.Helper()
		w.send(t, request{method: "GET", path: path + "/journey", as: ann}).want(t, http.StatusOK).into(t, &j)
	}
	look()
	if j.Stage != "idea" || j.Percent != 0 || j.Block.Code != "direction_needed" {
		t.Errorf("a new project: %+v", j)
	}
	send := func(method, path string, body any) answer {
		t.Helper()
		return w.send(t, request{method: method, path: path, as: ann, body: body})
	}
	send("POST", path+"/decide", fields{"kind": "direction", "choice": "proceed"}).wantProblem(t, http.StatusConflict, "brief_needed")
	w.write(t, ann.actor, p.ID, papers.Brief{Problem: "Calls."})
	send("PUT", path+"/stage", fields{"stage": "direction_chosen"}).wantProblem(t, http.StatusConflict, "direction_needed")

	var asked thing
	made := send("POST", path+"/decisions", fields{"kind": "direction"}).want(t, http.StatusCreated)
	made.into(t, &asked)
	if made.header.Get("Location") != "/api/v1"+path+"/decisions/"+asked.ID {
		t.Errorf("Location = %q", made.header.Get("Location"))
	}
	send("POST", path+"/decisions", fields{"kind": "direction"}).wantProblem(t, http.StatusConflict, "decision_open", "decision")
	look()
	if j.Block.Code != "direction_open" || j.Block.Decision != asked.ID || len(j.Open) != 1 {
		t.Errorf("an open direction: %+v", j)
	}
	decide := path + "/decisions/" + asked.ID + "/decide"
	send("POST", decide, fields{"choice": "narrow"}).wantProblem(t, http.StatusUnprocessableEntity, "invalid", "words")
	send("POST", decide, fields{"choice": "proceed", "key": "click"}).want(t, http.StatusOK)
	send("POST", decide, fields{"choice": "proceed", "key": "click"}).want(t, http.StatusOK)
	send("POST", decide, fields{"choice": "proceed", "key": "another"}).wantProblem(t, http.StatusConflict, "decided_already", "decision")
	look()
	if j.Stage != "direction_chosen" || j.Block.Code != "option_needed" || len(j.Open) != 0 {
		t.Errorf("after proceed: %+v", j)
	}
	send("PUT", path+"/stage", fields{"stage": "scaling"}).wantProblem(t, http.StatusConflict, "stage_locked")
	send("PUT", path+"/stage", fields{"stage": "brief"}).want(t, http.StatusOK)
	moves := send("GET", path+"/moves", nil)
	for _, want := range []string{`"from":"idea","to":"brief"`, asked.ID, moves.header.Get("X-Request-Id")[:4]} {
		if !strings.Contains(string(moves.body), want) {
			t.Errorf("moves %s lack %s", moves.body, want)
		}
	}
	send("POST", path+"/park", nil).want(t, http.StatusOK)
	send("PUT", path+"/stage", fields{"stage": "direction_chosen"}).wantProblem(t, http.StatusConflict, "project_parked")
	send("POST", path+"/decide", fields{"kind": "direction", "choice": "pivot", "words": "cats"}).wantProblem(t, http.StatusConflict, "project_parked")
}

// Thirty days after it was deleted nothing of a project is left anywhere.
func TestPurgeLeavesNothing(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	d := w.desk(t, ann)
	if err := w.documents.Ask(t.Context(), ann.actor, d.project, []papers.Kind{papers.RisksKind}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.projects.Delete(t.Context(), ann.actor, d.project); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(project.KeepDeleted)
	n, err := w.projects.Purge(t.Context(), func(ctx context.Context, tx pgx.Tx, p project.ID) error {
		return w.runs.ForgetTx(ctx, tx, string(p))
	})
	if n != 1 || err != nil {
		t.Fatalf("purged %d, %v", n, err)
	}
	for table, rows := range w.contents(t) {
		for _, row := range rows {
			if strings.Contains(row, string(d.project)) || strings.Contains(row, string(d.decision)) || strings.Contains(row, "Many calls") {
				t.Errorf("%s still has %s", table, row)
			}
		}
	}
}

// A document is edited, compared, restored, proposed, commented and exported.
func TestDocumentsByTheAPI(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	viewer := w.joins(t, ann, account.Viewer)
	d := w.desk(t, ann) // brief at version 2, with a proposal
	path := "/projects/" + string(d.project) + "/documents"
	send := func(method, path string, body any) answer {
		t.Helper()
		return w.send(t, request{method: method, path: path, as: ann, body: body})
	}
	var list struct {
		Items []struct {
			Kind, State string
			Version     *int
			Proposed    bool
		}
	}
	send("GET", path, nil).want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 7 || list.Items[0].Kind != "brief" || *list.Items[0].Version != 2 || !list.Items[0].Proposed || list.Items[6].State != "not_asked" {
		t.Errorf("documents: %+v", list)
	}
	brief := path + "/brief"
	clash := send("PUT", brief+"/sections/problem", fields{"value": "Fewer calls.", "base": 1})
	clash.wantProblem(t, http.StatusConflict, "edited_meanwhile", "version", "theirs", "yours")
	if p := clash.problem(t); p.Fields[1].Detail != `"Many calls."` || p.Fields[2].Detail != `"Fewer calls."` {
		t.Errorf("both texts: %+v", p.Fields)
	}
	send("PUT", brief+"/sections/risks", fields{"value": []string{"Owners call."}, "base": 2}).want(t, http.StatusOK)
	send("PUT", brief+"/sections/thesis", fields{"value": "x", "base": 3}).wantProblem(t, http.StatusNotFound, "not_found")
	send("PUT", brief+"/sections/risks", fields{"value": "x", "base": 3}).wantProblem(t, http.StatusUnprocessableEntity, "invalid", "risks")
	diff := send("GET", brief+"/difference", nil).want(t, http.StatusOK)
	if want := `{"from":2,"to":3,"sections":[{"section":"risks","title":"Risks","parts":[{"op":"added","text":"• Owners call."}]}]}`; strings.TrimSpace(string(diff.body)) != want {
		t.Errorf("difference %s, want %s", diff.body, want)
	}
	proposal := brief + "/proposals/" + string(d.proposal)
	send("POST", proposal+"/accept", fields{"base": 2}).wantProblem(t, http.StatusConflict, "edited_meanwhile", "version")
	send("POST", proposal+"/accept", fields{"base": 3, "sections": []string{"problem"}}).want(t, http.StatusOK)
	send("POST", proposal+"/decline", nil).wantProblem(t, http.StatusNotFound, "not_found")
	send("POST", brief+"/versions/1/restore", fields{"base": 4}).want(t, http.StatusOK)
	versions := w.list(t, ann, brief+"/versions?limit=2")
	if len(versions.Items) != 2 || versions.Next == nil || *versions.Next != "4" {
		t.Errorf("versions: %+v", versions)
	}
	send("GET", brief+"/versions?cursor=x", nil).wantProblem(t, http.StatusBadRequest, "bad_cursor")
	w.send(t, request{method: "POST", path: brief + "/comments", as: viewer, body: fields{"text": "Nice", "place": "assumptions/a1"}}).want(t, http.StatusCreated)
	send("POST", brief+"/comments", fields{"text": "x", "place": "assumptions/a9"}).wantProblem(t, http.StatusUnprocessableEntity, "invalid", "item")
	send("POST", path, fields{"kinds": []string{"risks", "milestones"}}).want(t, http.StatusAccepted)
	send("POST", path, fields{"kinds": []string{"risks"}}).wantProblem(t, http.StatusConflict, "being_written")

	md := send("GET", brief+"/markdown?version=2", nil).want(t, http.StatusOK)
	if !bytes.Contains(md.body, []byte("Many calls.")) || md.header.Get("Content-Disposition") != `attachment; filename="a-calendar-for-a-dog-groomer-brief.md"` {
		t.Errorf("markdown %s\n%s", md.header.Get("Content-Disposition"), md.body)
	}
	for _, file := range []string{brief + "/pdf", strings.TrimSuffix(path, "/documents") + "/documents-pdf"} {
		if got := send("GET", file, nil).want(t, http.StatusOK); !bytes.HasPrefix(got.body, []byte("%PDF-")) {
			t.Errorf("%s is no PDF: %.20q", file, got.body)
		}
	}
	send("GET", path+"/risks/pdf", nil).wantProblem(t, http.StatusNotFound, "not_found")
	send("GET", path+"/idea_brief", nil).wantProblem(t, http.StatusNotFound, "not_found")
	for _, n := range []string{"0", "-1", "01", "9", "99999999999999999999"} {
		send("GET", brief+"/versions/"+n, nil).wantProblem(t, http.StatusNotFound, "not_found")
	}
	send("GET", brief+fmt.Sprintf("/difference?from=%d&to=1", 1<<40), nil).wantProblem(t, http.StatusNotFound, "not_found")
}
