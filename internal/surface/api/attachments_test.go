package api_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

type file struct {
	ID, Name, Kind, State, Note string

	Size     int
	UsedSize int `json:"used_size"`
}

func TestAttachmentsLife(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	var begun struct {
		Project     string
		Attachments []file
	}
	w.send(t, request{method: "POST", path: "/ideas", as: ann, body: fields{
		"files": []any{fields{"name": "Pläne \"2027\".txt", "content": encoded("Dog owners book walks.")}, fields{"name": "a.pdf", "content": encoded("%PDF-1.7 x")}},
	}}).want(t, http.StatusCreated).into(t, &begun)
	if len(begun.Attachments) != 2 || begun.Attachments[0].Name != "Pläne 2027.txt" || begun.Attachments[0].State != "read" || begun.Attachments[0].UsedSize != 22 ||
		begun.Attachments[1].Kind != "pdf" || begun.Attachments[1].State != "kept" {
		t.Fatalf("begun with %+v", begun.Attachments)
	}
	path := "/projects/" + begun.Project + "/attachments"
	// Larger than other requests may be.
	var large file
	w.send(t, request{method: "POST", path: path, as: ann, body: fields{"name": "big.pdf", "content": encoded("%PDF-1.7 " + strings.Repeat("x", 3<<20))}}).
		want(t, http.StatusCreated).into(t, &large)
	if large.Size != 9+3<<20 {
		t.Errorf("kept %+v", large)
	}
	w.send(t, request{method: "POST", path: path, as: ann, body: fields{"name": "x", "content": "no base64"}}).want(t, http.StatusUnprocessableEntity)
	w.send(t, request{method: "POST", path: path, as: ann, body: fields{"name": "x", "content": encoded("PK\x03\x04")}}).
		wantProblem(t, http.StatusUnprocessableEntity, "invalid", "content")

	a := w.send(t, request{method: "GET", path: path + "/" + begun.Attachments[0].ID + "/content", as: ann}).want(t, http.StatusOK)
	if string(a.body) != "Dog owners book walks." || a.header.Get("Content-Disposition") != "attachment; filename*=utf-8''Pl%C3%A4ne%202027.txt" ||
		a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("downloaded %q with %v", a.body, a.header)
	}
	var exported struct{ Files []file }
	w.send(t, request{method: "GET", path: "/me/export", as: ann}).want(t, http.StatusOK).into(t, &exported)
	if len(exported.Files) != 3 {
		t.Errorf("exported %+v", exported.Files)
	}
	w.send(t, request{method: "DELETE", path: path + "/" + large.ID, as: ann}).want(t, http.StatusNoContent)
	if got := w.list(t, ann, path); len(got.Items) != 2 {
		t.Errorf("left %+v", got.Items)
	}
	w.send(t, request{method: "POST", path: "/ideas", as: ann, body: fields{}}).wantProblem(t, http.StatusUnprocessableEntity, "invalid", "idea")
}
