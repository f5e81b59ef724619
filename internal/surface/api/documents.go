package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/project"

	"github.com/danielgtaylor/huma/v2"
)

// documentKind is a kind as the API says it.
type documentKind string

// Schema implements huma.SchemaProvider.
func (documentKind) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, k := range document.Kinds() {
		s.Enum = append(s.Enum, string(k))
	}
	return s
}

// content is what a document says, in the shape of its kind.
type content struct{ says document.Content }

// MarshalJSON implements json.Marshaler.
func (c content) MarshalJSON() ([]byte, error) { return json.Marshal(c.says) }

// Schema implements huma.SchemaProvider.
func (content) Schema(r huma.Registry) *huma.Schema {
	s := &huma.Schema{}
	for _, t := range []reflect.Type{
		reflect.TypeFor[document.Brief](), reflect.TypeFor[document.Scope](), reflect.TypeFor[document.Milestones](), reflect.TypeFor[document.Risks](),
		reflect.TypeFor[document.HowItWorks](), reflect.TypeFor[document.Architecture](), reflect.TypeFor[document.Handbook](),
	} {
		s.AnyOf = append(s.AnyOf, r.Schema(t, true, ""))
	}
	return s
}

type confidence struct {
	Section string `json:"section"`
	Level   string `json:"level" enum:"strong,moderate,needs_depth"`
	Reason  string `json:"reason"`
}

// VersionItem is a version in a list, without its content. It is exported as Token is.
type VersionItem struct {
	Version   int            `json:"version"`
	Hash      string         `json:"hash" doc:"Of the content; exports show its beginning"`
	MadeBy    string         `json:"made_by" enum:"us,founder,regeneration,restore"`
	Author    account.UserID `json:"author" doc:"Who edited, or for whom it was written"`
	Cause     string         `json:"cause" doc:"The decision or answer it came from"`
	Note      string         `json:"note"`
	Restored  *int           `json:"restored" doc:"The version a restore brought back"`
	Edited    []string       `json:"edited" doc:"The sections whose words are the founder's"`
	CreatedAt time.Time      `json:"created_at"`
}

type outlineLine struct {
	Style string `json:"style" enum:"paragraph,heading,bullet,tick,note"`
	Label string `json:"label"`
	Text  string `json:"text"`
	Item  string `json:"item" doc:"The id of the feature, criterion or assumption it belongs to"`
}

type outlineSection struct {
	Section string        `json:"section"`
	Title   string        `json:"title"`
	Deeper  bool          `json:"deeper" doc:"Not on the one page"`
	Lines   []outlineLine `json:"lines"`
}

type versionWhole struct {
	VersionItem
	Content    content          `json:"content"`
	Confidence []confidence     `json:"confidence"`
	Outline    []outlineSection `json:"outline" doc:"The content as it is read"`
}

type proposalWhole struct {
	ID        document.ProposalID `json:"id"`
	Cause     string              `json:"cause"`
	CreatedAt time.Time           `json:"created_at"`
	Content   content             `json:"content"`
	Changes   []sectionChange     `json:"changes" doc:"From the version in force to the proposal"`
}

// DocumentItem is a document in a list, without its content. It is exported as Token is.
type DocumentItem struct {
	Kind      documentKind `json:"kind"`
	Title     string       `json:"title"`
	State     string       `json:"state" enum:"not_asked,asked,writing,written,failed"`
	Reason    string       `json:"reason" doc:"Why the writing failed"`
	Trouble   string       `json:"trouble" doc:"What the writing waits for while it goes on by itself"`
	ChangedAt *time.Time   `json:"changed_at"`
	Version   *int         `json:"version" doc:"The one in force; null: nothing is written yet"`
	Confirmed *int         `json:"confirmed" doc:"Of the scope: the version the founder said yes to"`
	Proposed  bool         `json:"proposed" doc:"A proposal waits for an answer"`
}

type documentWhole struct {
	DocumentItem
	Current  *versionWhole  `json:"current,omitempty" doc:"Left out: nothing is written yet"`
	Proposal *proposalWhole `json:"proposal,omitempty" doc:"What would replace words of the founder's; left out: nothing"`
}

type documentPath struct {
	Project  string `path:"project"`
	Document string `path:"document"`
}

type documentOut struct{ Body documentWhole }

type writingIn struct {
	Project string `path:"project"`
	Body    struct {
		Kinds []documentKind `json:"kinds" minItems:"1" maxItems:"7"`
	}
}

type sectionIn struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Section  string `path:"section"`
	Body     struct {
		Value any `json:"value" doc:"What the content has there: a text, or a list"`
		Base  int `json:"base" minimum:"1" doc:"The version that was looked at"`
	}
}

