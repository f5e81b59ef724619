package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// node is a thing on the page that was found.
type node struct{ object runtime.RemoteObjectID }

// mostFound is more than anybody means.
const mostFound = 20

// onTarget waits until exactly one thing is meant and does something with it.
func (s *Session) onTarget(t Target, do func(node) (string, error)) (string, error) {
	failed, err := s.poll(func() (string, error) {
		found, err := s.find(t)
		switch {
		case err != nil:
			return "", err
		case len(found) == 0:
			return fmt.Sprintf("On the page there is no %s.", strings.TrimPrefix(t.String(), "the ")), nil
		case len(found) > 1:
			return fmt.Sprintf("On the page there are %d of %s; it is not clear which is meant.", len(found), strings.TrimPrefix(t.String(), "the ")), nil
		}
		return do(found[0])
	})
	if failed == "" && err == nil {
		s.settle()
	}
	return failed, err
}

// find returns what t names and can be seen: by its whole name, or, when there is none
// so called, by a part of it.
func (s *Session) find(t Target) ([]node, error) {
	objects, err := s.candidates(t)
	if err != nil {
		return nil, err
	}
	var shown []node
	for _, o := range objects {
		var visible bool
		n := node{o}
		if err := s.call(n, &visible, `function() {
			const e = this.nodeType === 1 ? this : this.parentElement;
			return !!e && e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && e.getBoundingClientRect().width > 0;
		}`); err != nil {
			return nil, err
		}
		if visible {
			shown = append(shown, n)
		}
	}
	return shown, nil
}

func (s *Session) candidates(t Target) ([]runtime.RemoteObjectID, error) {
	if t.Selector != "" {
		return s.selected(t.Selector)
	}
	tree, err := ask(s, func(ctx context.Context) (accessibility.GetFullAXTreeResult, error) {
		return chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	ids := named(tree.Nodes, t)
	var objects []runtime.RemoteObjectID
	for _, id := range ids[:min(len(ids), mostFound)] {
		r, err := ask(s, func(ctx context.Context) (dom.ResolveNodeResult, error) {
			return chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
		})
		if err != nil {
			return nil, fmt.Errorf("reach what was found: %w", err)
		}
		if r.Object != nil {
			objects = append(objects, r.Object.ObjectID)
		}
	}
	return objects, nil
}

// named returns the nodes that are so called, in the order of the page.
func named(nodes []*accessibility.Node, t Target) []cdp.BackendNodeID {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	want := fold(t.Name)
	var whole, part []cdp.BackendNodeID
	for _, n := range nodes {
		if n == nil || n.Ignored || n.BackendDOMNodeID == 0 {
			continue
		}
		role, name := word(n.Role), fold(word(n.Name))
		switch {
		case t.Role != "" && !strings.EqualFold(t.Role, role):
		case t.Role == "" && (role == "StaticText" || role == "InlineTextBox" || role == "RootWebArea" || role == "LabelText"):
		case name == want:
			whole = append(whole, n.BackendDOMNodeID)
		case want != "" && strings.Contains(name, want):
			part = append(part, n.BackendDOMNodeID)
		}
	}
	if len(whole) > 0 {
		return whole
	}
	return part
}

func (s *Session) selected(selector string) ([]runtime.RemoteObjectID, error) {
	var count int
	if err := s.evaluate(&count, `document.querySelectorAll(`+quote(selector)+`).length`); err != nil {
		return nil, err
	}
	var objects []runtime.RemoteObjectID
	for i := range min(count, mostFound) {
		r, err := ask(s, func(ctx context.Context) (runtime.EvaluateResult, error) {
			return chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
				Expression: fmt.Sprintf(`document.querySelectorAll(%s)[%d]`, quote(selector), i),
			})
		})
		if err != nil {
			return nil, fmt.Errorf("reach %s: %w", selector, err)
		}
		if r.Result != nil && r.Result.ObjectID != "" {
			objects = append(objects, r.Result.ObjectID)
		}
	}
	return objects, nil
}

var errPageSays = errors.New("the page's own script failed")

// call runs a function on a node and reads what it returns.
func (s *Session) call(n node, into any, function string, args ...any) error {
	params := runtime.CallFunctionOnParams{FunctionDeclaration: function, ObjectID: n.object, ReturnByValue: new(true), UserGesture: new(true)}
	for _, a := range args {
		raw, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("encode an argument: %w", err)
		}
		params.Arguments = append(params.Arguments, &runtime.CallArgument{Value: raw})
	}
	r, err := ask(s, func(ctx context.Context) (runtime.CallFunctionOnResult, error) {
		return chromedp.Call(ctx, runtime.CallFunctionOn, params)
	})
	switch {
	case err != nil:
		return fmt.Errorf("use what was found: %w", err)
	case r.ExceptionDetails != nil:
		return errPageSays
	case r.Result == nil || len(r.Result.Value) == 0:
		return nil
	}
	if err := json.Unmarshal(r.Result.Value, into); err != nil {
		return fmt.Errorf("read the page's answer: %w", err)
	}
	return nil
}

func (s *Session) textOf(n node) (string, error) {
	var text string
	err := s.call(n, &text, `function() { return (this.innerText ?? this.textContent ?? '') + ' ' + (typeof this.value === 'string' ? this.value : ''); }`)
	return text, err
}
