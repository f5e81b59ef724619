package config

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Where a value came from, as Describe prints it.
const (
	fromEnvironment = "environment"
	fromFile        = "file"
	fromDefault     = "default"
)

// emptyIsUnset are the keys whose owners say so.
func emptyIsUnset(key string) bool {
	return key == "DATABASE_URL" || key == "ANTHROPIC_API_KEY" || key == "OTEL_EXPORTER_OTLP_ENDPOINT"
}

// loader gathers values and problems. values holds what was given and, from
// depends on, the defaults that depend on other settings.
type loader struct {
	environ  map[string]string
	values   map[string]string
	origins  map[string]string
	problems problems
	root     bool // run by root
	goos     string
}

func newLoader(environ []string) *loader {
	l := &loader{
		environ: map[string]string{}, values: map[string]string{}, origins: map[string]string{},
		root: os.Geteuid() == 0, goos: runtime.GOOS,
	}
	for _, entry := range environ {
		if key, value, ok := strings.Cut(entry, "="); ok {
			l.environ[key] = value
		}
	}
	return l
}

// has reports whether the key was given, rightly or wrongly.
func (l *loader) has(key string) bool {
	o, ok := l.origins[key]
	return ok && o != fromDefault
}

// read takes the values of known keys out of the file and the environment.
func (l *loader) read(file string) {
	known := []string{configKey}
	for _, s := range settings() {
		known = append(known, s.key)
	}
	if file == "" {
		file = l.environ[configKey]
	}
	if file != "" {
		l.readFile(file, known)
	}
	for _, key := range sortedKeys(l.environ) {
		switch {
		case key == configKey:
		case slices.Contains(known, key):
			l.give(key, l.environ[key], fromEnvironment)
		case strings.HasPrefix(key, "COFOUNDER_"):
			l.problems.add(key, "is not a setting"+didYouMean(key, known))
		}
	}
}

func (l *loader) readFile(file string, known []string) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		l.problems.add(file, "cannot be read: "+cause(err))
		return
	}
	pairs, bad := parseFile(string(text))
	for _, b := range bad {
		l.problems.add(file+":"+strconv.Itoa(b.line), b.text)
	}
	for _, p := range pairs {
		where := " (line " + strconv.Itoa(p.line) + " of " + file + ")"
		switch {
		case p.key == configKey:
			l.problems.add(p.key, "cannot be set in the file it names"+where)
		case slices.Contains(known, p.key):
			l.give(p.key, p.value, fromFile)
		default:
			l.problems.add(p.key, "is not a setting"+didYouMean(p.key, known)+where)
		}
	}
}

func (l *loader) give(key, value, origin string) {
	if value == "" && emptyIsUnset(key) {
		delete(l.values, key) // also what the file said: the environment wins
		delete(l.origins, key)
		return
	}
	l.values[key], l.origins[key] = value, origin
}

// depends fills in the defaults that depend on other settings and refuses empty
// values.
func (l *loader) depends() {
	for _, key := range sortedKeys(l.origins) {
		if l.values[key] == "" {
			l.problems.add(key, "is set but empty: give it a value or remove it")
		}
	}
	lameDuck, drain := "0s", "10s"
	if l.has("DATABASE_URL") {
		lameDuck, drain = "20s", "85s"
	}
	l.standard("COFOUNDER_LAME_DUCK", lameDuck)
	l.standard("COFOUNDER_DRAIN", drain)
	if !l.has("COFOUNDER_DATA") {
		if dir := l.dataDir(); dir != "" {
			l.standard("COFOUNDER_DATA", dir)
		} else {
			l.problems.add("COFOUNDER_DATA", "is needed here: there is no HOME to put a data folder in")
		}
	}
	for _, s := range settings() {
		l.standard(s.key, s.standard)
	}
	l.standard("COFOUNDER_URL", defaultURL(l.values["COFOUNDER_ADDR"]))
}

// standard gives key its default unless it was given.
func (l *loader) standard(key, value string) {
	if _, given := l.origins[key]; !given && value != "" {
		l.values[key], l.origins[key] = value, fromDefault
	}
}

// dataDir is where data is kept when nobody says, or "" without a home.
func (l *loader) dataDir() string {
	home := l.environ["HOME"]
	xdg := l.environ["XDG_DATA_HOME"]
	switch {
	case l.root:
		// Never below a home: those are closed to the unprivileged user that
		// PostgreSQL runs as.
		return "/var/lib/cofounder"
	case l.goos == "darwin" && filepath.IsAbs(home):
		return filepath.Join(home, "Library", "Application Support", "cofounder")
	case filepath.IsAbs(xdg):
		return filepath.Join(xdg, "cofounder")
	case filepath.IsAbs(home):
		return filepath.Join(home, ".local", "share", "cofounder")
	}
	return ""
}

// defaultURL is where a browser on this computer reaches addr.
func defaultURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return "" // the problem is COFOUNDER_ADDR's
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	if port == "80" {
		return "http://" + strings.TrimSuffix(net.JoinHostPort(host, ""), ":")
	}
	return "http://" + net.JoinHostPort(host, port)
}

// parse turns text into typed values.
func (l *loader) parse() Config {
	given := map[string]string{}
	for _, s := range settings() {
		value := l.values[s.key]
		if reflect.TypeFor[Config]().FieldByIndex(s.index).Type.Kind() == reflect.Slice {
			value = trimParts(value)
		}
		if value != "" {
			given[s.key] = value
		}
	}
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: given})
	var all env.AggregateError
	if err != nil && !errors.As(err, &all) {
		panic(err) // the struct itself is wrong
	}
	for _, e := range all.Errors {
		var p env.ParseError
		if !errors.As(e, &p) {
			panic(e)
		}
		l.problems.add(keyOf(p.Name), wrongType(p.Type))
	}
	return c
}

// trimParts removes the spaces people put after commas.
func trimParts(list string) string {
	parts := strings.Split(list, ",")
	for i, p := range parts {
		parts[i] = strings.TrimSpace(p)
	}
	return strings.Join(parts, ",")
}

// keyOf finds a setting by its field's name, which a test keeps unique.
func keyOf(field string) string {
	for _, s := range settings() {
		if s.field == field {
			return s.key
		}
	}
	panic("config: no field " + field)
}

// wrongType says what was expected. The library's own words repeat the value,
// which may be a secret put in the wrong place.
func wrongType(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "is not a duration: write it like 20s or 2m"
	case reflect.TypeFor[slog.Level]():
		return "is not a level: choose debug, info, warn or error"
	case reflect.TypeFor[[]netip.Prefix]():
		return "is not a list of networks: write them like 10.0.0.0/8,fd00::/8"
	case reflect.TypeFor[*url.URL]():
		return "is not an address: write it like https://cofounder.example.com"
	}
	return "cannot be read as " + t.String()
}

// cause is the reason of a file error without its path, which is said already.
func cause(err error) string {
	if p := new(os.PathError); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
