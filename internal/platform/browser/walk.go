package browser

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Action is what a step does.
type Action string

// The actions.
const (
	Open   Action = "open"   // Value is a path of the app
	Fill   Action = "fill"   // Value goes into Target, in place of what was there
	Press  Action = "press"  // Target
	Select Action = "select" // the choice that Value names, in Target
	Expect Action = "expect" // Value to be read on the page, or Target to be there
	Absent Action = "absent" // the opposite of Expect
)

// Step is one step of a walk.
type Step struct {
	Do     Action `json:"do"`
	Target Target `json:"target,omitzero"`
	Value  string `json:"value,omitempty"`
}

// Target names one thing on the page as a person or assistive technology would: by role
// and name, or by its label or words alone. Selector, a CSS selector, is the last resort.
type Target struct {
	Role     string `json:"role,omitempty"`
	Name     string `json:"name,omitempty"`
	Selector string `json:"selector,omitempty"`
}

// String returns the target as it can stand in a sentence.
func (t Target) String() string {
	switch {
	case t.Selector != "":
		return t.Selector
	case t.Role == "":
		return fmt.Sprintf("%q", t.Name)
	}
	return fmt.Sprintf("the %s %q", t.Role, t.Name)
}

// Stage is a step that was taken, and what the window showed behind it.
type Stage struct {
	Step    Step
	Picture Picture
	Path    string
	Trouble Trouble
}

// Walk is how a list of steps went. It passed when every step did and nothing went
// wrong in the page; the caller decides about Trouble.
type Walk struct {
	Stages []Stage
	// Failed is what stopped it, in plain words; empty when every step was taken. The
	// last of Stages is then the step that failed, with the page as it was.
	Failed  string
	Outline string // of the page at the failed step
}

// Passed reports whether every step was taken.
func (w Walk) Passed() bool { return w.Failed == "" }

// Trouble returns what went wrong in the page at any step.
func (w Walk) Trouble() Trouble {
	var all Trouble
	for _, s := range w.Stages {
		for _, of := range []struct {
			to   *[]string
			from []string
		}{
			{&all.Console, s.Trouble.Console},
			{&all.Failed, s.Trouble.Failed},
			{&all.External, s.Trouble.External},
			{&all.Dialogs, s.Trouble.Dialogs},
		} {
			for _, what := range of.from {
				add(of.to, what)
			}
		}
	}
	return all
}

// MaxSteps is how many steps a walk may have.
const MaxSteps = 40

// waiting is how long a step waits for what it needs to appear.
const waiting = 5 * time.Second

// Check says what is wrong with a list of steps before any is taken, or nothing.
func Check(steps []Step) error {
	if len(steps) == 0 || len(steps) > MaxSteps {
		return fmt.Errorf("a walk has 1 to %d steps, not %d", MaxSteps, len(steps))
	}
	if steps[0].Do != Open {
		return fmt.Errorf("a walk begins by opening a page, not with %q", steps[0].Do)
	}
	for i, s := range steps {
		if why := s.wrong(); why != "" {
			return fmt.Errorf("step %d: %s", i+1, why)
		}
	}
	return nil
}

func (s Step) wrong() string {
	aimed := s.Target != (Target{})
	switch s.Do {
	case Open:
		if !strings.HasPrefix(s.Value, "/") || strings.HasPrefix(s.Value, "//") {
			return fmt.Sprintf("%q is no path of the app: it begins with one slash", s.Value)
		}
	case Fill, Press, Select:
		if !aimed {
			return fmt.Sprintf("%s needs a target", s.Do)
		}
	case Expect, Absent:
		if !aimed && s.Value == "" {
			return fmt.Sprintf("%s needs a value or a target", s.Do)
		}
	default:
		return fmt.Sprintf("there is no action %q", s.Do)
	}
	return ""
}

// Walk takes steps on one screen, from a browser that knows nothing. An app that does
// not do what a step expects is no error: Failed says what happened.
func (s *Session) Walk(ctx context.Context, screen Screen, steps []Step) (Walk, error) {
	if err := Check(steps); err != nil {
		return Walk{}, err
	}
	var w Walk
	err := s.with(ctx, func() error { //nolint:contextcheck // a tab has a context of its own
		if err := s.window(screen); err != nil {
			return err
		}
		s.seen.take()
		for _, step := range steps {
			failed, err := s.take(step)
			if err != nil {
				return err
			}
			stage, err := s.stage(step)
			if err != nil {
				return err
			}
			w.Stages = append(w.Stages, stage)
			if failed != "" {
				w.Failed = failed
				w.Outline, err = s.outline()
				return err
			}
		}
		return nil
	})
	return w, err
}

// stage is the page behind a step.
func (s *Session) stage(step Step) (Stage, error) {
	picture, err := s.picture()
	if err != nil {
		return Stage{}, err
	}
	var path string
	if err := s.evaluate(&path, `location.pathname + location.search`); err != nil {
		return Stage{}, err
	}
	return Stage{Step: step, Picture: picture, Path: clip(path, longestText), Trouble: s.seen.take()}, nil
}

// take takes one step. What it returns first is why it could not be taken.
func (s *Session) take(step Step) (string, error) {
	switch step.Do {
	case Open:
		return "", s.open(step.Value)
	case Fill:
		return s.onTarget(step.Target, func(n node) (string, error) { return s.fill(n, step) })
	case Press:
		return s.onTarget(step.Target, s.press)
	case Select:
		return s.onTarget(step.Target, func(n node) (string, error) { return s.choose(n, step) })
	case Expect, Absent:
		return s.expect(step)
	}
	return "", fmt.Errorf("there is no action %q", step.Do)
}

// poll asks again until the answer is "" or waiting is over, and returns the last.
func (s *Session) poll(question func() (string, error)) (string, error) {
	limit := time.NewTimer(waiting)
	defer limit.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		answer, err := question()
		if answer == "" && err == nil {
			return "", nil
		}
		if s.tab.Err() != nil {
			return "", s.lost()
		}
		select {
		case <-limit.C:
			return answer, err
		case <-again.C:
		}
	}
}

// expect waits for words or a thing to be there, or not to be.
func (s *Session) expect(step Step) (string, error) {
	what := step.Target.String()
	if step.Target == (Target{}) {
		what = fmt.Sprintf("the words %q", step.Value)
	}
	return s.poll(func() (string, error) {
		there, err := s.there(step)
		switch {
		case err != nil:
			return "", err
		case there && step.Do == Absent:
			return "On the page is " + what + ", which should not be there.", nil
		case !there && step.Do == Expect:
			return "On the page there is no " + strings.TrimPrefix(what, "the ") + ".", nil
		}
		return "", nil
	})
}

// there looks for words anywhere or in a target, as a person reads them: in any case,
// white space being one space.
func (s *Session) there(step Step) (bool, error) {
	if step.Target == (Target{}) {
		var text string
		err := s.evaluate(&text, `document.body ? document.body.innerText : ''`)
		return reads(text, step.Value), err
	}
	found, err := s.find(step.Target)
	if err != nil || len(found) == 0 {
		return false, err
	}
	if step.Value == "" {
		return true, nil
	}
	for _, n := range found {
		text, err := s.textOf(n)
		if err != nil {
			return false, err
		}
		if reads(text, step.Value) {
			return true, nil
		}
	}
	return false, nil
}

func reads(text, words string) bool {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	return strings.Contains(fold(text), fold(words))
}
