package hosting

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/sandbox"

	"github.com/jackc/pgx/v5"
)

const (
	// pieceSize is such that a change of a few pages of a database file costs little.
	pieceSize = 64 << 10
	// batch is how many pieces are written or read at a time.
	batch = 32
	// mostFiles bounds a data set together with Config.DataCap.
	mostFiles = 5000
)

// File is one file of a data set.
type File struct {
	Name string // relative to the data folder, with slashes
	Mode fs.FileMode
	At   time.Time // when it was changed last
	Body []byte
}

// saved is a File as the database has it.
type saved struct {
	Name   string      `json:"name"`
	Mode   fs.FileMode `json:"mode"`
	At     time.Time   `json:"at"`
	Size   int64       `json:"size"`
	Pieces [][]byte    `json:"pieces"` // their hashes, in order
}

// hash is the SHA-256 of a piece.
type hash = [sha256.Size]byte

// kept is what an instance knows of the data set as it was saved last.
type kept struct {
	seen   string // names, sizes and times of the files then; "" nothing was saved
	pieces map[hash]bool
}

// moment says what may write to the data while they are saved.
type moment string

const (
	whileRunning moment = "running"
	afterEnd     moment = "ended"
)

// save writes the data of an instance to the database when they changed. Those of a
// running app are read while it is held still, so that they are what a crash at that
// moment would leave: databases recover from that.
func (h *Host) save(ctx context.Context, i *instance, cage sandbox.Cage, when moment) error {
	seen, err := look(ctx, cage.Files(), h.cfg.DataCap)
	if errors.Is(err, errTooMuch) {
		return h.warn(ctx, i, err)
	}
	if err != nil || seen == i.kept.seen {
		return err
	}
	resume := func() error { return nil }
	if when == whileRunning {
		if resume, err = hold(ctx, cage); err != nil {
			return err
		}
	}
	list, seen, err := h.readAll(ctx, i, cage.Files())
	if err = errors.Join(err, resume()); err != nil {
		return err
	}
	if err := h.writeList(ctx, i, list); err != nil {
		return err
	}
	pieces := map[hash]bool{}
	for _, f := range list {
		for _, p := range f.Pieces {
			pieces[hash(p)] = true
		}
	}
	i.kept = kept{seen: seen, pieces: pieces}
	return h.unwarn(ctx, i)
}

// hold stops all processes of a cage where they are; the function it returns lets them
// go on. The shell that sends the signal is spared by the kernel.
func hold(ctx context.Context, cage sandbox.Cage) (func() error, error) {
	signal := func(ctx context.Context, name string) error {
		exit, err := cage.Exec(ctx, sandbox.Command{Args: []string{"/bin/sh", "-c", "kill -" + name + " -1"}})
		if err != nil {
			return fmt.Errorf("hold app still: %w", err)
		}
		if exit.Code > 1 { // 1: there is nobody
			return fmt.Errorf("hold app still: status %d", exit.Code)
		}
		return nil
	}
	resume := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		return signal(ctx, "CONT")
	}
	if err := signal(ctx, "STOP"); err != nil {
		return nil, errors.Join(err, resume())
	}
	return resume, nil
}

var errTooMuch = errors.New("the data folder holds more than is kept")

// look describes the files of the data folder such that any change shows.
func look(ctx context.Context, files *sandbox.Files, most int64) (string, error) {
	var seen strings.Builder
	var bytes, count int64
	err := walk(ctx, files, func(name string, info fs.FileInfo) error {
		bytes, count = bytes+info.Size(), count+1
		if bytes > most || count > mostFiles {
			return errTooMuch
		}
		_, err := fmt.Fprintf(&seen, "%q %d %d %o\n", name, info.Size(), info.ModTime().UnixNano(), info.Mode())
		return err
	})
	return seen.String(), err
}

