package repo

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/platform/repo/wire"
)

// entry is one name in a tree.
type entry struct {
	name string
	mode Mode
	hash Hash
}

// order is what git sorts by: a folder as if its name ended in a slash.
func (e entry) order() string {
	if e.mode == folder {
		return e.name + "/"
	}
	return e.name
}

// encodeTree sorts entries and returns the tree's bytes.
func encodeTree(entries []entry) []byte {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.order(), b.order()) })
	var out bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&out, "%o %s\x00", uint32(e.mode), e.name)
		out.Write(e.hash[:])
	}
	return out.Bytes()
}

// decodeTree reads a tree and refuses one that does not hold what the package
// promises of trees. The error names the entry and is fit for whoever pushed it.
func decodeTree(data []byte) ([]entry, error) {
	var entries []entry
	twins := map[string]bool{}
	for len(data) > 0 {
		e, rest, err := decodeEntry(data)
		if err != nil {
			return nil, err
		}
		if n := len(entries); n > 0 && entries[n-1].order() >= e.order() {
			return nil, fmt.Errorf("%q: the folder is not sorted", e.name)
		}
		if twins[fold(e.name)] {
			return nil, fmt.Errorf("%q: another name differs only in case", e.name)
		}
		twins[fold(e.name)] = true
		entries = append(entries, e)
		data = rest
	}
	return entries, nil
}

func decodeEntry(data []byte) (entry, []byte, error) {
	mode, rest, ok := bytes.Cut(data, []byte(" "))
	name, rest, ends := bytes.Cut(rest, []byte{0})
	if !ok || !ends || len(rest) < wire.IDSize {
		return entry{}, nil, fmt.Errorf("a folder's list ends early: %w", wire.ErrMalformed)
	}
	e := entry{name: string(name), hash: Hash(rest[:wire.IDSize])}
	switch string(mode) {
	case "100644":
		e.mode = Regular
	case "100755":
		e.mode = Executable
	case "40000":
		e.mode = folder
	case "120000":
		return entry{}, nil, fmt.Errorf("%q: links are not kept here; put a file in its place", e.name)
	case "160000":
		return entry{}, nil, fmt.Errorf("%q: submodules are not kept here; put the files in its place", e.name)
	default:
		return entry{}, nil, fmt.Errorf("%q: mode %q is none of 100644, 100755 and 40000", e.name, mode)
	}
	if why := checkName(e.name); why != "" {
		return entry{}, nil, fmt.Errorf("%q: %s", e.name, why)
	}
	return e, rest[wire.IDSize:], nil
}

// Signature is who made a commit or tag, and when.
type Signature struct {
	Name, Email string
	At          time.Time // to the second
}

// Commit is one state of all files and where it came from.
type Commit struct {
	Hash              Hash
	Tree              Hash
	Parents           []Hash
	Author, Committer Signature
	Message           string // subject, empty line, body, empty line, trailers
}

// Subject returns the first line of the message.
func (c Commit) Subject() string {
	line, _, _ := strings.Cut(c.Message, "\n")
	return line
}

func encodeCommit(c Commit) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&out, "parent %s\n", p)
	}
	fmt.Fprintf(&out, "author %s\ncommitter %s\n\n%s", c.Author.line(), c.Committer.line(), c.Message)
	return out.Bytes()
}

// line is the signature as git writes it. What would end the name, the address or
// the line is left out.
func (s Signature) line() string {
	clean := func(text string) string {
		return strings.TrimSpace(strings.Map(func(r rune) rune {
			if invisible(r) || r == '<' || r == '>' {
				return -1
			}
			return r
		}, text))
	}
	name, email := clean(s.Name), clean(s.Email)
	if name == "" {
		name = cmp.Or(email, "nobody")
	}
	return fmt.Sprintf("%s <%s> %d %s", name, email, s.At.Unix(), s.At.Format("-0700"))
}

// parseSignature reads what line writes.
func parseSignature(text string) (Signature, error) {
	end := strings.LastIndexByte(text, '>')
	begin := strings.LastIndexByte(text[:max(end, 0)], '<')
	if end < 0 || begin < 0 {
		return Signature{}, fmt.Errorf("a signature has no address: %w", wire.ErrMalformed)
	}
	seconds, zone, ok := strings.Cut(strings.TrimPrefix(text[end+1:], " "), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil || unix < 0 || unix >= 1<<40 {
		return Signature{}, fmt.Errorf("a signature has no time: %w", wire.ErrMalformed)
	}
	at := time.Unix(unix, 0).UTC()
	if there, err := time.Parse("-0700", zone); err == nil { // an odd zone is UTC
		if _, offset := there.Zone(); offset != 0 {
			at = at.In(time.FixedZone("", offset))
		}
	}
	return Signature{Name: strings.TrimSpace(text[:begin]), Email: text[begin+1 : end], At: at}, nil
}

// decodeCommit reads a commit. Headers beyond those every commit has (a signature, an
// encoding) are passed over.
func decodeCommit(h Hash, data []byte) (Commit, error) {
	c := Commit{Hash: h}
	head, message, ok := bytes.Cut(data, []byte("\n\n"))
	if !ok {
		head = bytes.TrimSuffix(data, []byte("\n")) // a commit without a word
	}
	c.Message = string(message)
	lines := strings.Split(string(head), "\n")
	take := func(key string) (string, bool) {
		if len(lines) == 0 {
			return "", false
		}
		value, ok := strings.CutPrefix(lines[0], key+" ")
		if ok {
			lines = lines[1:]
		}
		return value, ok
	}
	tree, _ := take("tree")
	var err error
	if c.Tree, err = ParseHash(tree); err != nil {
		return c, fmt.Errorf("a commit has no tree: %w", wire.ErrMalformed)
	}
	for parent, ok := take("parent"); ok; parent, ok = take("parent") {
		p, err := ParseHash(parent)
		if err != nil {
			return c, fmt.Errorf("a commit's parent has no name: %w", wire.ErrMalformed)
		}
		c.Parents = append(c.Parents, p)
	}
	author, _ := take("author")
	if c.Author, err = parseSignature(author); err != nil {
		return c, err
	}
	committer, _ := take("committer")
	c.Committer, err = parseSignature(committer)
	return c, err
}

// Tag is a name given for good to a commit, with who gave it and why.
type Tag struct {
	Name    string // without refs/tags/
	Target  Hash   // a commit
	Tagger  Signature
	Message string
}

func encodeTag(t Tag) []byte {
	return fmt.Appendf(nil, "object %s\ntype commit\ntag %s\ntagger %s\n\n%s", t.Target, t.Name, t.Tagger.line(), t.Message)
}

// decodeTag returns what a tag points at.
func decodeTag(data []byte) (Hash, error) {
	lines := strings.SplitN(string(data), "\n", 3)
	if len(lines) == 3 && strings.HasPrefix(lines[1], "type ") {
		if target, err := ParseHash(strings.TrimPrefix(lines[0], "object ")); err == nil {
			return target, nil
		}
	}
	return Hash{}, fmt.Errorf("a tag does not say what it is of: %w", wire.ErrMalformed)
}
