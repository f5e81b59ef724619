package app

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/repo"
	"cofounder/internal/platform/seal"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/preview"
	"cofounder/internal/surface/web"
)

// strangersCode is why nothing is run where anybody may sign up.
const strangersCode = "Anybody may sign up here, and code made for strangers is only run in a cage with a kernel of its own, which this computer does not have."

// openApps builds what runs built apps.
func (a *App) openApps(ctx context.Context, box *seal.Box) error {
	var err error
	if a.Repo, err = repo.New(a.database.pool, repo.DefaultLimits()); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("read this computer's name: %w", err)
	}
	cfg := hosting.Config{
		DB: a.database.pool, Clock: a.clock, Log: a.log, Code: a.code,
		// A process's number comes again, also on the same computer.
		Name:    fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:8]),
		Machine: host, PeerAddr: a.cfg.Process.PeerAddr,
		Key: ed25519.NewKeyFromSeed(box.Mark("peers", nil)),
	}
	if a.cfg.Accounts.SignUp == config.SignUpOpen {
		cfg.Why = strangersCode
	} else if err := a.openCages(); err != nil {
		return err
	} else {
		cfg.Driver = a.cages
	}
	a.Apps, err = hosting.New(ctx, cfg)
	return err
}

// code returns the files of an app. Its code is named as REPOSITORY@TREE.
func (a *App) code(ctx context.Context, _, code string) (fs.FS, error) {
	repository, hash, _ := strings.Cut(code, "@")
	tree, err := repo.ParseHash(hash)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	if err := a.Repo.Zip(ctx, repo.ID(repository), tree, "", time.Time{}, &packed); err != nil {
		return nil, err
	}
	files, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		return nil, fmt.Errorf("read code of app: %w", err)
	}
	return files, nil
}

// openPreview builds the site of the apps over the pages that say who may see them; no
// site where apps cannot be shown.
func (a *App) openPreview(box *seal.Box, admit func(ctx context.Context, label, viewer string) error) error {
	u := a.cfg.HTTP.PreviewURL()
	if u == nil {
		return nil
	}
	var err error
	a.preview, err = preview.New(preview.Config{
		Apps: a.Apps, Admit: admit, Box: box, Clock: clock.System{}, Log: a.edge,
		URL: u, Frames: frames(a.cfg.HTTP.PublicURL), Home: a.cfg.HTTP.PublicURL,
	})
	return err
}

// frames are the origins of our own pages: on this computer people open them by either
// name.
func frames(public *url.URL) []string {
	own := []string{public.Scheme + "://" + public.Host}
	for _, name := range []string{"localhost", "127.0.0.1"} {
		if other := name + portOf(public); public.Hostname() != name && web.KeepsCookies(public) && public.Scheme == "http" {
			own = append(own, public.Scheme+"://"+other)
		}
	}
	return own
}

func portOf(u *url.URL) string {
	if u.Port() == "" {
		return ""
	}
	return ":" + u.Port()
}

// AppLink is preview's Link in the words of web.
func (a *App) AppLink(label, viewer string, in web.Showing, path string) string {
	return a.preview.Link(label, viewer, preview.Showing(in), path)
}

// sites are what is served at our address under other names.
func (a *App) sites() (sites []httpd.Site, frameSources []string) {
	if a.preview == nil {
		return nil, nil
	}
	return []httpd.Site{{Owns: a.preview.Owns, Handler: a.preview}}, []string{preview.FrameSource(a.cfg.HTTP.PreviewURL())}
}

// closeApps stops the apps of this process, their data saved.
func (a *App) closeApps(ctx context.Context) error {
	var err error
	a.look.stop()
	if a.preview != nil {
		a.preview.Close()
	}
	if a.Apps != nil {
		err = a.Apps.Close(ctx)
	}
	if a.cages != nil {
		err = errors.Join(err, a.cages.Close(ctx))
	}
	return err
}
