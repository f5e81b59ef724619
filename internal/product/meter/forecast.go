package meter

import "time"

// surest is how many days of a month must be over before anything is said about its
// end: a forecast from one evening frightens for nothing.
const surest = 3

// Forecast is what a month in UTC will have cost at its end if it goes on as so far;
// false while it is too young to tell, or nothing was spent. The present day counts as
// far as it has gone.
func Forecast(spent NanoUSD, now time.Time) (NanoUSD, bool) {
	now = now.UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	gone := now.Sub(first)
	if spent <= 0 || gone < surest*24*time.Hour {
		return 0, false
	}
	whole := first.AddDate(0, 1, 0).Sub(first)
	return NanoUSD(float64(spent) * (float64(whole) / float64(gone))), true
}
