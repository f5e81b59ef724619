package attachment

import (
	"bytes"
	"errors"
	"image"
	_ "image/gif"  // reads the size of a picture
	_ "image/jpeg" // reads the size of a picture
	_ "image/png"  // reads the size of a picture
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"cofounder/internal/base/fault"

	_ "golang.org/x/image/webp" // reads the size of a picture
	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// encrypted is how a PDF refers to the lock it has.
var encrypted = regexp.MustCompile(`/Encrypt\s+\d+\s+\d+\s+R`)

// mostPixels is the longest side of a picture that the Messages API takes.
const mostPixels = 8000

// Looked is what a file is.
type Looked struct {
	Kind      Kind
	MediaType string
	Content   []byte // a text in UTF-8 without a mark of byte order; else as it came
}

// Look says what a file is by its bytes. What we cannot take is fault.Invalid on content,
// saying what to do instead.
func Look(content []byte) (Looked, error) {
	refuse := func(detail string) (Looked, error) { return Looked{}, fault.OnField("content", detail) }
	if len(content) == 0 {
		return refuse("This file is empty.")
	}
	if bytes.HasPrefix(content, []byte("%PDF-")) {
		return lookPDF(content)
	}
	// The heads of ZIP (and with it docx, xlsx, odt), RAR, gzip, 7z, old office files, RTF.
	for _, packed := range []string{"PK\x03\x04", "Rar!", "\x1f\x8b", "7z\xbc\xaf\x27\x1c", "\xd0\xcf\x11\xe0", `{\rtf`} {
		if bytes.HasPrefix(content, []byte(packed)) {
			return refuse("I cannot look into packed files and office documents. Save it as a PDF, or paste its text.")
		}
	}
	size, format, err := image.DecodeConfig(bytes.NewReader(content)) // its head only; nothing is unpacked
	if err == nil {
		return lookPicture("image/"+format, size, content)
	}
	if !errors.Is(err, image.ErrFormat) {
		return refuse("This picture is damaged.")
	}
	text, ok := plain(content)
	switch {
	case !ok:
		return refuse("I can read text, pictures (PNG, JPEG, GIF, WebP) and PDFs. This is none of them.")
	case strings.TrimSpace(text) == "":
		return refuse("There is no text in this file.")
	case len(text) > MaxText:
		return refuse("This text is larger than 1 MB. Attach the part that matters most.")
	}
	return Looked{Kind: Text, MediaType: "text/plain", Content: []byte(text)}, nil
}

func lookPDF(content []byte) (Looked, error) {
	switch {
	case len(content) > MaxPDF:
		return Looked{}, fault.OnField("content", "This PDF is larger than 8 MB. Attach the pages that matter most.")
	case encrypted.Match(content):
		return Looked{}, fault.OnField("content", "This PDF is locked with a password. Save it without one first.")
	}
	return Looked{Kind: PDF, MediaType: "application/pdf", Content: content}, nil
}

func lookPicture(media string, size image.Config, content []byte) (Looked, error) {
	switch {
	case len(content) > MaxPicture:
		return Looked{}, fault.OnField("content", "This picture is larger than 3.7 MB. Make it smaller first.")
	case size.Width < 1 || size.Height < 1:
		return Looked{}, fault.OnField("content", "This picture is empty.")
	case size.Width > mostPixels || size.Height > mostPixels:
		return Looked{}, fault.OnField("content", "This picture is larger than 8000 pixels on one side. Make it smaller first.")
	}
	return Looked{Kind: Picture, MediaType: media, Content: content}, nil
}

// plain returns content as text in UTF-8, or false when it is none. Text of another
// encoding is taken where it says which it is.
func plain(content []byte) (string, bool) {
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(content, []byte("\x00\x00\xfe\xff")):
		decoded, err := utf32.UTF32(utf32.BigEndian, utf32.ExpectBOM).NewDecoder().Bytes(content)
		if err != nil {
			return "", false
		}
		content = decoded
	case bytes.HasPrefix(content, []byte("\xff\xfe")), bytes.HasPrefix(content, []byte("\xfe\xff")):
		decoded, err := utf16.UTF16(utf16.BigEndian, utf16.ExpectBOM).NewDecoder().Bytes(content)
		if err != nil {
			return "", false
		}
		content = decoded
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(content) {
		return "", false
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' && r != '\f' {
			return "", false
		}
	}
	return text, true
}

// maxName is the most characters of a name.
const maxName = 120

// nameOf is the name of a file on one line, without folders, marks that turn the reading
// direction and what else cannot be seen.
func nameOf(given string) string {
	name := path.Base(strings.ReplaceAll(strings.ToValidUTF8(given, ""), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`"<>:|?*`, r) {
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if runes := []rune(name); len(runes) > maxName {
		ending := path.Ext(name)
		if short := []rune(ending); len(short) > len(".markdown") {
			ending = ""
		}
		name = strings.TrimSpace(string(runes[:maxName-len([]rune(ending))])) + ending
	}
	if name == "" || name == "/" {
		return "file"
	}
	return name
}
