package interview

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/answer"
	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/product/document"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/meter/paid"

	"github.com/jackc/pgx/v5"
)

// nodePaper writes one of the documents a run was asked for; its input says which.
const nodePaper = "document"

// papers goes on with the first document of a run.
func (*Interviews) papers(context.Context, *work) (flow.Outcome, error) {
	return flow.Go(flow.Next{Name: nodePaper, Input: 0}), nil
}

// paper writes one document and stores it, or says why it could not; the next follows
// either way. It sees the page, the documents before it and what the founder edited.
func (i *Interviews) paper(ctx context.Context, w *work) (flow.Outcome, error) {
	var at int
	if err := w.node.Input(&at); err != nil {
		return flow.Outcome{}, err
	}
	if at >= len(w.order.Kinds) {
		return flow.Done(nil), nil
	}
	next := flow.Go(flow.Next{Name: nodePaper, Input: at + 1})
	kind := w.order.Kinds[at]
	cause := i.writePaper(ctx, w, kind)
	switch refused := fault.Of(cause); {
	case cause == nil || refused != nil && refused.Code == "being_written": // by a run that has overtaken this one
		return next, nil
	case context.Cause(ctx) != nil:
		return flow.Outcome{}, cause
	}
	c := paid.After(w.node, i.cfg.Clock.Now(), cause)
	switch {
	case c.Again:
		return flow.Outcome{}, cause
	case c.Wait != nil:
		return i.waitFor(ctx, w, kind, c, at)
	}
	return next, i.failPapers(ctx, w, "failed/"+string(kind), []document.Kind{kind}, w.reason(c))
}

// failPapers says why documents could not be written.
func (i *Interviews) failPapers(ctx context.Context, w *work, key string, kinds []document.Kind, reason string) error {
	return i.paperStep(ctx, w, key, func(ctx context.Context, tx pgx.Tx) error {
		for _, k := range kinds {
			f := document.Failure{Kind: k, Run: string(w.node.Run), Reason: reason}
			if err := i.cfg.Documents.FailTx(ctx, tx, w.actor, w.project.ID, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// waitFor says what a document waits for, and waits.
func (i *Interviews) waitFor(ctx context.Context, w *work, k document.Kind, c paid.Consequence, at int) (flow.Outcome, error) {
	key := fmt.Sprintf("waits/%s/%s", k, i.cfg.Clock.Now().Format(time.RFC3339Nano))
	err := i.paperStep(ctx, w, key, func(ctx context.Context, tx pgx.Tx) error {
		return i.cfg.Documents.WaitTx(ctx, tx, w.actor, w.project.ID, document.Failure{Kind: k, Run: string(w.node.Run), Reason: c.Says})
	})
	return flow.Await(*c.Wait, flow.Next{Name: nodePaper, Input: at}), err
}

// paperStep changes a document for the run.
func (i *Interviews) paperStep(ctx context.Context, w *work, key string, do func(ctx context.Context, tx pgx.Tx) error) error {
	_, err := flow.Step(ctx, w.node, key, func(context.Context) (bool, error) { return true, nil }, func(c *flow.Commit, _ bool) error {
		c.Tx(do)
		return nil
	})
	if err == nil {
		i.cfg.Projects.Wake(w.project.ID)
	}
	return err
}

// writePaper has a document written and stores it in the transaction that settles what
// it cost.
func (i *Interviews) writePaper(ctx context.Context, w *work, k document.Kind) error {
	err := i.paperStep(ctx, w, "begin/"+string(k), func(ctx context.Context, tx pgx.Tx) error {
		return i.cfg.Documents.BeginTx(ctx, tx, w.actor, w.project.ID, k, string(w.node.Run))
	})
	if err != nil {
		return err
	}
	all, err := i.cfg.Documents.List(ctx, w.actor, w.project.ID)
	if err != nil {
		return err
	}
	r := request{kind: k, said: w.said(), before: earlier(all, k)}
	for _, p := range r.before {
		if p.Name == editedPart {
			r.said = strings.Join([]string{r.said, p.Text}, "\n")
		}
	}
	switch k {
	case document.MilestonesKind:
		return askPaper(ctx, i, w, r, i.forms.milestones)
	case document.RisksKind:
		return askPaper(ctx, i, w, r, i.forms.risks)
	case document.HowItWorksKind:
		return askPaper(ctx, i, w, r, i.forms.howItWorks)
	case document.ArchitectureKind:
		return askPaper(ctx, i, w, r, i.forms.architecture)
	case document.BriefKind, document.ScopeKind, document.HandbookKind:
	}
	return fault.New(fault.Conflict, "version_needed", "I write this of the first version that was checked.")
}

// request is a document to be written.
type request struct {
	kind   document.Kind
	said   string     // all the founder wrote: what numbers may come from
	before []tag.Part // what it has to fit
}

// earlier returns the parts of a prompt that show the documents before a kind, and what
// the founder wrote into the document itself.
func earlier(all []document.Document, k document.Kind) []tag.Part {
	var parts []tag.Part
	for _, doc := range all {
		before := slices.Index(document.Kinds(), doc.Kind) < slices.Index(document.Kinds(), k)
		if doc.Current == nil || !before && doc.Kind != k {
			continue
		}
		for _, s := range doc.Current.Outline() {
			name := draftPart
			if slices.Contains(doc.Current.Edited, s.Key) {
				name = editedPart
			}
			if before || name == editedPart {
				parts = append(parts, tag.Part{Name: name, Source: string(doc.Kind) + "/" + s.Key, Text: s.Plain()})
			}
		}
	}
	return parts
}

// askPaper asks for a document and stores it.
func askPaper[T paperAnswer](ctx context.Context, i *Interviews, w *work, r request, f *answer.Form[T]) error {
	_, err := ask(ctx, i, w, paid.Question[T]{
		Step: "document/" + string(r.kind), Role: meter.Writer, Effort: llm.HighEffort,
		System: i.texts.author, Prompt: i.texts.prompt(w, strings.TrimSpace(i.texts.text("paper."+string(r.kind))), r.before...),
		Form: f, Rule: func(v T) error { return sound(i.cfg.Documents, v.content(), r.said) },
		KeepTx: func(ctx context.Context, tx pgx.Tx, v T) error {
			draft := document.Draft{Content: v.content(), Said: r.said, Run: string(w.node.Run)}
			_, err := i.cfg.Documents.FinishTx(ctx, tx, w.actor, w.project.ID, draft)
			return err
		},
	})
	return err
}
