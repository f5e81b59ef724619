package view

import (
	"fmt"
	"time"
)

// Since says how long ago t was, the way people do; after a week it is the day.
func Since(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return ago(int(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return ago(int(d/time.Hour), "hour")
	case d < 7*24*time.Hour:
		return ago(int(d/(24*time.Hour)), "day")
	}
	return "on " + Day(t)
}

func ago(n int, unit string) string {
	if n == 1 {
		return "1 " + unit + " ago"
	}
	return fmt.Sprintf("%d %ss ago", n, unit)
}

// Day is a date in words.
func Day(t time.Time) string { return t.UTC().Format("2 January 2006") }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
