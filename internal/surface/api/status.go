package api

import (
	"context"
	"net/http"

	"cofounder/internal/product/account"
)

type status struct {
	Version string `json:"version" doc:"The program's version" example:"0.1.0"`
}

type statusOut struct{ Body status }

func (a *api) status() {
	register(a, operation{
		id: "get-status", method: http.MethodGet, path: "/status", tag: tagSystem, access: anyone,
		summary: "Tell the version",
		notes:   "Needs no sign-in. An answer means that the API is up.",
	}, func(context.Context, account.Actor, *nothing) (*statusOut, error) {
		return &statusOut{Body: status{Version: a.cfg.Version}}, nil
	})
}
