package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/surface/httpd"
)

// JobPages is where River's own pages about its queue are.
const JobPages = "/admin/jobs"

// jobPages shows River's pages. They send what somebody does there to addresses of their
// own, see changeJobs and changeQueue.
func (s *Site) jobPages(w http.ResponseWriter, r *http.Request, _ visit) error {
	if !reads(r) {
		return fault.New(fault.NotAllowed, "", "This address does not take "+r.Method+" requests.")
	}
	httpd.InlineStyles(w) // what they are made of writes style elements
	h := w.Header()
	h.Set("Cache-Control", string(secret))
	h.Add("Vary", "Cookie")
	s.cfg.Jobs.ServeHTTP(w, r)
	return nil
}

// chosenJobs is what River's pages send about jobs. Their ids are strings, since
// JavaScript does not know integers that long.
type chosenJobs struct {
	IDs []string `json:"ids"`
}

// changeJobs cancels, retries or deletes jobs.
func (s *Site) changeJobs(w http.ResponseWriter, r *http.Request, v visit) error {
	return answerJobPages(w, r, func() error {
		var chosen chosenJobs
		if err := json.NewDecoder(r.Body).Decode(&chosen); err != nil {
			return errors.Join(fault.New(fault.Malformed, "", "This address reads JSON that River's pages send."), err)
		}
		jobs := make([]int64, len(chosen.IDs))
		for i, text := range chosen.IDs {
			var err error
			if jobs[i], err = strconv.ParseInt(text, 10, 64); err != nil {
				return fault.OnField("ids", "Ids of jobs are numbers.").Because(err)
			}
		}
		return s.cfg.Admin.ChangeJobs(r.Context(), v.actor, flow.JobChange(r.PathValue("what")), jobs)
	})
}

// changeQueue pauses or resumes a queue.
func (s *Site) changeQueue(w http.ResponseWriter, r *http.Request, v visit) error {
	return answerJobPages(w, r, func() error {
		switch queue := r.PathValue("name"); r.PathValue("what") {
		case "pause":
			return s.cfg.Admin.PauseQueue(r.Context(), v.actor, queue)
		case "resume":
			return s.cfg.Admin.ResumeQueue(r.Context(), v.actor, queue)
		}
		return errNothingHere()
	})
}

// answerJobPages says how it went in the form that River's pages read.
func answerJobPages(w http.ResponseWriter, r *http.Request, do func() error) error {
	status, answer := http.StatusOK, map[string]string{"status": "ok"}
	if err := do(); err != nil {
		p := httpd.Report(r.Context(), err)
		status, answer = p.Status, map[string]string{"message": p.Detail + " Reference: " + p.DebugID}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", string(secret))
	send(w, r, status, b, nil)
	return nil
}
