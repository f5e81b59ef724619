package config_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"cofounder/internal/platform/config"
)

func TestInstallationSecret(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	const askers = 16
	got := make([]string, askers)
	var wg sync.WaitGroup
	for i := range askers {
		wg.Go(func() {
			s, err := config.Data{Dir: dir}.InstallationSecret()
			if err != nil {
				t.Error(err)
			}
			got[i] = s.Reveal()
		})
	}
	wg.Wait()
	for _, s := range got {
		if len(s) < 32 || s != got[0] {
			t.Fatalf("secrets = %q, want one and the same", got)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("data folder holds %v (%v), want the secret alone", entries, err)
	}
	stat, err := os.Stat(filepath.Join(dir, "secret"))
	if err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v (%v), want 0600", stat.Mode(), err)
	}
	other, err := config.Data{Dir: t.TempDir()}.InstallationSecret()
	if err != nil || other.Reveal() == got[0] {
		t.Errorf("another installation has the same secret (%v)", err)
	}
}

func TestInstallationSecretGiven(t *testing.T) {
	t.Parallel()
	d := config.Data{Dir: filepath.Join(t.TempDir(), "none"), Secret: config.NewSecret(secret)}
	s, err := d.InstallationSecret()
	if err != nil || s.Reveal() != secret {
		t.Errorf("secret = %q, %v; want the one given", s.Reveal(), err)
	}
	if _, err := os.Stat(d.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder was made although the secret was given")
	}
}

func TestInstallationSecretRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"readable by others", secret, 0o644},
		{"cut short", "abc", 0o600},
		{"empty", "", 0o600},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "secret")
			if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			if s, err := (config.Data{Dir: dir}).InstallationSecret(); err == nil {
				t.Errorf("secret = %q, want an error", s.Reveal())
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != c.text {
				t.Errorf("the file was changed to %q (%v)", now, err)
			}
		})
	}
}
