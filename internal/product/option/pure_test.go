package option_test

import (
	"testing"

	"cofounder/internal/product/document"
	"cofounder/internal/product/option"

	"github.com/google/go-cmp/cmp"
)

func TestAlign(t *testing.T) {
	t.Parallel()
	feature := func(name string, p document.Priority) document.Feature {
		return document.Feature{Name: name, Priority: p}
	}
	core := []document.Feature{feature("Bookings", document.Must), feature("Calendar of the week", document.Must), feature("Reminders", document.Later)}
	tests := []struct {
		name     string
		changes  []string
		features []document.Feature
		want     option.Alignment
	}{
		{"nothing asked for", nil, core, option.Alignment{Score: 100, Belongs: []string{}}},
		{"nothing asked for, nothing named", nil, nil, option.Alignment{Score: 100, Belongs: []string{}}},
		{"no core features", []string{"x"}, core[2:], option.Alignment{Score: 75, Belongs: []string{""}}},
		{"a name without words", []string{"x"}, []document.Feature{feature("The …", document.Must)}, option.Alignment{Score: 75, Belongs: []string{""}}},
		{"in another number", []string{"Move a booking by dragging it"}, core, option.Alignment{Score: 100, Belongs: []string{"Bookings"}}},
		{"in capitals", []string{"CALENDAR in two colours"}, core, option.Alignment{Score: 100, Belongs: []string{"Calendar of the week"}}},
		{"whole words only", []string{"Bookingsite link"}, core, option.Alignment{Score: 0, Creep: true, Belongs: []string{""}}},
		{"auth is not in author", []string{"Show the author"}, []document.Feature{feature("Auth", document.Must)}, option.Alignment{Score: 0, Creep: true, Belongs: []string{""}}},
		{"what comes later is no core", []string{"Reminders by mail"}, core, option.Alignment{Score: 0, Creep: true, Belongs: []string{""}}},
		{"two of three", []string{"Booking notes", "The week at a glance", "A shop"}, core, option.Alignment{Score: 66, Belongs: []string{"Bookings", "Calendar of the week", ""}}},
		{"one of two", []string{"Booking notes", "A shop"}, core, option.Alignment{Score: 50, Creep: true, Belongs: []string{"Bookings", ""}}},
		{"another script", []string{"予約 の 変更"}, []document.Feature{feature("予約", document.Must)}, option.Alignment{Score: 100, Belongs: []string{"予約"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := option.Align(tt.changes, tt.features)
			if got.Says == "" {
				t.Error("it says nothing")
			}
			got.Says = ""
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	one := option.Option{Content: option.Content{
		WhatYouGet: []string{"Bookings", "Reminders"}, Risk: option.LowRisk, Technical: option.Technical{Approach: "One program.", Stack: option.Go},
	}}
	other := option.Option{Content: option.Content{
		WhatYouGet: []string{"bookings "}, WhatIsLeftOut: []string{"Reminders"}, Risk: option.LowRisk,
		Technical: option.Technical{Approach: "One program.", Stack: option.Node},
	}}
	differs := map[string]bool{}
	for _, r := range option.Compare([]option.Option{one, other}) {
		differs[r.Key] = r.Differs
		if len(r.Lines) != 2 {
			t.Errorf("%s has %d columns", r.Key, len(r.Lines))
		}
		if r.Key == "what_you_get" {
			want := [][]option.Line{{{Text: "Bookings"}, {Text: "Reminders", Differs: true}}, {{Text: "bookings "}}}
			if diff := cmp.Diff(want, r.Lines); diff != "" {
				t.Errorf("what you get (-want +got):\n%s", diff)
			}
		}
	}
	want := map[string]bool{
		"what_you_get": true, "what_is_left_out": true, "what_could_go_wrong": false, "risk_level": false, "approach": false, "stack": true, "trade_offs": false,
	}
	if diff := cmp.Diff(want, differs); diff != "" {
		t.Errorf("what differs (-want +got):\n%s", diff)
	}
	for _, r := range option.Compare([]option.Option{one}) {
		if r.Differs {
			t.Errorf("%s of one option differs", r.Key)
		}
	}
	if rows := option.Compare(nil); len(rows) == 0 || len(rows[0].Lines) != 0 {
		t.Errorf("of none: %+v", rows)
	}
}
