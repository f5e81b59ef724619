package project

import (
	"context"

	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// RunKind says what a run in the background does for a project. Packages of lower rank
// start runs by these names without knowing who does the work; app joins the two. A
// kind nobody has registered for stays queued.
type RunKind string

// The kinds. The texts are stored.
const (
	// RunWriteBrief writes brief and scope from the answers, or again after narrow
	// and pivot.
	RunWriteBrief RunKind = "write_brief"
	// RunWriteDocuments writes the documents that are asked for, one after the other.
	RunWriteDocuments RunKind = "write_documents"
	// RunChange turns a founder's words into a change with its price.
	RunChange RunKind = "change"
	// RunReadiness looks whether the current version can go online.
	RunReadiness RunKind = "readiness"
)

// Run is work to be done in the background.
type Run struct {
	Kind      RunKind
	Project   ID
	Workspace account.WorkspaceID
	Starter   account.UserID // read again when the work begins: account.ForRun
	Key       string         // the same key starts one run, however often
	Input     any            // encodes to JSON
}

// StartRun starts r with the commit of tx.
type StartRun func(ctx context.Context, tx pgx.Tx, r Run) error
