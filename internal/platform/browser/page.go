package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// evaluate reads a value from the page. Promises are awaited. What the page answers is
// its own word: nothing that matters rests on it alone.
func (s *Session) evaluate(into any, expression string) error {
	var raw string
	// A page that is being left cannot answer; the next one can.
	_, err := s.poll(func() (string, error) {
		var err error
		raw, err = ask(s, func(ctx context.Context) (string, error) {
			return chromedp.Run(ctx, chromedp.Evaluate[string](
				"Promise.resolve("+expression+").then(v => JSON.stringify(v))", chromedp.EvalAwaitPromise))
		})
		return "", err
	})
	if err != nil {
		return fmt.Errorf("ask the page: %w", err)
	}
	if err := json.Unmarshal([]byte(raw), into); err != nil {
		return fmt.Errorf("read the page's answer: %w", err)
	}
	return nil
}

// quote writes s as a JavaScript string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(b)
}

const (
	quality   = 75
	maxPixels = 4 << 20
)

// picture takes a JPEG of the window, decoded once to know that it is one.
func (s *Session) picture() (Picture, error) {
	shot, err := ask(s, func(ctx context.Context) (page.CaptureScreenshotResult, error) {
		q := int64(quality)
		return chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatJpeg, Quality: &q})
	})
	if err != nil {
		return Picture{}, fmt.Errorf("take a picture: %w", err)
	}
	size, err := jpeg.DecodeConfig(bytes.NewReader(shot.Data))
	if err != nil || size.Width*size.Height > maxPixels {
		return Picture{}, fmt.Errorf("take a picture: %d × %d, %w", size.Width, size.Height, err)
	}
	return Picture{JPEG: shot.Data, Width: size.Width, Height: size.Height}, nil
}

// Image decodes the picture.
func (p Picture) Image() (image.Image, error) { return jpeg.Decode(bytes.NewReader(p.JPEG)) }

// outline is what assistive technology is told of the page, indented by depth.
func (s *Session) outline() (string, error) {
	tree, err := ask(s, func(ctx context.Context) (accessibility.GetFullAXTreeResult, error) {
		return chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		return "", fmt.Errorf("read the outline: %w", err)
	}
	depth := map[accessibility.NodeID]int{}
	var b strings.Builder
	for _, n := range tree.Nodes {
		if n == nil || b.Len() > longestTree {
			continue
		}
		at := depth[n.ParentID]
		role, name := word(n.Role), word(n.Name)
		shown := !n.Ignored && role != "none" && role != "generic" && role != "InlineTextBox" && role != "StaticText" && role != "RootWebArea"
		if shown && (name != "" || role != "") {
			fmt.Fprintf(&b, "%s%s %q\n", strings.Repeat("  ", min(at, 12)), role, clip(name, 120))
			at++
		}
		depth[n.NodeID] = at
	}
	return clip(b.String(), longestTree), nil
}

// word is the text of a value of the accessibility tree.
func word(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var text string
	if err := json.Unmarshal(v.Value, &text); err != nil {
		return ""
	}
	return text
}
