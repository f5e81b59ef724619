package ci

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what the rules look at.
type workflow struct {
	On          yaml.Node         `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency struct {
		Group  string `yaml:"group"`
		Cancel string `yaml:"cancel-in-progress"`
	} `yaml:"concurrency"`
	Jobs map[string]job `yaml:"jobs"`
}

type job struct {
	Needs       []string          `yaml:"needs"`
	If          string            `yaml:"if"`
	RunsOn      string            `yaml:"runs-on"`
	Timeout     int               `yaml:"timeout-minutes"`
	Permissions map[string]string `yaml:"permissions"`
	Environment yaml.Node         `yaml:"environment"`
	Outputs     map[string]string `yaml:"outputs"`
	Steps       []step            `yaml:"steps"`
}

type step struct {
	Uses yaml.Node         `yaml:"uses"`
	With map[string]string `yaml:"with"`
	Run  string            `yaml:"run"`
}

// rules are what every workflow of ours keeps; each returns what is wrong.
var rules = map[string]func(workflow) []string{
	"actions are pinned":              pinned,
	"permissions are explicit":        permissions,
	"checkouts forget the credential": checkouts,
	"jobs end":                        timeouts,
	"runners are named":               runners,
	"triggers are safe":               triggers,
	"runs are superseded with care":   superseded,
	"no event text in a script":       scripts,
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../.github/workflows/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows found: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range judge(t, text) {
			t.Errorf("%s: %s", filepath.Base(file), wrong)
		}
	}
}

// judge reads a workflow and applies all rules; those of the gate hold for the one
// workflow that has it.
func judge(t *testing.T, text []byte) []string {
	t.Helper()
	var w workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		return []string{"unreadable: " + err.Error()}
	}
	var wrong []string
	for name, rule := range rules {
		for _, what := range rule(w) {
			wrong = append(wrong, name+": "+what)
		}
	}
	if bytes.Contains(text, []byte("infra/ci/")) {
		for _, what := range gated(w) {
			wrong = append(wrong, "the gate is closed: "+what)
		}
	}
	slices.Sort(wrong)
	return wrong
}

var (
	fullSHA = regexp.MustCompile(`^[^@]+@[0-9a-f]{40}$`)
	version = regexp.MustCompile(`^# v\d+\.\d+\.\d+$`)
)

func pinned(w workflow) (wrong []string) {
	for name, j := range w.Jobs {
		for _, s := range j.Steps {
			if s.Uses.Value == "" || strings.HasPrefix(s.Uses.Value, "./") {
				continue
			}
			if !fullSHA.MatchString(s.Uses.Value) || !version.MatchString(s.Uses.LineComment) {
				wrong = append(wrong, fmt.Sprintf("%s uses %s %s: name a full SHA and its version behind #", name, s.Uses.Value, s.Uses.LineComment))
			}
		}
	}
	return wrong
}

// permissions: the workflow gives none, each job names its own, and only a job that
// deploys, behind an environment, may ask for an identity.
func permissions(w workflow) (wrong []string) {
	if w.Permissions == nil || len(w.Permissions) > 0 {
		wrong = append(wrong, "the workflow itself must say permissions: {}")
	}
	for name, j := range w.Jobs {
		if j.Permissions == nil {
			wrong = append(wrong, name+" does not say which")
		}
		for what, level := range j.Permissions {
			if level == "write" && j.Environment.IsZero() {
				wrong = append(wrong, fmt.Sprintf("%s may write %s without an environment", name, what))
			}
		}
	}
	return wrong
}

func checkouts(w workflow) (wrong []string) {
	for name, j := range w.Jobs {
		for _, s := range j.Steps {
			if strings.HasPrefix(s.Uses.Value, "actions/checkout@") && s.With["persist-credentials"] != "false" {
				wrong = append(wrong, name+": persist-credentials: false is missing")
			}
		}
	}
	return wrong
}

