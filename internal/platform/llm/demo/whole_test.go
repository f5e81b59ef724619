package demo_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cofounder/internal/platform/llm/demo/idea"
)

// flaws lists what is wrong in itself with an understanding of text.
func flaws(u idea.Understanding, text string) []string {
	w := &whole{text: text, ids: map[string]bool{}}
	for _, n := range slices.Concat(u.People, u.Things) {
		w.want(n.ID != "" && !w.ids[n.ID] && n.Name != "" && n.Plural != "", "%+v has no name or another's", n)
		w.ids[n.ID] = true
	}
	roles := map[idea.Role]int{}
	for _, n := range slices.Concat(u.People, u.Things) {
		roles[n.Role]++
		w.noun(n)
	}
	for _, list := range []bool{u.Questions == nil, u.People == nil, u.Things == nil, u.Actions == nil, u.LeftOut == nil, u.Unclear == nil, u.Shape.Why == nil} {
		w.want(!list, "a list is nil")
	}
	w.want(len(u.Things) <= 8 && len(u.People) <= 6 && len(u.Actions) <= 8 && len(u.LeftOut) <= 8 && len(u.Questions) <= 1, "too much of something")
	for _, a := range u.Actions {
		w.want(w.ids[a.Who] && (a.What == "" || w.ids[a.What]), "%+v is of nobody", a)
		w.quote(a.Quote)
	}
	for _, q := range u.Shape.Why {
		w.quote(q)
	}
	for _, l := range u.LeftOut {
		w.quote(l.Quote)
	}
	for _, c := range u.Unclear {
		w.quote(c.First)
		w.quote(c.Second)
	}
	w.want(contrast(u.Colour.Hex) >= 4.5, "white on %s has a contrast of %.1f", u.Colour.Hex, contrast(u.Colour.Hex))
	if len(u.Questions) == 1 {
		w.want(u.Questions[0].Text != "" && u.Questions[0].Why != "" && u.Questions[0].Example != "" && u.Shape.Name == "", "a question and a product")
		return w.found
	}
	w.want(u.Name.Text != "" && u.Shape.Label != "" && w.ids[u.Shape.Main] && roles[idea.Main] == 1 && roles[idea.Orders] <= 1, "no name, shape or main thing: %+v %+v", u.Name, u.Shape)
	return w.found
}

type whole struct {
	text  string
	ids   map[string]bool
	found []string
}

func (w *whole) want(ok bool, format string, args ...any) { //nolint:revive // ok is what is wanted
	if !ok {
		w.found = append(w.found, fmt.Sprintf(format, args...))
	}
}

func (w *whole) noun(n idea.Noun) {
	types := []idea.Type{
		idea.Text, idea.Note, idea.Number, idea.Money, idea.Date, idea.Time, idea.Duration, idea.YesNo, idea.Options, idea.Photo,
		idea.Phone, idea.Email, idea.Web, idea.Address, idea.Rating, idea.Link,
	}
	w.quote(n.Quote)
	names := map[string]bool{}
	for _, d := range n.Details {
		w.want(slices.Contains(types, d.Type) && d.Name != "" && d.Options != nil, "%s: %+v is no detail", n.ID, d)
		w.want((d.Type == idea.Link) == (d.Of != "") && (d.Of == "" || w.ids[d.Of]), "%s: %+v links to nothing", n.ID, d)
		w.want(!names[d.Name], "%s has two details %s", n.ID, d.Name)
		w.want(d.Origin != idea.Said || d.Quote.Text != "", "%s: %+v was said nowhere", n.ID, d)
		names[d.Name] = true
		w.quote(d.Quote)
	}
}

// quote wants a quote to be the founder's words, byte for byte.
func (w *whole) quote(q idea.Quote) {
	if q != (idea.Quote{}) && (q.At+len(q.Text) > len(w.text) || w.text[q.At:q.At+len(q.Text)] != q.Text || q.Text == "" || q.Source != "idea") {
		w.found = append(w.found, fmt.Sprintf("%+v is not in the text", q))
	}
}

// contrast is that of white on a colour, by WCAG 2.2.
func contrast(hex string) float64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil || len(hex) != len("#000000") {
		return 0
	}
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		v := float64(n>>(8*i)&0xff) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return 1.05 / (sum + 0.05)
}

func FuzzRead(f *testing.F) {
	for _, file := range ideas(f) {
		text, _, _ := strings.Cut(file, cut)
		f.Add(text)
	}
	for _, o := range odd() {
		f.Add(o.text)
	}
	r := idea.NewReader()
	f.Fuzz(func(t *testing.T, text string) {
		u := read(r, text)
		for _, wrong := range flaws(u, text) {
			t.Error(wrong)
		}
		if a, b := sketch(u), sketch(read(r, text)); a != b {
			t.Errorf("first\n%s\nthen\n%s", a, b)
		}
	})
}