// walk calls each with the regular files of the data folder, names relative to it.
func walk(ctx context.Context, files *sandbox.Files, each func(name string, info fs.FileInfo) error) error {
	err := fs.WalkDir(files, DataFolder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone meanwhile, or no data folder
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !entry.Type().IsRegular():
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return each(strings.TrimPrefix(name, DataFolder+"/"), info)
	})
	if err != nil {
		return fmt.Errorf("look at data of app: %w", err)
	}
	return nil
}

// readAll reads the data folder and writes the pieces that are not stored yet.
func (h *Host) readAll(ctx context.Context, i *instance, files *sandbox.Files) ([]saved, string, error) {
	w := pieceWriter{host: h, project: i.Project, known: i.kept.pieces}
	list := []saved{}
	var seen strings.Builder
	var bytes int64
	err := walk(ctx, files, func(name string, info fs.FileInfo) error {
		f := saved{Name: name, Mode: info.Mode().Perm(), At: info.ModTime().UTC(), Pieces: [][]byte{}}
		err := w.file(ctx, files, &f, h.cfg.DataCap-bytes)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if bytes += f.Size; len(list) >= mostFiles {
			return errTooMuch
		}
		list = append(list, f)
		_, err = fmt.Fprintf(&seen, "%q %d %d %o\n", name, info.Size(), info.ModTime().UnixNano(), info.Mode())
		return err
	})
	return list, seen.String(), errors.Join(err, w.flush(ctx))
}

// pieceWriter stores pieces of a project, many at a time.
type pieceWriter struct {
	host    *Host
	project string
	known   map[hash]bool // stored for sure, while the list that names them stands
	hashes  [][]byte
	bodies  [][]byte
}

func (w *pieceWriter) file(ctx context.Context, files *sandbox.Files, f *saved, most int64) error {
	from, err := files.Open(path.Join(DataFolder, f.Name))
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // only read
	return w.copy(ctx, from, f, most)
}

func (w *pieceWriter) piece(ctx context.Context, f *saved, body []byte) error {
	sum := sha256.Sum256(body)
	f.Pieces = append(f.Pieces, sum[:])
	if w.known[sum] {
		return nil
	}
	w.hashes, w.bodies = append(w.hashes, sum[:]), append(w.bodies, body)
	if len(w.hashes) < batch {
		return nil
	}
	return w.flush(ctx)
}

// Sorted, so that two writers of one project cannot wait for each other.
const putPieces = `
INSERT INTO hosted_piece (project_id, hash, body, used_at)
SELECT DISTINCT ON (p.hash) $1, p.hash, p.body, clock_timestamp() FROM unnest($2::bytea[], $3::bytea[]) AS p(hash, body) ORDER BY p.hash
ON CONFLICT (project_id, hash) DO UPDATE SET used_at = EXCLUDED.used_at`

func (w *pieceWriter) flush(ctx context.Context) error {
	if len(w.hashes) == 0 {
		return nil
	}
	if _, err := w.host.cfg.DB.Exec(ctx, putPieces, w.project, w.hashes, w.bodies); err != nil {
		return fmt.Errorf("write data of app: %w", err)
	}
	w.hashes, w.bodies = nil, nil
	return nil
}

const (
	// fence holds the app's row, so that nobody claims it meanwhile.
	fence   = `SELECT epoch FROM hosted_app WHERE label = $1 AND epoch = $2 AND owner = $3 AND data = $4 FOR UPDATE`
	putList = `
INSERT INTO hosted_data (project_id, name, files, pieces, bytes, saved_at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())
ON CONFLICT (project_id, name) DO UPDATE
SET files = EXCLUDED.files, pieces = EXCLUDED.pieces, bytes = EXCLUDED.bytes, saved_at = EXCLUDED.saved_at`
)

// writeList makes a list of files the data set of an instance, unless another came
// since.
func (h *Host) writeList(ctx context.Context, i *instance, list []saved) error {
	return db.InTx(ctx, h.cfg.DB, func(tx pgx.Tx) error {
		var epoch int64
		err := tx.QueryRow(ctx, fence, i.Label, i.epoch, h.cfg.Name, i.Data).Scan(&epoch)
		if errors.Is(err, pgx.ErrNoRows) {
			return errFenced
		}
		if err != nil {
			return fmt.Errorf("fence data of app: %w", err)
		}
		return putListTx(ctx, tx, i.Project, i.Data, list)
	})
}

