package document

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account/form"
)

const (
	maxText    = 20_000  // bytes of one text
	maxLine    = 300     // characters of a name or title
	maxItems   = 60      // of one list
	maxContent = 400_000 // bytes of a whole document
)

// Content is what a document says: one of Brief, Scope, Milestones, Risks, HowItWorks,
// Architecture and Handbook. Lists are never null.
type Content interface {
	// Kind says which document this is.
	Kind() Kind
	// Outline is the document as it is read, without the sections that are empty.
	// Pages, exports and differences are made of it, so that they agree.
	Outline() []Section
	// checked returns the content as it is stored and notes in f what is wrong.
	checked(f *form.Form) Content
}

// Decode reads the content of a kind from JSON. Unknown fields, missing lists and texts
// that are too long are fault.Invalid, by field.
func Decode(k Kind, raw []byte) (Content, error) {
	into, err := blank(k)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxContent {
		return nil, fault.OnField("content", "This is longer than a document can be.")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return nil, misread(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.OnField("content", "There is more after the document.")
	}
	return check(pointed(into))
}

// pointed returns the content that blank returned a pointer to.
func pointed(into any) Content {
	switch into := into.(type) {
	case *Brief:
		return *into
	case *Scope:
		return *into
	case *Milestones:
		return *into
	case *Risks:
		return *into
	case *HowItWorks:
		return *into
	case *Architecture:
		return *into
	case *Handbook:
		return *into
	}
	panic(fmt.Sprintf("document: %T is no content", into)) // blank has more kinds than this
}

// check returns content as it is stored, or what is wrong with it.
func check(c Content) (Content, error) {
	var f form.Form
	checked := c.checked(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if len(checked.Outline()) == 0 {
		return nil, fault.OnField("content", "There is nothing in it.")
	}
	return checked, nil
}

// blank returns a pointer to an empty content of a kind.
func blank(k Kind) (any, error) {
	switch k {
	case BriefKind:
		return &Brief{}, nil
	case ScopeKind:
		return &Scope{}, nil
	case MilestonesKind:
		return &Milestones{}, nil
	case RisksKind:
		return &Risks{}, nil
	case HowItWorksKind:
		return &HowItWorks{}, nil
	case ArchitectureKind:
		return &Architecture{}, nil
	case HandbookKind:
		return &Handbook{}, nil
	}
	return nil, errNoDocument()
}

// misread says in our words why something is not the JSON that was expected.
func misread(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fault.OnField(wrong.Field, "This is not of the right kind.").Because(err)
	case strings.Contains(err.Error(), "unknown field"):
		_, name, _ := strings.Cut(err.Error(), "unknown field ")
		return fault.OnField(strings.Trim(name, `"`), "There is no such field.").Because(err)
	}
	return fault.OnField("content", "This cannot be read.").Because(err)
}

// encode returns content as JSON and its hash: the same content, the same hash.
func encode(c Content) (raw []byte, hash string, err error) {
	raw, err = json.Marshal(c)
	if err != nil {
		return nil, "", fmt.Errorf("encode %s: %w", c.Kind(), err)
	}
	if len(raw) > maxContent {
		return nil, "", fault.OnField("content", "This is longer than a document can be.")
	}
	sum := sha256.Sum256(raw)
	return raw, hex.EncodeToString(sum[:]), nil
}

// fields returns the sections of content as JSON, by key.
func fields(c Content) (map[string]json.RawMessage, error) {
	raw, _, err := encode(c)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("take %s apart: %w", c.Kind(), err)
	}
	return all, nil
}

// part returns one section, or one item of it: features, features/f2. What is not there
// is null.
func part(c Content, at Place) (json.RawMessage, error) {
	all, err := fields(c)
	if err != nil {
		return nil, err
	}
	raw := all[at.Section]
	if at.Item == "" || raw == nil {
		return raw, nil
	}
	items, err := itemsOf(raw)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if item.ID == at.Item {
			return item.raw, nil
		}
	}
	return json.RawMessage("null"), nil
}

// replaced returns content with one section, or one item of it, in the place of what
// was there. An item that is null is taken out.
func replaced(c Content, at Place, value json.RawMessage) (Content, error) {
	all, err := fields(c)
	if err != nil {
		return nil, err
	}
	if at.Item != "" {
		if value, err = withItem(all[at.Section], at.Item, value); err != nil {
			return nil, err
		}
	}
	all[at.Section] = value
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, fault.OnField("value", "This cannot be read.").Because(err)
	}
	return Decode(c.Kind(), raw)
}

// item is an element of a list whose elements have ids.
type item struct {
	ID  string
	raw json.RawMessage
}

func itemsOf(list json.RawMessage) ([]item, error) {
	var raws []json.RawMessage
	if err := json.Unmarshal(list, &raws); err != nil {
		return nil, fault.OnField("section", "This section has no items.").Because(err)
	}
	var all []item
	for _, raw := range raws {
		one := item{raw: raw}
		var head struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(raw, &head) == nil { // a text has no id
			one.ID = head.ID
		}
		all = append(all, one)
	}
	return all, nil
}

func withItem(list json.RawMessage, id string, value json.RawMessage) (json.RawMessage, error) {
	items, err := itemsOf(list)
	if err != nil {
		return nil, err
	}
	kept, found := []json.RawMessage{}, false
	for _, item := range items {
		switch {
		case item.ID != id:
			kept = append(kept, item.raw)
		case string(value) == "null":
			found = true
		default:
			found = true
			kept = append(kept, value)
		}
	}
	if !found {
		return nil, fault.New(fault.NotFound, "", "There is no such item in this section.")
	}
	return json.Marshal(kept)
}

// Place is a section of a document, or one item of it with an id.
type Place struct {
	Section string
	Item    string // a feature, criterion or assumption; empty: the whole section
}

// ParsePlace reads problem, or features/f2.
func ParsePlace(s string) Place {
	section, item, _ := strings.Cut(s, "/")
	return Place{Section: section, Item: item}
}

// String returns what ParsePlace reads.
func (p Place) String() string {
	if p.Item == "" {
		return p.Section
	}
	return p.Section + "/" + p.Item
}

// The checks of texts and lists that all kinds share.

func text(f *form.Form, field string, s *string) { *s = f.Block(field, *s, maxText) }

func line(f *form.Form, field string, s *string) { *s = f.Line(field, *s, 1, maxLine) }

// lines checks a list of texts: empty ones go.
func lines(f *form.Form, field string, list *[]string) {
	kept := make([]string, 0, len(*list))
	for _, s := range *list {
		if s = f.Block(field, s, maxText); s != "" {
			kept = append(kept, s)
		}
	}
	limit(f, field, len(kept))
	*list = kept
}

func limit(f *form.Form, field string, n int) {
	if n > maxItems {
		f.Refuse(field, fmt.Sprintf("At most %d, please.", maxItems))
	}
}

// oneOf refuses a word that is none of those offered.
func oneOf(f *form.Form, field, word string, offered ...string) {
	if !slices.Contains(offered, word) {
		f.Refuse(field, "Choose "+strings.Join(offered, ", ")+".")
	}
}
