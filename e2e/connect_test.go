package e2e_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"cofounder/internal/platform/llm/llmtest"

	"github.com/chromedp/chromedp"
)

// What a test of the connection answers.
const probeScript = "turn\nsay {\"zq_colour\":\"blue\",\"zq_count\":1}\nusage input=100000 output=2000\n"

// TestConnectAnAI is a founder who gets everything wrong once: each mistake is named in
// plain words, and in the end the test says what the AI can do and what it cost.
func TestConnectAnAI(t *testing.T) {
	t.Parallel()
	script, err := llmtest.Parse(probeScript)
	if err != nil {
		t.Fatal(err)
	}
	ai := llmtest.StartConfig(t, llmtest.Config{Script: script, Key: "sk-right"})
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<h1>Welcome to our hotel</h1>")) //nolint:errcheck // the browser of the test is gone
	}))
	t.Cleanup(portal.Close)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	phone := tab(t, screen{360, 780, "dark"})
	do(ctx, t, chromedp.Navigate(p.startLink(t)))
	until(ctx, t, "the idea box", `document.activeElement.tagName === 'TEXTAREA'`)
	do(phone, t, chromedp.Navigate(p.startLink(t)))
	until(phone, t, "the idea box", `document.activeElement.tagName === 'TEXTAREA'`)

	for _, mistake := range []struct{ name, address, key, says string }{
		{"nobody there", "http://127.0.0.1:1", "sk-right", "Nothing answers at"},
		{"a web page", portal.URL, "sk-right", "not an AI that speaks the Messages API"},
		{"no answer ever", silent.URL, "sk-right", "gave no answer within 25 seconds"},
		{"wrong key", ai.URL, "sk-wrong", "does not accept this key"},
	} {
		connectAndTest(ctx, t, p.base, mistake.address, mistake.key)
		const testing = 25 * time.Second // at most, which the product says itself
		within(ctx, t, testing+patience, mistake.name, `document.querySelector('#present')?.innerText.includes('Does not work') &&
			document.querySelector('#present').innerText.includes(`+quote(mistake.says)+`)`)
		clean(ctx, t)
	}
	connectAndTest(ctx, t, p.base, ai.URL, "sk-right")
	until(ctx, t, "it works", `document.querySelector('#present').innerText.includes('A first version may cost $')`)
	for _, tab := range []context.Context{ctx, phone} {
		for path, says := range map[string]string{"/connect": "A first version may cost $", "/spending": "$0.22"} {
			do(tab, t, chromedp.Navigate(p.base+path))
			until(tab, t, path, `document.querySelector('main').innerText.includes(`+quote(says)+`)`)
			clean(tab, t)
			accessible(tab, t)
		}
	}
	if js[bool](ctx, t, `document.documentElement.outerHTML.includes('sk-right')`) {
		t.Error("the key is in the page")
	}
}

// connectAndTest fills in the form for a server of one's own, saves it and presses Test.
func connectAndTest(ctx context.Context, t *testing.T, base, address, key string) {
	t.Helper()
	do(ctx, t, chromedp.Navigate(base+"/connect?preset=other"))
	until(ctx, t, "the form", `document.querySelector('#base_url')`)
	js[bool](ctx, t, `(() => {
		const values = {base_url: `+quote(address)+`, key: `+quote(key)+`, best: 'claude-opus-5-5', standard: 'claude-sonnet-5-5', small: 'claude-haiku-5-5'};
		for (const [name, value] of Object.entries(values)) document.getElementById(name).value = value;
		return true;
	})()`)
	do(ctx, t, chromedp.Click("form[action='/connect'] button"))
	until(ctx, t, "it is saved", `document.querySelector('#present')?.innerText.includes('Not tested yet')`)
	do(ctx, t, chromedp.Click("form[action='/connect/test'] button"))
}
