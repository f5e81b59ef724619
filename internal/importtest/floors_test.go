package importtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// module is the path all packages of ours begin with.
const module = "cofounder"

// floor is a height in the house. Imports go to lower floors, or, within one
// floor, where its rows allow it.
type floor int

const (
	ground   floor = iota // base: the standard library and nothing else
	embedded              // files the binary carries
	platform              // mechanisms without product knowledge
	product               // what the product is
	surface               // HTTP in, product calls, HTTP out
	wiring                // the only place that builds one from another
	program               // what is started: commands, measurements, whole-program tests
	outside               // looks at the tree from outside and imports none of it
)

// row places one package and all its sub-packages, which may import each other.
// Rows without code yet hold a place for it.
type row struct {
	path  string
	floor floor
	// rank orders the packages of one floor: imports go to lower ranks only.
	rank int
	// knows replaces rank on the platform floor: the only packages of the same
	// floor that this one may import.
	knows []string
}

// below is what every mechanism may stand on.
var below = []string{"internal/platform/config", "internal/platform/telemetry", "internal/platform/db"}

var floors = []row{
	{path: "internal/base/clock", floor: ground},
	{path: "internal/base/fault", floor: ground},
	{path: "internal/base/faultpoint", floor: ground},
	{path: "internal/base/id", floor: ground},

	{path: "migrations", floor: embedded},
	{path: "templates", floor: embedded},

	{path: "internal/platform/config", floor: platform},
	{path: "internal/platform/telemetry", floor: platform, knows: below[:1]},
	{path: "internal/platform/db", floor: platform, knows: below[:2]},
	{path: "internal/platform/event", floor: platform, knows: below},
	{path: "internal/platform/flow", floor: platform, knows: and(below, "internal/platform/event")},
	{path: "internal/platform/llm", floor: platform, knows: below},
	{path: "internal/platform/sandbox", floor: platform, knows: below},
	{path: "internal/platform/browser", floor: platform, knows: and(below, "internal/platform/sandbox")},
	{path: "internal/platform/hosting", floor: platform, knows: and(below, "internal/platform/sandbox")},
	{path: "internal/platform/repo", floor: platform, knows: below},
	{path: "internal/platform/mail", floor: platform, knows: below},
	{path: "internal/platform/seal", floor: platform, knows: below},
	{path: "internal/platform/idempotency", floor: platform, knows: and(below, "internal/platform/seal")},

	{path: "internal/product/account", floor: product, rank: 1},
	{path: "internal/product/project", floor: product, rank: 2},
	{path: "internal/product/meter", floor: product, rank: 3},
	{path: "internal/product/journey", floor: product, rank: 4},
	{path: "internal/product/document", floor: product, rank: 4},
	{path: "internal/product/interview", floor: product, rank: 5},
	{path: "internal/product/option", floor: product, rank: 6},
	{path: "internal/product/build", floor: product, rank: 7},
	{path: "internal/product/billing", floor: product, rank: 8},
	{path: "internal/product/insight", floor: product, rank: 9},
	{path: "internal/product/notify", floor: product, rank: 9},
	{path: "internal/product/admin", floor: product, rank: 9},

	{path: "internal/surface/httpd", floor: surface, rank: 1},
	{path: "internal/surface/api", floor: surface, rank: 2},
	{path: "internal/surface/web", floor: surface, rank: 2},
	{path: "internal/surface/preview", floor: surface, rank: 2},

	{path: "internal/app", floor: wiring},

	{path: "cmd/cofounder", floor: program},
	{path: "cmd/fakellm", floor: program},
	{path: "bench", floor: program},
	{path: "e2e", floor: program},

	{path: "infra", floor: outside},
	{path: "internal/importtest", floor: outside},
}

// doors are packages that only the named ones may import, tests apart.
var doors = map[string][]string{
	// No unmetered token: everybody else is handed a *meter.Model. bench measures
	// the meter itself, against a scripted server.
	"internal/platform/llm/client": {"internal/product/meter", "internal/app", "bench"},
	// db takes an fs.FS, so that it knows no tables.
	"migrations": {"internal/app", "internal/platform/db/dbtest"},
}

