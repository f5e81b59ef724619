package repo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cofounder/internal/platform/repo/wire"
)

// maxLines is how many lines a request may have: a client that has thousands of refs
// still fits.
const maxLines = 100_000

// want is what a fetching client asked for.
type want struct {
	tips    []Hash          // what it wants, peeled to commits
	tags    []Hash          // the tags that were passed while peeling
	haves   []Hash          // what it says it has
	shallow map[Hash]bool   // where its history ends
	depth   int             // how much history it wants; 0 is all
	offers  map[string]bool // what it can do
	done    bool            // it is through with haves
}

// parseWant reads a request of upload-pack.
func parseWant(r *bufio.Reader) (want, error) {
	w := want{shallow: map[Hash]bool{}, offers: map[string]bool{}}
	lines := wire.NewLineReader(r)
	for range maxLines {
		line, flush, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF):
			return w, nil
		case err != nil:
			return w, err
		case flush:
			continue
		}
		if err := w.line(string(line)); err != nil {
			return w, err
		}
	}
	return w, &wire.LimitError{What: "lines in one request", Max: maxLines}
}

func (w *want) line(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "done":
		w.done = true
		return nil
	case "deepen":
		depth, err := strconv.Atoi(rest)
		if err != nil || depth < 1 {
			return fmt.Errorf("%w: a depth is %q", wire.ErrMalformed, rest)
		}
		w.depth = depth
		return nil
	}
	name, offers, _ := strings.Cut(rest, " ")
	h, err := ParseHash(name)
	if err != nil {
		return fmt.Errorf("%w: %q asks for nothing we know", wire.ErrMalformed, line)
	}
	switch word {
	case "want":
		w.tips = append(w.tips, h)
		for offer := range strings.FieldsSeq(offers) {
			w.offers[offer] = true
		}
	case "have":
		w.haves = append(w.haves, h)
	case "shallow":
		w.shallow[h] = true
	default:
		return fmt.Errorf("%w: %q asks for nothing we know", wire.ErrMalformed, word)
	}
	return nil
}

// upload answers a fetch or clone.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, access Access, body *bufio.Reader) error {
	ctx := r.Context()
	w.Header().Set("Content-Type", "application/x-"+uploadPack+"-result")
	out := wire.NewLineWriter(w)
	asked, err := parseWant(body)
	if err == nil && len(asked.tips) > 0 {
		err = s.answer(ctx, out, access.ID, asked)
	}
	if err != nil {
		s.refuse(ctx, out, access.ID, err)
		return nil
	}
	s.sent(ctx, out, access.ID)
	return nil
}

func (s *Server) answer(ctx context.Context, out *wire.LineWriter, id ID, asked want) error {
	if err := s.store.resolve(ctx, id, &asked); err != nil {
		return err
	}
	g, err := s.store.graph(ctx, s.store.db, id)
	if err != nil {
		return err
	}
	far := asked.horizon(g)
	if asked.depth > 0 {
		asked.tell(out, far)
	}
	common := asked.acknowledge(out, g)
	if !asked.done {
		return nil
	}
	objects, err := s.store.lacking(ctx, id, g, asked, far, common)
	if err != nil {
		return err
	}
	return s.store.sendPack(ctx, id, out, asked, objects)
}

// resolve peels the wanted objects. Each must be the value of a ref that clients see:
// what no ref reaches stays private.
func (s *Store) resolve(ctx context.Context, id ID, asked *want) error {
	refs, err := s.publicRefs(ctx, s.db, id)
	if err != nil {
		return err
	}
	for i, h := range asked.tips {
		if !slices.ContainsFunc(refs, func(r Ref) bool { return r.Target == h }) {
			return fmt.Errorf("%w: %s is not one of our refs; fetch again", wire.ErrMalformed, h)
		}
		commit, passed, err := s.peel(ctx, s.db, id, h)
		if err != nil {
			return err
		}
		asked.tips[i] = commit
		asked.tags = append(asked.tags, passed...)
	}
	asked.tips, asked.tags = unique(asked.tips), unique(asked.tags)
	return nil
}

// horizon is how far back a client will see: edge are its last commits, inside those
// before them. Without a depth both are empty.
type horizon struct{ edge, inside map[Hash]bool }

