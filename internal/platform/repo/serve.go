package repo

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo/wire"

	"github.com/jackc/pgx/v5"
)

// Server speaks git's smart HTTP, protocol version 0, which every client speaks. It
// is safe for concurrent use.
type Server struct {
	store *Store
	log   *slog.Logger
}

// NewServer serves what store holds. What goes wrong after an answer began is logged.
func NewServer(store *Store, log *slog.Logger) *Server { return &Server{store: store, log: log} }

// Access is what a client was let in for. Who that is was settled before.
type Access struct {
	ID   ID
	Push bool // besides reading
	// AdmitTx decides about one ref, in the transaction of the push and under the lock
	// of the repository. A fault's detail is what the client shows; any error refuses
	// this ref. Nil admits what the rules of the package admit.
	AdmitTx func(ctx context.Context, tx pgx.Tx, u Update) error
	// PushedTx is told what was moved, in the same transaction; its error undoes the
	// push. Both are called with the repository locked, so they may not wait for rows
	// that others hold while they move a ref. Nil is told nothing.
	PushedTx func(ctx context.Context, tx pgx.Tx, moved []Update) error
}

// Update is a ref that a client moved, or asks to move. A branch only ever moves
// forward; a tag never moves.
type Update struct{ Move }

// The services of the protocol, as they stand in addresses.
const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// Pushes reports whether a request is part of a push, so that who may only read can
// be asked for more before Serve answers.
func Pushes(r *http.Request) bool {
	return r.PathValue("service") == receivePack || r.URL.Query().Get("service") == receivePack
}

// Serve answers one request to <anything>/info/refs or <anything>/{service}. The
// pattern must call the last element "service" and leave it out for info/refs. An
// error it returns has not been answered yet. Bodies are bounded by Limits.Push; the
// caller bounds the time.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, access Access) error {
	if Pushes(r) && !access.Push {
		return fault.New(fault.Forbidden, "push_refused", "You may fetch these files, but not push to them.")
	}
	w.Header().Set("Cache-Control", "no-cache")
	service := r.PathValue("service")
	if service == "" {
		return s.advertise(w, r, access)
	}
	if r.Method != http.MethodPost {
		return fault.New(fault.NotAllowed, "", "Git posts here.")
	}
	if r.Header.Get("Content-Type") != "application/x-"+service+"-request" {
		return fault.New(fault.Unsupported, "", "This address is for git clients.")
	}
	body, err := s.body(w, r)
	if err != nil {
		return err
	}
	switch service {
	case uploadPack:
		return s.upload(w, r, access, body)
	case receivePack:
		return s.receive(w, r, access, body)
	}
	return fault.New(fault.NotFound, "", "There is no such git service.")
}

// body is the request's body, inflated if need be and bounded before and after.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (*bufio.Reader, error) {
	limit := s.store.limits.Push
	sent := http.MaxBytesReader(w, r.Body, limit)
	if r.Header.Get("Content-Encoding") != "gzip" {
		return bufio.NewReaderSize(sent, 1<<16), nil
	}
	plain, err := gzip.NewReader(sent)
	if err != nil {
		return nil, fault.New(fault.Malformed, "", "The request does not inflate.").Because(err)
	}
	return bufio.NewReaderSize(http.MaxBytesReader(w, plain, limit), 1<<16), nil
}

const headSQL = `SELECT head FROM repo WHERE id = $1`

func (s *Store) head(ctx context.Context, db querier, id ID) (string, error) {
	var head string
	err := db.QueryRow(ctx, headSQL, id).Scan(&head)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", noRepository()
	case err != nil:
		return "", fmt.Errorf("read head of %s: %w", id, err)
	}
	return head, nil
}

// capabilities are what each service offers.
var capabilities = map[string]string{ //nolint:gochecknoglobals // a constant table
	uploadPack:  "agent=cofounder multi_ack_detailed side-band-64k shallow deepen-relative no-progress",
	receivePack: "agent=cofounder report-status delete-refs atomic ofs-delta",
}

// advertise lists the refs that clients see.
func (s *Server) advertise(w http.ResponseWriter, r *http.Request, access Access) error {
	service := r.URL.Query().Get("service")
	offer, ok := capabilities[service]
	if !ok {
		return fault.New(fault.NotFound, "", "Use a git client of 2010 or later: git clone this-address.")
	}
	ctx := r.Context()
	head, err := s.store.head(ctx, s.store.db, access.ID)
	if err != nil {
		return err
	}
	refs, err := s.store.publicRefs(ctx, s.store.db, access.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(refs, func(r Ref) bool { return r.Name == head })
	if i >= 0 && service == uploadPack {
		offer += " symref=HEAD:" + head
		refs = slices.Insert(refs, 0, Ref{"HEAD", refs[i].Target})
	}
	w.Header().Set("Content-Type", "application/x-"+service+"-advertisement")
	out := wire.NewLineWriter(w)
	out.Linef("# service=%s", service)
	out.End()
	if len(refs) == 0 {
		out.Linef("%s capabilities^{}\x00%s", Hash{}, offer)
	}
	for i, ref := range refs {
		if i == 0 {
			out.Linef("%s %s\x00%s", ref.Target, ref.Name, offer)
		} else {
			out.Linef("%s %s", ref.Target, ref.Name)
		}
	}
	out.End()
	s.sent(ctx, out, access.ID)
	return nil
}

func (s *Store) publicRefs(ctx context.Context, db querier, id ID) ([]Ref, error) {
	refs, err := s.refs(ctx, db, id)
	return slices.DeleteFunc(refs, func(r Ref) bool { return !public(r.Name) }), err
}

// sent flushes an answer. A client that went away is nothing to report.
func (s *Server) sent(ctx context.Context, out *wire.LineWriter, id ID) {
	if err := out.Flush(); err != nil && ctx.Err() == nil {
		s.log.DebugContext(ctx, "git answer not sent", "repository", id, "error", err)
	}
}

// refuse tells the client in the protocol's own way what was wrong with its request.
// An error that is not the client's is logged and not shown.
func (s *Server) refuse(ctx context.Context, out *wire.LineWriter, id ID, err error) {
	out.Linef("ERR %s", s.words(ctx, id, err))
	s.sent(ctx, out, id)
}

// words is what a client is told about an error. One that is nobody's but ours is
// logged here and told as such.
func (s *Server) words(ctx context.Context, id ID, err error) string {
	var limit *wire.LimitError
	var body *http.MaxBytesError
	switch f := fault.Of(err); {
	case f != nil && f.Kind != fault.Internal:
		return f.Detail
	case errors.As(err, &limit):
		return limit.Error()
	case errors.As(err, &body):
		return fmt.Sprintf("this is too much to take: the limit is %d bytes in one push", body.Limit)
	case errors.Is(err, wire.ErrMalformed), errors.Is(err, wire.ErrNoBase):
		return err.Error()
	case ctx.Err() != nil || errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended early"
	}
	s.log.ErrorContext(ctx, "git request failed", "repository", id, "error", err)
	return "something went wrong here, and nothing was changed"
}
