package hosting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

// Data is a data set as a list shows it.
type Data struct {
	Name    string
	Bytes   int64
	SavedAt time.Time
}

const listData = `SELECT name, bytes, saved_at FROM hosted_data WHERE project_id = $1 ORDER BY name`

// DataSets lists a project's data sets. One that nothing was ever saved in is not
// among them.
func (h *Host) DataSets(ctx context.Context, project string) ([]Data, error) {
	rows, err := h.cfg.DB.Query(ctx, listData, project)
	if err != nil {
		return nil, fmt.Errorf("ask for data sets: %w", err)
	}
	sets, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Data])
	if err != nil {
		return nil, fmt.Errorf("list data sets: %w", err)
	}
	return sets, nil
}

// Export calls each with every file of a data set, as it is now: an app that works on
// it saves it first. fault.NotFound when nothing was ever saved in it.
func (h *Host) Export(ctx context.Context, project, name string, each func(File) error) error {
	if err := h.settle(ctx, project, name, "save"); err != nil {
		return err
	}
	list, err := h.list(ctx, project, name)
	if err != nil {
		return err
	}
	for _, f := range list {
		body, err := h.body(ctx, project, f)
		if err != nil {
			return err
		}
		if err := each(File{Name: f.Name, Mode: f.Mode, At: f.At, Body: body}); err != nil {
			return err
		}
	}
	return nil
}

const copyData = `
INSERT INTO hosted_data (project_id, name, files, pieces, bytes, saved_at)
SELECT project_id, $3, files, pieces, bytes, clock_timestamp() FROM hosted_data WHERE project_id = $1 AND name = $2
ON CONFLICT (project_id, name) DO UPDATE
SET files = EXCLUDED.files, pieces = EXCLUDED.pieces, bytes = EXCLUDED.bytes, saved_at = EXCLUDED.saved_at`

// Copy makes to a copy of from, as it is now: a version that starts on it cannot spoil
// the original. Apps that work on to are stopped, and what they wrote is gone. From a
// set that nothing was ever saved in, to becomes empty.
func (h *Host) Copy(ctx context.Context, project, from, to string) error {
	if !word.MatchString(to) || from == to {
		return fmt.Errorf("copy data: %q is no data set to copy to", to)
	}
	if err := h.settle(ctx, project, from, "save"); err != nil {
		return err
	}
	return h.replace(ctx, project, to, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, copyData, project, from, to)
		if err == nil && done.RowsAffected() == 0 {
			return emptyTx(ctx, tx, project, to)
		}
		if err != nil {
			return fmt.Errorf("copy data: %w", err)
		}
		return nil
	})
}

// Reset empties a data set. Apps that work on it are stopped.
func (h *Host) Reset(ctx context.Context, project, name string) error {
	return h.replace(ctx, project, name, func(tx pgx.Tx) error { return emptyTx(ctx, tx, project, name) })
}

