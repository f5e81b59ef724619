package repo

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"
)

// Zip writes a tree as a zip file to w, its paths below the folder named prefix. The
// same tree, prefix and time make the same bytes with the same build of the program.
// Files are read in batches and no connection is held while w is written.
func (s *Store) Zip(ctx context.Context, id ID, tree Hash, prefix string, modified time.Time, w io.Writer) error {
	files, err := s.Files(ctx, id, tree)
	if err != nil {
		return err
	}
	out := zip.NewWriter(w)
	err = s.Contents(ctx, id, files, func(f File, data []byte) error {
		head := &zip.FileHeader{Name: path.Join(prefix, f.Path), Method: zip.Deflate, Modified: modified.UTC()}
		head.SetMode(f.Mode.perm())
		entry, err := out.CreateHeader(head)
		if err != nil {
			return fmt.Errorf("write zip: %w", err)
		}
		_, err = entry.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write zip: %w", err)
	}
	return nil
}

// perm is what a file of this mode gets on disk.
func (m Mode) perm() fs.FileMode {
	if m == Executable {
		return 0o755
	}
	return 0o644
}
