package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// spot is where a thing can be pressed.
type spot struct {
	X   float64 `json:"x"`
	Y   float64 `json:"y"`
	Hit bool    `json:"hit"` // nothing is in front of it
	Off bool    `json:"off"` // it is disabled
}

// press clicks with the mouse, as a hand would: what lies in front of the thing gets
// the click, so that is refused.
func (s *Session) press(n node) (string, error) {
	var at spot
	if err := s.call(n, &at, `function() {
		const e = this.nodeType === 1 ? this : this.parentElement;
		e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
		const r = e.getClientRects()[0] ?? e.getBoundingClientRect();
		const x = r.left + r.width / 2, y = r.top + r.height / 2;
		const top = document.elementFromPoint(x, y);
		const label = top && top.closest('label');
		return {x, y, off: !!e.disabled,
			hit: !!top && (top === e || e.contains(top) || top.contains(e) && top.matches('a,button,label') || !!label && label.control === e)};
	}`); err != nil {
		return "", err
	}
	switch {
	case at.Off:
		return "It cannot be pressed: it is switched off.", nil
	case !at.Hit:
		return "It cannot be pressed: something lies in front of it.", nil
	}
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		params := input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y}
		if kind != input.DispatchMouseEventTypeMouseMoved {
			params.Button, params.ClickCount = input.MouseButtonLeft, 1
		}
		if _, err := ask(s, func(ctx context.Context) (chromedp.Void, error) {
			_, err := chromedp.Call(ctx, input.DispatchMouseEvent, params)
			return chromedp.Void{}, err
		}); err != nil {
			return "", fmt.Errorf("press: %w", err)
		}
	}
	return "", nil
}

// fill puts a value into a field: by typing where one types, by setting where a picker
// would set, by pressing where a tick is wanted ("yes" or "no").
func (s *Session) fill(n node, step Step) (string, error) {
	var how string
	if err := s.call(n, &how, `function(value) {
		const e = this;
		if (e.disabled || e.readOnly) return 'off';
		const said = () => { e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); };
		if (e.tagName === 'INPUT' && (e.type === 'checkbox' || e.type === 'radio'))
			return e.checked === (value === 'yes' || value === 'true' || value === 'on') ? 'done' : 'press';
		if (e.tagName === 'INPUT' && ['date', 'time', 'datetime-local', 'month', 'week', 'color', 'range'].includes(e.type)) {
			e.value = value;
			if (e.value !== value) return 'form';
			said();
			return 'done';
		}
		if (e.tagName === 'SELECT' || e.type === 'file') return 'other';
		if (!('value' in e) && !e.isContentEditable) return 'other';
		e.focus();
		if (e.select) e.select(); else document.getSelection().selectAllChildren(e);
		if (value === '') { if ('value' in e) e.value = ''; else e.textContent = ''; said(); return 'done'; }
		return 'type';
	}`, step.Value); err != nil {
		return "", err
	}
	switch how {
	case "off":
		return "It cannot be filled in: it is switched off.", nil
	case "form":
		return fmt.Sprintf("It does not take %q: that is not in the form it wants.", step.Value), nil
	case "other":
		return "It is nothing that can be filled in.", nil
	case "press":
		return s.press(n)
	case "type":
		_, err := ask(s, func(ctx context.Context) (chromedp.Void, error) {
			_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: step.Value})
			return chromedp.Void{}, err
		})
		return "", err
	}
	return "", nil
}

// choose takes the choice of a list that reads like the value, or has it.
func (s *Session) choose(n node, step Step) (string, error) {
	var chosen bool
	if err := s.call(n, &chosen, `function(value) {
		const fold = s => s.trim().replace(/\s+/g, ' ').toLowerCase();
		if (this.tagName !== 'SELECT' || this.disabled) return false;
		const all = [...this.options].filter(o => !o.disabled);
		const o = all.find(o => fold(o.text) === fold(value)) ?? all.find(o => o.value === value);
		if (!o) return false;
		o.selected = true;
		this.dispatchEvent(new Event('input', {bubbles: true}));
		this.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	}`, step.Value); err != nil {
		return "", err
	}
	if !chosen {
		return fmt.Sprintf("In it there is no choice %q.", step.Value), nil
	}
	return "", nil
}
