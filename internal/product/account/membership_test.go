package account_test

import (
	"fmt"
	"maps"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"pgregory.net/rapid"
)

// team is what a workspace should be after the operations so far.
type team map[account.UserID]account.Role

func (m team) owners() (n int) {
	for _, r := range m {
		if r == account.Owner {
			n++
		}
	}
	return n
}

// Whatever people do to each other in any order, a team has an owner, and everyone
// is told exactly why something is refused.
func TestMembershipProperty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people := make([]someone, 4)
	for i := range people {
		people[i] = w.person(t, fmt.Sprint("user", i))
	}
	roles := []account.Role{account.Owner, account.Member, account.Viewer}
	weight := map[account.Role]int{account.Viewer: 1, account.Member: 2, account.Owner: 3}
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		founder := rapid.IntRange(0, 3).Draw(rt, "founder")
		made, err := w.CreateWorkspace(ctx, people[founder].actor, "team")
		if err != nil {
			rt.Fatal(err)
		}
		// Fifty teams are the limit, and many runs follow.
		defer func() {
			if _, err := w.db.Exec(ctx, `DELETE FROM workspace WHERE id = $1`, made.ID); err != nil {
				rt.Fatal(err)
			}
		}()
		model := team{people[founder].actor.User: account.Owner}
		as := func(p someone) (account.Actor, bool) {
			actor, err := w.ActorIn(ctx, p.session, made.ID)
			role, in := model[p.actor.User]
			if in != (err == nil) || actor.Role != role {
				rt.Fatalf("ActorIn = %q, %v; the model says %q", actor.Role, err, role)
			}
			return actor, in
		}
		pick := func(what string) someone { return rapid.SampledFrom(people).Draw(rt, what) }
		check := func(what string, err error, want string) {
			if got := faulttest.Says(err); got != want {
				rt.Fatalf("%s = %q, want %q, in %v", what, got, want, model)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"set role": func(rt *rapid.T) {
				by, ok := as(pick("by"))
				if !ok {
					rt.Skip("not in the team")
				}
				u, r := pick("whom").actor.User, rapid.SampledFrom(roles).Draw(rt, "role")
				before, in := model[u]
				want := ""
				switch {
				case by.Role != account.Owner:
					want = "forbidden owner_only"
				case !in:
					want = "not_found"
				case before == account.Owner && r != account.Owner && model.owners() == 1:
					want = "conflict last_owner"
				default:
					model[u] = r
				}
				check("SetRole", w.SetRole(ctx, by, u, r), want)
			},
			"remove": func(rt *rapid.T) {
				by, ok := as(pick("by"))
				if !ok {
					rt.Skip("not in the team")
				}
				u := pick("whom").actor.User
				before, in := model[u]
				want := ""
				switch {
				case by.Role != account.Owner && by.User != u:
					want = "forbidden owner_only"
				case !in:
					want = "not_found"
				case before == account.Owner && model.owners() == 1:
					want = "conflict last_owner"
				default:
					delete(model, u)
				}
				check("RemoveMember", w.RemoveMember(ctx, by, u), want)
			},
			"invite and join": func(rt *rapid.T) {
				by, ok := as(pick("by"))
				if !ok {
					rt.Skip("not in the team")
				}
				guest, r := pick("guest"), rapid.SampledFrom(roles).Draw(rt, "role")
				code, _, err := w.Invite(ctx, by, account.InvitationDraft{Role: r})
				if by.Role != account.Owner {
					check("Invite", err, "forbidden owner_only")
					return
				}
				check("Invite", err, "")
				if _, err := w.AcceptInvitation(ctx, guest.session, code); err != nil {
					rt.Fatal(err)
				}
				if weight[r] > weight[model[guest.actor.User]] {
					model[guest.actor.User] = r
				}
			},
			"": func(rt *rapid.T) {
				stored := team{}
				rows, err := w.db.Query(ctx, `SELECT user_id, role FROM member WHERE workspace_id = $1`, made.ID)
				if err != nil {
					rt.Fatal(err)
				}
				defer rows.Close()
				for rows.Next() {
					var u account.UserID
					var r account.Role
					if err := rows.Scan(&u, &r); err != nil {
						rt.Fatal(err)
					}
					stored[u] = r
				}
				if !maps.Equal(stored, model) || stored.owners() == 0 {
					rt.Fatalf("the team is %v, want %v with an owner", stored, model)
				}
			},
		})
	})
}
