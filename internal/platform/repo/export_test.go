package repo

import "cofounder/internal/platform/repo/wire"

// What is fuzzed directly, since a client or a folder decides every byte of it.
var (
	ParseWant   = parseWant
	ParsePush   = parsePush
	ParseIgnore = parseIgnore
)

// CheckObject reads an object as a push does.
func CheckObject(kind wire.Kind, data []byte) error { return check(kind, data) }

// MergeLines merges three texts.
func MergeLines(base, ours, theirs string) (string, []Lines) { return mergeLines(base, ours, theirs) }

// NameOf returns an object's name.
func NameOf(kind wire.Kind, data []byte) Hash { return hashOf(kind, data) }
