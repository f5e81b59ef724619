package private

import "fmt"

const howToInstall = "install it with: brew install postgresql@17; or set DATABASE_URL"

// usualPlaces are where packages for macOS put the programs.
var usualPlaces = []string{ //nolint:gochecknoglobals // a constant table
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/opt/homebrew/opt/postgresql/bin",
	"/usr/local/opt/postgresql/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// safeParents are folders below which any user id can reach a data folder.
var safeParents = []string{"/usr/local/var", "/opt"} //nolint:gochecknoglobals // a constant table

func installVersion(major int) string { return fmt.Sprintf("brew install postgresql@%d", major) }
