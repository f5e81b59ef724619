package e2e_test

import (
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPasskey makes one with a virtual authenticator, signs out, and comes back
// with it and nothing else.
func TestPasskey(t *testing.T) {
	t.Parallel()
	p := serve(t)
	ctx := tab(t, screen{1440, 900, "light"})
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatalf("enable WebAuthn: %v", err)
	}
	device := webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}}
	if _, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, device); err != nil {
		t.Fatalf("plug in an authenticator: %v", err)
	}
	do(ctx, t, chromedp.Navigate(p.startLink(t)), chromedp.Navigate(p.base+"/account"))
	tabTo(ctx, t, "#passkey-name")
	press(ctx, t, "Laptop")
	tabTo(ctx, t, "[data-passkey=make] button")
	press(ctx, t, kb.Enter)
	until(ctx, t, "the passkey is listed", `document.querySelector('#passkeys li').innerText.includes('Laptop')`)
	clean(ctx, t)

	do(ctx, t, chromedp.Evaluate[chromedp.Void](`document.querySelector('form[action="/sign-out"] button').click()`))
	until(ctx, t, "signed out", `location.pathname === '/sign-in'`)
	tabTo(ctx, t, "[data-passkey=sign-in] button")
	press(ctx, t, kb.Enter)
	until(ctx, t, "signed in again", `location.pathname === '/' || location.pathname === '/new'`)
	clean(ctx, t)
}
