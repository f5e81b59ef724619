package api

import (
	"context"
	"mime"
	"net/http"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/interview/attachment"
	"cofounder/internal/product/project"

	"github.com/danielgtaylor/huma/v2"
)

// filesBody is the most bytes of a request with files, which come in base64.
const filesBody = attachment.MaxAll*4/3 + 2<<20

// Attachment is a file that came with an idea. It is exported as Token is.
type Attachment struct {
	ID        attachment.ID    `json:"id"`
	Name      string           `json:"name"`
	Kind      attachment.Kind  `json:"kind" enum:"text,picture,pdf" doc:"By its bytes"`
	MediaType string           `json:"media_type"`
	Size      int              `json:"size" doc:"Bytes"`
	SHA256    string           `json:"sha256"`
	State     attachment.State `json:"state" enum:"kept,read,unreadable" doc:"kept: read with the next work on the idea"`
	Note      string           `json:"note" doc:"Why it is unreadable, in plain words"`
	HeardSize int              `json:"heard_size" doc:"Bytes of text in it; of a picture or PDF what was found in it"`
	UsedSize  int              `json:"used_size" doc:"How many of them the work on the idea sees: the first ones of all files together"`
	Fresh     bool             `json:"fresh" doc:"The page was written without it"`
	Author    account.UserID   `json:"author"`
	CreatedAt time.Time        `json:"created_at"`
}

type fileDraft struct {
	Name    string `json:"name" maxLength:"1000" doc:"What to call it; folders are left out"`
	Content []byte `json:"content" doc:"In base64: text, PNG, JPEG, GIF, WebP or PDF"`
}

type attachIn struct {
	Project string `path:"project"`
	Body    fileDraft
}

type attachmentPath struct {
	Project    string `path:"project"`
	Attachment string `path:"attachment"`
}

type attachmentOut struct{ Body Attachment }

type newAttachmentOut struct {
	Location string `header:"Location"`
	Body     Attachment
}

func (a *api) attachments() {
	const at = "/projects/{project}/attachments"
	register(a, operation{
		id: "create-attachment", method: http.MethodPost, path: at, tag: tagInterview, access: member, status: http.StatusCreated, body: filesBody,
		summary: "Attach a file to the idea",
		notes:   "Five files, 16 MB together: text up to 1 MB, pictures up to 3.7 MB, PDFs up to 8 MB. The same bytes a second time are the file that is there.",
	}, a.createAttachment)
	register(a, operation{
		id: "list-attachments", method: http.MethodGet, path: at, tag: tagInterview, access: member,
		summary: "List the files of an idea",
	}, a.listAttachments)
	register(a, operation{
		id: "get-attachment", method: http.MethodGet, path: at + "/{attachment}", tag: tagInterview, access: member,
		summary: "Get what is known of a file",
	}, a.getAttachment)
	register(a, operation{
		id: "download-attachment", method: http.MethodGet, path: at + "/{attachment}/content", tag: tagInterview, access: member, media: anyBytes,
		summary: "Download a file as it was given",
		notes:   "A text is in UTF-8, whatever it was given in.",
	}, a.downloadAttachment)
	register(a, operation{
		id: "delete-attachment", method: http.MethodDelete, path: at + "/{attachment}", tag: tagInterview, access: member,
		summary: "Take a file away for good",
	}, a.deleteAttachment)
}

// anyBytes is what a file is sent as, whatever it is, so that no browser runs it.
const anyBytes = "application/octet-stream"

func (a *api) createAttachment(ctx context.Context, actor account.Actor, in *attachIn) (*newAttachmentOut, error) {
	p, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	f, err := a.cfg.Interviews.Attach(ctx, actor, p, attachment.File(in.Body))
	if err != nil {
		return nil, err
	}
	return &newAttachmentOut{Location: Prefix + "/projects/" + string(p) + "/attachments/" + string(f.ID), Body: shapeAttachment(f)}, nil
}

func (a *api) listAttachments(ctx context.Context, actor account.Actor, in *projectPath) (*pageOut[Attachment], error) {
	p, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	files, err := a.cfg.Interviews.Files(ctx, actor, p)
	if err != nil {
		return nil, err
	}
	return listed(files, "", shapeAttachment), nil
}

// onAttachment is the file that a path names, with its content.
func (a *api) onAttachment(ctx context.Context, actor account.Actor, in *attachmentPath) (interview.File, []byte, error) {
	p, err := parse[project.ID](in.Project)
	if err != nil {
		return interview.File{}, nil, err
	}
	which, err := parse[attachment.ID](in.Attachment)
	if err != nil {
		return interview.File{}, nil, err
	}
	return a.cfg.Interviews.Download(ctx, actor, p, which)
}

func (a *api) getAttachment(ctx context.Context, actor account.Actor, in *attachmentPath) (*attachmentOut, error) {
	f, _, err := a.onAttachment(ctx, actor, in)
	if err != nil {
		return nil, err
	}
	return &attachmentOut{Body: shapeAttachment(f)}, nil
}

func (a *api) downloadAttachment(ctx context.Context, actor account.Actor, in *attachmentPath) (*huma.StreamResponse, error) {
	f, raw, err := a.onAttachment(ctx, actor, in)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", anyBytes)
		hc.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
		_, _ = hc.BodyWriter().Write(raw) //nolint:errcheck // the client is gone
	}}, nil
}

func (a *api) deleteAttachment(ctx context.Context, actor account.Actor, in *attachmentPath) (*nothing, error) {
	p, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	which, err := parse[attachment.ID](in.Attachment)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.cfg.Interviews.Detach(ctx, actor, p, which)
}

func shapeAttachment(f interview.File) Attachment {
	return Attachment{
		ID: f.ID, Name: f.Name, Kind: f.Kind, MediaType: f.MediaType, Size: f.Size, SHA256: f.SHA256, State: f.State, Note: f.Note,
		HeardSize: f.Long, UsedSize: f.Used, Fresh: f.Fresh, Author: f.Author, CreatedAt: f.At,
	}
}
