package view

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/admin"
	"cofounder/internal/product/project"
)

// Runs is the list of the runs of all teams.
type Runs struct {
	Now       time.Time
	Query     admin.Query
	Page      admin.RunPage
	Kinds     []flow.Kind
	Condition flow.Condition
}

// Run is one run of any team.
type Run struct {
	Now  time.Time
	Form Form
	// Failed is what the form was about: end, retry, or the id of a node.
	Failed string
	admin.Detail
}

// form returns what was typed into the form about this, and what is wrong with its
// fields. What is wrong as a whole may be that the form is not there any more, so the
// page says it.
func (p Run) form(about string) Form {
	if about == p.Failed {
		return Form{Values: p.Form.Values, Fields: p.Form.Fields}
	}
	return Form{}
}

// failure says what a node's handler returned last, and how often it did so in a row.
func failure(c flow.Chapter) string {
	switch c.Failures {
	case 0:
		return "Failed last with: " + c.Error
	case 1:
		return "Failed once, with: " + c.Error
	}
	return fmt.Sprintf("Failed %d times in a row, last with: %s", c.Failures, c.Error)
}

// Audit is a page of what administrators did.
type Audit struct {
	Now time.Time
	admin.AuditPage
}

// runsAddress is the list with one thing chosen otherwise; an empty value unchooses it.
func runsAddress(q admin.Query, what, value string) string {
	v := url.Values{}
	for name, now := range map[string]string{"state": string(q.State), "kind": string(q.Kind), "team": string(q.Team)} {
		if name == what {
			now = value
		}
		if now != "" {
			v.Set(name, now)
		}
	}
	if what == "after" {
		v.Set("after", value)
	}
	if len(v) == 0 {
		return "/admin/runs"
	}
	return "/admin/runs?" + v.Encode()
}

func runAddress(r flow.RunID) string { return "/admin/runs/" + url.PathEscape(string(r)) }

// runState says a state, of a run or of one of its nodes.
func runState(s string) string {
	words := map[string]string{
		"queued": "in line", "ready": "in line", "running": "at work", "done": "done", "failed": "failed", "ended": "ended",
		"waiting": "waits", "held": "held", "joining": "waits for branches", "paused": "paused",
	}
	return cmp.Or(words[s], s)
}

// reasonText says why a run is paused, failed or ended.
func reasonText(r flow.Reason) string {
	words := map[flow.Reason]string{
		flow.ByFounder: "By the founder", flow.Internal: "A mistake of ours", admin.ByAdministrator: "By an administrator",
		project.OnHold: "On hold", project.OfDeleted: "The project is deleted", project.OfAccount: "Who started it may not go on",
	}
	return cmp.Or(words[r], string(r))
}

// statePill is how a state looks.
func statePill(s string) string {
	switch s {
	case "failed":
		return "bad"
	case "done":
		return "ok"
	case "paused", "held":
		return "warn"
	case "running":
		return "accent"
	}
	return ""
}

// chapterState is the state of a node; one in line with the queue is in line.
func chapterState(c flow.Chapter) string {
	if c.State == "waiting" && c.Wait == "retry" {
		return "rests"
	}
	return runState(c.State)
}

// lasted says how long something took, or has taken so far.
func lasted(from, to, now time.Time) string {
	if from.IsZero() {
		return "–"
	}
	if to.IsZero() {
		to = now
	}
	return howLong(to.Sub(from))
}

// orElse is t, or another instant where t never was.
func orElse(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}

// howLong says a duration with the precision that it needs.
func howLong(d time.Duration) string {
	switch {
	case d < 0:
		return "0 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// clockTime is an instant to the second, in UTC.
func clockTime(t time.Time) string { return t.UTC().Format("15:04:05") + " UTC" }

// waitText says what a run waits for.
func waitText(w flow.Wait) string {
	text := map[flow.WaitKind]string{flow.ForDecision: "an answer", flow.ForTime: "a time", flow.ForBudget: "a limit"}[w.For]
	text = cmp.Or(text, string(w.For))
	if w.Key != "" {
		text += " (" + w.Key + ")"
	}
	if !w.Until.IsZero() {
		text += ", until " + Day(w.Until) + " " + clockTime(w.Until)
	}
	return text
}

// counted writes a number of tokens with spaces between thousands.
func counted(n llm.Tokens) string {
	text := strconv.FormatInt(int64(n), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}

// unshown says how many of all come before those that are shown.
func unshown(all, shown int, what string) string {
	if all <= shown {
		return ""
	}
	return fmt.Sprintf("%d older %s are not shown.", all-shown, what)
}

// replayable reports whether a node can be done anew.
func replayable(r flow.Run, c flow.Chapter) bool {
	switch {
	case !r.ShortenedAt.IsZero():
		return false
	case r.State == flow.Finished, r.State == flow.Ended, c.State == "done", c.State == "joining":
		return false
	case c.State == "waiting":
		return c.Wait == "retry"
	case c.State == "ended":
		return len(c.Attempts) > 0
	}
	return true
}

// rests reports whether anything of a run can be tried again.
func rests(p Run) bool {
	if p.Run.State == flow.Failed {
		return p.Run.ShortenedAt.IsZero()
	}
	for _, c := range p.Story.Chapters {
		if c.State == "waiting" && c.Wait == "retry" {
			return !p.Run.State.Over()
		}
	}
	return false
}

// keepChoices are what a replay may do with the steps that are recorded.
func keepChoices() []choice {
	return []choice{
		{value: string(admin.KeepAll), label: "Keep all finished steps", hint: "It goes on where it was."},
		{value: string(admin.KeepPaid), label: "Keep up to the last paid answer", hint: "What came after it is done again. Nothing is paid twice."},
		{value: string(admin.KeepNone), label: "Begin from nothing", hint: "Answers of models are asked for and paid for again."},
	}
}

// actionText says an action.
func actionText(a admin.Action) string {
	words := map[admin.Action]string{
		admin.EndRun: "Ended the run", admin.RetryRun: "Tried the run again", admin.ReplayNode: "Replayed a node",
		admin.CancelJob: "Cancelled a job", admin.RetryJob: "Tried a job again", admin.DeleteJob: "Deleted a job",
		admin.PauseQueue: "Paused a queue", admin.ResumeQueue: "Resumed a queue",
		admin.ChooseModels: "Chose models of this installation",
	}
	return cmp.Or(words[a], string(a))
}

// inLine says how many nodes are in line, and since when.
func inLine(c flow.Condition) string {
	if c.Ready == 0 {
		return "0"
	}
	return fmt.Sprintf("%d, the first for %s", c.Ready, howLong(c.Oldest))
}

// dueFor says for how long the oldest job has been due.
func dueFor(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	return "for " + howLong(d)
}
