package repo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/repo/wire"

	"github.com/jackc/pgx/v5"
)

// maxUpdates is how many refs one push may move.
const maxUpdates = 1000

// push is what a client asked to be done.
type push struct {
	updates []Update
	atomic  bool
	reports bool // wants to be told what became of each ref
}

// parsePush reads the commands of a push, up to where the pack begins.
func parsePush(r *bufio.Reader) (push, error) {
	var p push
	lines := wire.NewLineReader(r)
	for len(p.updates) <= maxUpdates {
		line, flush, err := lines.Next()
		switch {
		case flush, errors.Is(err, io.EOF) && len(p.updates) == 0:
			return p, nil
		case err != nil:
			return p, err
		}
		command, offers, first := strings.Cut(string(line), "\x00")
		if first {
			words := strings.Fields(offers)
			p.atomic = slices.Contains(words, "atomic")
			p.reports = slices.Contains(words, "report-status")
		}
		if strings.HasPrefix(command, "shallow ") {
			continue // where its history ends; whether ours reaches that far is checked
		}
		u, err := parseUpdate(command)
		if err != nil {
			return p, err
		}
		p.updates = append(p.updates, u)
	}
	return p, &wire.LimitError{What: "refs in one push", Max: maxUpdates}
}

func parseUpdate(command string) (Update, error) {
	words := strings.SplitN(strings.TrimSuffix(command, "\n"), " ", 3)
	if len(words) == 3 {
		from, err1 := ParseHash(words[0])
		to, err2 := ParseHash(words[1])
		if err1 == nil && err2 == nil {
			return Update{Move{Name: words[2], From: from, To: to}}, nil
		}
	}
	return Update{}, fmt.Errorf("%w: %q is no command of a push", wire.ErrMalformed, command)
}

// packs reports whether a pack follows the commands: it does unless all delete.
func (p push) packs() bool {
	return slices.ContainsFunc(p.updates, func(u Update) bool { return !u.To.IsZero() })
}

// receive answers a push.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, access Access, body *bufio.Reader) error {
	ctx := r.Context()
	w.Header().Set("Content-Type", "application/x-"+receivePack+"-result")
	out := wire.NewLineWriter(w)
	p, err := parsePush(body)
	if err != nil {
		s.refuse(ctx, out, access.ID, err)
		return nil
	}
	if len(p.updates) == 0 { // a client asks so whether it may push, before it sends much
		out.End()
		s.sent(ctx, out, access.ID)
		return nil
	}
	unpacked := "ok"
	var verdicts []error
	if err := s.store.takeIn(ctx, access.ID, p, body); err != nil {
		unpacked = s.words(ctx, access.ID, err)
		// A client that is still sending would not read why.
		io.Copy(io.Discard, body) //nolint:errcheck // the body is bounded, and what comes of it does not matter
	} else if verdicts, err = s.store.apply(ctx, access, p); err != nil {
		unpacked = s.words(ctx, access.ID, err)
		verdicts = nil
	}
	if p.reports {
		s.report(ctx, out, access.ID, p, unpacked, verdicts)
	}
	s.sent(ctx, out, access.ID)
	return nil
}

// report says what became of each ref.
func (s *Server) report(ctx context.Context, out *wire.LineWriter, id ID, p push, unpacked string, verdicts []error) {
	out.Linef("unpack %s", unpacked)
	for i, u := range p.updates {
		switch {
		case verdicts == nil:
			out.Linef("ng %s nothing was changed", u.Name)
		case verdicts[i] != nil:
			out.Linef("ng %s %s", u.Name, s.words(ctx, id, verdicts[i]))
		default:
			out.Linef("ok %s", u.Name)
		}
	}
	out.End()
}

// takeIn stores what a push sends. Until apply moves a ref these are orphans.
func (s *Store) takeIn(ctx context.Context, id ID, p push, body io.Reader) error {
	if !p.packs() {
		return nil
	}
	select { // packs are read a few at a time, since each may hold large files in memory
	case s.pushes <- struct{}{}:
		defer func() { <-s.pushes }()
	case <-ctx.Done():
		return ctx.Err()
	}
	size, err := s.Size(ctx, id)
	if err != nil {
		return err
	}
	if size.Stored > s.limits.Repository {
		return fault.Newf(fault.TooLarge, "repository_full", "This project holds %d MB of files, which is all it may.", s.limits.Repository>>20)
	}
	in := intake{store: s, id: id, w: s.writer(s.db, id), recent: map[Hash]object{}}
	_, err = wire.ReadPack(ctx, body, wire.Limits{
		Objects: s.limits.Objects, Object: s.limits.File, Total: 4 * s.limits.Push,
	}, wire.Sink{Put: in.put, Base: in.base})
	if err != nil {
		return err
	}
	return in.w.flush(ctx)
}

// intake is a pack being stored. It keeps what was last put or read, since deltas are
// mostly against that.
type intake struct {
	store  *Store
	id     ID
	w      *writer
	recent map[Hash]object
	order  []Hash // of recent, the oldest first
	bytes  int
}

func (in *intake) put(ctx context.Context, kind wire.Kind, data []byte) ([wire.IDSize]byte, error) {
	if err := check(kind, data); err != nil {
		return [wire.IDSize]byte{}, err
	}
	h, err := in.w.put(ctx, kind, data)
	in.remember(object{h, kind, data})
	return h, err
}

