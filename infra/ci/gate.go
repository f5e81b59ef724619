package ci

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// required are the jobs that run on every change; nothing lands without them.
var required = []string{"changes", "check", "test"} //nolint:gochecknoglobals // a constant table

// Gate judges the results of all jobs, given as GitHub's needs context in JSON. The
// required jobs must have succeeded; the others may have been skipped, since Select
// did not ask for them. Gate is the only check a branch has to require: it runs
// always, so a workflow that stopped early cannot look like one that passed.
func Gate(needs []byte) error {
	var jobs map[string]struct {
		Result string `json:"result"`
	}
	if err := json.Unmarshal(needs, &jobs); err != nil {
		return fmt.Errorf("read the results: %w", err)
	}
	var wrong []error
	for _, name := range required {
		if _, ok := jobs[name]; !ok {
			wrong = append(wrong, fmt.Errorf("%s did not report", name))
		}
	}
	for name, job := range jobs {
		skippable := !slices.Contains(required, name)
		if job.Result == "success" || job.Result == "skipped" && skippable {
			continue
		}
		wrong = append(wrong, fmt.Errorf("%s: %s", name, job.Result))
	}
	slices.SortFunc(wrong, func(a, b error) int {
		if a.Error() < b.Error() {
			return -1
		}
		return 1
	})
	return errors.Join(wrong...)
}
