package api_test

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Random JSON, most of it nearly right, sent to every write: each answer has a
// status the document names, and none is our mistake (send checks both).
func TestRandomBodies(t *testing.T) {
	t.Parallel()
	const each, seed = 60, 20261123
	t.Logf("seed %d", seed)
	for i, o := range open(t).doc.operations() {
		if !o.writes() || o.RequestBody == nil {
			continue
		}
		t.Run(o.OperationID, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			w := open(t)
			owner := w.founder(t)
			path, met := w.whole(t, o, owner).path, map[int]int{}
			for range each {
				r := request{method: o.method, path: path, as: owner, body: w.doc.nearly(random, o.RequestBody.Content["application/json"].Schema, 0)}
				met[w.send(t, r).status]++
			}
			t.Logf("statuses %v", met)
			if len(met) < 2 {
				t.Error("the bodies were all the same to it")
			}
		})
	}
}

// nearly makes a value that mostly fits the schema.
func (d *document) nearly(random *rand.Rand, s *schema, depth int) any {
	s = d.resolve(s)
	if depth > 4 || random.IntN(6) == 0 {
		return anything(random, depth)
	}
	switch {
	case len(s.Enum) > 0 && random.IntN(8) > 0:
		return s.Enum[random.IntN(len(s.Enum))]
	case s.is("object"):
		object := map[string]any{}
		for name, of := range s.Properties {
			if random.IntN(5) > 0 {
				object[name] = d.nearly(random, of, depth+1)
			}
		}
		if random.IntN(8) == 0 {
			object[text(random)] = anything(random, depth+1)
		}
		return object
	case s.is("integer"):
		return random.IntN(800) - 200
	}
	return text(random)
}

func anything(random *rand.Rand, depth int) any {
	switch random.IntN(8) {
	case 0:
		return nil
	case 1:
		return random.IntN(2) == 0
	case 2:
		return random.NormFloat64() * 1e18
	case 3:
		if depth < 4 {
			return []any{anything(random, depth+1), anything(random, depth+1)}
		}
	case 4:
		if depth < 4 {
			return map[string]any{text(random): anything(random, depth+1)}
		}
	case 5:
		return time.Unix(random.Int64N(1e10), 0)
	}
	return text(random)
}

// text mixes what often goes wrong.
func text(random *rand.Rand) string {
	parts := []string{"", "a", "name", " ", "\n", "\r\n", "\x00", "\x7f", "é", "狗", "🐕‍🦺", "\u202e", "\ufffd", "\ufeff", "'", `"`, "\\", "<b>", "%", "${x}", "a@b.example", password, "owner", "0", "-1", "1e9"}
	out := ""
	for range random.IntN(6) {
		out += parts[random.IntN(len(parts))]
	}
	if random.IntN(20) == 0 {
		for range 8 {
			out += out
		}
	}
	return out
}
