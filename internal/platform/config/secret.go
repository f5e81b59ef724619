package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that shows itself only to who asks by name: printed with any
// verb, logged or encoded it reads [redacted]. The zero Secret is not set.
type Secret struct{ text string }

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the value itself.
func (s Secret) Reveal() string { return s.text }

// IsSet reports whether there is one.
func (s Secret) IsSet() bool { return s.text != "" }

// Format implements fmt.Formatter for every verb, %#v too.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, s.shown()) //nolint:errcheck // fmt offers nowhere to put an error
}

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

// shown tells set from not set: an operator looking at a listing needs to know.
func (s Secret) shown() string {
	if s.text == "" {
		return ""
	}
	return redacted
}
