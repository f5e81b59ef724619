package api

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/danielgtaylor/huma/v2"
)

// limits are what the workspace may spend. null is no limit, which is a choice too.
type limits struct {
	Month *int64 `json:"month_nano_usd" minimum:"1" doc:"Of a month in UTC; null: no limit"`
	Day   *int64 `json:"day_nano_usd" minimum:"1" doc:"Of a day in UTC; null: no limit"`
	Run   *int64 `json:"run_nano_usd" minimum:"1" doc:"Of each build that has no ceiling of its own; null: no limit"`
}

type limitsIn struct{ Body limits }

// standing is how the workspace stands now.
type standing struct {
	Set           bool       `json:"set" doc:"false: nothing that costs money can start"`
	Partial       bool       `json:"partial" doc:"true: you see single projects, so only what those cost is told, and no limits"`
	Month         *int64     `json:"month_nano_usd"`
	Day           *int64     `json:"day_nano_usd"`
	Run           *int64     `json:"run_nano_usd"`
	MonthSpent    int64      `json:"month_spent_nano_usd"`
	MonthReserved int64      `json:"month_reserved_nano_usd" doc:"What calls under way may still cost"`
	MonthEnds     *time.Time `json:"month_ends_at"`
	DaySpent      int64      `json:"day_spent_nano_usd"`
	DayReserved   int64      `json:"day_reserved_nano_usd"`
}

type standingOut struct{ Body standing }

// statementQuery chooses what is summed up.
type statementQuery struct {
	By      meter.By `query:"by" enum:"day,project,run,model,role,user" default:"day"`
	From    string   `query:"from" format:"date" doc:"First day in UTC"`
	To      string   `query:"to" format:"date" doc:"Last day in UTC"`
	Project string   `query:"project"`
	Run     string   `query:"run" maxLength:"200"`
	Cursor  string   `query:"cursor" maxLength:"300"`
	Limit   int      `query:"limit" minimum:"1" maximum:"200" default:"100"`
}

type ledgerQuery struct {
	From    string `query:"from" format:"date" doc:"First day in UTC"`
	To      string `query:"to" format:"date" doc:"Last day in UTC"`
	Project string `query:"project"`
	Run     string `query:"run" maxLength:"200"`
}

// spent is one line of a statement.
type spent struct {
	Key        string `json:"key" doc:"Of what it was grouped by; empty where calls belong to none"`
	Calls      int    `json:"calls"`
	Input      int64  `json:"input_tokens"`
	CacheWrite int64  `json:"cache_write_tokens"`
	CacheRead  int64  `json:"cache_read_tokens"`
	Output     int64  `json:"output_tokens"`
	Amount     int64  `json:"amount_nano_usd"`
	Mistakes   int64  `json:"our_mistakes_nano_usd" doc:"What our mistakes cost"`
	GivenBack  int64  `json:"given_back_nano_usd" doc:"Of our mistakes, off the amount already"`
}

type statement struct {
	Items []spent `json:"items"`
	Next  *string `json:"next" doc:"Send this as cursor to get what follows; null on the last page"`
	Total spent   `json:"total" doc:"Of all pages"`
}

type statementOut struct{ Body statement }

func (a *api) spending() {
	register(a, operation{
		id: "get-limits", method: http.MethodGet, path: "/spending/limits", tag: tagMoney, access: member,
		summary: "Tell what the workspace may spend, and how far it has",
	}, a.getLimits)
	register(a, operation{
		id: "set-limits", method: http.MethodPut, path: "/spending/limits", tag: tagMoney, access: member,
		summary: "Set what the workspace may spend",
		notes:   "Owners only. Until it was done once, nothing that costs money starts. An access key, and a session opened long ago, may lower limits, not raise them.",
	}, a.setLimits)
	register(a, operation{
		id: "get-statement", method: http.MethodGet, path: "/spending", tag: tagMoney, access: member,
		summary: "Sum up what was spent",
		notes:   "By day, project, run, model, role or user, as far as you may see it.",
	}, a.getStatement)
	register(a, operation{
		id: "export-ledger", method: http.MethodGet, path: "/spending/ledger.csv", tag: tagMoney, access: member, media: "text/csv",
		summary: "Get every paid call as CSV",
	}, a.exportLedger)
}

