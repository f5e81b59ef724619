package account_test

import (
	"fmt"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

// An invitation is worth what its maker is: once they are no owner it is gone, and
// does not come back with them.
func TestInvitationGoesWithItsMaker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	owner := account.InvitationDraft{Role: account.Owner}
	role := func(t *testing.T, u account.UserID, r account.Role) {
		t.Helper()
		if err := w.SetRole(t.Context(), ann.actor, u, r); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		leave func(t *testing.T, maker someone)
		back  func(t *testing.T, maker someone)
		want  string // of the invitation when its maker is back
	}{
		{
			"demoted and promoted again",
			func(t *testing.T, maker someone) { t.Helper(); role(t, maker.actor.User, account.Member) },
			func(t *testing.T, maker someone) { t.Helper(); role(t, maker.actor.User, account.Owner) },
			"gone link_revoked",
		},
		{
			"removed and back",
			func(t *testing.T, maker someone) {
				t.Helper()
				if err := w.RemoveMember(t.Context(), ann.actor, maker.actor.User); err != nil {
					t.Fatal(err)
				}
			},
			func(t *testing.T, maker someone) { t.Helper(); w.joins(t, maker, ann, owner) },
			"gone link_revoked",
		},
		{
			"suspended",
			func(t *testing.T, maker someone) { t.Helper(); w.suspend(t, maker.actor.User) },
			func(*testing.T, someone) {},
			"gone link_revoked",
		},
	}
	for i, tt := range tests { // one after the other: they share a list of invitations
		bob, cid := w.person(t, fmt.Sprint("bob", i)), w.person(t, fmt.Sprint("cid", i))
		there := w.joins(t, bob, ann, owner)
		code, _, err := w.Invite(t.Context(), there, account.InvitationDraft{Role: account.Member})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.PeekInvitation(t.Context(), code); err != nil {
			t.Errorf("%s: before: %v", tt.name, err)
		}
		tt.leave(t, bob)
		_, err = w.AcceptInvitation(t.Context(), cid.session, code)
		faulttest.Wants(t, tt.name+": AcceptInvitation while they are gone", err, "gone link_revoked")
		tt.back(t, bob)
		_, err = w.PeekInvitation(t.Context(), code)
		faulttest.Wants(t, tt.name+": PeekInvitation", err, tt.want)
		_, err = w.AcceptInvitation(t.Context(), cid.session, code)
		faulttest.Wants(t, tt.name+": AcceptInvitation", err, tt.want)
		list, err := w.Invitations(t.Context(), ann.actor)
		if diff := cmp.Diff([]account.Invitation{}, list); err != nil || diff != "" {
			t.Errorf("%s: Invitations (-want +got): %v\n%s", tt.name, err, diff)
		}
	}
}
