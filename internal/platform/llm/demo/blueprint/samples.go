package blueprint

import (
	_ "embed"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"cofounder/internal/platform/llm/demo/idea"
)

// samples are how many each thing has; fewer where the founder named single ones.
const samples = 8

//go:embed samples.txt
var sampleText string

// filled returns the things of b with samples.
func filled(b Blueprint, u idea.Understanding) []Thing {
	w := words()
	things := slices.Clone(b.Things)
	for i := range things {
		t := &things[i]
		names := b.named(u, *t, w)
		for k := range min(samples, len(names)) {
			row := make([]string, len(t.Fields))
			for j, f := range t.Fields {
				row[j] = b.value(*t, f, k, w)
				if f.ID == t.Title && f.Type == idea.Text {
					row[j] = names[k]
				}
			}
			t.Samples = append(t.Samples, row)
		}
	}
	for i := range things {
		tie(&things[i], things)
	}
	return things
}

// tie lets the links of t's samples lead to samples that are there.
func tie(t *Thing, things []Thing) {
	for j, f := range t.Fields {
		at := slices.IndexFunc(things, func(other Thing) bool { return other.ID == f.Of })
		if at < 0 {
			continue
		}
		for k := range t.Samples {
			t.Samples[k][j] = strconv.Itoa(pick(t.ID+f.ID, k) % len(things[at].Samples))
		}
	}
}

// named returns what samples of t are called: as the founder named some, or by words
// for such things.
func (b Blueprint) named(u idea.Understanding, t Thing, w map[string][]string) []string {
	for _, n := range slices.Concat(u.Things, u.People) {
		if identifier(n.ID) == t.ID && len(n.Examples) > 0 {
			return n.Examples
		}
	}
	title, _ := t.Field(t.Title)
	known := w[title.ID]
	switch {
	case len(w[t.ID]) > 0 && t.Person:
		return w[t.ID]
	case t.Person:
		return w["person"]
	case len(known) > 0 && title.ID != "title":
		return known
	}
	if kind, ok := t.Field("kind"); ok && len(kind.Options) > 0 {
		if list := named(kind.Options, w); len(list) > 0 {
			return list
		}
	}
	if list := w[t.ID]; len(list) > 0 {
		return list
	}
	if last := t.ID[strings.LastIndexByte(t.ID, '_')+1:]; len(w[last]) > 0 {
		return w[last]
	}
	var out []string
	for k := range samples {
		out = append(out, t.Name+" "+strconv.Itoa(k+1))
	}
	return out
}

// named takes names of each kind in turn: of candles, of soaps.
func named(kinds []string, w map[string][]string) []string {
	var out []string
	for k := range samples {
		kind := identifier(kinds[k%len(kinds)])
		list := w[strings.TrimSuffix(kind, "s")]
		if len(list) == 0 {
			return nil
		}
		out = append(out, list[k%len(list)])
	}
	return out
}

// value is what field f of the k-th sample of t holds.
func (b Blueprint) value(t Thing, f Field, k int, w map[string][]string) string {
	at := pick(t.ID+"."+f.ID, k)
	among := func(list ...string) string { return list[at%len(list)] }
	switch f.Type {
	case idea.Date:
		return b.day(t, f, k)
	case idea.Time:
		return among("09:00", "10:30", "14:00", "16:30", "11:15", "18:00", "08:30", "13:45")
	case idea.Duration:
		return among("30", "45", "60", "90", "20", "75", "120", "40")
	case idea.Number:
		return among("3", "12", "7", "20", "5", "9", "15", "2")
	case idea.Money:
		return among("12.00", "24.50", "8.90", "45.00", "18.00", "60.00", "32.50", "15.00")
	case idea.Rating:
		return among("5", "4", "3", "5", "4", "2", "5", "4")
	case idea.YesNo:
		return among("yes", "no", "yes")
	case idea.Phone:
		return fmt.Sprintf("555-01%02d", 10+(at+11*k)%90)
	case idea.Email:
		return strings.ToLower(strings.Fields(w["person"][k%len(w["person"])])[0]) + "@example.com"
	case idea.Web:
		return "https://example.com/" + strconv.Itoa(k+1)
	case idea.Address:
		return strconv.Itoa(3+at%40) + " " + w["place"][k%len(w["place"])]
	case idea.Note:
		return "A note to try it out."
	case idea.Photo, idea.Link:
		return ""
	case idea.Options:
		if len(f.Options) > 0 {
			return f.Options[k%len(f.Options)]
		}
	case idea.Text:
	}
	last := f.ID[strings.LastIndexByte(f.ID, '_')+1:]
	for _, key := range []string{f.ID, last} {
		if list := w[key]; len(list) > 0 {
			return list[(at/7+k)%len(list)]
		}
	}
	return f.Label + " " + strconv.Itoa(k+1)
}

// day spreads the dates of samples: a log looks back, everything else around today
// and ahead.
func (b Blueprint) day(t Thing, f Field, k int) string {
	const back, ahead = 9, 2
	birth := strings.Contains(f.ID, "birth")
	switch {
	case birth:
		return strconv.Itoa(-1500 - 211*k)
	case b.Shape == idea.Log && t.Role == idea.Main:
		return strconv.Itoa(-k * back)
	}
	return strconv.Itoa(k*ahead - 1)
}

// pick is a number that depends on a name and k only.
func pick(name string, k int) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int(h.Sum32()%1009) + k
}

// words reads the file of sample words.
func words() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(sampleText) {
		head, rest, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		var list []string
		for word := range strings.FieldsSeq(rest) {
			list = append(list, strings.ReplaceAll(word, "_", " "))
		}
		for key := range strings.FieldsSeq(head) {
			if out[key] == nil {
				out[key] = list
			}
		}
	}
	return out
}
