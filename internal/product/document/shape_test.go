package document_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"cofounder/internal/product/document"

	"github.com/google/go-cmp/cmp"
)

// Whatever a document can say can be typed: the shape of every section has every field
// of the content that testdata fills, and no other.
func TestShapesHaveEveryField(t *testing.T) {
	t.Parallel()
	for _, k := range document.Kinds() {
		raw, err := os.ReadFile("testdata/" + string(k) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		content, err := document.Decode(k, raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range content.Outline() {
			shape, ok := k.Shape(s.Key)
			if !ok {
				t.Errorf("%s.%s has no shape", k, s.Key)
			}
			value, err := document.Value(content, s.Key)
			if err != nil {
				t.Fatal(err)
			}
			fits(t, string(k)+"."+s.Key, shape, value)
		}
		if _, ok := k.Shape("nothing"); ok {
			t.Errorf("%s has a shape for a section that is not there", k)
		}
	}
}

func fits(t *testing.T, at string, s document.Shape, value json.RawMessage) {
	t.Helper()
	var into any
	switch s.Input {
	case document.Words, document.OneLine, document.OneOf:
		into = new(string)
	case document.OnePerLine:
		into = new([]string)
	case document.Number:
		into = new(float64)
	case document.Ticked:
		into = new(bool)
	case document.Kept:
		return
	case document.Items:
		var all []json.RawMessage
		if err := json.Unmarshal(value, &all); err != nil || len(all) == 0 {
			t.Errorf("%s: %v; testdata should fill it", at, err)
			return
		}
		fits(t, at+".0", document.Shape{Input: document.Parts, Of: s.Of}, all[0])
		return
	case document.Parts:
		var all map[string]json.RawMessage
		if err := json.Unmarshal(value, &all); err != nil {
			t.Errorf("%s: %v", at, err)
			return
		}
		var keys, shaped []string
		for key := range all {
			keys = append(keys, key)
		}
		for _, of := range s.Of {
			shaped = append(shaped, of.Key)
			fits(t, at+"."+of.Key, of, all[of.Key])
		}
		slices.Sort(keys)
		slices.Sort(shaped)
		if diff := cmp.Diff(keys, shaped); diff != "" {
			t.Errorf("%s (-content +shape):\n%s", at, diff)
		}
		return
	}
	if err := json.Unmarshal(value, into); err != nil {
		t.Errorf("%s is typed as %s: %v", at, s.Input, err)
	}
}
