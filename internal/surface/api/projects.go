package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// ProjectItem is a project in a list, without its idea, which can be long. It is
// exported as Token is.
type ProjectItem struct {
	ID        project.ID     `json:"id"`
	Name      string         `json:"name"`
	Status    project.Status `json:"status" enum:"active,parked,deleted"`
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
	DeletedAt *time.Time     `json:"deleted_at" doc:"Set while deleted; thirty days later it is gone"`
}

type projectWhole struct {
	ProjectItem
	Idea     string `json:"idea" doc:"The founder's own words"`
	Language string `json:"language" doc:"What is written is in it, a BCP 47 tag; empty until the idea was read"`
	ParkNote string `json:"park_note" doc:"Why it is on hold, if somebody said so"`
}

type projectDraft struct {
	Name string `json:"name,omitempty" maxLength:"80" doc:"Taken from the idea when left out"`
	Idea string `json:"idea" minLength:"1" maxLength:"100000"`
}

type projectIn struct{ Body projectDraft }

type projectQuery struct {
	Status string `query:"status" enum:"active,parked,deleted" doc:"Active and parked ones when left out"`
	Cursor string `query:"cursor" maxLength:"1000" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type projectPath struct {
	Project string `path:"project"`
}

type projectName struct {
	Name string `json:"name" minLength:"1" maxLength:"80"`
}

type projectNameIn struct {
	Project string `path:"project"`
	Body    projectName
}

type languageIn struct {
	Project string `path:"project"`
	Body    struct {
		Language string `json:"language" minLength:"2" maxLength:"35" doc:"A BCP 47 tag, such as de, fr or pt-BR"`
	}
}

type parkNote struct {
	Note string `json:"note,omitempty" maxLength:"2000" doc:"Why, for later"`
}

type parkIn struct {
	Project string `path:"project"`
	Body    *parkNote
}

type projectOut struct{ Body projectWhole }

type newProjectOut struct {
	Location string `header:"Location"`
	Body     projectWhole
}

func (a *api) projects() {
	register(a, operation{
		id: "create-project", method: http.MethodPost, path: "/projects", tag: tagProjects, access: member, status: http.StatusCreated,
		summary: "Start a project with an idea",
	}, a.createProject)
	register(a, operation{
		id: "list-projects", method: http.MethodGet, path: "/projects", tag: tagProjects, access: member,
		summary: "List projects, newest first",
	}, a.listProjects)
	register(a, operation{
		id: "get-project", method: http.MethodGet, path: "/projects/{project}", tag: tagProjects, access: member,
		summary: "Get a project",
	}, a.onProject(a.cfg.Projects.Get))
	register(a, operation{
		id: "rename-project", method: http.MethodPatch, path: "/projects/{project}", tag: tagProjects, access: member,
		summary: "Rename a project",
	}, a.renameProject)
	register(a, operation{
		id: "set-project-language", method: http.MethodPut, path: "/projects/{project}/language", tag: tagProjects, access: member,
		summary: "Choose the language of what is written from now on",
		notes:   "Without it that is the language of the idea.",
	}, a.setProjectLanguage)
	register(a, operation{
		id: "park-project", method: http.MethodPost, path: "/projects/{project}/park", tag: tagProjects, access: member,
		summary: "Put a project on hold",
	}, a.parkProject)
	register(a, operation{
		id: "unpark-project", method: http.MethodPost, path: "/projects/{project}/unpark", tag: tagProjects, access: member,
		summary: "Take a project off hold",
	}, a.onProject(a.cfg.Projects.Unpark))
	register(a, operation{
		id: "delete-project", method: http.MethodDelete, path: "/projects/{project}", tag: tagProjects, access: member, status: http.StatusOK,
		summary: "Delete a project",
		notes:   "Owners only. It can be restored for thirty days.",
	}, a.onProject(a.cfg.Projects.Delete))
	register(a, operation{
		id: "restore-project", method: http.MethodPost, path: "/projects/{project}/restore", tag: tagProjects, access: member,
		summary: "Take a deletion back",
		notes:   "Owners only.",
	}, a.onProject(a.cfg.Projects.Restore))
}

func (a *api) createProject(ctx context.Context, actor account.Actor, in *projectIn) (*newProjectOut, error) {
	p, err := a.cfg.Projects.Create(ctx, actor, project.Draft(in.Body))
	if err != nil {
		return nil, err
	}
	return &newProjectOut{Location: Prefix + "/projects/" + string(p.ID), Body: shapeProject(p)}, nil
}

func (a *api) listProjects(ctx context.Context, actor account.Actor, in *projectQuery) (*pageOut[ProjectItem], error) {
	found, err := a.cfg.Projects.List(ctx, actor, project.Query{
		Status: project.Status(in.Status), After: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return listed(found.Projects, found.Next, shapeProjectItem), nil
}

func (a *api) renameProject(ctx context.Context, actor account.Actor, in *projectNameIn) (*projectOut, error) {
	return a.onProject(func(ctx context.Context, actor account.Actor, id project.ID) (project.Project, error) {
		return a.cfg.Projects.Rename(ctx, actor, id, in.Body.Name)
	})(ctx, actor, &projectPath{Project: in.Project})
}

func (a *api) setProjectLanguage(ctx context.Context, actor account.Actor, in *languageIn) (*projectOut, error) {
	return a.onProject(func(ctx context.Context, actor account.Actor, id project.ID) (project.Project, error) {
		return a.cfg.Projects.SetLanguage(ctx, actor, id, in.Body.Language)
	})(ctx, actor, &projectPath{Project: in.Project})
}

func (a *api) parkProject(ctx context.Context, actor account.Actor, in *parkIn) (*projectOut, error) {
	note := ""
	if in.Body != nil {
		note = in.Body.Note
	}
	return a.onProject(func(ctx context.Context, actor account.Actor, id project.ID) (project.Project, error) {
		return a.cfg.Projects.Park(ctx, actor, id, note)
	})(ctx, actor, &projectPath{Project: in.Project})
}

// onProject makes an operation of a product call that needs nothing but the project.
func (a *api) onProject(
	call func(context.Context, account.Actor, project.ID) (project.Project, error),
) func(context.Context, account.Actor, *projectPath) (*projectOut, error) {
	return func(ctx context.Context, actor account.Actor, in *projectPath) (*projectOut, error) {
		id, err := parse[project.ID](in.Project)
		if err != nil {
			return nil, err
		}
		p, err := call(ctx, actor, id)
		if err != nil {
			return nil, err
		}
		return &projectOut{Body: shapeProject(p)}, nil
	}
}

func shapeProject(p project.Project) projectWhole {
	return projectWhole{ProjectItem: shapeProjectItem(p), Idea: p.Idea, Language: p.Language, ParkNote: p.ParkNote}
}

func shapeProjectItem(p project.Project) ProjectItem {
	return ProjectItem{
		ID: p.ID, Name: p.Name, Status: p.Status,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, DeletedAt: p.DeletedAt,
	}
}
