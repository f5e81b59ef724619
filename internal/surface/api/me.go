package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/interview/attachment"
)

type me struct {
	ID          account.UserID      `json:"id"`
	Name        string              `json:"name"`
	Email       string              `json:"email" doc:"Empty until one is given"`
	HasPassword bool                `json:"has_password"`
	Operator    bool                `json:"operator" doc:"Administers this installation"`
	CreatedAt   time.Time           `json:"created_at"`
	Workspace   account.WorkspaceID `json:"workspace" doc:"The workspace this request acted in"`
	Role        account.Role        `json:"role" enum:"owner,member,viewer" doc:"In that workspace"`
	Scope       account.Scope       `json:"scope" enum:"read,write" doc:"What this access key or session may do, never more than the role"`
}

type meOut struct{ Body me }

type profileEdit struct {
	Name            *string `json:"name,omitempty" maxLength:"80"`
	Email           *string `json:"email,omitempty" maxLength:"254" doc:"Changing an address that is set needs current_password"`
	CurrentPassword string  `json:"current_password,omitempty" maxLength:"1024" writeOnly:"true"`
}

type profileIn struct{ Body profileEdit }

type passwordEdit struct {
	CurrentPassword string `json:"current_password,omitempty" maxLength:"1024" writeOnly:"true" doc:"Needed when a password is set"`
	Password        string `json:"password" maxLength:"1024" writeOnly:"true"`
}

type passwordIn struct{ Body passwordEdit }

type exportOut struct {
	Disposition string `header:"Content-Disposition"`
	Body        meExport
}

// meExport is what all packages keep about a person.
type meExport struct {
	account.Export
	Files []attachment.Given `json:"files" doc:"That you gave with ideas; they are downloaded from their projects"`
}

func (a *api) me() {
	register(a, operation{
		id: "get-me", method: http.MethodGet, path: "/me", tag: tagMe, access: member,
		summary: "Tell who is asking",
	}, a.getMe)
	register(a, operation{
		id: "update-me", method: http.MethodPatch, path: "/me", tag: tagMe, access: person, own: true,
		summary: "Change your name or e-mail address",
		notes:   "Fields left out stay as they are.",
	}, a.updateMe)
	register(a, operation{
		id: "set-password", method: http.MethodPut, path: "/me/password", tag: tagMe, access: person, own: true,
		summary: "Set your password",
		notes:   "Your other sessions end.",
	}, a.setPassword)
	register(a, operation{
		id: "export-me", method: http.MethodGet, path: "/me/export", tag: tagMe, access: person,
		summary: "Export everything kept about you",
		notes:   "No secrets and no hashes.",
	}, a.exportMe)
}

func (a *api) getMe(ctx context.Context, actor account.Actor, _ *nothing) (*meOut, error) {
	u, err := a.cfg.Accounts.Profile(ctx, actor)
	if err != nil {
		return nil, err
	}
	return shapeMe(actor, u), nil
}

func (a *api) updateMe(ctx context.Context, actor account.Actor, in *profileIn) (*meOut, error) {
	u, err := a.cfg.Accounts.Profile(ctx, actor)
	if err != nil {
		return nil, err
	}
	edit := account.ProfileEdit{Name: u.Name, Email: u.Email, CurrentPassword: in.Body.CurrentPassword}
	if in.Body.Name != nil {
		edit.Name = *in.Body.Name
	}
	if in.Body.Email != nil {
		edit.Email = *in.Body.Email
	}
	if u, err = a.cfg.Accounts.SetProfile(ctx, actor, edit); err != nil {
		return nil, err
	}
	return shapeMe(actor, u), nil
}

func (a *api) setPassword(ctx context.Context, actor account.Actor, in *passwordIn) (*nothing, error) {
	err := a.cfg.Accounts.SetPassword(ctx, actor, in.Body.CurrentPassword, in.Body.Password)
	return &nothing{}, err
}

func (a *api) exportMe(ctx context.Context, actor account.Actor, _ *nothing) (*exportOut, error) {
	export, err := a.cfg.Accounts.ExportData(ctx, actor)
	if err != nil {
		return nil, err
	}
	files, err := a.cfg.Interviews.FilesGivenBy(ctx, actor)
	if err != nil {
		return nil, err
	}
	return &exportOut{Disposition: `attachment; filename="cofounder-account.json"`, Body: meExport{export, files}}, nil
}

func shapeMe(actor account.Actor, u account.User) *meOut {
	return &meOut{Body: me{
		ID: u.ID, Name: u.Name, Email: u.Email, HasPassword: u.HasPassword, Operator: u.Operator,
		CreatedAt: u.CreatedAt, Workspace: actor.Workspace, Role: actor.Role, Scope: actor.Scope,
	}}
}