func timeouts(w workflow) (wrong []string) {
	for name, j := range w.Jobs {
		if j.Timeout < 1 || j.Timeout > 60 {
			wrong = append(wrong, name+": timeout-minutes is "+strconv.Itoa(j.Timeout)+", want 1 to 60")
		}
	}
	return wrong
}

func runners(w workflow) (wrong []string) {
	for name, j := range w.Jobs {
		if j.RunsOn == "" || strings.HasSuffix(j.RunsOn, "-latest") {
			wrong = append(wrong, fmt.Sprintf("%s runs on %q, which changes under us", name, j.RunsOn))
		}
	}
	return wrong
}

// triggers: a workflow skipped by paths leaves its required check pending for ever,
// and pull_request_target runs a stranger's code with our rights.
func triggers(w workflow) (wrong []string) {
	events := map[string]yaml.Node{}
	if err := w.On.Decode(&events); err != nil {
		return []string{"on must be a mapping of events"}
	}
	for event, filter := range events {
		if event == "pull_request_target" || event == "workflow_run" {
			wrong = append(wrong, event+" runs code of strangers with our rights")
		}
		var keys map[string]yaml.Node
		if filter.Kind == yaml.MappingNode && filter.Decode(&keys) != nil {
			wrong = append(wrong, event+" is unreadable")
		}
		for key := range keys {
			if strings.HasPrefix(key, "paths") {
				wrong = append(wrong, event+" has "+key+": select jobs instead")
			}
		}
	}
	return wrong
}

// superseded: a run may be cancelled by a newer one of its pull request; one on a
// branch may be deploying.
func superseded(w workflow) (wrong []string) {
	if w.Concurrency.Group == "" {
		wrong = append(wrong, "there is no concurrency group")
	}
	if c := w.Concurrency.Cancel; c != "false" && c != "${{ github.event_name == 'pull_request' }}" {
		wrong = append(wrong, "cancel-in-progress is "+c+": only pull requests may be cancelled")
	}
	return wrong
}

var eventText = regexp.MustCompile(`\$\{\{[^}]*github\.(event|head_ref|ref_name)`)

func scripts(w workflow) (wrong []string) {
	for name, j := range w.Jobs {
		for _, s := range j.Steps {
			if eventText.MatchString(s.Run) {
				wrong = append(wrong, name+": pass it through env, where a shell does not read it as code")
			}
		}
	}
	return wrong
}

var condition = regexp.MustCompile(`^needs\.changes\.outputs\.([a-z_]+) == 'true'$`)

// gated holds the workflow to what Gate and Select take for granted.
func gated(w workflow) (wrong []string) {
	var selection bytes.Buffer
	if _, err := (Selection{}).WriteTo(&selection); err != nil {
		return []string{err.Error()}
	}
	var outputs []string
	for line := range strings.Lines(selection.String()) {
		name, _, _ := strings.Cut(line, "=")
		outputs = append(outputs, name)
		if want := "${{ steps.select.outputs." + name + " }}"; w.Jobs["changes"].Outputs[name] != want {
			wrong = append(wrong, "changes does not pass on "+name)
		}
	}
	gate := w.Jobs["gate"]
	if gate.If != "always()" {
		wrong = append(wrong, "gate must run always()")
	}
	for name, j := range w.Jobs {
		if name == "gate" {
			continue
		}
		if !slices.Contains(gate.Needs, name) {
			wrong = append(wrong, "gate does not wait for "+name)
		}
		if slices.Contains(required, name) {
			if j.If != "" {
				wrong = append(wrong, name+" is required and has a condition")
			}
			continue
		}
		m := condition.FindStringSubmatch(j.If)
		if m == nil || !slices.Contains(outputs, m[1]) || !slices.Contains(j.Needs, "changes") {
			wrong = append(wrong, fmt.Sprintf("%s runs if %q, which Select does not say", name, j.If))
		}
	}
	for _, name := range required {
		if _, ok := w.Jobs[name]; !ok {
			wrong = append(wrong, "there is no job "+name)
		}
	}
	return wrong
}

