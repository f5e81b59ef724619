package document

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// CommentID identifies a comment.
type CommentID string

// Prefix implements id.Kind.
func (CommentID) Prefix() string { return "cmt" }

// maxComment is the most bytes of a comment.
const maxComment = 10_000

// Comment is what somebody says about a version, a section or an item.
type Comment struct {
	ID         CommentID
	Kind       Kind
	Version    int   // the version it was made at
	Place      Place // empty: the whole version
	Author     account.UserID
	Text       string
	At         time.Time
	ResolvedAt *time.Time // nil: still open
	ResolvedBy account.UserID
}

// Remark is a comment before it is made. Version 0 is the one in force.
type Remark struct {
	Version int
	Place   Place
	Text    string
}

const (
	commentColumns = `
c.id, c.kind, c.number, c.section, c.item, c.author, c.body, c.at, c.resolved_at, coalesce(c.resolved_by, '') AS resolved_by`
	addComment = `
INSERT INTO document_comment AS c (id, project_id, kind, number, section, item, author, body, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ` + commentColumns
	listComments = `
SELECT ` + commentColumns + ` FROM document_comment c
WHERE c.project_id = $1 AND c.kind = $2 AND c.id > $3 ORDER BY c.id LIMIT $4`
	resolveComment = `
UPDATE document_comment AS c SET resolved_at = coalesce(resolved_at, $4), resolved_by = coalesce(resolved_by, $5)
WHERE c.project_id = $1 AND c.kind = $2 AND c.id = $3 RETURNING ` + commentColumns
)

func comments(ctx context.Context, q querier, sql string, args ...any) ([]Comment, error) {
	found, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("ask for comments: %w", err)
	}
	all, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (Comment, error) {
		var c Comment
		err := r.Scan(&c.ID, &c.Kind, &c.Version, &c.Place.Section, &c.Place.Item, &c.Author, &c.Text, &c.At, &c.ResolvedAt, &c.ResolvedBy)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	return all, nil
}

// Comment keeps a remark; whoever sees the project may make one. fault.Invalid on text,
// section or item; fault.NotFound where there is no such version.
func (d *Documents) Comment(ctx context.Context, actor account.Actor, i project.ID, k Kind, r Remark) (Comment, error) {
	var f form.Form
	r.Text = f.Block("text", r.Text, maxComment)
	if r.Text == "" && !f.Refused("text") {
		f.Refuse("text", "Please write something.")
	}
	if err := f.Err(); err != nil {
		return Comment{}, err
	}
	var made Comment
	err := d.locked(ctx, actor, account.MayComment, i, func(tx pgx.Tx, _ project.Project) error {
		if r.Version == 0 {
			present, err := rowOf(ctx, tx, i, k)
			if err != nil {
				return err
			}
			r.Version = present.Current
		}
		v, err := versionOf(ctx, tx, i, k, r.Version)
		if err != nil {
			return err
		}
		if err := there(v.Content, r.Place); err != nil {
			return err
		}
		all, err := comments(ctx, tx, addComment, id.Mint[CommentID](d.ids), i, k, r.Version, r.Place.Section, r.Place.Item,
			actor.User, r.Text, d.clock.Now())
		if err != nil {
			return err
		}
		made = all[0]
		return d.tellTx(ctx, tx, i, "document.commented", news{k, r.Version})
	})
	return made, err
}

// there refuses a place that content does not have.
func there(c Content, at Place) error {
	if at.Section == "" && at.Item == "" {
		return nil
	}
	if _, ok := c.Kind().heading(at.Section); !ok {
		return fault.OnField("section", "There is no such section.")
	}
	if at.Item == "" {
		return nil
	}
	for _, s := range c.Outline() {
		if s.Key == at.Section && slices.ContainsFunc(s.Lines, func(l Line) bool { return l.Item == at.Item }) {
			return nil
		}
	}
	return fault.OnField("item", "There is no such item in this section.")
}

// Comments returns the comments on all versions of a document behind one of them
// (empty: from the first), the oldest first, at most limit (1–100).
func (d *Documents) Comments(ctx context.Context, actor account.Actor, i project.ID, k Kind, after CommentID, limit int) ([]Comment, error) {
	if _, err := d.projects.Get(ctx, actor, i); err != nil {
		return nil, err
	}
	if limit < 1 || limit > maxPage {
		return nil, fault.OnField("limit", "Choose 1 to 100.")
	}
	return comments(ctx, d.db, listComments, i, k, after, limit)
}

// Resolve marks a comment as settled; a second time changes nothing.
func (d *Documents) Resolve(ctx context.Context, actor account.Actor, i project.ID, k Kind, c CommentID) (Comment, error) {
	var settled Comment
	err := d.locked(ctx, actor, account.MayWrite, i, func(tx pgx.Tx, _ project.Project) error {
		all, err := comments(ctx, tx, resolveComment, i, k, c, d.clock.Now(), actor.User)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return fault.New(fault.NotFound, "", "There is no such comment.")
		}
		settled = all[0]
		return d.tellTx(ctx, tx, i, "document.commented", news{k, settled.Version})
	})
	return settled, err
}
