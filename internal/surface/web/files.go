package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"

	"cofounder/internal/base/fault"
)

//go:embed static
var static embed.FS

// staticPath is where static files are served.
const staticPath = "/static/"

// bundles are files made of several, in this order. One script in place of four
// is one round trip, and its parts cannot run out of order.
func bundles() map[string][]string {
	return map[string][]string{
		"app.css": {"css/tokens.css", "css/base.css", "css/layout.css", "css/components.css", "css/pages.css", "css/documents.css", "css/idea.css"},
		"app.js":  {"vendor/htmx.min.js", "vendor/hx-sse.min.js", "vendor/hx-csp.min.js", "app.js"},
	}
}

// singles are served as they are.
func singles() []string {
	return []string{
		"fonts/inter-latin.woff2", "fonts/inter-latin-ext.woff2",
		"fonts/newsreader-latin.woff2", "fonts/newsreader-latin-ext.woff2",
		"fonts/jetbrains-mono-latin.woff2", "fonts/jetbrains-mono-latin-ext.woff2",
		"icon.svg", "passkey.js",
	}
}

// file is one static file, ready to send.
type file struct {
	address string // with the hash of its content in it
	kind    string // media type
	plain   []byte
	packed  []byte // gzip; nil when that is not smaller
}

// files are all static files, by name. They do not change after loadFiles.
type files struct{ byName map[string]*file }

// loadFiles reads, bundles, hashes and compresses what is embedded. Fonts come
// first, because the style sheet names them by their hashed addresses.
func loadFiles() (*files, error) {
	f := &files{byName: map[string]*file{}}
	for _, name := range singles() {
		b, err := fs.ReadFile(static, "static/"+name)
		if err != nil {
			return nil, err
		}
		if err := f.add(name, b); err != nil {
			return nil, err
		}
	}
	for name, parts := range bundles() {
		var b bytes.Buffer
		for _, part := range parts {
			text, err := fs.ReadFile(static, "static/"+part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
			b.WriteByte('\n')
		}
		text := b.Bytes()
		if path.Ext(name) == ".css" {
			text = f.linkFonts(text)
		}
		if err := f.add(name, text); err != nil {
			return nil, err
		}
	}
	return f, nil
}

var fontURL = regexp.MustCompile(`url\("(fonts/[a-z-]+\.woff2)"\)`)

func (f *files) linkFonts(css []byte) []byte {
	return fontURL.ReplaceAllFunc(css, func(m []byte) []byte {
		name := fontURL.FindSubmatch(m)[1]
		return []byte(`url("` + f.address(string(name)) + `")`)
	})
}

func (f *files) add(name string, b []byte) error {
	sum := sha256.Sum256(b)
	ext := path.Ext(name)
	one := &file{
		address: staticPath + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
		kind:    mediaType(ext), plain: b,
	}
	if ext != ".woff2" { // compressed already
		packed, err := pack(b, gzip.BestCompression)
		if err != nil {
			return fmt.Errorf("compress %s: %w", name, err)
		}
		if len(packed) < len(b) {
			one.packed = packed
		}
	}
	f.byName[name] = one
	return nil
}

func mediaType(ext string) string {
	if ext == ".woff2" {
		return "font/woff2" // the standard library has no entry of its own
	}
	return mime.TypeByExtension(ext)
}

func pack(b []byte, level int) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// address returns where a file is served. It panics on an unknown name, a
// programmer's mistake that any rendering test meets.
func (f *files) address(name string) string {
	one := f.byName[name]
	if one == nil {
		panic("web: no static file named " + name)
	}
	return one.address
}

// worker is the service worker's script, naming the files of this build.
func (f *files) worker() []byte {
	list := []string{"/offline", f.address("app.css"), f.address("app.js"), f.address("fonts/inter-latin.woff2"), f.address("fonts/newsreader-latin.woff2")}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings always encode
	}
	script, err := fs.ReadFile(static, "static/sw.js")
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(append(text, script...))
	return []byte(strings.NewReplacer("BUILD", hex.EncodeToString(sum[:6]), "FILES", string(text)).Replace(string(script)))
}

// contentHash is the part of an address that addr puts between name and ending.
var contentHash = regexp.MustCompile(`\.[0-9a-f]{12}(\.[a-z0-9]+)$`)

// staticFile sends a static file. A known name with another hash is a page of the
// previous or the next release asking during a rolling restart: it gets what we
// have, uncached.
func (s *Site) staticFile(w http.ResponseWriter, r *http.Request) error {
	asked := r.URL.Path
	name := contentHash.ReplaceAllString(strings.TrimPrefix(asked, staticPath), "$1")
	one := s.files.byName[name]
	if one == nil {
		return fault.New(fault.NotFound, "", "There is no such file.")
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if asked == one.address {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", one.kind)
	send(w, r, http.StatusOK, one.plain, one.packed)
	return nil
}