// testers may import packages named …test outside of test files: they measure, or
// are made of a fake.
var testers = []string{"bench", "cmd/fakellm", "e2e"}

func and(these []string, more ...string) []string { return append(slices.Clone(these), more...) }

// use is one import of one package of ours.
type use struct {
	from string // the importing package, from the module's root
	to   string // the imported path as it is written
	test bool   // written in a _test.go file
}

// check returns what is wrong with u, or nothing.
func check(u use) string {
	from, ok := place(u.from)
	if !ok {
		return unplaced(u.from)
	}
	dir, ours := strings.CutPrefix(u.to, module+"/")
	if !ours {
		return foreign(u, from)
	}
	to, ok := place(dir)
	if !ok {
		return unplaced(dir)
	}
	if why := refuse(from, to); why != "" {
		return fmt.Sprintf("%s imports %s: %s", u.from, dir, why)
	}
	if u.test || from.path == to.path {
		return ""
	}
	if who, closed := doors[dir]; closed && !under(u.from, who) {
		return fmt.Sprintf("%s imports %s: only %s may", u.from, dir, strings.Join(who, " and "))
	}
	if forTests(dir) && !forTests(u.from) && !under(u.from, testers) {
		return fmt.Sprintf("%s imports %s: packages named …test are for tests", u.from, dir)
	}
	return ""
}

// refuse says why from may not import to, or nothing.
func refuse(from, to row) string {
	switch {
	case from.path == to.path:
		return ""
	case from.floor == outside || to.floor == outside:
		return "it stands outside the house"
	case to.floor > from.floor:
		return "imports point down, this one points up"
	case to.floor < from.floor:
		return ""
	case from.floor == platform:
		if slices.Contains(from.knows, to.path) {
			return ""
		}
		return "inside platform it may know only [" + strings.Join(from.knows, ", ") + "]"
	case to.rank < from.rank:
		return ""
	}
	return fmt.Sprintf("on one floor imports go to lower ranks only, and it is %d to %d", from.rank, to.rank)
}

// foreign judges an import of the standard library or of another module.
func foreign(u use, from row) string {
	first, _, _ := strings.Cut(u.to, "/")
	if !strings.Contains(first, ".") || from.floor > embedded || u.test {
		return ""
	}
	return fmt.Sprintf("%s imports %s: it may use the standard library only", u.from, u.to)
}

// place finds the row a package belongs to: its own or that of a parent.
func place(dir string) (row, bool) {
	for d := dir; d != "."; d = path.Dir(d) {
		if i := slices.IndexFunc(floors, func(r row) bool { return r.path == d }); i >= 0 {
			return floors[i], true
		}
	}
	return row{}, false
}

// unplaced tells whoever made a package what to decide about it.
func unplaced(dir string) string {
	var where string
	switch parent := path.Dir(dir); parent {
	case "internal/base":
		where = "with floor ground; it may use the standard library only"
	case "internal/platform":
		where = "with floor platform and, in knows, the mechanisms it needs: config, telemetry and db as a rule"
	case "internal/product":
		var ranks []string
		for _, r := range floors {
			if r.floor == product {
				ranks = append(ranks, fmt.Sprintf("%s %d", path.Base(r.path), r.rank))
			}
		}
		where = "with floor product and a rank above all it imports (" + strings.Join(ranks, ", ") + ")"
	case "internal/surface":
		where = "with floor surface and rank 2: it may import httpd and none of its neighbours"
	case "cmd":
		where = "with floor program"
	default:
		where = "or move it: mechanisms live in internal/platform, what the product is in internal/product, " +
			"HTTP in internal/surface"
	}
	return fmt.Sprintf("%s has no floor yet: place it in the table of internal/importtest/floors_test.go, %s", dir, where)
}

func forTests(dir string) bool { return strings.HasSuffix(path.Base(dir), "test") }

// under reports whether dir is one of these or below one of them.
func under(dir string, these []string) bool {
	return slices.ContainsFunc(these, func(t string) bool { return dir == t || strings.HasPrefix(dir, t+"/") })
}
