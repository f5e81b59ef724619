package interview

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// QuestionID identifies a question.
type QuestionID string

// Prefix implements id.Kind.
func (QuestionID) Prefix() string { return "que" }

// Kind is how a question is answered.
type Kind string

// The kinds.
const (
	Short  Kind = "short"
	Long   Kind = "long"
	OneOf  Kind = "one_of"
	ManyOf Kind = "many_of"
)

// Question is one thing we asked.
type Question struct {
	ID          QuestionID
	Round       int
	Text        string
	Why         string // why we ask
	Kind        Kind
	Suggestions []string
	Hint        string
	Decides     string // the section of brief or scope that the answer informs
	Assumes     string // what we assume when it is left to us
	Answer      *Answer
}

// Answer is what the founder said to a question last.
type Answer struct {
	Text     string // of several suggestions one a line; empty when left to us
	Ours     bool   // "You decide": Question.Assumes holds
	Number   int    // how often it was said in other words, from 1
	Revision int
	Author   account.UserID
	At       time.Time
}

// Depth is how much the founder wants to be asked.
type Depth string

// The depths. The texts are stored and in the API.
const (
	Quick   Depth = "quick"
	Deeper  Depth = "deeper"
	Deep    Depth = "deep"
	Deepest Depth = "deepest"
)

// Count returns how few and how many questions a round of a depth has. An unknown depth
// has none.
func (d Depth) Count() (least, most int) {
	switch d {
	case Quick:
		return 3, 3
	case Deeper:
		return 6, 8
	case Deep:
		return 10, 12
	case Deepest:
		return 14, 16
	}
	return 0, 0
}

// asked is a question as it is stored, with the answer in force.
type asked struct {
	ID          QuestionID
	Round       int
	Text        string
	Why         string
	Kind        Kind
	Suggestions []string
	Hint        string
	Decides     string
	Assumes     string
	Number      int // of the answer; 0: there is none
	Said        string
	Ours        bool
	Revision    int
	Author      account.UserID
	At          *time.Time
}

const getQuestions = `
SELECT q.id, q.round, q.text, q.why, q.kind, q.suggestions, q.hint, q.decides, q.assumes,
    coalesce(a.number, 0) AS number, coalesce(a.text, '') AS said, coalesce(a.ours, false) AS ours,
    coalesce(a.revision, 0) AS revision, coalesce(a.author, '') AS author, a.at
FROM question q
LEFT JOIN LATERAL (
    SELECT number, text, ours, revision, author, at FROM question_answer
    WHERE project_id = q.project_id AND question_id = q.id ORDER BY number DESC LIMIT 1) a ON true
WHERE q.project_id = $1 AND q.gone_at IS NULL
ORDER BY q.round, q.place, q.id`

func questionsOf(ctx context.Context, q querier, p project.ID) ([]Question, error) {
	found, err := q.Query(ctx, getQuestions, p)
	if err != nil {
		return nil, fmt.Errorf("ask for questions: %w", err)
	}
	kept, err := pgx.CollectRows(found, pgx.RowToStructByName[asked])
	if err != nil {
		return nil, fmt.Errorf("read questions: %w", err)
	}
	all := make([]Question, 0, len(kept))
	for _, k := range kept {
		one := Question{
			ID: k.ID, Round: k.Round, Text: k.Text, Why: k.Why, Kind: k.Kind, Suggestions: k.Suggestions,
			Hint: k.Hint, Decides: k.Decides, Assumes: k.Assumes,
		}
		if k.Number > 0 {
			one.Answer = &Answer{Text: k.Said, Ours: k.Ours, Number: k.Number, Revision: k.Revision, Author: k.Author, At: *k.At}
		}
		all = append(all, one)
	}
	return all, nil
}

// current is the first question of a round that has no answer; "" when all have one.
func current(all []Question, round int) QuestionID {
	at := slices.IndexFunc(all, func(q Question) bool { return q.Round == round && q.Answer == nil })
	if at < 0 {
		return ""
	}
	return all[at].ID
}

// stale names the sections that were said something new about since a revision, sorted.
// What was understood informs them all; it is named by what is built of it.
func stale(all []Question, fixed storedCorrections, since int) []string {
	found := []string{}
	if fixed.Revision > since {
		found = append(found, "features")
	}
	for _, q := range all {
		if q.Answer != nil && q.Answer.Revision > since {
			found = append(found, q.Decides)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

const (
	insertQuestion = `
INSERT INTO question (id, project_id, round, place, text, why, kind, suggestions, hint, decides, assumes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	insertAnswer = `
INSERT INTO question_answer (project_id, question_id, number, text, ours, revision, author, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

// askTx stores questions of a round, from a place on.
func askTx(ctx context.Context, tx pgx.Tx, p project.ID, round, place int, qs []Question) error {
	b := &pgx.Batch{}
	for n, q := range qs {
		if q.Suggestions == nil {
			q.Suggestions = []string{}
		}
		b.Queue(insertQuestion, q.ID, p, round, place+n, q.Text, q.Why, q.Kind, q.Suggestions, q.Hint, q.Decides, q.Assumes)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("store questions: %w", err)
	}
	return nil
}
