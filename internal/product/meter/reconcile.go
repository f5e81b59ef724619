package meter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cofounder/internal/platform/llm"
)

// Rule names what Reconcile found broken. The texts are for operators.
type Rule string

// The rules.
const (
	RuleSpent    Rule = "spent_is_the_ledger"        // counters against the ledger
	RuleReserved Rule = "reserved_is_what_is_open"   // counters against reservations
	RuleLimit    Rule = "within_the_limit"           // spent + reserved ≤ limit
	RulePrice    Rule = "priced_by_its_rates"        // a row's cost against its tokens
	RuleWorst    Rule = "within_its_worst_case"      // a provider took more than was asked for
	RuleListed   Rule = "listed_is_what_it_cost"     // a mistake against its call
	RuleBack     Rule = "given_back_as_the_payer"    // a credit against its call and who paid
	RuleOnce     Rule = "one_row_for_an_attempt"     // two rows of one key
	RuleSwept    Rule = "expired_is_swept"           // nobody sweeps
	RuleInvoice  Rule = "ledger_is_the_invoice"      // day and model against the provider's report
	RuleLate     Rule = "nothing_was_billed_late"    // billed after it was written off
	RuleStated   Rule = "statement_is_the_ledger"    // what teams are shown against the rows
	RuleDangling Rule = "what_a_row_is_about_exists" // a credit or late bill of no call
)

// Discrepancy is a figure that is not what it should be.
type Discrepancy struct {
	Rule    Rule   `json:"rule"`
	Subject string `json:"subject"` // a budget with its window, a row, a day with its model
	Want    int64  `json:"want"`
	Got     int64  `json:"got"`
}

// Reconcile returns everything in the books that is not as it must be; nothing when
// all is well. It is a pure function.
func Reconcile(b Books) []Discrepancy {
	found := b.countersAgainstBooks()
	calls, flaws := b.calls()
	found = append(found, flaws...)
	found = append(found, b.corrections(calls)...)
	for _, e := range b.Expired {
		found = append(found, Discrepancy{RuleSwept, string(e), 0, 1})
	}
	found = append(found, b.againstStatement()...)
	return append(found, b.againstInvoice()...)
}

// differ is one discrepancy when two figures differ, else none.
func differ(r Rule, subject string, want, got int64) []Discrepancy {
	if want == got {
		return nil
	}
	return []Discrepancy{{r, subject, want, got}}
}

func (b Books) countersAgainstBooks() []Discrepancy {
	var found []Discrepancy
	for _, a := range b.Accounts {
		subject := string(a.Budget) + " " + string(a.Window) + " " + string(a.Unit)
		found = append(found, differ(RuleSpent, subject, a.BookedSpent, a.Spent)...)
		found = append(found, differ(RuleReserved, subject, a.BookedReserved, a.Reserved)...)
		if a.Limit != nil && !a.Elastic && a.Spent+a.Reserved > *a.Limit {
			found = append(found, Discrepancy{RuleLimit, subject, *a.Limit, a.Spent + a.Reserved})
		}
	}
	return found
}

// calls returns the rows that are calls, by id, and what is wrong with them.
func (b Books) calls() (map[EntryID]Entry, []Discrepancy) {
	calls, keys := map[EntryID]Entry{}, map[string]bool{}
	var found []Discrepancy
	for _, e := range b.Entries {
		if e.Kind != ACall {
			continue
		}
		calls[e.ID] = e
		key := fmt.Sprintf("%s/%s/%s/%d/%s/%d", e.Workspace, e.Run, e.Node, e.Epoch, e.Step, e.Attempt)
		if keys[key] {
			found = append(found, Discrepancy{RuleOnce, key, 1, 2})
		}
		keys[key] = true
		found = append(found, differ(RulePrice, string(e.ID), e.priced(), int64(e.Nano))...)
		if e.Nano > e.Reserved {
			found = append(found, Discrepancy{RuleWorst, string(e.ID), int64(e.Reserved), int64(e.Nano)})
		}
	}
	return calls, found
}

