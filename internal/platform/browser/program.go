package browser

import (
	"os"
	"os/exec"
	"path/filepath"
)

// Find returns Chromium's or Chrome's own program on this machine, or "". What package
// managers put on PATH is mostly a script that looks at the user's settings and starts
// it; a cage has neither. A snap cannot be started from a cage.
func Find() string {
	for _, path := range []string{
		"/usr/lib/chromium/chromium", "/usr/lib64/chromium-browser/chromium-browser", "/usr/lib/chromium-browser/chromium-browser",
		"/opt/google/chrome/chrome", "/usr/lib/chromium/chrome",
	} {
		if runs(path) {
			return path
		}
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless_shell", "headless-shell"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if path, err = filepath.EvalSymlinks(path); err == nil && runs(path) && binary(path) {
			return path
		}
	}
	return ""
}

func runs(path string) bool {
	found, err := os.Stat(path)
	return err == nil && found.Mode().IsRegular() && found.Mode()&0o111 != 0
}

// binary reports whether path is an ELF program, not a script.
func binary(path string) bool {
	file, err := os.Open(path) //nolint:gosec // found on PATH
	if err != nil {
		return false
	}
	defer file.Close() //nolint:errcheck // only read
	var magic [4]byte
	_, err = file.Read(magic[:])
	return err == nil && string(magic[:]) == "\x7fELF"
}