func emptyTx(ctx context.Context, tx pgx.Tx, project, name string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM hosted_data WHERE project_id = $1 AND name = $2`, project, name); err != nil {
		return fmt.Errorf("empty data: %w", err)
	}
	return nil
}

// Import makes the regular files of src a data set: sample data that come with the
// code, or what was exported before. Apps that work on it are stopped. More than a set
// may hold is fault.TooLarge.
func (h *Host) Import(ctx context.Context, project, name string, src fs.FS) error {
	if !word.MatchString(name) {
		return fmt.Errorf("import data: %q is no data set", name)
	}
	w := pieceWriter{host: h, project: project}
	list, left := []saved{}, h.cfg.DataCap
	err := fs.WalkDir(src, ".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := w.importFile(ctx, src, at, left)
		if err != nil {
			return err
		}
		if left -= f.Size; len(list) >= mostFiles {
			return errTooMuch
		}
		list = append(list, f)
		return nil
	})
	if errors.Is(err, errTooMuch) {
		return fault.Newf(fault.TooLarge, "", "An app may keep %d MB in %d files at most.", h.cfg.DataCap>>20, mostFiles)
	}
	if err = errors.Join(err, w.flush(ctx)); err != nil {
		return fmt.Errorf("import data: %w", err)
	}
	return h.replace(ctx, project, name, func(tx pgx.Tx) error { return putListTx(ctx, tx, project, name, list) })
}

func (w *pieceWriter) importFile(ctx context.Context, src fs.FS, name string, most int64) (saved, error) {
	from, err := src.Open(name)
	if err != nil {
		return saved{}, err
	}
	defer from.Close() //nolint:errcheck // only read
	info, err := from.Stat()
	if err != nil {
		return saved{}, err
	}
	f := saved{Name: name, Mode: info.Mode().Perm(), At: info.ModTime().UTC(), Pieces: [][]byte{}}
	return f, w.copy(ctx, from, &f, most)
}

// The lease is taken from whoever works on the set: an owner that is not reached
// cannot write any more, and ends at its next beat.
const revoke = `
UPDATE hosted_app SET owner = '', address = '', machine = '', lease_until = NULL, epoch = epoch + 1, state = 'stopped', since = clock_timestamp(), reason = ''
WHERE project_id = $1 AND data = $2`

// replace changes a data set with nobody working on it.
func (h *Host) replace(ctx context.Context, project, name string, change func(tx pgx.Tx) error) error {
	if err := h.settle(ctx, project, name, "stop"); err != nil {
		return err
	}
	return db.InTx(ctx, h.cfg.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, revoke, project, name); err != nil {
			return fmt.Errorf("take data from app: %w", err)
		}
		return change(tx)
	})
}

// settle asks the app that works on a data set to save it, or to stop.
func (h *Host) settle(ctx context.Context, project, name, verb string) error {
	r, err := h.one(ctx, `SELECT `+columns+` FROM hosted_app WHERE project_id = $1 AND data = $2`, project, name)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil || !r.leased:
		return err
	case verb == "stop":
		return h.Stop(ctx, r.Label)
	}
	h.mu.Lock()
	here := h.instances[r.Label]
	h.mu.Unlock()
	if here != nil {
		return here.saveNow(ctx)
	}
	if err := h.peer.ask(ctx, r, verb); err != nil {
		return fault.New(fault.Unavailable, "app_unreached", "The app that works on these data cannot be reached now.").Because(err)
	}
	return nil
}

// saveNow saves the data of an instance that runs; one that is over has saved them.
func (i *instance) saveNow(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case i.flush <- answer:
	case <-i.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("save data of app: %w", ctx.Err())
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("save data of app: %w", ctx.Err())
	}
}

const sweepPieces = `
DELETE FROM hosted_piece p WHERE (p.project_id, p.hash) IN (
    SELECT q.project_id, q.hash FROM hosted_piece q
    WHERE q.used_at < clock_timestamp() - interval '1 hour'
      AND NOT EXISTS (SELECT FROM hosted_data d WHERE d.project_id = q.project_id AND q.hash = ANY(d.pieces))
    ORDER BY q.project_id, q.hash LIMIT $1 FOR UPDATE SKIP LOCKED)`

const sweepBatch = 500

// Sweep removes pieces that no data set names, a batch at a time, and returns how many.
// Any process may call it at any time.
func (h *Host) Sweep(ctx context.Context) (int, error) {
	total := 0
	for {
		done, err := h.cfg.DB.Exec(ctx, sweepPieces, sweepBatch)
		if err != nil {
			return total, fmt.Errorf("sweep data of apps: %w", err)
		}
		total += int(done.RowsAffected())
		if done.RowsAffected() < sweepBatch {
			return total, nil
		}
	}
}

// copy stores what from holds as the pieces of f.
func (w *pieceWriter) copy(ctx context.Context, from io.Reader, f *saved, most int64) error {
	for {
		piece := make([]byte, pieceSize)
		n, err := io.ReadFull(from, piece)
		if n > 0 {
			if f.Size += int64(n); f.Size > most {
				return errTooMuch
			}
			if err := w.piece(ctx, f, piece[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("read data: %w", err)
		}
	}
}
