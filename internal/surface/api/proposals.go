package api

import (
	"context"
	"net/http"

	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
)

type proposalPath struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Proposal string `path:"proposal"`
}

type acceptIn struct {
	Project  string `path:"project"`
	Document string `path:"document"`
	Proposal string `path:"proposal"`
	Body     struct {
		Sections []string `json:"sections,omitempty" maxItems:"20" doc:"Left out: all that differ"`
		Base     int      `json:"base" minimum:"1" doc:"The version in force that it was compared with"`
	}
}

func (a *api) proposals() {
	const document = "/projects/{project}/documents/{document}"
	register(a, operation{
		id: "accept-proposal", method: http.MethodPost, path: document + "/proposals/{proposal}/accept", tag: tagDocuments, access: member,
		summary: "Take a proposal, all of it or some sections",
		notes:   "409 edited_meanwhile where somebody has changed the document since base.",
	}, a.acceptProposal)
	register(a, operation{
		id: "decline-proposal", method: http.MethodPost, path: document + "/proposals/{proposal}/decline", tag: tagDocuments, access: member,
		summary: "Leave everything as it is",
	}, a.declineProposal)
}

func (a *api) acceptProposal(ctx context.Context, actor account.Actor, in *acceptIn) (*versionOut, error) {
	p, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	which, err := parse[document.ProposalID](in.Proposal)
	if err != nil {
		return nil, err
	}
	return edited(a.cfg.Documents.Accept(ctx, actor, p, k, document.Take{Proposal: which, Sections: in.Body.Sections, Base: in.Body.Base}))
}

func (a *api) declineProposal(ctx context.Context, actor account.Actor, in *proposalPath) (*nothing, error) {
	p, k, err := onDocument(in.Project, in.Document)
	if err != nil {
		return nil, err
	}
	which, err := parse[document.ProposalID](in.Proposal)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.cfg.Documents.Decline(ctx, actor, p, k, which)
}
