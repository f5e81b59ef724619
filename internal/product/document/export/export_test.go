package export_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cofounder/internal/product/document"
	"cofounder/internal/product/document/export"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files again")

// library returns one filled version of each kind.
func library(tb testing.TB) []document.Version {
	tb.Helper()
	var all []document.Version
	for i, k := range document.Kinds() {
		raw, err := os.ReadFile(filepath.Join("..", "testdata", string(k)+".json"))
		if err != nil {
			tb.Fatal(err)
		}
		c, err := document.Decode(k, raw)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, version(c, i+1))
	}
	return all
}

func version(c document.Content, number int) document.Version {
	return document.Version{
		Kind: c.Kind(), Number: number, Content: c, Hash: strings.Repeat("0a1b2c3d", 8),
		At: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
	}
}

func book(versions ...document.Version) export.Book {
	return export.Book{Project: "Pawbook", Versions: versions}
}

func markdown(tb testing.TB, b export.Book) string {
	tb.Helper()
	var out bytes.Buffer
	if err := export.Markdown(&out, b); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func pdf(tb testing.TB, b export.Book) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := export.PDF(&out, b); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	one := book(library(t)[1])
	onePage := book(library(t)[0])
	onePage.Cut, onePage.Versions[0].Note = export.OnePage, "Demo mode: no AI connected"
	for name, b := range map[string]export.Book{"scope": one, "one-page": onePage, "all": book(library(t)...)} {
		path := filepath.Join("testdata", name+".md")
		got := markdown(t, b)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// What founders write stays text, whatever it looks like.
func TestMarkdownEscapes(t *testing.T) {
	t.Parallel()
	got := markdown(t, book(version(document.Brief{
		Problem: "# not a heading\n- not an item\n1. nor this\n<script>alert(1)</script> *a* `b` [c](javascript:d) _e_ \\",
	}, 1)))
	_, text, _ := strings.Cut(got, "## The problem\n")
	want := "\n\\# not a heading\n\n\\- not an item\n\n1\\. nor this\n\n\\<script\\>alert(1)\\</script\\> \\*a\\* \\`b\\` \\[c\\](javascript:d) \\_e\\_ \\\\\n"
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// Every text of every kind is in both files; the PDF is read back by another program
// where there is one.
func TestNothingIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, v := range append(library(t), long(t)) {
		md, pages := markdown(t, book(v)), printed(t, book(v))
		for _, s := range v.Outline() {
			for _, l := range s.Lines {
				for name, file := range map[string]string{"Markdown": md, "PDF": pages} {
					if file != "" && !strings.Contains(squeezed(file), squeezed(strings.ReplaceAll(l.Text, "→", "–›"))) {
						t.Errorf("%s: the %s lacks %q", v.Kind, name, l.Text)
					}
				}
			}
		}
	}
}

// squeezed is a text without spaces and marks, which line breaks and markup move.
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \n\f\\-\u00a0", r) {
			return -1
		}
		return r
	}, s)
}

// printed returns the text of the PDF of a book; empty where nothing here can read one.
func printed(t *testing.T, b export.Book) string {
	t.Helper()
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		return ""
	}
	path := filepath.Join(t.TempDir(), "book.pdf")
	if err := os.WriteFile(path, pdf(t, b), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), program, "-raw", path, "-").Output()
	if err != nil {
		t.Fatalf("the PDF cannot be read: %v", err)
	}
	return string(text)
}

// long is a document of many pages.
func long(tb testing.TB) document.Version {
	tb.Helper()
	var s document.Scope
	for i := range 50 {
		f := document.Feature{Name: fmt.Sprintf("Größe und Maß %d", i), Priority: document.Must, Description: strings.Repeat("Jeder Hund hat seine Zeit, auch ein ganz kleiner. ", 12)}
		for j := range 8 {
			f.Criteria = append(f.Criteria, document.Criterion{Text: fmt.Sprintf("Ein Satz %d.%d, der länger ist als eine Zeile, damit er in der nächsten unter sich selbst beginnt und nicht unter dem Zeichen davor.", i, j), Must: j%2 == 0})
		}
		s.Features = append(s.Features, f)
	}
	return version(s, 3)
}

