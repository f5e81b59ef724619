package view

import (
	"fmt"
	"strings"

	"cofounder/internal/product/meter"
)

// Money rounds an amount for reading; exact ones are in the CSV file and the API.
func Money(n meter.NanoUSD) string {
	const cent = meter.Dollar / 100
	switch {
	case n < 0:
		return "-" + Money(-n)
	case n > 0 && n < cent:
		return "under $0.01"
	}
	cents := (n + cent/2) / cent
	return fmt.Sprintf("$%d.%02d", cents/100, cents%100)
}

// begins is a text at the beginning of a sentence.
func begins(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// roughly is an amount that is not exact.
func roughly(n meter.NanoUSD) string {
	if text := Money(n); strings.HasPrefix(text, "under") {
		return text
	}
	return "about " + Money(n)
}

// ceilingText is a limit as it stands in a field: empty for none.
func ceilingText(c meter.Ceiling) string {
	if c == meter.NoLimit || c == 0 {
		return ""
	}
	n := meter.NanoUSD(c)
	if n%meter.Dollar == 0 {
		return fmt.Sprint(int64(n / meter.Dollar))
	}
	return n.String()[1:]
}

// limitText is a limit as people say it.
func limitText(n *meter.NanoUSD) string {
	if n == nil {
		return "no limit"
	}
	return Money(*n)
}
