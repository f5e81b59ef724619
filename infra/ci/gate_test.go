package ci_test

import (
	"strings"
	"testing"

	"cofounder/infra/ci"
)

func TestGate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		needs string
		want  string // what it says; empty lets the change pass
	}{
		{"all well", `{"changes":{"result":"success"},"check":{"result":"success"},"test":{"result":"success"},"race":{"result":"success"}}`, ""},
		{"optional job skipped", `{"changes":{"result":"success"},"check":{"result":"success"},"test":{"result":"success"},"build":{"result":"skipped"}}`, ""},
		{"test skipped", `{"changes":{"result":"success"},"check":{"result":"success"},"test":{"result":"skipped"}}`, "test: skipped"},
		{"changes skipped", `{"changes":{"result":"skipped"},"check":{"result":"success"},"test":{"result":"success"}}`, "changes: skipped"},
		{"check failed", `{"changes":{"result":"success"},"check":{"result":"failure"},"test":{"result":"success"}}`, "check: failure"},
		{"optional job failed", `{"changes":{"result":"success"},"check":{"result":"success"},"test":{"result":"success"},"build":{"result":"failure"}}`, "build: failure"},
		{"optional job cancelled", `{"changes":{"result":"success"},"check":{"result":"success"},"test":{"result":"success"},"race":{"result":"cancelled"}}`, "race: cancelled"},
		{"a result nobody knows", `{"changes":{"result":"success"},"check":{"result":"success"},"test":{"result":"success"},"race":{"result":""}}`, "race: "},
		{"test missing", `{"changes":{"result":"success"},"check":{"result":"success"}}`, "test did not report"},
		{"nothing", `{}`, "changes did not report\ncheck did not report\ntest did not report"},
		{"two wrong", `{"changes":{"result":"success"},"check":{"result":"failure"},"test":{"result":"failure"}}`, "check: failure\ntest: failure"},
		{"not JSON", ``, "read the results"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := ci.Gate([]byte(tt.needs))
			if tt.want == "" {
				if err != nil {
					t.Errorf("Gate = %v, want it to pass", err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("Gate = %v, want %q", err, tt.want)
			}
		})
	}
}
