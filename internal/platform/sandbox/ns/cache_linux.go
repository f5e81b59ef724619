package ns

import "cofounder/internal/platform/sandbox/wire"

// cache is a folder of what tools made before, shown to cages beneath what they make
// themselves.
type cache struct {
	name   string // of who asked for it
	path   string // on the host
	inside string
}

// lower is where the cache is while a cage is built, below wire.HiddenRoot.
func (c *cache) lower() string { return "/cache/" + c.name }

// folders are those of the disk that take what the cage adds.
func (c *cache) folders() []string {
	return []string{"cache", "cache/" + c.name, "cache/" + c.name + "/upper", "cache/" + c.name + "/work"}
}

func (c *cache) overlay() wire.Overlay {
	return wire.Overlay{Lower: c.lower(), Upper: diskInside + "/cache/" + c.name + "/upper", Work: diskInside + "/cache/" + c.name + "/work", Inside: c.inside}
}

// warm returns the caches of these names that are ready.
func (d *Driver) warm([]string) []*cache { return nil }
