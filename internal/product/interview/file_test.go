package interview_test

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/interview/attachment"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
)

const aPDF = "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"

func aPicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) tellWith(t *testing.T, idea string, files ...attachment.File) *desk {
	t.Helper()
	d := &desk{world: w, actor: w.founder(t)}
	begun, err := w.Begin(t.Context(), d.actor, project.Draft{Idea: idea}, files...)
	if err != nil {
		t.Fatal(err)
	}
	d.id = begun.Project
	return d
}

// A picture and a PDF are read once, each with its block, and what was found in them
// stands in every later prompt as the founder's words; so does a text, unread.
func TestFilesAreHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	heard := []string{"expect Eleven families, 15 dollars a walk.", "expect A sketch of a week.", "expect Bring treats."}
	w.ask(t, `
turn when application/pdf
expect "title":"file"
say {"readable":true,"says":"Eleven families, 15 dollars a walk.","because":""}
turn when image/png
expect "title":"file"
say {"readable":true,"says":"A sketch of a week.","because":""}
`+turn("reading", aReading, heard...)+turn("questions", threeQuestions(t), heard...)+turn("answers", noClash, "times 3")+sections(heard...))
	d := w.tellWith(t, "Dogs.",
		attachment.File{Name: "plan.pdf", Content: []byte(aPDF)}, attachment.File{Name: "week.png", Content: aPicture(t)},
		attachment.File{Name: "notes.txt", Content: []byte("Bring treats.")})
	got := d.awaitState(t, interview.Asking)
	if len(got.Questions) != 3 {
		t.Fatalf("%s %s, %d questions", got.State, got.Reason, len(got.Questions))
	}
	for _, f := range got.Files {
		if f.State != attachment.Read || f.Used == 0 || f.Used != f.Long || f.Fresh {
			t.Errorf("%s: %+v", f.Name, f)
		}
	}
	for _, q := range got.Questions {
		d.submit(t, interview.Reply{Question: q.ID, Text: "One, for 15 dollars"})
	}
	if got = d.awaitState(t, interview.Written); got.State != interview.Written {
		t.Fatalf("%s %s", got.State, got.Reason)
	}
	// One that comes after the page is fresh until the page is written again.
	if _, err := d.Attach(t.Context(), d.actor, d.id, attachment.File{Name: "late.txt", Content: []byte("And cats.")}); err != nil {
		t.Fatal(err)
	}
	if got = d.look(t); !got.Files[3].Fresh || got.Files[0].Fresh {
		t.Errorf("fresh: %v, %v; want the last only", got.Files[3].Fresh, got.Files[0].Fresh)
	}
	if _, err := d.Rewrite(t.Context(), d.actor, d.id); err != nil {
		t.Fatal(err)
	}
	if got = d.awaitState(t, interview.Written); got.Files[3].Fresh {
		t.Error("still fresh after writing again")
	}
}

// A file that cannot be read stops nothing: it is kept, the founder is told why, the
// questions come.
func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fail, want string }{
		{"fail refusal", "declined to read"},
		{"fail prompt_too_long", "too long for the connected AI"},
		{"fail too_large", "too long for the connected AI"},
		{"fail bad_request", "cannot read this kind"},
		{"fail length", "could not be used"},
		{"fail prose\ntimes 2", "could not be used"},
	} {
		t.Run(tt.fail, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).start(t)
			w.ask(t, turn("file", `{"readable":true,"says":"x","because":""}`, tt.fail)+turn("reading", aReading)+turn("questions", threeQuestions(t)))
			d := w.tellWith(t, "Dogs.", attachment.File{Name: "plan.pdf", Content: []byte(aPDF)})
			got := d.awaitState(t, interview.Asking)
			if len(got.Questions) != 3 || got.Files[0].State != attachment.Unreadable || !strings.Contains(got.Files[0].Note, tt.want) {
				t.Errorf("%s %s: %d questions, file %+v, want %q", got.State, got.Reason, len(got.Questions), got.Files, tt.want)
			}
		})
	}
}

// With no AI connected a text is read like the idea, and of the others it is said that
// nobody looks into them.
func TestFilesInDemoMode(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	d := w.tellWith(t, "", attachment.File{Name: "plan.txt", Content: []byte(ideas(t)["vet"])}, attachment.File{Name: "p.pdf", Content: []byte(aPDF)})
	got := d.page(t)
	if got.State != interview.Written || got.Files[0].State != attachment.Read || got.Files[1].State != attachment.Unreadable ||
		!strings.Contains(got.Files[1].Note, "No AI is connected") {
		t.Errorf("%s %s: %+v", got.State, got.Reason, got.Files)
	}
	p, err := w.projects.Get(t.Context(), d.actor, d.id)
	if err != nil || p.Idea != strings.TrimSpace(ideas(t)["vet"]) {
		t.Errorf("the idea is %q, %v", p.Idea, err)
	}
}

