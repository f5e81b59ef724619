package document

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Maker says what made a version.
type Maker string

// The makers.
const (
	ByUs           Maker = "us"           // written the first time
	ByFounder      Maker = "founder"      // edited in place
	ByRegeneration Maker = "regeneration" // written again, or a proposal that was accepted
	ByRestore      Maker = "restore"      // an earlier version brought back
)

// Level is how sure we are of a section.
type Level string

// The levels.
const (
	Strong     Level = "strong"      // well supported
	Moderate   Level = "moderate"    // plausible, not tested
	NeedsDepth Level = "needs_depth" // needs more from the founder
)

// Confidence is how sure we are of a section, and why, in one sentence.
type Confidence struct {
	Level  Level  `json:"level"`
	Reason string `json:"reason"`
}

// Version is a document at one time; it never changes.
type Version struct {
	Kind       Kind
	Number     int // 1, 2, 3 … of its document
	Content    Content
	Confidence map[string]Confidence // by section; edited sections have none
	Edited     []string              // the sections whose words are the founder's, sorted
	Hash       string                // of the content, in hexadecimal
	MadeBy     Maker
	Author     account.UserID // who edited, or for whom we wrote
	Cause      string         // the decision, answer or run it came from; may be empty
	Note       string
	Restored   int // the version a restore brought back; 0 otherwise
	At         time.Time
}

// general is said where we speak of the world.
const general = "General knowledge, not looked up."

// Outline is the version as it is read: its content, with a note where something about
// the world is our own general knowledge.
func (v Version) Outline() []Section {
	all := v.Content.Outline()
	for i, s := range all {
		h, _ := v.Kind.heading(s.Key)
		if h.world && !slices.Contains(v.Edited, s.Key) {
			all[i].Lines = append(all[i].Lines, Line{Style: Note, Text: general})
		}
	}
	return all
}

// Assumptions is "What we assumed": the list of the brief in force. One is edited as
// the section assumptions/ID.
func (v Version) Assumptions() []Assumption {
	if b, ok := v.Content.(Brief); ok {
		return b.Assumptions
	}
	return []Assumption{}
}

// stored is a version as it is kept.
type stored struct {
	Kind       Kind
	Number     int
	Content    json.RawMessage
	Confidence map[string]Confidence
	Edited     []string
	Hash       string
	MadeBy     Maker
	Author     account.UserID
	Cause      string
	Note       string
	Restored   int
	At         time.Time
}

func (s stored) version() (Version, error) {
	into, err := blank(s.Kind)
	if err != nil {
		return Version{}, err
	}
	// Not Decode: what an older program has stored is read as far as it goes.
	if err := json.Unmarshal(s.Content, into); err != nil {
		return Version{}, fmt.Errorf("read %s@%d: %w", s.Kind, s.Number, err)
	}
	return Version{
		Kind: s.Kind, Number: s.Number, Content: pointed(into).checked(&form.Form{}), Confidence: s.Confidence, Edited: s.Edited, Hash: s.Hash,
		MadeBy: s.MadeBy, Author: s.Author, Cause: s.Cause, Note: s.Note, Restored: s.Restored, At: s.At,
	}, nil
}

const versionColumns = `
v.kind, v.number, v.content, v.confidence, v.edited, v.hash, v.made_by, v.author, v.cause, v.note,
coalesce(v.restored, 0) AS restored, v.at`

const (
	getVersion   = `SELECT ` + versionColumns + ` FROM document_version v WHERE v.project_id = $1 AND v.kind = $2 AND v.number = $3`
	getVersions  = `SELECT ` + versionColumns + ` FROM document_version v WHERE v.project_id = $1 AND v.kind = $2 ORDER BY v.number DESC`
	listVersions = `
SELECT ` + versionColumns + ` FROM document_version v
WHERE v.project_id = $1 AND v.kind = $2 AND ($3 = 0 OR v.number < $3) ORDER BY v.number DESC LIMIT $4`
)

