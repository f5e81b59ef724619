// Package answer gives answers of a model a form: a Go type. The schema it asks for
// is made from the type, and what comes back is held to it in three steps: JSON
// Schema, strict reading into the type, rules of its own (Validate).
//
// Terms. A form is a type as a task for a model, with a title that names it. A flaw
// is what is wrong with an answer, one line, beginning with a JSON pointer; flaws are
// told to the model for its one repair.
//
// Invariants. There is no default: an answer either is of the form, complete, or is
// an error. A form keeps to what grammar engines take (the notes in schema.go); New
// panics on a type that does not, so a form is made when the program starts.
package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"cofounder/internal/platform/llm"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Form asks for and reads answers of type T, a struct. It is safe for concurrent use.
type Form[T any] struct{ schema llm.Schema }

// New returns the form of T under a title. If T or *T has a method Validate() error,
// it is the last check; its error is told to the model, so it names the place as a
// JSON pointer and says what is wanted.
func New[T any](title string) *Form[T] {
	raw, err := schemaOf(reflect.TypeFor[T](), title)
	if err != nil {
		panic(fmt.Sprintf("answer: form %s: %v", title, err))
	}
	compiled, err := compile(raw)
	if err != nil {
		panic(fmt.Sprintf("answer: form %s: %v", title, err))
	}
	check := func(answer []byte) error {
		if err := conform(compiled, answer); err != nil {
			return err
		}
		_, err := strict[T](answer)
		return err
	}
	return &Form[T]{llm.Schema{Title: title, JSON: raw, Check: check}}
}

// Schema is for llm.Request.Schema.
func (f *Form[T]) Schema() *llm.Schema { return &f.schema }

// Read returns the answer of a result whose request had this form's Schema. The
// answer was checked when it came and is not checked again: a recorded result stays
// readable when the rules have changed since.
func (f *Form[T]) Read(r llm.Result) (T, error) {
	var v T
	if len(r.Answer) == 0 {
		return v, fmt.Errorf("read %s: the result has no answer", f.schema.Title)
	}
	if err := json.Unmarshal(r.Answer, &v); err != nil {
		return v, fmt.Errorf("read %s: %w", f.schema.Title, err)
	}
	return v, nil
}

func compile(raw []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("form.json", doc); err != nil {
		return nil, fmt.Errorf("add schema: %w", err)
	}
	s, err := c.Compile("form.json")
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	return s, nil
}

// mostFlaws is how many are told; the rest is likely to follow from them.
const mostFlaws = 12

// conform holds an answer to the schema.
func conform(s *jsonschema.Schema, answer []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer))
	if err != nil {
		return errors.New("The answer is not one JSON value.") //nolint:staticcheck,revive // a sentence, for the model
	}
	err = s.Validate(v)
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err
	}
	found := flaws(invalid)
	slices.Sort(found)
	found = slices.Compact(found)
	if len(found) > mostFlaws {
		found = append(found[:mostFlaws], fmt.Sprintf("and %d more", len(found)-mostFlaws))
	}
	return errors.New(strings.Join(found, "\n"))
}

// flaws lists the innermost causes.
func flaws(e *jsonschema.ValidationError) []string {
	if len(e.Causes) == 0 {
		return []string{pointer(e.InstanceLocation) + ": " + e.ErrorKind.LocalizedString(message.NewPrinter(language.English))}
	}
	var all []string
	for _, c := range e.Causes {
		all = append(all, flaws(c)...)
	}
	return all
}

func pointer(path []string) string {
	if len(path) == 0 {
		return "/"
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var s strings.Builder
	for _, step := range path {
		s.WriteString("/" + escape.Replace(step))
	}
	return s.String()
}

// strict reads an answer into a T, with nothing left over, and applies T's rules.
func strict[T any](answer []byte) (T, error) {
	var v T
	dec := json.NewDecoder(bytes.NewReader(answer))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return v, readFlaw(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return v, errors.New("There is something after the JSON value.") //nolint:staticcheck,revive // a sentence, for the model
	}
	if rules, ok := any(&v).(interface{ Validate() error }); ok {
		return v, rules.Validate() //nolint:wrapcheck // its words are for the model
	}
	return v, nil
}

// readFlaw says what does not fit a Go type although it fits the schema, such as a
// number that is too large.
func readFlaw(err error) error {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("/%s: does not fit: %s", strings.ReplaceAll(kind.Field, ".", "/"), kind.Value)
	}
	return fmt.Errorf("The answer cannot be read: %w", err) //nolint:staticcheck // a sentence, for the model
}