// corrections returns what is wrong with rows that are about calls.
func (b Books) corrections(calls map[EntryID]Entry) []Discrepancy {
	var found []Discrepancy
	for _, e := range b.Entries {
		if e.Kind == ACall {
			continue
		}
		var call Entry
		ok := false
		if e.Of != nil {
			call, ok = calls[*e.Of]
		}
		switch {
		case !ok:
			found = append(found, Discrepancy{RuleDangling, string(e.ID), 1, 0})
		case e.Kind == ACredit:
			back := NanoUSD(0)
			if e.Payer.gives() {
				back = -call.Nano
			}
			found = append(found, differ(RuleListed, string(e.ID), int64(call.Nano), int64(e.Listed))...)
			found = append(found, differ(RuleBack, string(e.ID), int64(back), int64(e.Nano))...)
		case e.Kind == ALate:
			found = append(found, differ(RuleLate, string(e.ID), 0, int64(e.Uncounted))...)
		}
	}
	return found
}

// priced is what a call must have cost. Only what is settled follows from its tokens;
// what was estimated may have been cut to its reservation.
func (e Entry) priced() int64 {
	switch e.State {
	case llm.Settled:
		return int64(e.rates().cost(e.usage()).amount(0).Nano)
	case llm.Void:
		return 0
	case llm.Estimated, llm.Unknown:
	}
	return int64(min(max(e.Nano, 0), e.Reserved))
}

// againstStatement compares what statements say of each day with the rows of that day.
func (b Books) againstStatement() []Discrepancy {
	if b.Stated == nil {
		return nil
	}
	ours := map[string]Line{}
	for _, l := range b.Stated { // a day without a row is found out too
		ours[l.Key] = Line{}
	}
	for _, e := range b.Entries {
		if e.Day.Before(b.First) || e.Day.After(b.Last) {
			continue // here only for the credits about it
		}
		key := e.Day.Format(time.DateOnly)
		l := ours[key]
		l.Cost += e.Nano
		l.Mistakes += e.Listed
		if e.Kind == ACall {
			l.Calls++
		}
		ours[key] = l
	}
	stated := map[string]Line{}
	for _, l := range b.Stated {
		stated[l.Key] = l
	}
	var found []Discrepancy
	for _, day := range slices.Sorted(maps.Keys(ours)) {
		want, got := ours[day], stated[day]
		found = append(found, differ(RuleStated, day+" cost", int64(want.Cost), int64(got.Cost))...)
		found = append(found, differ(RuleStated, day+" mistakes", int64(want.Mistakes), int64(got.Mistakes))...)
		found = append(found, differ(RuleStated, day+" calls", int64(want.Calls), int64(got.Calls))...)
	}
	return found
}

// againstInvoice compares what went to the provider, whoever it counts against, with
// what the provider says.
func (b Books) againstInvoice() []Discrepancy {
	if b.Invoiced == nil {
		return nil
	}
	type day struct {
		day   string
		model string
	}
	ours := map[day]NanoUSD{}
	for _, e := range b.Entries {
		if e.Kind != ACredit {
			ours[day{e.Day.Format(time.DateOnly), e.Model}] += e.Nano + e.Uncounted
		}
	}
	var found []Discrepancy
	for _, i := range b.Invoiced {
		d := day{i.Day.Format(time.DateOnly), i.Model}
		if got := ours[d]; got != i.Nano {
			found = append(found, Discrepancy{RuleInvoice, d.day + " " + d.model, int64(i.Nano), int64(got)})
		}
		delete(ours, d)
	}
	for d, got := range ours {
		if got != 0 {
			found = append(found, Discrepancy{RuleInvoice, d.day + " " + d.model, 0, int64(got)})
		}
	}
	slices.SortFunc(found, func(a, b Discrepancy) int { return strings.Compare(a.Subject, b.Subject) })
	return found
}