// TestRulesCanFail spoils the real workflow in one place at a time; the rule meant
// for it must notice.
func TestRulesCanFail(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.github/workflows/ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	const (
		pin   = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"
		read  = "    permissions:\n      contents: read\n"
		check = "  check:\n    runs-on: ubuntu-24.04\n"
	)
	tests := []struct {
		name     string
		old, new string // the first occurrence is replaced
		want     string
	}{
		{"tag instead of SHA", pin, "actions/checkout@v4 # v4.2.2", "actions are pinned: "},
		{"short SHA", pin, "actions/checkout@11bd719 # v4.2.2", "actions are pinned: "},
		{"no version comment", pin, strings.TrimSuffix(pin, " # v4.2.2"), "actions are pinned: "},
		{"workflow may read all", "permissions: {}", "permissions:\n  contents: read", "permissions are explicit: the workflow"},
		{"workflow says nothing", "permissions: {}\n", "", "permissions are explicit: the workflow"},
		{"job says nothing", read, "", "permissions are explicit: "},
		{"job may write", read, "    permissions:\n      contents: write\n", "may write contents"},
		{"identity without a deployment", read, "    permissions:\n      id-token: write\n", "may write id-token"},
		{"credential stays", "persist-credentials: false", "persist-credentials: true", "checkouts forget"},
		{"credential not mentioned", "          persist-credentials: false\n", "", "checkouts forget"},
		{"no timeout", "    timeout-minutes: 20\n", "", "jobs end: "},
		{"six hours", "timeout-minutes: 20", "timeout-minutes: 360", "jobs end: "},
		{"moving runner", "ubuntu-24.04", "ubuntu-latest", "runners are named: "},
		{"paths on push", "    branches: [\"**\"]\n", "    paths: [\"**.go\"]\n", "push has paths"},
		{"paths-ignore on pull requests", "  pull_request:\n", "  pull_request:\n    paths-ignore: [docs/**]\n", "pull_request has paths-ignore"},
		{"strangers with our rights", "  pull_request:\n", "  pull_request_target:\n", "pull_request_target runs"},
		{"no concurrency", "  group: ci-", "  grupe: ci-", "no concurrency group"},
		{"cancel everything", "cancel-in-progress: ${{ github.event_name == 'pull_request' }}", "cancel-in-progress: true", "superseded with care"},
		{"branch name in a script", "run: ./do check", "run: echo ${{ github.head_ref }}", "no event text"},
		{"title in a script", "run: ./do check", "run: echo \"${{ github.event.pull_request.title }}\"", "no event text"},
		{"gate only on success", "if: always()", "if: success()", "gate must run always()"},
		{"gate without test", "needs: [changes, check, test, race, build, first-run]", "needs: [changes, check, race, build, first-run]", "gate does not wait for test"},
		{"gate without a new job", check, "  extra:\n    runs-on: ubuntu-24.04\n" + check, "gate does not wait for extra"},
		{"required job may be skipped", check, check + "    if: needs.changes.outputs.race == 'true'\n", "check is required and has a condition"},
		{"required job renamed", "  check:\n", "  lint:\n", "there is no job check"},
		{"job selected by a word nobody says", "needs.changes.outputs.build ==", "needs.changes.outputs.image ==", "which Select does not say"},
		{"job without condition", "    if: needs.changes.outputs.race == 'true'\n", "", "which Select does not say"},
		{"output not passed on", "      race: ${{ steps.select.outputs.race }}\n", "", "changes does not pass on race"},
		{"not YAML", "jobs:", "jobs: [", "unreadable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spoiled := bytes.Replace(text, []byte(tt.old), []byte(tt.new), 1)
			if bytes.Equal(spoiled, text) {
				t.Fatalf("the workflow no longer says %q", tt.old)
			}
			wrong := judge(t, spoiled)
			if !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, tt.want) }) {
				t.Errorf("nobody noticed: got %q, want one with %q", wrong, tt.want)
			}
		})
	}
}
