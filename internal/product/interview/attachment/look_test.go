package attachment_test

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"unicode/utf8"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/interview/attachment"
)

func picture(tb testing.TB, encode func(*bytes.Buffer, image.Image) error, width, height int) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(b *bytes.Buffer, i image.Image) error  { return png.Encode(b, i) }
func asJPEG(b *bytes.Buffer, i image.Image) error { return jpeg.Encode(b, i, nil) }
func asGIF(b *bytes.Buffer, i image.Image) error  { return gif.Encode(b, i, nil) }

const pdf = "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

// What a file is follows from its bytes; what cannot be read is refused with what to do.
func TestLook(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		content []byte
		want    string // the kind and type, or what the refusal speaks of
	}{
		{"text", []byte("Walks for dogs.\n"), "text text/plain"},
		{"markdown", []byte("# Plan\n\n- dogs\n"), "text text/plain"},
		{"a page, which is text to us", []byte("<!doctype html><script>alert(1)</script>"), "text text/plain"},
		{"a drawing, which is text to us", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "text text/plain"},
		{"text with a mark", []byte("\xef\xbb\xbfUmlaut ä"), "text text/plain"},
		{"UTF-16", []byte("\xff\xfed\x00o\x00g\x00s\x00"), "text text/plain"},
		{"UTF-32", []byte("\xff\xfe\x00\x00d\x00\x00\x00"), "text text/plain"},
		{"png", picture(t, asPNG, 3, 2), "picture image/png"},
		{"jpeg", picture(t, asJPEG, 3, 2), "picture image/jpeg"},
		{"gif", picture(t, asGIF, 3, 2), "picture image/gif"},
		{"pdf", []byte(pdf), "pdf application/pdf"},
		{"a pdf about locks", []byte(pdf + "(/Encrypt is a key)"), "pdf application/pdf"},

		{"nothing", nil, "empty"},
		{"blanks", []byte(" \n\t"), "no text"},
		{"a locked pdf", []byte(pdf + "trailer<</Encrypt 5 0 R>>"), "password"},
		{"a large pdf", append([]byte(pdf), make([]byte, attachment.MaxPDF)...), "8 MB"},
		{"a large picture", append(picture(t, asPNG, 3, 2), make([]byte, attachment.MaxPicture)...), "3.7 MB"},
		{"a wide picture", picture(t, asPNG, 8001, 1), "8000 pixels"},
		{"half a picture", picture(t, asPNG, 3, 2)[:20], "damaged"},
		{"a picture by its first bytes only", []byte("GIF89a <script>alert(1)</script>"), "8000 pixels"},
		{"a long text", bytes.Repeat([]byte("word "), attachment.MaxText/5+1), "1 MB"},
		{"an office document", []byte("PK\x03\x04 word/document.xml"), "PDF, or paste"},
		{"rich text", []byte(`{\rtf1\ansi Dogs}`), "PDF, or paste"},
		{"a program", []byte("\x7fELF\x02\x01\x01\x00"), "none of them"},
		{"Latin-1", []byte("Stra\xdfe"), "none of them"},
		{"NUL", []byte("a\x00b"), "none of them"},
		{"an escape", []byte("a\x1b[2Jb"), "none of them"},
		{"half of UTF-16", []byte("\xff\xfe\x00\xd8"), "text text/plain"}, // a letter nobody knows
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := attachment.Look(tt.content)
			if err == nil {
				if is := fmt.Sprintf("%s %s", got.Kind, got.MediaType); is != tt.want {
					t.Errorf("is %s, want %s", is, tt.want)
				}
				return
			}
			f := fault.Of(err)
			if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != "content" || !strings.Contains(f.Fields[0].Detail, tt.want) {
				t.Errorf("refused with %v, want something of %q", err, tt.want)
			}
		})
	}
}

// FuzzLook holds what is taken to what the rest relies on: a text is text that a database
// keeps, and nothing is changed but a text's coding and line ends.
func FuzzLook(f *testing.F) {
	for _, seed := range [][]byte{[]byte("dogs"), []byte(pdf), []byte("\xff\xfed\x00"), []byte("\x00\x00\xfe\xff\x00\x00\x00d"), picture(f, asPNG, 1, 1), picture(f, asGIF, 1, 1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := attachment.Look(content)
		if err != nil {
			return
		}
		if got.Kind == attachment.Text {
			if !utf8.Valid(got.Content) || bytes.ContainsRune(got.Content, 0) || len(got.Content) > attachment.MaxText {
				t.Errorf("a text that is none: %q", got.Content)
			}
			again, err := attachment.Look(got.Content)
			if err != nil || again.Kind == attachment.Text && !bytes.Equal(again.Content, got.Content) {
				t.Errorf("looked at again it is %q, %v", again.Content, err)
			}
			return
		}
		if !bytes.Equal(got.Content, content) {
			t.Error("the bytes were changed")
		}
	})
}
