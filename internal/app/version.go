package app

import (
	"runtime/debug"
)

// revisionLength is how much of a commit's hash people read out.
const revisionLength = 9

// Version names this build: the module's version when it was installed as one,
// else "dev" with the commit and a + when the tree held changes.
func Version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	if v := build.Main.Version; v != "" && v != "(devel)" && len(v) < 20 {
		return v
	}
	var revision, dirty string
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), revisionLength)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+"
		}
	}
	if revision == "" {
		return "dev"
	}
	return "dev-" + revision + dirty
}