func (a *api) getLimits(ctx context.Context, actor account.Actor, _ *nothing) (*standingOut, error) {
	s, err := a.cfg.Meter.Standing(ctx, actor)
	if err != nil {
		return nil, err
	}
	return &standingOut{Body: standing{
		Set: s.Set, Partial: s.Partial, Month: nano(s.Period.Limit), Day: nano(s.Day.Limit), Run: nano(s.Run),
		MonthSpent: int64(s.Period.Spent.Nano), MonthReserved: int64(s.Period.Reserved.Nano), MonthEnds: s.Period.ResetsAt,
		DaySpent: int64(s.Day.Spent.Nano), DayReserved: int64(s.Day.Reserved.Nano),
	}}, nil
}

func nano(n *meter.NanoUSD) *int64 {
	if n == nil {
		return nil
	}
	v := int64(*n)
	return &v
}

func (a *api) setLimits(ctx context.Context, actor account.Actor, in *limitsIn) (*standingOut, error) {
	err := a.cfg.Meter.SetLimits(ctx, actor, meter.Limits{
		Month: ceiling(in.Body.Month), Day: ceiling(in.Body.Day), Run: ceiling(in.Body.Run),
	})
	if err != nil {
		return nil, err
	}
	return a.getLimits(ctx, actor, nil)
}

func ceiling(n *int64) meter.Ceiling {
	if n == nil {
		return meter.NoLimit
	}
	return meter.Ceiling(*n)
}

func (q ledgerQuery) filter() (meter.Filter, error) {
	f := meter.Filter{Run: q.Run}
	for _, d := range []struct {
		name, text string
		to         *time.Time
	}{{"from", q.From, &f.From}, {"to", q.To, &f.To}} {
		if d.text == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, d.text)
		if err != nil {
			return f, fault.OnField(d.name, "This is no day like 2026-11-23.").Because(err)
		}
		*d.to = day
	}
	if q.Project != "" {
		p, err := id.Parse[project.ID](q.Project)
		if err != nil {
			return f, fault.OnField("project", "There is no such project.").Because(err)
		}
		f.Project = p
	}
	return f, nil
}

func (a *api) getStatement(ctx context.Context, actor account.Actor, in *statementQuery) (*statementOut, error) {
	f, err := ledgerQuery{in.From, in.To, in.Project, in.Run}.filter()
	if err != nil {
		return nil, err
	}
	s, err := a.cfg.Meter.Statement(ctx, actor, f, in.By)
	if err != nil {
		return nil, err
	}
	out := statement{Items: []spent{}, Total: spentOn(s.Total)}
	lines := s.Lines
	slices.SortFunc(lines, func(a, b meter.Line) int { return strings.Compare(a.Key, b.Key) })
	if in.Cursor != "" {
		after, ok := strings.CutPrefix(in.Cursor, "after:")
		if !ok {
			return nil, fault.New(fault.Malformed, "bad_cursor", "This page of the list does not exist. Begin at its start.")
		}
		lines = slices.DeleteFunc(lines, func(l meter.Line) bool { return l.Key <= after })
	}
	for i, l := range lines {
		if i == in.Limit {
			next := "after:" + out.Items[i-1].Key
			out.Next = &next
			break
		}
		out.Items = append(out.Items, spentOn(l))
	}
	return &statementOut{Body: out}, nil
}

func spentOn(l meter.Line) spent {
	return spent{
		Key: l.Key, Calls: l.Calls, Input: int64(l.Input), CacheWrite: int64(l.CacheWrite), CacheRead: int64(l.CacheRead), Output: int64(l.Output),
		Amount: int64(l.Cost), Mistakes: int64(l.Mistakes), GivenBack: int64(l.GivenBack),
	}
}

// exportLedger answers only when the whole file is there, so that a fault in the middle
// is a problem and not half a file.
func (a *api) exportLedger(ctx context.Context, actor account.Actor, in *ledgerQuery) (*huma.StreamResponse, error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	if err := a.cfg.Meter.ExportCSV(ctx, actor, f, &file); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
		hc.SetHeader("Content-Disposition", `attachment; filename="cofounder-spending.csv"`)
		_, _ = file.WriteTo(hc.BodyWriter()) //nolint:errcheck // the client is gone
	}}, nil
}
