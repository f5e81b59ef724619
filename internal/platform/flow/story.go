package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/platform/event"

	"github.com/jackc/pgx/v5"
)

// State is what a run is at. The texts of the last four are stored.
type State string

// The states of a run.
const (
	Queued   State = "queued"  // in line, not begun
	Running  State = "running" // at work, or in line for its next node
	Waiting  State = "waiting" // for an answer, a time, a budget
	Paused   State = "paused"
	Finished State = "done"
	Failed   State = "failed"
	Ended    State = "ended" // by somebody
)

// Over reports whether nothing can change any more.
func (s State) Over() bool { return s == Finished || s == Failed || s == Ended }

// Run is one run as it can be shown. Instants are the database's; zero: not yet.
type Run struct {
	ID         RunID           `json:"id"`
	Kind       Kind            `json:"kind"`
	Workspace  string          `json:"workspace"`
	Project    string          `json:"project"`
	Starter    string          `json:"starter"`
	State      State           `json:"state"`
	Reason     Reason          `json:"reason"` // of a pause or an end
	Detail     string          `json:"detail"`
	Input      json.RawMessage `json:"input"`
	Output     json.RawMessage `json:"output"` // nil until it is done
	CreatedAt  time.Time       `json:"created_at"`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt time.Time       `json:"finished_at"`
	// ShortenedAt is when its steps and claims were removed, see Trim; for operators.
	ShortenedAt time.Time `json:"-"`
	// Waits are what it waits for now; empty when it does not.
	Waits []Wait `json:"waits"`
}

const (
	// A run that is open is queued, running or waiting, as its nodes are.
	runColumns = runFacts + `, r.input, r.output`

	runFacts = `
r.id, r.kind, r.workspace_id AS workspace, r.project_id AS project, r.starter_id AS starter,
CASE WHEN r.state <> 'open' THEN r.state
     WHEN EXISTS (SELECT FROM node n WHERE n.run_id = r.id AND n.state IN ` + active + `)
         THEN CASE WHEN r.started_at IS NULL THEN 'queued' ELSE 'running' END
     ELSE 'waiting' END AS state,
r.reason, r.detail, r.created_at,
coalesce(r.started_at, '0001-01-01 00:00Z') AS started_at, coalesce(r.finished_at, '0001-01-01 00:00Z') AS finished_at,
coalesce(r.shortened_at, '0001-01-01 00:00Z') AS shortened_at,
coalesce((SELECT json_agg(json_build_object('For', n.wait, 'Key', CASE n.wait WHEN 'retry' THEN '' ELSE n.wait_key END, 'Until', coalesce(n.wake_at, '0001-01-01 00:00Z')) ORDER BY n.id)
    FROM node n WHERE n.run_id = r.id AND n.state = 'waiting' AND r.finished_at IS NULL), '[]') AS waits`

	oneRun = `SELECT ` + runColumns + ` FROM run r WHERE r.id = $1 AND r.workspace_id = $2`

	// Newest first; $3 is the last of the page before, '' for the first page.
	manyRuns = `SELECT ` + runColumns + ` FROM run r
WHERE r.workspace_id = $1 AND r.project_id = $2 AND ($3 = '' OR r.id < $3) ORDER BY r.id DESC LIMIT $4`
)

// Run returns a run of a workspace; one of another is fault.NotFound.
func (e *Engine) Run(ctx context.Context, workspace string, run RunID) (Run, error) {
	rows, err := e.cfg.DB.Query(ctx, oneRun, run, workspace)
	if err != nil {
		return Run{}, fmt.Errorf("read %s: %w", run, err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Run])
	if errors.Is(err, pgx.ErrNoRows) {
		return Run{}, notFound()
	}
	if err != nil {
		return Run{}, fmt.Errorf("read %s: %w", run, err)
	}
	return r, nil
}

