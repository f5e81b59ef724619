package meter

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
)

// ExportCSV writes the rows of the ledger that the actor may see and has chosen, with a
// heading, as the ledger has them: a credit is a row of its own. Sums over cost_usd are
// those of Statement. Cells cannot act as formulas in a spreadsheet.
func (m *Meter) ExportCSV(ctx context.Context, actor account.Actor, f Filter, to io.Writer) error {
	out := csv.NewWriter(to)
	if err := out.Write([]string{
		"day", "began_at", "kind", "id", "project", "run", "node", "step", "attempt", "role", "user", "endpoint", "model", "answered_by",
		"state", "superseded", "failure", "reason", "input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "cache_read_tokens",
		"output_tokens", "thinking_tokens", "paid_by", "cost_usd", "weighed_tokens", "our_mistake", "mistake_usd", "uncounted_usd", "request_id",
	}); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	err := m.Entries(ctx, actor, f, func(e Entry) error {
		if err := out.Write(e.cells()); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (e Entry) cells() []string {
	return []string{
		e.Day.Format(time.DateOnly), e.ReservedAt.UTC().Format(time.RFC3339), string(e.Kind), text(e.ID), text(e.Project), text(e.Run),
		text(e.Node), text(e.Step), strconv.Itoa(e.Attempt), text(e.Role), text(e.Starter), text(e.Endpoint), text(e.Model), text(e.AnsweredBy),
		string(e.State), strconv.FormatBool(e.Superseded), text(e.Failure), text(e.Reason),
		number(e.Input), number(e.Write5m), number(e.Write1h), number(e.Read), number(e.Output), number(e.Thinking),
		string(e.Payer), e.Nano.decimal(), number(llm.Tokens(e.Weighed)), text(e.Mistake), e.Listed.decimal(), e.Uncounted.decimal(), text(e.RequestID),
	}
}

func number(n llm.Tokens) string { return strconv.FormatInt(int64(n), 10) }

// text keeps a spreadsheet from taking a cell for a formula: what begins like one gets
// an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection).
func text[S ~string](s S) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n'|%", rune(s[0])) {
		return "'" + string(s)
	}
	return string(s)
}

// decimal is the exact amount in dollars as a plain number.
func (n NanoUSD) decimal() string {
	return strings.Replace(n.String(), "$", "", 1)
}
