package private

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// magic begins every file of pg_dump's custom format.
const magic = "PGDMP"

// Backup writes the product's database to file, in pg_dump's custom format, as
// it is at one instant; others go on working meanwhile. The file has mode 0600
// and appears whole or not at all. One that is there is replaced if it is a
// backup, else refused. A server that was not running is started and left
// running.
func Backup(ctx context.Context, config Config, file string) error {
	if err := checkTarget(file); err != nil {
		return err
	}
	s, err := Start(ctx, config)
	if err != nil {
		return err
	}
	if err := s.backup(ctx, file); err != nil {
		return fmt.Errorf("back up the database: %w", err)
	}
	return nil
}

func (s *Server) backup(ctx context.Context, file string) error {
	s.config.Progress("database: writing " + file)
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	err = s.program(ctx, nil, temporary, "pg_dump", "--format=custom", "--dbname="+s.socket.address(superuser, database))
	if err == nil {
		err = temporary.Sync()
	}
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return syncFolder(filepath.Dir(file))
}

// program runs a client of the server as the server's user.
func (s *Server) program(ctx context.Context, in io.Reader, out io.Writer, name string, args ...string) error {
	path := s.programs.Path(name)
	if !holds(s.programs.Folder, name) {
		return fmt.Errorf("%s is not in %s; install PostgreSQL's client programs (%s)", name, s.programs.Folder, installVersion(s.programs.Major))
	}
	cmd := Command(ctx, s.user, path, args...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &said
	if err := cmd.Run(); err != nil {
		return failed(ctx, name, err, said.String())
	}
	return nil
}

// checkTarget refuses to write a backup over something else.
func checkTarget(file string) error {
	err := checkBackup(file)
	if errors.Is(err, fs.ErrNotExist) {
		info, err := os.Stat(filepath.Dir(file))
		switch {
		case err != nil:
			return fmt.Errorf("back up the database: %w", plain(err))
		case !info.IsDir():
			return fmt.Errorf("back up the database: %s is not a folder", filepath.Dir(file))
		}
		return nil
	}
	if errors.Is(err, errNoBackup) {
		return fmt.Errorf("back up the database: %s exists and is something else; choose another name", file)
	}
	return err
}

var errNoBackup = errors.New("not a backup")

// checkBackup returns errNoBackup for a file that is none.
func checkBackup(path string) error {
	file, err := os.Open(path) //nolint:gosec // the person's choice
	if err != nil {
		return plain(err)
	}
	defer file.Close() //nolint:errcheck // only read
	begin := make([]byte, len(magic))
	_, err = io.ReadFull(file, begin)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return plain(err)
	}
	if string(begin) != magic {
		return fmt.Errorf("%s is %w made by cofounder db backup", path, errNoBackup)
	}
	return nil
}

// syncFolder makes a rename in a folder survive the power.
func syncFolder(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the person's choice
	if err != nil {
		return plain(err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}