func versions(ctx context.Context, q querier, sql string, args ...any) ([]Version, error) {
	found, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("ask for versions: %w", err)
	}
	kept, err := pgx.CollectRows(found, pgx.RowToStructByName[stored])
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	all := make([]Version, 0, len(kept))
	for _, s := range kept {
		v, err := s.version()
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// versionOf returns one version; none is fault.NotFound.
func versionOf(ctx context.Context, q querier, i project.ID, k Kind, number int) (Version, error) {
	none := fault.New(fault.NotFound, "", "There is no such version.")
	if number < 1 || number > math.MaxInt32 {
		return Version{}, none
	}
	all, err := versions(ctx, q, getVersion, i, k, number)
	if err == nil && len(all) == 0 {
		err = none
	}
	if err != nil {
		return Version{}, err
	}
	return all[0], nil
}

// Version returns one version of a document.
func (d *Documents) Version(ctx context.Context, actor account.Actor, i project.ID, k Kind, number int) (Version, error) {
	if _, err := d.projects.Get(ctx, actor, i); err != nil {
		return Version{}, err
	}
	return versionOf(ctx, d.db, i, k, number)
}

// maxPage is the most versions of one page.
const maxPage = 100

// Versions returns the versions of a document below a number (0: from the latest one),
// the latest first, at most limit (1–100).
func (d *Documents) Versions(ctx context.Context, actor account.Actor, i project.ID, k Kind, below, limit int) ([]Version, error) {
	if _, err := d.projects.Get(ctx, actor, i); err != nil {
		return nil, err
	}
	if limit < 1 || limit > maxPage {
		return nil, fault.OnField("limit", "Choose 1 to 100.")
	}
	return versions(ctx, d.db, listVersions, i, k, min(max(below, 0), math.MaxInt32), limit)
}

// Shelf returns what an export of a project holds: the name of the project and the
// version in force of each document that is written, in the order in which they are
// written. With a kind it is that document alone, of a version or, with 0, the one in
// force. Nothing to export is fault.NotFound.
func (d *Documents) Shelf(ctx context.Context, actor account.Actor, i project.ID, k Kind, number int) (string, []Version, error) {
	p, err := d.projects.Get(ctx, actor, i)
	if err != nil {
		return "", nil, err
	}
	if number != 0 {
		v, err := versionOf(ctx, d.db, i, k, number)
		return p.Name, []Version{v}, err
	}
	all, err := d.List(ctx, actor, i)
	if err != nil {
		return "", nil, err
	}
	var written []Version
	for _, doc := range all {
		if doc.Current != nil && (k == "" || k == doc.Kind) {
			written = append(written, *doc.Current)
		}
	}
	if len(written) == 0 {
		return "", nil, fault.New(fault.NotFound, "", "Nothing is written yet.")
	}
	return p.Name, written, nil
}

// Difference returns how two versions of a document differ, section by section and word
// by word. from may be 0: before the first.
func (d *Documents) Difference(ctx context.Context, actor account.Actor, i project.ID, k Kind, from, to int) ([]SectionChange, error) {
	if _, err := d.projects.Get(ctx, actor, i); err != nil {
		return nil, err
	}
	var before Content
	if from != 0 {
		v, err := versionOf(ctx, d.db, i, k, from)
		if err != nil {
			return nil, err
		}
		before = v.Content
	}
	after, err := versionOf(ctx, d.db, i, k, to)
	if err != nil {
		return nil, err
	}
	return Compare(before, after.Content), nil
}

const (
	insertVersion = `
INSERT INTO document_version (project_id, kind, number, content, confidence, edited, hash, made_by, author, cause, note, restored, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULLIF($12, 0), $13)`
	setCurrent = `
INSERT INTO document (project_id, kind, state, current, changed_at, reason, run) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (project_id, kind) DO UPDATE SET state = $3, reason = $6, run = $7, current = $4, changed_at = $5,
    trouble = CASE $3 WHEN 'writing' THEN document.trouble ELSE '' END`
)

// keepTx stores v as the next version of its document and makes it the current one. r
// says what stays of the writing.
func (d *Documents) keepTx(ctx context.Context, tx pgx.Tx, i project.ID, r row, v Version) (Version, error) {
	raw, hash, err := encode(v.Content)
	if err != nil {
		return Version{}, err
	}
	v.Kind, v.Number, v.Hash, v.At = r.Kind, r.Current+1, hash, d.clock.Now()
	if v.Confidence == nil {
		v.Confidence = map[string]Confidence{}
	}
	if v.Edited == nil {
		v.Edited = []string{}
	}
	slices.Sort(v.Edited)
	v.Edited = slices.Compact(v.Edited)
	if _, err := tx.Exec(ctx, setCurrent, i, v.Kind, r.State, v.Number, v.At, r.Reason, r.Run); err != nil {
		return Version{}, fmt.Errorf("set current %s: %w", v.Kind, err)
	}
	_, err = tx.Exec(ctx, insertVersion, i, v.Kind, v.Number, raw, v.Confidence, v.Edited, v.Hash, v.MadeBy, v.Author,
		v.Cause, v.Note, v.Restored, v.At)
	if err != nil {
		return Version{}, fmt.Errorf("keep %s@%d: %w", v.Kind, v.Number, err)
	}
	return v, nil
}

// historyOf returns the contents of all versions, the one in force first.
func historyOf(ctx context.Context, q querier, i project.ID, k Kind) ([]Content, error) {
	all, err := versions(ctx, q, getVersions, i, k)
	if err != nil {
		return nil, err
	}
	var contents []Content
	for _, v := range all {
		contents = append(contents, v.Content)
	}
	return contents, nil
}

// checkConfidence refuses what is no section, no level, without a reason, or a per cent
// of certainty, and returns it without sections that say nothing.
func checkConfidence(c Content, given map[string]Confidence) (map[string]Confidence, error) {
	says := map[string]bool{}
	for _, s := range c.Outline() {
		says[s.Key] = true
	}
	kept := map[string]Confidence{}
	for key, one := range given {
		if _, ok := c.Kind().heading(key); !ok {
			return nil, fault.OnField("confidence."+key, "There is no such section.")
		}
		switch {
		case one.Level != Strong && one.Level != Moderate && one.Level != NeedsDepth:
			return nil, fault.OnField("confidence."+key, "Choose strong, moderate or needs_depth.")
		case strings.TrimSpace(one.Reason) == "":
			return nil, fault.OnField("confidence."+key, "Say why, in one sentence.")
		case strings.Contains(one.Reason, "%"):
			return nil, fault.OnField("confidence."+key, "No per cents of certainty, please.")
		}
		if says[key] {
			kept[key] = one
		}
	}
	return kept, nil
}

// Restore makes a new version of an earlier one. base is the version the founder looked
// at: where somebody has changed the document since, it is fault.Conflict with code
// edited_meanwhile and the field version. Restoring what is in force changes nothing.
func (d *Documents) Restore(ctx context.Context, actor account.Actor, i project.ID, k Kind, number, base int) (Version, error) {
	var made Version
	err := d.locked(ctx, actor, account.MayWrite, i, func(tx pgx.Tx, _ project.Project) error {
		old, err := versionOf(ctx, tx, i, k, number)
		if err != nil {
			return err
		}
		r, err := rowOf(ctx, tx, i, k)
		if err != nil {
			return err
		}
		current, err := versionOf(ctx, tx, i, k, r.Current)
		if err != nil {
			return err
		}
		if old.Hash == current.Hash {
			made = current
			return nil
		}
		if base != r.Current {
			return errMeanwhile(r.Current)
		}
		// What was the founder's stays so, and what a restore changes becomes it.
		edited := slices.Concat(current.Edited, old.Edited)
		for _, c := range Compare(current.Content, old.Content) {
			edited = append(edited, c.Key)
		}
		made, err = d.keepTx(ctx, tx, i, r.resting(), Version{
			Content: old.Content, Confidence: old.Confidence, Edited: edited, MadeBy: ByRestore, Author: actor.User, Restored: number,
		})
		if err != nil {
			return err
		}
		return d.tellTx(ctx, tx, i, "document.restored", news{k, made.Number})
	})
	return made, err
}

func errMeanwhile(current int) *fault.Error {
	return fault.New(fault.Conflict, "edited_meanwhile", "Somebody has changed this meanwhile. Look at what is new, then choose.").
		WithField("version", fmt.Sprint(current))
}

// resting is r after a version was made by the founder: what a model is writing goes
// on, and a failure is not hidden; else it is written.
func (r row) resting() row {
	if r.State == NotAsked {
		r.State = Written
	}
	return r
}
