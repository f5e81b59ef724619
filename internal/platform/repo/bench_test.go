package repo_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/repo"
)

// BenchmarkFolder measures snapshot and checkout of projects of two sizes, ten
// kilobytes of text a file. It reports milliseconds; p95 is of the whole run.
func BenchmarkFolder(b *testing.B) {
	for _, files := range []int{200, 2000} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			w, dir := newWorld(b), b.TempDir()
			random := rand.New(rand.NewPCG(1, 2))
			for i := range files {
				write(b, dir, fmt.Sprintf("d%d/e%d/f%d.go", i%10, i%7, i), prose(random, 10_000))
			}
			f := w.folder(b, dir)
			first := w.snap(b, f)
			for i := range 3 {
				write(b, dir, fmt.Sprintf("d%d/e%d/f%d.go", i%10, i%7, i), prose(random, 10_000))
			}
			second := w.snap(b, f)
			settle(b)
			w.snap(b, f)
			b.Run("nothing changed", func(b *testing.B) { measure(b, func() { w.snap(b, f) }) })
			b.Run("three files edited", func(b *testing.B) {
				measure(b, func() {
					for i := range 3 {
						write(b, dir, fmt.Sprintf("d%d/e%d/f%d.go", i, i, i), prose(random, 10_000))
					}
					w.snap(b, f)
				})
			})
			b.Run("checkout into an empty folder", func(b *testing.B) {
				measure(b, func() { w.checkout(b, w.folder(b, b.TempDir()), first.Tree) })
			})
			b.Run("back and forth", func(b *testing.B) {
				measure(b, func() {
					w.checkout(b, f, first.Tree)
					w.checkout(b, f, second.Tree)
				})
			})
			b.Run("difference", func(b *testing.B) {
				measure(b, func() {
					if _, err := w.Difference(b.Context(), w.id, first.Tree, second.Tree); err != nil {
						b.Fatal(err)
					}
				})
			})
			b.Run("first snapshot", func(b *testing.B) { // last, since it empties the repository
				measure(b, func() { w.snap(b, w.fresh(b, dir)) })
			})
		})
	}
}

// fresh is the folder seen for the first time, by a repository that has nothing.
func (w *world) fresh(b *testing.B, dir string) *repo.Folder {
	b.Helper()
	if _, err := w.pool.Exec(b.Context(), `DELETE FROM repo_object`); err != nil {
		b.Fatal(err)
	}
	return w.folder(b, dir)
}

func measure(b *testing.B, f func()) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		f()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(ms(took[len(took)/2]), "ms/median")
	b.ReportMetric(ms(took[len(took)*95/100]), "ms/p95")
}

// prose is text that compresses about as source does.
func prose(random *rand.Rand, bytes int) string {
	words := []string{"func", "return", "err", "nil", "if", "{", "}", "(ctx", "string", "range", ":=", "for", "item"}
	var out strings.Builder
	for out.Len() < bytes {
		if random.IntN(4) == 0 {
			fmt.Fprintf(&out, "name%d ", random.IntN(1000))
		} else {
			out.WriteString(words[random.IntN(len(words))] + " ")
		}
		if random.IntN(8) == 0 {
			out.WriteString("\n\t")
		}
	}
	return out.String()
}