func (a *api) documents() {
	register(a, operation{
		id: "list-documents", method: http.MethodGet, path: "/projects/{project}/documents", tag: tagDocuments, access: member,
		summary: "List the documents of a project, one of each kind, in the order in which they are written",
	}, a.listDocuments)
	register(a, operation{
		id: "write-documents", method: http.MethodPost, path: "/projects/{project}/documents", tag: tagDocuments, access: member, status: http.StatusAccepted, pays: true,
		summary: "Ask for documents to be written, or written again",
		notes:   "Each appears when it is finished, fails alone and is asked for again alone. What is there stays. 409 being_written, brief_needed.",
	}, a.writeDocuments)
	register(a, operation{
		id: "get-document", method: http.MethodGet, path: "/projects/{project}/documents/{document}", tag: tagDocuments, access: member,
		summary: "Get a document: its version in force, and a proposal that waits",
	}, a.getDocument)
	register(a, operation{
		id: "edit-section", method: http.MethodPut, path: "/projects/{project}/documents/{document}/sections/{section}", tag: tagDocuments, access: member,
		summary: "Edit a section",
		notes: "Makes a version. Where the section was changed since base: 409 edited_meanwhile with the fields version, theirs and yours. " +
			"Sent again with that version as base it replaces what is there. Items with an id keep it.",
	}, a.editSection)
}

// onDocument reads a project and a kind from an address.
func onDocument(projectID, kind string) (project.ID, document.Kind, error) {
	id, err := parse[project.ID](projectID)
	if err != nil {
		return "", "", err
	}
	k, ok := document.ParseKind(kind)
	if !ok {
		return "", "", fault.New(fault.NotFound, "", "There is nothing here, or it is not yours to see.")
	}
	return id, k, nil
}

func (a *api) listDocuments(ctx context.Context, actor account.Actor, in *projectPath) (*pageOut[DocumentItem], error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	all, err := a.cfg.Documents.List(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	return listed(all, "", shapeDocumentItem), nil
}

func (a *api) writeDocuments(ctx context.Context, actor account.Actor, in *writingIn) (*pageOut[DocumentItem], error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	var kinds []document.Kind
	for _, k := range in.Body.Kinds {
		kinds = append(kinds, document.Kind(k))
	}
	if err := a.cfg.Documents.Ask(ctx, actor, id, kinds); err != nil {
		return nil, err
	}
	return a.listDocuments(ctx, actor, &projectPath{Project: in.Project})
}

func (a *api) getDocument(ctx context.Context, actor account.Actor, in *documentPath) (*documentOut, error) {
	id, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	d, err := a.cfg.Documents.Get(ctx, actor, id, k)
	if err != nil {
		return nil, err
	}
	return &documentOut{Body: shapeDocument(d)}, nil
}

func (a *api) editSection(ctx context.Context, actor account.Actor, in *sectionIn) (*versionOut, error) {
	id, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	if !k.Has(in.Section) {
		return nil, fault.New(fault.NotFound, "", "There is nothing here, or it is not yours to see.")
	}
	value, err := json.Marshal(in.Body.Value)
	if err != nil {
		return nil, fault.OnField("value", "This cannot be read.").Because(err)
	}
	return edited(a.cfg.Documents.Edit(ctx, actor, id, k, document.Edit{
		Place: document.Place{Section: in.Section}, Value: value, Base: in.Body.Base,
	}))
}

func edited(v document.Version, err error) (*versionOut, error) {
	if err != nil {
		return nil, err
	}
	return &versionOut{Body: shapeVersion(v)}, nil
}

func shapeDocumentItem(d document.Document) DocumentItem {
	item := DocumentItem{
		Kind: documentKind(d.Kind), Title: d.Kind.Title(), State: string(d.State), Reason: d.Reason, Trouble: d.Trouble, ChangedAt: d.ChangedAt,
		Confirmed: orNull(d.Confirmed), Proposed: d.Proposal != nil,
	}
	if d.Current != nil {
		item.Version = &d.Current.Number
	}
	return item
}

func shapeDocument(d document.Document) documentWhole {
	all := documentWhole{DocumentItem: shapeDocumentItem(d)}
	if d.Current != nil {
		current := shapeVersion(*d.Current)
		all.Current = &current
	}
	if p := d.Proposal; p != nil && d.Current != nil {
		all.Proposal = &proposalWhole{
			ID: p.ID, Cause: p.Cause, CreatedAt: p.At, Content: content{p.Content},
			Changes: shapeChanges(document.Compare(d.Current.Content, p.Content)),
		}
	}
	return all
}
