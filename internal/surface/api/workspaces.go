package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
)

type workspace struct {
	ID        account.WorkspaceID `json:"id"`
	Name      string              `json:"name"`
	Role      account.Role        `json:"role" enum:"owner,member,viewer" doc:"Yours"`
	CreatedAt time.Time           `json:"created_at"`
}

type workspaceName struct {
	Name string `json:"name" minLength:"1" maxLength:"80"`
}

type workspaceIn struct{ Body workspaceName }

type workspaceOut struct{ Body workspace }

func (a *api) workspaces() {
	register(a, operation{
		id: "list-workspaces", method: http.MethodGet, path: "/workspaces", tag: tagTeam, access: person,
		summary: "List the workspaces you belong to",
	}, a.listWorkspaces)
	register(a, operation{
		id: "create-workspace", method: http.MethodPost, path: "/workspaces", tag: tagTeam, access: person, own: true, status: http.StatusCreated,
		summary: "Make a workspace of your own",
	}, a.createWorkspace)
	register(a, operation{
		id: "get-workspace", method: http.MethodGet, path: "/workspaces/current", tag: tagTeam, access: member,
		summary: "Get the workspace this request acts in",
	}, a.getWorkspace)
	register(a, operation{
		id: "rename-workspace", method: http.MethodPatch, path: "/workspaces/current", tag: tagTeam, access: member,
		summary: "Rename the workspace",
		notes:   "Owners only.",
	}, a.renameWorkspace)
}

func (a *api) listWorkspaces(ctx context.Context, actor account.Actor, _ *nothing) (*pageOut[workspace], error) {
	all, err := a.cfg.Accounts.Workspaces(ctx, actor)
	if err != nil {
		return nil, err
	}
	return listed(all, "", func(w account.Workspace) workspace { return workspace(w) }), nil
}

func (a *api) createWorkspace(ctx context.Context, actor account.Actor, in *workspaceIn) (*workspaceOut, error) {
	return workspaceAnswer(a.cfg.Accounts.CreateWorkspace(ctx, actor, in.Body.Name))
}

func (a *api) getWorkspace(ctx context.Context, actor account.Actor, _ *nothing) (*workspaceOut, error) {
	return workspaceAnswer(a.cfg.Accounts.Workspace(ctx, actor))
}

func (a *api) renameWorkspace(ctx context.Context, actor account.Actor, in *workspaceIn) (*workspaceOut, error) {
	return workspaceAnswer(a.cfg.Accounts.RenameWorkspace(ctx, actor, in.Body.Name))
}

func workspaceAnswer(w account.Workspace, err error) (*workspaceOut, error) {
	if err != nil {
		return nil, err
	}
	return &workspaceOut{Body: workspace(w)}, nil
}