func putListTx(ctx context.Context, tx pgx.Tx, project, name string, list []saved) error {
	pieces, bytes := [][]byte{}, int64(0)
	once := map[hash]bool{}
	for _, f := range list {
		bytes += f.Size
		for _, p := range f.Pieces {
			if !once[hash(p)] {
				once[hash(p)] = true
				pieces = append(pieces, p)
			}
		}
	}
	if _, err := tx.Exec(ctx, putList, project, name, list, pieces, bytes); err != nil {
		return fmt.Errorf("write list of data: %w", err)
	}
	return nil
}

// warn tells the founder that the newest data are not kept.
func (h *Host) warn(ctx context.Context, i *instance, why error) error {
	reason := fmt.Sprintf("The app keeps more data than can be saved (%d MB or %d files): what it wrote since then will be lost when it stops.", h.cfg.DataCap>>20, mostFiles)
	i.mu.Lock()
	i.standing.Reason = reason
	i.mu.Unlock()
	return errors.Join(why, h.mark(ctx, markWarned, i.Label, i.epoch, reason))
}

func (h *Host) unwarn(ctx context.Context, i *instance) error {
	i.mu.Lock()
	warned := i.standing.Reason != ""
	i.standing.Reason = ""
	i.mu.Unlock()
	if !warned {
		return nil
	}
	return h.mark(ctx, markWarned, i.Label, i.epoch, "")
}

const readList = `SELECT files FROM hosted_data WHERE project_id = $1 AND name = $2`

func (h *Host) list(ctx context.Context, project, name string) ([]saved, error) {
	var list []saved
	err := h.cfg.DB.QueryRow(ctx, readList, project, name).Scan(&list)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "", "There are no such data.")
	}
	if err != nil {
		return nil, fmt.Errorf("read list of data: %w", err)
	}
	return list, nil
}

const readPieces = `SELECT hash, body FROM hosted_piece WHERE project_id = $1 AND hash = ANY($2)`

// body puts a file together.
func (h *Host) body(ctx context.Context, project string, f saved) ([]byte, error) {
	body := make([]byte, 0, f.Size)
	for from := 0; from < len(f.Pieces); from += batch {
		wanted := f.Pieces[from:min(from+batch, len(f.Pieces))]
		found := map[hash][]byte{}
		rows, err := h.cfg.DB.Query(ctx, readPieces, project, wanted)
		if err != nil {
			return nil, fmt.Errorf("read data of app: %w", err)
		}
		var sum, piece []byte
		_, err = pgx.ForEachRow(rows, []any{&sum, &piece}, func() error {
			found[hash(sum)] = append([]byte(nil), piece...)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read data of app: %w", err)
		}
		for _, p := range wanted {
			piece, ok := found[hash(p)]
			if !ok {
				return nil, fmt.Errorf("read data of app: piece %x of %q is missing", p, f.Name)
			}
			body = append(body, piece...)
		}
	}
	return body, nil
}

// restore puts the data set of an instance into its cage.
func (h *Host) restore(ctx context.Context, i *instance, files *sandbox.Files) error {
	i.kept = kept{pieces: map[hash]bool{}}
	list, err := h.list(ctx, i.Project, i.Data)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range list {
		body, err := h.body(ctx, i.Project, f)
		if err != nil {
			return err
		}
		if err := files.Write(path.Join(DataFolder, f.Name), body, f.Mode|0o600); err != nil {
			return fmt.Errorf("restore data of app: %w", err)
		}
		for _, p := range f.Pieces {
			i.kept.pieces[hash(p)] = true
		}
	}
	i.kept.seen, err = look(ctx, files, h.cfg.DataCap)
	return err
}
