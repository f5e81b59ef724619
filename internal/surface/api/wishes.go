package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
)

type wish struct {
	ID      option.WishID  `json:"id"`
	Text    string         `json:"text"`
	Ticked  bool           `json:"ticked"`
	Pricing string         `json:"pricing" enum:"not_asked,working,priced,failed"`
	Quote   *quote         `json:"quote,omitempty" doc:"Left out until it is priced"`
	Says    string         `json:"says" doc:"What it is, in one sentence; empty until it is priced"`
	Note    string         `json:"note" doc:"Why there is no price"`
	Author  account.UserID `json:"author"`
	MadeAt  time.Time      `json:"made_at"`
}

type wishIn struct {
	Project string `path:"project"`
	Body    struct {
		Text string `json:"text" minLength:"1" maxLength:"20000"`
	}
}

type wishChangeIn struct {
	Project string `path:"project"`
	Wish    string `path:"wish"`
	Body    struct {
		Text   *string `json:"text,omitempty" minLength:"1" maxLength:"20000"`
		Ticked *bool   `json:"ticked,omitempty"`
	}
}

type wishPath struct {
	Project string `path:"project"`
	Wish    string `path:"wish"`
}

type wishOut struct{ Body wish }

type newWishOut struct {
	Location string `header:"Location"`
	Body     wish
}

type alignment struct {
	Score      int      `json:"score" minimum:"0" maximum:"100" doc:"The share of wishes that belong to a core feature"`
	ScopeCreep bool     `json:"scope_creep" doc:"The score is below 60"`
	Says       string   `json:"says"`
	Belongs    []string `json:"belongs" doc:"Of each wish that was compared, the core feature it belongs to; empty: none"`
}

type alignmentOut struct{ Body alignment }

func (a *api) wishes() {
	const at = "/projects/{project}/wishes"
	register(a, operation{
		id: "list-wishes", method: http.MethodGet, path: at, tag: tagOptions, access: member,
		summary: "List wishes, the oldest first",
	}, a.listWishes)
	register(a, operation{
		id: "create-wish", method: http.MethodPost, path: at, tag: tagOptions, access: member, status: http.StatusCreated,
		summary: "Keep a wish",
		notes:   "Its price follows by itself where an AI is connected.",
	}, a.createWish)
	register(a, operation{
		id: "update-wish", method: http.MethodPatch, path: at + "/{wish}", tag: tagOptions, access: member,
		summary: "Tick a wish, or say it in other words",
		notes:   "Other words are priced anew.",
	}, a.updateWish)
	register(a, operation{
		id: "price-wish", method: http.MethodPost, path: at + "/{wish}/price", tag: tagOptions, access: member,
		summary: "Find out what a wish takes: after a failure, or since an AI is connected",
	}, a.priceWish)
	register(a, operation{
		id: "remove-wish", method: http.MethodDelete, path: at + "/{wish}", tag: tagOptions, access: member,
		summary: "Take a wish off the list",
	}, a.removeWish)
	register(a, operation{
		id: "get-alignment", method: http.MethodGet, path: "/projects/{project}/alignment", tag: tagOptions, access: member,
		summary: "Compare the wishes, the ticked ones where there are any, with what the first version is about",
	}, a.getAlignment)
}

func (a *api) listWishes(ctx context.Context, actor account.Actor, in *projectPath) (*pageOut[wish], error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	found, err := a.cfg.Options.Wishes(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	return listed(found, "", shapeWish), nil
}

func (a *api) createWish(ctx context.Context, actor account.Actor, in *wishIn) (*newWishOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	made, err := a.cfg.Options.WishFor(ctx, actor, id, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return &newWishOut{Location: Prefix + "/projects/" + string(id) + "/wishes/" + string(made.ID), Body: shapeWish(made)}, nil
}

func (a *api) updateWish(ctx context.Context, actor account.Actor, in *wishChangeIn) (*wishOut, error) {
	p, w, err := wishPath{in.Project, in.Wish}.parse()
	if err != nil {
		return nil, err
	}
	return wished(a.cfg.Options.ChangeWish(ctx, actor, p, w, option.WishChange(in.Body)))
}

func (a *api) priceWish(ctx context.Context, actor account.Actor, in *wishPath) (*wishOut, error) {
	p, w, err := in.parse()
	if err != nil {
		return nil, err
	}
	return wished(a.cfg.Options.PriceWish(ctx, actor, p, w))
}

func (a *api) removeWish(ctx context.Context, actor account.Actor, in *wishPath) (*nothing, error) {
	p, w, err := in.parse()
	if err != nil {
		return nil, err
	}
	return nil, a.cfg.Options.RemoveWish(ctx, actor, p, w)
}

func (a *api) getAlignment(ctx context.Context, actor account.Actor, in *projectPath) (*alignmentOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	got, err := a.cfg.Options.Alignment(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	return &alignmentOut{Body: alignment{Score: got.Score, ScopeCreep: got.Creep, Says: got.Says, Belongs: got.Belongs}}, nil
}

func (p wishPath) parse() (project.ID, option.WishID, error) {
	id, err := parse[project.ID](p.Project)
	if err != nil {
		return "", "", err
	}
	w, err := parse[option.WishID](p.Wish)
	return id, w, err
}

func wished(w option.Wish, err error) (*wishOut, error) {
	if err != nil {
		return nil, err
	}
	return &wishOut{Body: shapeWish(w)}, nil
}

func shapeWish(w option.Wish) wish {
	out := wish{
		ID: w.ID, Text: w.Text, Ticked: w.Ticked, Pricing: string(w.Pricing), Says: w.Says, Note: w.Note, Author: w.Author, MadeAt: w.At,
	}
	if w.Quote != nil {
		q := shapeQuote(*w.Quote)
		out.Quote = &q
	}
	return out
}
