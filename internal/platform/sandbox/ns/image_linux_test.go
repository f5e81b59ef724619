package ns

import "testing"

// TestFreedThoughTaken: the number of a loop device that a disk gave back is the next
// one's at once, which is not to be mistaken for its own. Through the exported API this
// is a race of two processes that is lost once in a hundred cages.
func TestFreedThoughTaken(t *testing.T) {
	t.Parallel()
	images := findImages(t.TempDir())
	if images == nil {
		t.Skip("disks are folders here")
	}
	const size = 16 << 20
	var taken []*image
	first, err := images.mount(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.mount.Close(); err != nil {
		t.Error(err)
	}
	if err := first.freed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		next, err := images.mount(t.Context(), size)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, next)
	}
	if shows, err := backing(first.device); err == nil && shows == first.shows {
		t.Errorf("%s shows %q again", first.device, shows)
	}
	if err := first.freed(t.Context()); err != nil {
		t.Errorf("what another disk has by now was waited for: %v", err)
	}
	if err := first.file.Close(); err != nil {
		t.Error(err)
	}
	for _, i := range taken {
		if err := i.release(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := images.close(); err != nil {
		t.Error(err)
	}
}