// A plan longer than an idea may be is kept whole; its beginning is used, and it is said
// how much.
func TestLongPlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var plan strings.Builder
	for plan.Len() < 300_000 {
		plan.WriteString("Dog owners book a walk, and I see my week.\n\n")
	}
	d := w.tell(t, plan.String())
	got := d.look(t)
	p, err := w.projects.Get(t.Context(), d.actor, d.id)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(plan.String())
	if len(p.Idea) > 10_000 || !strings.HasPrefix(text, p.Idea) || len(got.Files) != 1 {
		t.Fatalf("an idea of %d bytes, files %+v", len(p.Idea), got.Files)
	}
	f, raw, err := d.Download(t.Context(), d.actor, d.id, got.Files[0].ID)
	if err != nil || string(raw) != text || f.Long != len(text) || f.Used > attachment.MaxHeard || f.Used < attachment.MaxHeard/2 {
		t.Errorf("kept %d of %d bytes, used %d of %d: %v", len(raw), len(text), f.Used, f.Long, err)
	}
	_, err = w.Begin(t.Context(), d.actor, project.Draft{Idea: strings.Repeat("word ", 210_000)})
	faulttest.Wants(t, "more than can be kept", err, "invalid idea")
}

func TestFilesAreLimitedAndOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.tell(t, "Dogs")
	attach := func(actor account.Actor, name, content string) (interview.File, error) {
		return d.Attach(t.Context(), actor, d.id, attachment.File{Name: name, Content: []byte(content)})
	}
	first, err := attach(d.actor, "../../a\u202e\"b\n.txt", "one")
	if err != nil || first.Name != "ab.txt" || first.Size != 3 {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := attach(d.actor, "other.txt", "one"); err != nil || again.ID != first.ID || len(d.look(t).Files) != 1 {
		t.Errorf("the same bytes became %s, %v", again.ID, err)
	}
	for _, more := range []string{"2", "3", "4", "5"} {
		if _, err := attach(d.actor, more, more); err != nil {
			t.Fatal(err)
		}
	}
	_, err = attach(d.actor, "6", "6")
	faulttest.Wants(t, "a sixth", err, "conflict too_many_files")
	_, err = attach(d.actor, "x", "\x00")
	faulttest.Wants(t, "what is no text", err, "invalid content")
	_, err = w.Begin(t.Context(), d.actor, project.Draft{Idea: "Dogs"}, attachment.File{Content: []byte("fine")}, attachment.File{Content: []byte("\x00")})
	faulttest.Wants(t, "an idea with a wrong file", err, "invalid files.1")

	stranger, viewer := w.founder(t), d.actor
	viewer.Role = account.Viewer
	_, err = attach(stranger, "x", "x")
	faulttest.Wants(t, "a stranger attaches", err, "not_found")
	_, err = attach(viewer, "x", "x")
	faulttest.Wants(t, "a viewer attaches", err, "forbidden viewer_only")
	_, _, err = d.Download(t.Context(), stranger, d.id, first.ID)
	faulttest.Wants(t, "a stranger downloads", err, "not_found")
	faulttest.Wants(t, "a stranger takes away", d.Detach(t.Context(), stranger, d.id, first.ID), "not_found")
	if _, raw, err := d.Download(t.Context(), viewer, d.id, first.ID); err != nil || string(raw) != "one" {
		t.Errorf("a viewer downloads %q, %v", raw, err)
	}
	given, err := w.FilesGivenBy(t.Context(), d.actor)
	if err != nil || len(given) != 5 || given[0].ID != first.ID || given[0].Project != d.id {
		t.Errorf("given %+v, %v", given, err)
	}
	if err := d.Detach(t.Context(), d.actor, d.id, first.ID); err != nil {
		t.Fatal(err)
	}
	faulttest.Wants(t, "twice", d.Detach(t.Context(), d.actor, d.id, first.ID), "not_found")
}

// A purge takes files with it.
func TestPurgeTakesFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.tellWith(t, "Dogs", attachment.File{Name: "x", Content: []byte("x")})
	if _, err := w.projects.Delete(t.Context(), d.actor, d.id); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Exec(t.Context(), `UPDATE project SET deleted_at = $1`, time.Now().Add(-project.KeepDeleted-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, err := w.projects.Purge(t.Context()); err != nil || n != 1 {
		t.Fatalf("purged %d, %v", n, err)
	}
	var left int
	if err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM attachment`).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(0, left); diff != "" {
		t.Errorf("files left (-want +got):\n%s", diff)
	}
}
