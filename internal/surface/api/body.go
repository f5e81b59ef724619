package api

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// formats reads and writes JSON. huma calls Unmarshal twice for a body: into an any
// to validate it by the schema, and into the operation's own type.
func formats() map[string]huma.Format {
	f := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	return map[string]huma.Format{"application/json": f, "json": f}
}

func unmarshal(body []byte, into any) error {
	if value, ok := into.(*any); ok {
		if err := strict(body); err != nil {
			return err
		}
		if err := stdjson.Unmarshal(body, value); err != nil {
			// What is well-formed fails only here; Go's words for it are not ours.
			return errors.New("a number is too large")
		}
		return nil
	}
	return decode(body, into)
}

// strict refuses what two readers could understand differently (RFC 7493): invalid
// UTF-8, the same name twice in one object, and anything after the value; and NUL,
// which PostgreSQL cannot keep in a text.
func strict(body []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return syntax(err)
		}
		if token.Kind() == '"' && strings.ContainsRune(token.String(), 0) {
			return fmt.Errorf("a text holds the character NUL before byte %d", d.InputOffset())
		}
		if d.StackDepth() == 0 {
			break
		}
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("there is more after the value at byte %d", d.InputOffset())
	}
	return nil
}

// syntax says where reading stopped and why, without quoting what was sent.
func syntax(err error) error {
	var s *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("it ends too early")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("an object has the same field twice")
	case errors.As(err, &s):
		return fmt.Errorf("it is not valid at byte %d", s.ByteOffset)
	}
	return errors.New("it is not valid")
}

// decode fills the operation's own type. The schema was checked by then; what is
// left are fields in another case, which huma lets pass, and numbers written so
// that they are whole only on second sight.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	var s *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &s):
		field := strings.ReplaceAll(strings.TrimPrefix(string(s.JSONPointer), "/"), "/", ".")
		if errors.Is(s.Err, json.ErrUnknownName) {
			return errors.New(unknownField + " " + field)
		}
		return errors.New(misreadField + field)
	}
	return syntax(err)
}
