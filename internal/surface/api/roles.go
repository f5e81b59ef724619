package api

import (
	"context"
	"net/http"

	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
)

// played is which model plays a role.
type played struct {
	Role     meter.Role `json:"role"`
	Class    llm.Class  `json:"class" doc:"best, standard or small"`
	Model    string     `json:"model" doc:"The one that is asked"`
	Usual    string     `json:"usual_model" doc:"The one of its class"`
	Own      string     `json:"own_model" doc:"The workspace's choice; empty: none"`
	Operator string     `json:"operator_model" doc:"The choice of whoever runs this installation, where its key pays; empty: none"`
}

type roleList struct {
	Items []played `json:"items"`
	Next  *string  `json:"next"`
}

type rolesOut struct{ Body roleList }

type roleChoice struct {
	Role  meter.Role `json:"role" enum:"interviewer,writer,architect,coder,debugger,reviewer,relevance,confidence,names,commit_subjects"`
	Model string     `json:"model" maxLength:"200" doc:"Empty: the usual one"`
}

type rolesIn struct {
	Body struct {
		Items []roleChoice `json:"items" maxItems:"20" doc:"Roles that are not named get the usual model"`
	}
}

type operatorRolesIn struct {
	Body struct {
		Items  []roleChoice `json:"items" maxItems:"20" doc:"Roles that are not named get the usual model"`
		Reason string       `json:"reason" minLength:"3" maxLength:"500" doc:"Why; it is kept in the audit"`
	}
}

func chosen(items []roleChoice) map[meter.Role]string {
	chosen := map[meter.Role]string{}
	for _, c := range items {
		chosen[c.Role] = c.Model
	}
	return chosen
}

func (a *api) roles() {
	register(a, operation{
		id: "list-roles", method: http.MethodGet, path: "/ai/roles", tag: tagMoney, access: member,
		summary: "Tell which model plays which role",
		notes:   "Empty while no AI is connected.",
	}, a.listRoles)
	register(a, operation{
		id: "set-roles", method: http.MethodPut, path: "/ai/roles", tag: tagMoney, access: member,
		summary: "Choose other models for single roles",
		notes:   "Owners only, as for the connection. A model whose price is not known is refused.",
	}, a.setRoles)
	register(a, operation{
		id: "list-operator-roles", method: http.MethodGet, path: "/operator/roles", tag: tagMoney, access: person, own: true,
		summary: "Tell which models the key of this installation asks",
		notes:   "Only for whoever runs this installation.",
	}, a.listOperatorRoles)
	register(a, operation{
		id: "set-operator-roles", method: http.MethodPut, path: "/operator/roles", tag: tagMoney, access: person, own: true,
		summary: "Choose other models for single roles wherever the key of this installation pays",
		notes:   "Only for whoever runs this installation. It is written down with its reason.",
	}, a.setOperatorRoles)
}

func (a *api) listRoles(ctx context.Context, actor account.Actor, _ *nothing) (*rolesOut, error) {
	list, err := a.cfg.Connections.Roles(ctx, actor)
	if meter.NotConnected(err) {
		return rolesAnswer(nil, nil)
	}
	return rolesAnswer(list, err)
}

func (a *api) setRoles(ctx context.Context, actor account.Actor, in *rolesIn) (*rolesOut, error) {
	if err := a.cfg.Connections.SetRoles(ctx, a.cfg.Model, actor, chosen(in.Body.Items)); err != nil {
		return nil, err
	}
	return a.listRoles(ctx, actor, nil)
}

func (a *api) listOperatorRoles(ctx context.Context, actor account.Actor, _ *nothing) (*rolesOut, error) {
	return rolesAnswer(a.cfg.Connections.OperatorRoles(ctx, actor))
}

func (a *api) setOperatorRoles(ctx context.Context, actor account.Actor, in *operatorRolesIn) (*rolesOut, error) {
	if err := a.cfg.Admin.ChooseModels(ctx, actor, chosen(in.Body.Items), in.Body.Reason); err != nil {
		return nil, err
	}
	return a.listOperatorRoles(ctx, actor, nil)
}

func rolesAnswer(list []meter.Played, err error) (*rolesOut, error) {
	if err != nil {
		return nil, err
	}
	out := roleList{Items: []played{}}
	for _, p := range list {
		out.Items = append(out.Items, played(p))
	}
	return &rolesOut{Body: out}, nil
}
