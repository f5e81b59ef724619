package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretFile is the installation's secret in its data folder.
const secretFile = "secret"

// SecretPath is where the installation's secret is kept without COFOUNDER_SECRET.
func (d Data) SecretPath() string { return filepath.Join(d.Dir, secretFile) }

// InstallationSecret returns COFOUNDER_SECRET or, without it, the secret kept in
// the data folder, which it makes there on first use. Several processes may ask
// at once; they all get the same one, whole.
func (d Data) InstallationSecret() (Secret, error) {
	if d.Secret.IsSet() {
		return d.Secret, nil
	}
	path := d.SecretPath()
	secret, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := makeSecret(path); err != nil {
		return Secret{}, fmt.Errorf("make the secret of this installation: %w", err)
	}
	return readSecret(path) // whoever came first made it
}

func readSecret(path string) (Secret, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return Secret{}, fmt.Errorf("read the secret of this installation: %w", err)
	}
	if stat.Mode().Perm()&0o077 != 0 {
		return Secret{}, fmt.Errorf("%s can be read by other users: run chmod 600 on it", path)
	}
	text, err := os.ReadFile(path) //nolint:gosec // in the operator's data folder
	if err != nil {
		return Secret{}, fmt.Errorf("read the secret of this installation: %w", err)
	}
	secret := NewSecret(strings.TrimSpace(string(text)))
	if len(secret.Reveal()) < secretLength {
		return Secret{}, fmt.Errorf("%s is shorter than 32 characters: restore it from a backup; without it the keys that were entered are lost", path)
	}
	return secret, nil
}

// makeSecret writes a new secret under a name of its own and links it into place
// whole; the link fails, as it should, when another process was first.
func makeSecret(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // PostgreSQL's own user passes through
		return err
	}
	tmp, err := os.CreateTemp(dir, secretFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // a leftover is harmless: nobody reads it
	random := make([]byte, secretLength)
	_, _ = rand.Read(random) // never fails: it ends the process instead
	_, err = tmp.WriteString(base64.RawURLEncoding.EncodeToString(random) + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	folder, err := os.Open(dir) //nolint:gosec // the operator's data folder
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
