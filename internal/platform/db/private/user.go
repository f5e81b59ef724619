package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// User is whom the server's programs run as. PostgreSQL refuses to run as root,
// so root lends it an unprivileged user; everyone else runs it as themselves.
type User struct {
	UID, GID int
	Name     string
	Switch   bool // we are root and must change to it
}

// serverUsers are tried in this order by root. "nobody" always exists; a user
// of its own is better, since other programs run as nobody too.
var serverUsers = []string{"cofounder", "postgres", "nobody"} //nolint:gochecknoglobals // a constant table

// ServerUser returns whom to run a new server as.
func ServerUser() (User, error) {
	if os.Geteuid() != 0 {
		return lookupID(os.Geteuid())
	}
	for _, name := range serverUsers {
		account, err := user.Lookup(name)
		if err != nil {
			continue // the next name; the last one is reported below
		}
		found, err := fromAccount(account)
		if err != nil {
			return User{}, err
		}
		found.Switch = true
		return found, nil
	}
	return User{}, errors.New(
		"PostgreSQL does not run as root and there is no user to lend it (tried cofounder, postgres, nobody): useradd --system cofounder")
}

// ownerOf returns whom to run the server of an existing cluster as: its owner.
func ownerOf(cluster string) (User, error) {
	info, err := os.Stat(cluster)
	if err != nil {
		return User{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return User{}, errors.New("the system does not tell who owns a folder")
	}
	owner := int(stat.Uid)
	me := os.Geteuid()
	switch {
	case owner == me && me != 0:
		return lookupID(me)
	case owner == 0:
		return User{}, fmt.Errorf("%s belongs to root and PostgreSQL does not run as root: chown -R it to an unprivileged user", cluster)
	case me != 0:
		return User{}, fmt.Errorf("%s belongs to %s; run this as that user or as root, or choose another data folder (COFOUNDER_DATA)", cluster, nameOf(owner))
	}
	found, err := lookupID(owner)
	found.Switch = true
	return found, err
}

func lookupID(uid int) (User, error) {
	account, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return User{}, fmt.Errorf("user id %d has no name on this machine (no line in /etc/passwd), which PostgreSQL needs: %w", uid, err)
	}
	return fromAccount(account)
}

func fromAccount(account *user.User) (User, error) {
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return User{}, fmt.Errorf("user %s: %w", account.Username, err)
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return User{}, fmt.Errorf("user %s: %w", account.Username, err)
	}
	return User{UID: uid, GID: gid, Name: account.Username}, nil
}

func nameOf(uid int) string {
	if account, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return account.Username
	}
	return "user id " + strconv.Itoa(uid)
}

// Own gives a file or folder of ours to the user.
func (u User) Own(path string) error {
	if !u.Switch {
		return nil
	}
	return os.Lchown(path, u.UID, u.GID)
}

// attributes makes a child run as the user, in a session of its own, so that
// Ctrl-C in our terminal does not reach it.
func (u User) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setsid: true}
	if u.Switch {
		attributes.Credential = &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID)} //nolint:gosec // ids come from the system
	}
	return attributes
}

// canSearch reports whether the user may pass through the folder, by its mode
// bits alone.
func (u User) canSearch(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true // unknown: let the attempt decide
	}
	mode := info.Mode().Perm()
	switch {
	case u.UID == 0:
		return true
	case int(stat.Uid) == u.UID:
		return mode&0o100 != 0
	case int(stat.Gid) == u.GID:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}
