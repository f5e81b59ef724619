package sandbox

import "io/fs"

// Recipe says how to make a warm cache: a folder that tools fill, made once and shown
// in many cages. What a cage adds is its own.
type Recipe struct {
	Name     string    // for Spec.Caches; the form of Spec.ID
	Inside   string    // the folder, below Home
	Files    fs.FS     // put into the workspace first; nil is nothing
	Commands []Command // run in order; each must end with 0. Their outputs are not used
}

// GoCache is the name and GoCacheFolder the place of Go's build cache in every cage.
const (
	GoCache       = "go"
	GoCacheFolder = Home + "/.cache/go-build"
)

// CompileGo returns the recipe of a build cache with the standard library, and with
// what the programs in files need, which are built and tested in their places. Go
// remembers the folder of what it built: programs that are to profit have to be at the
// same place in the workspace.
func CompileGo(files fs.FS) Recipe {
	commands := []Command{{Args: []string{"go", "build", "std"}}}
	if files != nil {
		commands = append(commands,
			Command{Args: []string{"go", "build", "-o", "/dev/null", "./..."}},
			Command{Args: []string{"go", "vet", "./..."}},
			Command{Args: []string{"go", "test", "-count=1", "./..."}},
		)
	}
	return Recipe{Name: GoCache, Inside: GoCacheFolder, Files: files, Commands: commands}
}
