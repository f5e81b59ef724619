package browser

import (
	"strings"
	"unicode"
)

// Blankness says whether there is anything to see.
type Blankness struct {
	Blank bool
	Why   string // in plain words, when Blank
}

// A page is blank with less text than a short sentence, or when its text cannot be
// seen: nearly every pixel has one colour. A few lines on white are 98 % white, so that
// the colour alone says something only very near to all of it.
const (
	leastText   = 20
	oneColour   = 0.9995
	sampledEach = 3 // pixels, in both directions
)

func blankness(text string, picture Picture, markers []string) Blankness {
	for _, m := range markers {
		if m != "" && strings.Contains(text, m) {
			return Blankness{true, "It still shows the template's own words."}
		}
	}
	visible := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			visible++
		}
	}
	share, err := dominant(picture)
	switch {
	case err != nil:
		return Blankness{true, "Its picture cannot be read."}
	case visible < leastText:
		return Blankness{true, "There is hardly a word on it."}
	case share > oneColour:
		return Blankness{true, "Nothing on it can be seen: it has one colour."}
	}
	return Blankness{}
}

// dominant is the share of the most frequent colour, nearly equal colours being one.
func dominant(p Picture) (float64, error) {
	img, err := p.Image()
	if err != nil {
		return 0, err
	}
	counts, all, most := map[uint32]int{}, 0, 0
	area := img.Bounds()
	for y := area.Min.Y; y < area.Max.Y; y += sampledEach {
		for x := area.Min.X; x < area.Max.X; x += sampledEach {
			r, g, b, _ := img.At(x, y).RGBA()
			colour := r>>12<<8 | g>>12<<4 | b>>12 // sixteen steps of each
			counts[colour]++
			all++
			most = max(most, counts[colour])
		}
	}
	return float64(most) / float64(max(1, all)), nil
}
