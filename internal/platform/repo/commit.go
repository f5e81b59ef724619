package repo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo/wire"

	"github.com/jackc/pgx/v5"
)

// Trailer is one line at the end of a commit's message, for programs.
type Trailer struct{ Key, Value string }

// Message puts a commit's message together: the subject on one line, the body and
// the trailers set off by empty lines. Line ends in subject and trailers become
// spaces, so neither can forge a trailer.
func Message(subject, body string, trailers ...Trailer) string {
	line := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	parts := []string{cmp.Or(line(subject), "Change files")}
	if body = strings.TrimSpace(strings.ReplaceAll(body, "\x00", "")); body != "" {
		parts = append(parts, body)
	}
	var last []string
	for _, t := range trailers {
		last = append(last, line(t.Key)+": "+line(t.Value))
	}
	if len(last) > 0 {
		parts = append(parts, strings.Join(last, "\n"))
	}
	return strings.ReplaceAll(strings.Join(parts, "\n\n"), "\x00", "") + "\n"
}

// Trailers returns the trailers of a message: its last paragraph, if every line of
// it is one and it is not the subject.
func (c Commit) Trailers() []Trailer {
	paragraphs := strings.Split(strings.TrimSpace(c.Message), "\n\n")
	if len(paragraphs) < 2 {
		return nil
	}
	var found []Trailer
	for line := range strings.SplitSeq(paragraphs[len(paragraphs)-1], "\n") {
		key, value, ok := strings.Cut(line, ": ")
		if !ok || key == "" || strings.ContainsAny(key, " \t") {
			return nil
		}
		found = append(found, Trailer{key, value})
	}
	return found
}

// AddCommit stores a commit and returns its name; c.Hash is not read. It counts once
// a ref is moved to it. Tree and parents must be stored: else fault.NotFound.
func (s *Store) AddCommit(ctx context.Context, id ID, c Commit) (Hash, error) {
	needed := unique(append(slices.Clone(c.Parents), c.Tree))
	found, err := s.measures(ctx, s.db, id, needed)
	if err != nil {
		return Hash{}, err
	}
	for _, h := range needed {
		want := wire.Commit
		if h == c.Tree {
			want = wire.Tree
		}
		if found[h].kind != want {
			return Hash{}, noObject()
		}
	}
	w := s.writer(s.db, id)
	h, err := w.put(ctx, wire.Commit, encodeCommit(c))
	if err != nil {
		return Hash{}, err
	}
	return h, w.flush(ctx)
}

// Commit returns one commit, or fault.NotFound.
func (s *Store) Commit(ctx context.Context, id ID, h Hash) (Commit, error) {
	data, err := s.object(ctx, s.db, id, wire.Commit, h)
	if err != nil {
		return Commit{}, err
	}
	return decodeCommit(h, data)
}

// AddTagTx stores a tag and points refs/tags/<t.Name> at it. A tag is for good: a
// name in use is fault.Conflict.
func (s *Store) AddTagTx(ctx context.Context, tx pgx.Tx, id ID, t Tag) error {
	if why := checkRef(tags + t.Name); why != "" {
		return fault.OnField("tag", why)
	}
	if err := s.lockTx(ctx, tx, id); err != nil {
		return err
	}
	if _, err := s.object(ctx, tx, id, wire.Commit, t.Target); err != nil {
		return err
	}
	w := s.writer(tx, id)
	h, err := w.put(ctx, wire.Tag, encodeTag(t))
	if err != nil {
		return err
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	return s.swapTx(ctx, tx, id, Move{Name: tags + t.Name, To: h})
}

// Peel returns the commit that a tag, or a tag of a tag, or a commit is about, or
// fault.NotFound.
func (s *Store) Peel(ctx context.Context, id ID, h Hash) (Hash, error) {
	peeled, _, err := s.peel(ctx, s.db, id, h)
	return peeled, err
}

// peel also returns the tags on the way.
func (s *Store) peel(ctx context.Context, db querier, id ID, h Hash) (Hash, []Hash, error) {
	var passed []Hash
	for len(passed) <= maxTagChain {
		found, err := s.measures(ctx, db, id, []Hash{h})
		if err != nil {
			return Hash{}, nil, err
		}
		switch kind := found[h].kind; {
		case kind == wire.Commit:
			return h, passed, nil
		case kind != wire.Tag:
			return Hash{}, nil, noObject()
		}
		data, err := s.object(ctx, db, id, wire.Tag, h)
		if err != nil {
			return Hash{}, nil, err
		}
		passed = append(passed, h)
		if h, err = decodeTag(data); err != nil {
			return Hash{}, nil, err
		}
	}
	return Hash{}, nil, noObject()
}

// maxTagChain is how many tags of tags of tags are followed.
const maxTagChain = 8

// History lists at most limit commits reachable from h, newest first and no commit
// before one it came from. It reads all commits of the repository with one
// statement.
func (s *Store) History(ctx context.Context, id ID, h Hash, limit int) ([]Commit, error) {
	g, err := s.graph(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	if _, ok := g[h]; !ok {
		return nil, noObject()
	}
	order := g.newestFirst(h)
	order = order[:min(limit, len(order))]
	byHash, err := s.inMemory(ctx, s.db, id, order)
	if err != nil {
		return nil, err
	}
	commits := make([]Commit, 0, len(order))
	for _, h := range order {
		c, err := decodeCommit(h, byHash[h].data)
		if err != nil {
			return nil, fmt.Errorf("read commit %s: %w", h, err)
		}
		commits = append(commits, c)
	}
	return commits, nil
}
