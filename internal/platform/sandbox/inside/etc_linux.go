package inside

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/wire"
)

// User is the name of the cage's only user.
const User = "app"

// etc writes a small /etc. The host's says too much; of it come only certificates,
// fonts, and what the system's own programs are found through.
func (t tree) etc() error {
	id := t.plan.UID
	for name, text := range map[string]string{
		"passwd": fmt.Sprintf("root:x:0:0::/:/bin/false\n%s:x:%d:%d::%s:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
			User, id, id, sandbox.Home),
		"group":         fmt.Sprintf("root:x:0:\n%s:x:%d:\nnogroup:x:65534:\n", User, id),
		"hosts":         "127.0.0.1 localhost " + t.plan.Hostname + "\n::1 localhost\n",
		"hostname":      t.plan.Hostname + "\n",
		"resolv.conf":   "", // nobody answers
		"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
		"os-release":    "ID=linux\nNAME=cage\n",
		"gitconfig":     "[safe]\n\tdirectory = *\n[init]\n\tdefaultBranch = main\n",
		"machine-id":    strings.Repeat("0", 31) + "1\n",
	} {
		if err := os.WriteFile(newRoot+"/etc/"+name, []byte(text), 0o644); err != nil { //nolint:gosec // programs read it
			return err
		}
	}
	for _, name := range []string{
		"alternatives", "ca-certificates", "crypto-policies", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
		"mime.types", "pki", "ssl/certs", "ssl/openssl.cnf",
	} {
		if _, err := os.Stat(oldRoot + "/etc/" + name); errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err := t.attach(wire.Mount{Host: "/etc/" + name, Inside: "/etc/" + name}); err != nil {
			return fmt.Errorf("show /etc/%s: %w", name, err)
		}
	}
	return nil
}
