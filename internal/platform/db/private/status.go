package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Status is what can be said about a data folder without starting anything.
type Status struct {
	Exists  bool   // a cluster has been made
	Major   int    // the version that made it
	Running bool   // a process of its server is alive
	PID     int    // of the server, when it runs
	Socket  string // path of its socket, when it runs
}

// URL is the address of the product's database while the server runs, else "".
func (s Status) URL() string {
	if s.Socket == "" {
		return ""
	}
	at := socket{folder: filepath.Dir(s.Socket)}
	return at.address(database, database)
}

// StatusOf looks at a data folder and changes nothing in it. One that is not
// there yet is the zero Status.
func StatusOf(dir string) (Status, error) {
	path, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Status{}, nil
	}
	if err != nil {
		return Status{}, fmt.Errorf("data folder: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return Status{}, fmt.Errorf("data folder: %w", err)
	}
	f := &folder{path: path, root: root}
	defer f.close() //nolint:errcheck // nothing was written
	return f.status()
}

func (f *folder) status() (status Status, err error) {
	if status.Exists, err = f.exists("pg"); err != nil || !status.Exists {
		return status, err
	}
	if status.Major, err = f.major(); err != nil {
		return status, err
	}
	if status.Running, err = f.running(); err != nil || !status.Running {
		return status, err
	}
	if found, err := f.readPID(); err == nil { // else it is only just starting
		status.PID, status.Socket = found.pid, filepath.Join(found.folder, socketName)
	}
	return status, nil
}