// check refuses an object that cannot be kept. The error is for the client.
func check(kind wire.Kind, data []byte) error {
	var err error
	switch kind {
	case wire.Tree:
		_, err = decodeTree(data)
	case wire.Commit:
		_, err = decodeCommit(Hash{}, data)
	case wire.Tag:
		_, err = decodeTag(data)
	case wire.Blob:
	}
	if err != nil && !errors.Is(err, wire.ErrMalformed) {
		return fault.New(fault.Invalid, "object_refused", err.Error())
	}
	return err
}

func (in *intake) remember(o object) {
	if _, ok := in.recent[o.hash]; ok {
		return
	}
	in.recent[o.hash] = o
	in.order = append(in.order, o.hash)
	in.bytes += len(o.data)
	for in.bytes > batchBytes && len(in.order) > 1 {
		in.bytes -= len(in.recent[in.order[0]].data)
		delete(in.recent, in.order[0])
		in.order = in.order[1:]
	}
}

// base finds what a delta is based on: in memory, or stored before in this repository.
func (in *intake) base(ctx context.Context, id [wire.IDSize]byte) (wire.Kind, []byte, error) {
	h := Hash(id)
	if o, ok := in.w.pending[h]; ok {
		return o.kind, o.data, nil
	}
	if o, ok := in.recent[h]; ok {
		return o.kind, o.data, nil
	}
	var found *object
	err := in.store.rows(ctx, in.store.db, func(o object) error {
		found = &o
		return nil
	}, readSQL, in.id, raw([]Hash{h}))
	switch {
	case err != nil:
		return 0, nil, err
	case found == nil:
		return 0, nil, wire.ErrNoBase
	}
	in.remember(*found)
	return found.kind, found.data, nil
}

// errAtomic undoes a push of which one part was refused.
var errAtomic = errors.New("another ref of this push was refused")

// apply moves the refs of a push, in one transaction under the repository's lock, and
// returns what became of each. An error says that nothing was changed.
func (s *Store) apply(ctx context.Context, access Access, p push) (verdicts []error, err error) {
	err = db.InTx(ctx, s.db, func(tx pgx.Tx) error {
		verdicts, err = s.applyTx(ctx, tx, access, p)
		return err
	})
	if !errors.Is(err, errAtomic) {
		return verdicts, err
	}
	for i := range verdicts {
		if verdicts[i] == nil {
			verdicts[i] = fault.New(fault.Conflict, "atomic", errAtomic.Error())
		}
	}
	return verdicts, nil
}

func (s *Store) applyTx(ctx context.Context, tx pgx.Tx, access Access, p push) ([]error, error) {
	past, err := s.pastTx(ctx, tx, access.ID)
	if err != nil {
		return nil, err
	}
	verdicts := make([]error, len(p.updates))
	var moved []Update
	for i, u := range p.updates {
		verdicts[i] = s.updateTx(ctx, tx, access, past, u)
		switch {
		case verdicts[i] == nil:
			moved = append(moved, u)
		case fault.Of(verdicts[i]) == nil:
			return nil, verdicts[i] // ours, not the client's; the transaction may be void
		}
	}
	switch {
	case p.atomic && len(moved) < len(p.updates):
		return verdicts, errAtomic
	case len(moved) > 0 && access.PushedTx != nil:
		return verdicts, access.PushedTx(ctx, tx, moved)
	}
	return verdicts, nil
}

// updateTx moves one ref if the rules, the caller and its present value let it.
func (s *Store) updateTx(ctx context.Context, tx pgx.Tx, access Access, past past, u Update) error {
	if why := checkRef(u.Name); why != "" {
		return fault.New(fault.Invalid, "ref_name", why)
	}
	if err := s.rules(ctx, tx, access.ID, past, u); err != nil {
		return err
	}
	if access.AdmitTx != nil {
		if err := access.AdmitTx(ctx, tx, u); err != nil {
			return err
		}
	}
	return s.swapTx(ctx, tx, access.ID, u.Move)
}

// rules are what holds of any push.
func (s *Store) rules(ctx context.Context, tx pgx.Tx, id ID, past past, u Update) error {
	refuse := func(code, why string) error { return fault.New(fault.Conflict, code, why) }
	isTag := strings.HasPrefix(u.Name, tags)
	switch {
	case !public(u.Name):
		return refuse("ref_reserved", "only refs/heads/ and refs/tags/ can be pushed")
	case isTag && !u.From.IsZero():
		return refuse("tag_fixed", "a tag is for good; take another name")
	case u.To.IsZero():
		head, err := s.head(ctx, tx, id)
		if err == nil && head == u.Name {
			err = refuse("ref_head", "this branch is what a clone checks out; it stays")
		}
		return err
	}
	tip, err := s.connected(ctx, tx, id, past, u.To)
	switch {
	case err != nil:
		return err
	case isTag || u.From.IsZero():
		return nil
	case tip != u.To:
		return refuse("ref_kind", "a branch points at a commit")
	case !past.graph.descends(u.To, u.From):
		return refuse("not_fast_forward", "history only goes forward here; fetch and merge first")
	}
	return nil
}
