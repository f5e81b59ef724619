package api

import (
	"context"
	"net/http"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
)

type versionPath struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Version  string `path:"version"`
}

type versionsQuery struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Cursor   string `query:"cursor" maxLength:"1000" doc:"next of the page before"`
	Limit    int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type restoreIn struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Version  string `path:"version"`
	Body     struct {
		Base int `json:"base" minimum:"1" doc:"The version in force that was looked at"`
	}
}

type differenceQuery struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	From     int    `query:"from" minimum:"0" doc:"A version; 0, or left out: the one before to"`
	To       int    `query:"to" minimum:"0" doc:"A version; 0, or left out: the one in force"`
}

type changePart struct {
	Op   string `json:"op" enum:"same,added,removed"`
	Text string `json:"text"`
}

type sectionChange struct {
	Section string       `json:"section"`
	Title   string       `json:"title"`
	Parts   []changePart `json:"parts"`
}

type difference struct {
	From     int             `json:"from" doc:"0: before the first version"`
	To       int             `json:"to"`
	Sections []sectionChange `json:"sections"`
}

type versionOut struct{ Body versionWhole }

type differenceOut struct{ Body difference }

func (a *api) versions() {
	const document = "/projects/{project}/documents/{document}"
	register(a, operation{
		id: "list-versions", method: http.MethodGet, path: document + "/versions", tag: tagDocuments, access: member,
		summary: "List the versions of a document, the latest first",
	}, a.listVersions)
	register(a, operation{
		id: "get-version", method: http.MethodGet, path: document + "/versions/{version}", tag: tagDocuments, access: member,
		summary: "Get a version",
	}, a.getVersion)
	register(a, operation{
		id: "restore-version", method: http.MethodPost, path: document + "/versions/{version}/restore", tag: tagDocuments, access: member,
		summary: "Bring an earlier version back, as a new one",
		notes:   "409 edited_meanwhile where somebody has changed the document since base.",
	}, a.restoreVersion)
	register(a, operation{
		id: "get-difference", method: http.MethodGet, path: document + "/difference", tag: tagDocuments, access: member,
		summary: "Compare two versions, section by section and word by word",
	}, a.getDifference)
}

func (a *api) listVersions(ctx context.Context, actor account.Actor, in *versionsQuery) (*pageOut[VersionItem], error) {
	id, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	below := 0
	if in.Cursor != "" {
		if below, err = strconv.Atoi(in.Cursor); err != nil || below < 1 {
			return nil, fault.New(fault.Malformed, "bad_cursor", "This page of the list does not exist. Begin at its start.")
		}
	}
	all, err := a.cfg.Documents.Versions(ctx, actor, id, k, below, in.Limit)
	if err != nil {
		return nil, err
	}
	next := ""
	if last := len(all) - 1; len(all) == in.Limit && all[last].Number > 1 {
		next = strconv.Itoa(all[last].Number)
	}
	return listed(all, next, shapeVersionItem), nil
}

// number reads the number of a version from an address; what is none does not exist.
func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1<<30 || strconv.Itoa(n) != s {
		return 0, fault.New(fault.NotFound, "", "There is nothing here, or it is not yours to see.")
	}
	return n, nil
}

func (a *api) getVersion(ctx context.Context, actor account.Actor, in *versionPath) (*versionOut, error) {
	id, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	n, err := number(in.Version)
	if err != nil {
		return nil, err
	}
	return edited(a.cfg.Documents.Version(ctx, actor, id, k, n))
}

func (a *api) restoreVersion(ctx context.Context, actor account.Actor, in *restoreIn) (*versionOut, error) {
	id, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	n, err := number(in.Version)
	if err != nil {
		return nil, err
	}
	return edited(a.cfg.Documents.Restore(ctx, actor, id, k, n, in.Body.Base))
}

func (a *api) getDifference(ctx context.Context, actor account.Actor, in *differenceQuery) (*differenceOut, error) {
	id, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	d := difference{From: in.From, To: in.To}
	if d.To == 0 {
		doc, err := a.cfg.Documents.Get(ctx, actor, id, k)
		if err != nil {
			return nil, err
		}
		if doc.Current == nil {
			return nil, fault.New(fault.NotFound, "", "Nothing is written yet.")
		}
		d.To = doc.Current.Number
	}
	if d.From == 0 {
		d.From = d.To - 1
	}
	changes, err := a.cfg.Documents.Difference(ctx, actor, id, k, d.From, d.To)
	if err != nil {
		return nil, err
	}
	d.Sections = shapeChanges(changes)
	return &differenceOut{Body: d}, nil
}

func shapeChanges(all []document.SectionChange) []sectionChange {
	shaped := []sectionChange{}
	for _, c := range all {
		one := sectionChange{Section: c.Key, Title: c.Title, Parts: []changePart{}}
		for _, p := range c.Parts {
			one.Parts = append(one.Parts, changePart{Op: string(p.Op), Text: p.Text})
		}
		shaped = append(shaped, one)
	}
	return shaped
}

func shapeVersionItem(v document.Version) VersionItem {
	return VersionItem{
		Version: v.Number, Hash: v.Hash, MadeBy: string(v.MadeBy), Author: v.Author, Cause: v.Cause, Note: v.Note,
		Restored: orNull(v.Restored), Edited: v.Edited, CreatedAt: v.At,
	}
}

func shapeVersion(v document.Version) versionWhole {
	all := versionWhole{VersionItem: shapeVersionItem(v), Content: content{v.Content}, Confidence: []confidence{}, Outline: []outlineSection{}}
	for _, s := range v.Outline() {
		one := outlineSection{Section: s.Key, Title: s.Title, Deeper: s.Deeper, Lines: []outlineLine{}}
		for _, l := range s.Lines {
			one.Lines = append(one.Lines, outlineLine{Style: string(l.Style), Label: l.Label, Text: l.Text, Item: l.Item})
		}
		all.Outline = append(all.Outline, one)
		if c, ok := v.Confidence[s.Key]; ok {
			all.Confidence = append(all.Confidence, confidence{Section: s.Key, Level: string(c.Level), Reason: c.Reason})
		}
	}
	return all
}