func TestPDFPages(t *testing.T) {
	t.Parallel()
	if text := printed(t, book(long(t))); text != "" {
		pages := strings.Split(strings.TrimSuffix(text, "\f"), "\f")
		if len(pages) < 30 {
			t.Errorf("%d pages, want at least 30", len(pages))
		}
		for i, page := range pages[1:] {
			if want := fmt.Sprintf("%d / %d", i+2, len(pages)); !strings.Contains(page, want) {
				t.Errorf("page %d does not say %q", i+2, want)
			}
			if i > 0 && !strings.Contains(page, "Scope · Version 3 · 20 November 2026 · 0a1b2c3d0a1b") {
				t.Errorf("page %d does not say what it is a page of", i+2)
			}
		}
	}
	all := book(library(t)...)
	note := "Demo mode: no AI connected"
	all.Versions[0].Note = note
	text := printed(t, all)
	if text == "" {
		t.Skip("pdftotext is not installed: the text of PDFs was not looked at")
	}
	pages := strings.Split(text, "\f")
	for i, page := range pages {
		for _, v := range all.Versions {
			if i > 1 && strings.HasPrefix(page, v.Kind.Title()+"\n") && !strings.Contains(pages[1], fmt.Sprintf("%s %d", v.Kind.Title(), i+1)) {
				t.Errorf("the contents do not say that %s is on page %d:\n%s", v.Kind.Title(), i+1, pages[1])
			}
		}
	}
	if !strings.Contains(pages[0], note) || !strings.Contains(pages[2], note) {
		t.Error("the note is not on the cover and at the foot")
	}
}

// Whatever a text holds, the PDF is made; what its fonts lack is said on the cover.
func TestPDFOfAnyText(t *testing.T) {
	t.Parallel()
	said := "Some characters cannot be set"
	for name, tt := range map[string]struct {
		text string
		lost bool
	}{
		"German":          {"Größe, Maß, Straße, „Anführung“, 5 €", false},
		"Polish":          {"Zażółć gęślą jaźń", false},
		"Russian":         {"Собака ждёт", false},
		"Greek":           {"Ο σκύλος περιμένει", false},
		"Vietnamese":      {"Con chó đang chờ", false},
		"accents apart":   {"Gro\u0308ße", false},
		"Chinese":         {"狗主可以看到空闲时间 and English", true},
		"Japanese":        {"犬の美容室", true},
		"Arabic":          {"الكلب ينتظر", true},
		"emoji":           {"🐕‍🦺 dogs", true},
		"one long word":   {strings.Repeat("Donaudampfschifffahrt", 40), false},
		"nothing visible": {"a\u200b\u200d\ufeffb", false},
		"marks":           {"a → b ✓ ≤ 3", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := book(version(document.Brief{Problem: tt.text, Risks: []string{tt.text}}, 1))
			b.Project = tt.text[:min(len(tt.text), 80)]
			b.Project = strings.ToValidUTF8(b.Project, "")
			file := pdf(t, b)
			if !bytes.HasPrefix(file, []byte("%PDF-")) || !bytes.Contains(file[len(file)-16:], []byte("%%EOF")) {
				t.Error("this is no PDF")
			}
			if text := printed(t, b); text != "" && strings.Contains(text, said) != tt.lost {
				t.Errorf("said that something is lost: %v, want %v:\n%s", !tt.lost, tt.lost, text)
			}
		})
	}
}

func TestSameBookSameBytes(t *testing.T) {
	t.Parallel()
	b := book(library(t)...)
	if !bytes.Equal(pdf(t, b), pdf(t, b)) {
		t.Error("two exports of one book differ")
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	v := library(t)[4]
	for project, want := range map[string]string{
		"Pawbook":               "pawbook-how-it-works.pdf",
		"Größe & Maß GmbH":      "grosse-mass-gmbh-how-it-works.pdf",
		"狗":                     "project-how-it-works.pdf",
		"a\"; filename=evil.sh": "a-filename-evil-sh-how-it-works.pdf",
		"../../etc/passwd":      "etc-passwd-how-it-works.pdf",
	} {
		b := book(v)
		b.Project = project
		if got := b.FileName("pdf"); got != want {
			t.Errorf("%q → %q, want %q", project, got, want)
		}
	}
	if got := book(library(t)...).FileName("md"); got != "pawbook-documents.md" {
		t.Errorf("all documents → %q", got)
	}
	b := book(v)
	b.Project = strings.Repeat("very long ", 50)
	if got := b.FileName("md"); len(got) > 90 {
		t.Errorf("%d characters: %s", len(got), got)
	}
}
