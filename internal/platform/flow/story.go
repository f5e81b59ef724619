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
	Node       NodeID
	Name       string
	State      string
	Branch     int
	Joins      NodeID // "" on the trunk
	Wait       WaitKind
	WaitKey    string
	WakeAt     time.Time
	Failures   int
	Error      string // of its last failure: words of its handler
	Worker     string // who has it now
	CreatedAt  time.Time
	FinishedAt time.Time
	Attempts   []Attempt  // the newest of Claims
	Steps      []Recorded // the newest of Records
	Claims     int
	Records    int
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
	Bytes int           `json:"bytes"` // as stored, which may be compressed
}

// Said is a message to a run, without its words.
type Said struct {
	ID     MessageID
	Author string
	At     time.Time
}

// Story is a run as far as it can be told without what anybody said: inputs, outputs,
// answers and messages stay in the database. Errors and details are words of handlers.
type Story struct {
	Run      Run
	Nodes    int       // how many it has
	Chapters []Chapter // those that are not done and the newest of the others, in the order in which they came up
	Messages []Said    // the newest, oldest first
}

// mostTold bounds each list of a story, so that looking at a run costs the same however
// long it is.
const mostTold = 60

const (
	anyRun = `SELECT ` + runFacts + `, 'null'::json AS input, NULL::json AS output FROM run r WHERE r.id = $1`

	nodesOf = `SELECT count(*) FROM node WHERE run_id = $1`

	// A node that is not done is what somebody looks for, however old it is.
	chapters = `
SELECT n.id AS node, n.name, n.state, n.branch, coalesce(n.joins, '') AS joins, n.wait, n.wait_key,
    coalesce(n.wake_at, '0001-01-01 00:00Z') AS wake_at, n.failures, n.error, coalesce(n.worker, '') AS worker,
    n.created_at, coalesce(n.finished_at, '0001-01-01 00:00Z') AS finished_at,
    coalesce((SELECT json_agg(json_build_object('epoch', a.epoch, 'worker', a.worker, 'at', a.at) ORDER BY a.epoch)
        FROM (SELECT * FROM attempt WHERE node_id = n.id ORDER BY epoch DESC LIMIT $2) a), '[]') AS attempts,
    coalesce((SELECT json_agg(json_build_object('key', s.key, 'epoch', s.epoch, 'at', s.at,
            'took', (extract(epoch FROM s.took) * 1e9)::bigint, 'bytes', s.bytes) ORDER BY s.at, s.key)
        FROM (SELECT key, epoch, at, took, pg_column_size(output) AS bytes FROM step
            WHERE node_id = n.id ORDER BY at DESC, key DESC LIMIT $2) s), '[]') AS steps,
    (SELECT count(*) FROM attempt WHERE node_id = n.id) AS claims, (SELECT count(*) FROM step WHERE node_id = n.id) AS records
FROM (SELECT * FROM node WHERE run_id = $1 ORDER BY state = 'done', created_at DESC, id DESC LIMIT $2) n ORDER BY n.created_at, n.id`

	said = `
SELECT id, author, at FROM (
    SELECT id, author_id AS author, at FROM run_message WHERE run_id = $1 ORDER BY id DESC LIMIT $2) newest ORDER BY id`
)

// StoryOfAny returns the story of a run of any workspace. It is for whoever runs the
// installation; fault.NotFound.
func (e *Engine) StoryOfAny(ctx context.Context, run RunID) (Story, error) {
	var s Story
	rows, err := e.cfg.DB.Query(ctx, anyRun, run)
	if err != nil {
		return Story{}, fmt.Errorf("read %s: %w", run, err)
	}
	s.Run, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Run])
	if errors.Is(err, pgx.ErrNoRows) {
		return Story{}, notFound()
	}
	if err != nil {
		return Story{}, fmt.Errorf("read %s: %w", run, err)
	}
	if err := e.cfg.DB.QueryRow(ctx, nodesOf, run).Scan(&s.Nodes); err != nil {
		return Story{}, fmt.Errorf("count the nodes of %s: %w", run, err)
	}
	if rows, err = e.cfg.DB.Query(ctx, chapters, run, mostTold); err != nil {
		return Story{}, fmt.Errorf("read the nodes of %s: %w", run, err)
	}
	if s.Chapters, err = pgx.CollectRows(rows, pgx.RowToStructByName[Chapter]); err != nil {
		return Story{}, fmt.Errorf("read the nodes of %s: %w", run, err)
	}
	if rows, err = e.cfg.DB.Query(ctx, said, run, mostTold); err != nil {
		return Story{}, fmt.Errorf("read the messages of %s: %w", run, err)
	}
	if s.Messages, err = pgx.CollectRows(rows, pgx.RowToStructByName[Said]); err != nil {
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