// Runs returns the runs of a project ("" for those of none), newest first, at most
// limit. after is the last of the page before, "" for the first page.
func (e *Engine) Runs(ctx context.Context, workspace, project string, after RunID, limit int) ([]Run, error) {
	rows, err := e.cfg.DB.Query(ctx, manyRuns, workspace, project, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	runs, err := pgx.CollectRows(rows, pgx.RowToStructByName[Run])
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return runs, nil
}

// Chapter is one node of a run's story.
type Chapter struct {
	Node       NodeID          `json:"node"`
	Name       string          `json:"name"`
	State      string          `json:"state"`
	Branch     int             `json:"branch"`
	Joins      NodeID          `json:"joins"` // "" on the trunk
	Input      json.RawMessage `json:"input"`
	Output     json.RawMessage `json:"output"`
	Answer     json.RawMessage `json:"answer"` // to the wait before it
	Wait       WaitKind        `json:"wait"`
	WaitKey    string          `json:"wait_key"`
	Failures   int             `json:"failures"`
	CreatedAt  time.Time       `json:"created_at"`
	FinishedAt time.Time       `json:"finished_at"`
	Worker     string          `json:"-"` // who has it now; for operators, like the next two
	WakeAt     time.Time       `json:"-"`
	Error      string          `json:"-"` // of its last failure
	Attempts   []Attempt       `json:"attempts"`
	Steps      []Recorded      `json:"steps"`
}

// Attempt is one claim of a node.
type Attempt struct {
	Epoch  int64     `json:"epoch"`
	Worker string    `json:"worker"`
	At     time.Time `json:"at"`
}

// Recorded is one recorded step, without what came of it.
type Recorded struct {
	Key   string        `json:"key"`
	Epoch int64         `json:"epoch"`
	At    time.Time     `json:"at"`
	Took  time.Duration `json:"took"`
	Bytes int           `json:"bytes"`
}

// Story is a run from its beginning.
type Story struct {
	Run      Run       `json:"run"`
	Chapters []Chapter `json:"chapters"` // in the order in which they came up
	Messages []Message `json:"messages"` // all that were said to it, oldest first
}

const (
	chapters = `
SELECT n.id AS node, n.name, n.state, n.branch, coalesce(n.joins, '') AS joins, n.input, n.output, n.answer, n.wait, n.wait_key,
    n.failures, n.created_at, coalesce(n.finished_at, '0001-01-01 00:00Z') AS finished_at,
    coalesce(n.worker, '') AS worker, coalesce(n.wake_at, '0001-01-01 00:00Z') AS wake_at, n.error,
    coalesce((SELECT json_agg(json_build_object('epoch', a.epoch, 'worker', a.worker, 'at', a.at) ORDER BY a.epoch)
        FROM attempt a WHERE a.node_id = n.id), '[]') AS attempts,
    coalesce((SELECT json_agg(json_build_object('key', s.key, 'epoch', s.epoch, 'at', s.at,
            'took', (extract(epoch FROM s.took) * 1e9)::bigint, 'bytes', octet_length(s.output::text)) ORDER BY s.at, s.key)
        FROM step s WHERE s.node_id = n.id), '[]') AS steps
FROM node n WHERE n.run_id = $1 ORDER BY n.created_at, n.id`

	messages = `SELECT id, author_id AS author, body, at FROM run_message WHERE run_id = $1 ORDER BY id`
)

// Story returns a run of a workspace with all its nodes, claims, steps and messages.
func (e *Engine) Story(ctx context.Context, workspace string, run RunID) (Story, error) {
	r, err := e.Run(ctx, workspace, run)
	if err != nil {
		return Story{}, err
	}
	return e.story(ctx, r)
}

func (e *Engine) story(ctx context.Context, r Run) (Story, error) {
	s, run := Story{Run: r}, r.ID
	rows, err := e.cfg.DB.Query(ctx, chapters, run)
	if err != nil {
		return Story{}, fmt.Errorf("read the nodes of %s: %w", run, err)
	}
	if s.Chapters, err = pgx.CollectRows(rows, pgx.RowToStructByName[Chapter]); err != nil {
		return Story{}, fmt.Errorf("read the nodes of %s: %w", run, err)
	}
	if rows, err = e.cfg.DB.Query(ctx, messages, run); err != nil {
		return Story{}, fmt.Errorf("read the messages of %s: %w", run, err)
	}
	if s.Messages, err = pgx.CollectRows(rows, pgx.RowToStructByName[Message]); err != nil {
		return Story{}, fmt.Errorf("read the messages of %s: %w", run, err)
	}
	return s, nil
}

const branches = `
SELECT output FROM node WHERE joins = $1 AND state = 'done' AND output IS NOT NULL ORDER BY branch, finished_at, id`

// Branches returns the outputs with which the lines of work ended that this node joins,
// in the order in which Fan had named them.
func (n *Node) Branches(ctx context.Context) ([]json.RawMessage, error) {
	rows, err := n.engine.cfg.DB.Query(ctx, branches, n.ID)
	if err != nil {
		return nil, fmt.Errorf("read branches: %w", own(ctx, err))
	}
	outputs, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	if err != nil {
		return nil, fmt.Errorf("read branches: %w", own(ctx, err))
	}
	return outputs, nil
}

const (
	runsOf = `SELECT id FROM run WHERE project_id = $1 AND project_id <> '' ORDER BY id FOR UPDATE`

	forgetRuns = `DELETE FROM run WHERE id = ANY($1)`
)

// ForgetTx removes all runs of a project with the streams named after them, as part of
// tx. Those at work stop at their next write.
func (e *Engine) ForgetTx(ctx context.Context, tx pgx.Tx, project string) error {
	runs, err := lockRuns(ctx, tx, runsOf, project)
	if err != nil || len(runs) == 0 {
		return err
	}
	streams := make([]event.Stream, len(runs))
	for i, r := range runs {
		streams[i] = event.Stream(r)
	}
	if _, err := tx.Exec(ctx, forgetRuns, runs); err != nil {
		return fmt.Errorf("forget runs: %w", err)
	}
	return event.ForgetTx(ctx, tx, streams...) // after the nodes, as steps lock them
}
