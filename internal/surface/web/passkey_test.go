package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// What a stranger sends is neither large nor quoted in the log.
func TestStrangersDoNotWriteTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	const finish = "/sign-in/passkey/finish"
	for _, body := range []string{`{"bait`, `{"bait":1}`, `{"next":{"bait":1}}`, `{"name":bait}`} {
		b.send(t, http.MethodPost, finish, nil, asJSON, bodyOf(body)).want(http.StatusBadRequest)
	}
	if w.log.contains("bait") {
		t.Errorf("the log quotes what was sent:\n%s", w.log)
	}
	large := bodyOf(`{"name":"` + strings.Repeat("x", 65<<10) + `"}`)
	b.send(t, http.MethodPost, finish, nil, asJSON, large).want(http.StatusRequestEntityTooLarge)
	long := strings.Repeat("x", 65<<10)
	for _, address := range []string{"/sign-in", "/sign-up", "/invite/x"} {
		b.post(t, address, form("name", long)).want(http.StatusRequestEntityTooLarge)
	}
}