func (w *want) horizon(g graph) horizon {
	far := horizon{map[Hash]bool{}, map[Hash]bool{}}
	if w.depth == 0 {
		return far
	}
	from, depth := w.tips, w.depth
	if w.offers["deepen-relative"] && len(w.shallow) > 0 {
		from, depth = w.ends(g), depth+1
	}
	g.walk(from, func(h Hash, d int) bool {
		if d >= depth && len(g[h].parents) > 0 {
			far.edge[h] = true
			return false
		}
		far.inside[h] = true
		return true
	})
	return far
}

// ends is where the client's history of the wanted commits ends now. It may have
// other ends, left by a deeper fetch before.
func (w *want) ends(g graph) []Hash {
	var ends []Hash
	g.walk(w.tips, func(h Hash, _ int) bool {
		if w.shallow[h] {
			ends = append(ends, h)
		}
		return !w.shallow[h]
	})
	return ends
}

// tell says what becomes an end of the client's history and what no longer is.
func (w *want) tell(out *wire.LineWriter, far horizon) {
	for h := range far.edge {
		if !w.shallow[h] {
			out.Linef("shallow %s", h)
		}
	}
	for h := range w.shallow {
		if far.inside[h] {
			out.Linef("unshallow %s", h)
		}
	}
	out.End()
}

// acknowledge says which of the client's commits we have too, and returns them.
func (w *want) acknowledge(out *wire.LineWriter, g graph) map[Hash]bool {
	common := map[Hash]bool{}
	var last Hash
	for _, h := range w.haves {
		if !g.has(h) {
			continue
		}
		common[h], last = true, h
		if w.offers["multi_ack_detailed"] && !w.done {
			out.Linef("ACK %s common", h)
		}
	}
	switch {
	case !w.done && w.depth > 0 && len(w.haves) == 0:
		// It asked where its history will end, and comes back for the rest.
	case w.done && len(common) > 0:
		out.Linef("ACK %s", last)
	default:
		out.Linef("NAK")
	}
	return common
}

// lacking lists what the client needs: tags, commits it lacks, and of their trees what
// those it has do not hold.
func (s *Store) lacking(ctx context.Context, id ID, g graph, asked want, far horizon, common map[Hash]bool) ([]Hash, error) {
	has := map[Hash]bool{}
	g.walk(keys(common), func(h Hash, _ int) bool {
		has[h] = true
		return !asked.shallow[h]
	})
	var commits, roots, known []Hash
	g.walk(asked.tips, func(h Hash, _ int) bool {
		if has[h] {
			known = append(known, g[h].tree)
			// Below what it has there may still be a hole, left by its old horizon.
			return asked.depth > 0 && !far.edge[h]
		}
		commits, roots = append(commits, h), append(roots, g[h].tree)
		return !far.edge[h]
	})
	for h := range common {
		known = append(known, g[h].tree)
	}
	skip, err := s.holds(ctx, s.db, id, known)
	if err != nil {
		return nil, err
	}
	trees, blobs, err := s.reach(ctx, s.db, id, roots, skip)
	return slices.Concat(asked.tags, commits, trees, blobs), err
}

// holds is everything in the trees, themselves included.
func (s *Store) holds(ctx context.Context, db querier, id ID, trees []Hash) (map[Hash]bool, error) {
	below, blobs, err := s.reach(ctx, db, id, trees, nil)
	set := make(map[Hash]bool, len(below)+len(blobs))
	for _, h := range slices.Concat(below, blobs) {
		set[h] = true
	}
	return set, err
}

// sendPack writes a pack of the objects. They are read in batches, so that neither
// memory nor a connection waits for a slow client.
func (s *Store) sendPack(ctx context.Context, id ID, out *wire.LineWriter, asked want, hashes []Hash) error {
	sizes, err := s.measures(ctx, s.db, id, hashes)
	if err != nil {
		return err
	}
	all := make([]measure, 0, len(hashes))
	for _, h := range hashes {
		m, ok := sizes[h]
		if !ok {
			return fmt.Errorf("send pack: %s is missing", h)
		}
		all = append(all, m)
	}
	band := out.Raw()
	if asked.offers["side-band-64k"] {
		buffered := bufio.NewWriterSize(out.Band(), 1<<16-16)
		defer out.End()
		defer buffered.Flush() //nolint:errcheck // out keeps the error
		band = buffered
	}
	pack, err := wire.NewPackWriter(band, len(all))
	if err != nil {
		return err
	}
	for _, batch := range batches(all) {
		objects, err := s.inMemory(ctx, s.db, id, batch)
		if err != nil {
			return err
		}
		for _, h := range batch {
			if err := pack.Add(objects[h].kind, objects[h].data); err != nil {
				return err
			}
		}
	}
	return pack.Close()
}
