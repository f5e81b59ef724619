//go:build !darwin

package private

import "fmt"

const howToInstall = "install it (Debian, Ubuntu: apt install postgresql) or set DATABASE_URL"

// usualPlaces are where distributions put the programs.
var usualPlaces = []string{ //nolint:gochecknoglobals // a constant table
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // PostgreSQL's own packages for Red Hat
	"/usr/libexec/postgresql*",  // Alpine
	"/usr/lib/postgresql*/bin",  // SUSE
	"/opt/postgresql*/bin",      // unpacked by hand
	"/usr/local/pgsql*/bin",     // built by hand
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
}

// safeParents are folders below which any user id can reach a data folder.
var safeParents = []string{"/var/lib", "/srv", "/opt"} //nolint:gochecknoglobals // a constant table

func installVersion(major int) string {
	return fmt.Sprintf("Debian, Ubuntu: apt install postgresql-%d", major)
}
