package client_test

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

// BenchmarkCall compares our whole path with a bare call of the SDK (stream and
// accumulate) against the same server in the same run: a prompt of 8 kB, an answer of
// 1 kB in 40 events.
func BenchmarkCall(b *testing.B) {
	srv := llmtest.StartConfig(b, llmtest.Config{Script: must(b, "say "+strings.Repeat("All about dogs. ", 60))})
	prompt := strings.Repeat("A calendar of dogs. ", 400)
	c := newClient(b, client.Config{})
	req := ask(prompt)
	req.Model = "claude-haiku-5-5"
	ours := func() error {
		_, _, err := c.Call(b.Context(), srv.Endpoint(), req, (&till{}).admit, nil)
		return err
	}
	sdk := anthropic.NewClient(option.WithoutEnvironmentDefaults(), option.WithBaseURL(srv.URL), option.WithAPIKey("sk-test"))
	bare := func() error {
		stream := sdk.Messages.NewStreaming(b.Context(), anthropic.MessageNewParams{
			Model: "claude-haiku-5-5", MaxTokens: 4096, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))},
		})
		defer stream.Close() //nolint:errcheck // measured to the end of the stream
		var m anthropic.Message
		for stream.Next() {
			if err := m.Accumulate(stream.Current()); err != nil {
				return err
			}
		}
		return stream.Err()
	}
	b.Run("one after the other", func(b *testing.B) { alternate(b, bare, ours) })
	b.Run("on all cores", func(b *testing.B) { together(b, bare, ours) })
}

// alternate makes a bare call and one of ours in turns, so that both see the same
// machine, and reports their times.
func alternate(b *testing.B, bare, ours func() error) {
	b.Helper()
	took := [2][]time.Duration{}
	for b.Loop() {
		for i, call := range []func() error{bare, ours} {
			started := time.Now()
			if err := call(); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(started))
		}
	}
	for i, name := range []string{"bare", "ours"} {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2].Microseconds()), name+"-p50-µs")
		b.ReportMetric(float64(took[i][len(took[i])*99/100].Microseconds()), name+"-p99-µs")
	}
}

// together makes batches of calls from all cores, bare and ours in turns.
func together(b *testing.B, bare, ours func() error) {
	b.Helper()
	const batch = 64
	took := [2]time.Duration{}
	made := 0
	for b.Loop() {
		made += batch
		for i, call := range []func() error{bare, ours} {
			started := time.Now()
			var wg sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				wg.Go(func() {
					for range batch / runtime.GOMAXPROCS(0) {
						if err := call(); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			took[i] += time.Since(started)
		}
	}
	b.ReportMetric(float64(made)/took[0].Seconds(), "bare-calls/s")
	b.ReportMetric(float64(made)/took[1].Seconds(), "ours-calls/s")
}

func must(b *testing.B, line string) []llmtest.Turn {
	b.Helper()
	turns, err := llmtest.Parse("turn\ntimes 0\n" + line)
	if err != nil {
		b.Fatal(err)
	}
	return turns
}
