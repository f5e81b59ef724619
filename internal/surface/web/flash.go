package web

import (
	"encoding/base64"
	"net/http"
	"net/url"

	"cofounder/internal/base/id"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/web/view"
)

// flashCookie carries what just happened over one redirect. It names an event and
// what it is about; the words for it are ours.
const flashCookie = "__Host-cofounder-flash"

// event is what a flash can tell.
type event string

const (
	projectCreated  event = "project_created"
	projectParked   event = "project_parked"
	projectUnparked event = "project_unparked"
	projectDeleted  event = "project_deleted"
	projectRestored event = "project_restored"
	projectRenamed  event = "project_renamed"
	profileSaved    event = "profile_saved"
	passwordSaved   event = "password_saved"
	wayBackSaved    event = "way_back_saved"
	wayBackOnly     event = "way_back_only" // and other browsers are signed out
	passkeyMade     event = "passkey_made"
	passkeyRemoved  event = "passkey_removed"
	sessionEnded    event = "session_ended"
	othersEnded     event = "others_ended"
	keyEnded        event = "key_ended"
	accountDeleted  event = "account_deleted"
	signedOut       event = "signed_out"
	roleChanged     event = "role_changed"
	memberRemoved   event = "member_removed"
	teamLeft        event = "team_left"
	teamRenamed     event = "team_renamed"
	teamMade        event = "team_made"
	teamJoined      event = "team_joined"
	teamSwitched    event = "team_switched"
	invitationEnded event = "invitation_ended"
	aiConnected     event = "ai_connected"
	aiTested        event = "ai_tested"
	aiDisconnected  event = "ai_disconnected"
	limitsSaved     event = "limits_saved"
	rolesSaved      event = "roles_saved"
	runEnded        event = "run_ended"
	runRetried      event = "run_retried"
	nodeReplayed    event = "node_replayed"

	buildOrdered     event = "build_ordered"
	waysAsked        event = "ways_asked"
	wayChosen        event = "way_chosen"
	directionDecided event = "direction_decided"

	documentsAsked   event = "documents_asked"
	documentEdited   event = "document_edited"
	documentSame     event = "document_same" // the edit changed nothing
	documentRestored event = "document_restored"
	documentUndone   event = "document_undone"
	proposalTaken    event = "proposal_taken"
	proposalLeft     event = "proposal_left"
	commentMade      event = "comment_made"
	commentSettled   event = "comment_settled"

	buildEnded      event = "build_ended"
	understoodSaved event = "understood_saved"
	clashSettled    event = "clash_settled"
	questionKept    event = "question_kept"
	decisionTaken   event = "decision_taken"
)

// flash is an event with the name it is about and, for Undo, the project and what
// belongs to it: the note it was on hold with, the version of a document.
type flash struct {
	what    event
	name    string
	project project.ID
	note    string
	made    paper
}

func setFlash(w http.ResponseWriter, f flash) {
	v := url.Values{"what": {string(f.what)}}
	if f.name != "" {
		v.Set("name", f.name)
	}
	if f.project != "" {
		v.Set("project", string(f.project))
	}
	if f.made != (paper{}) {
		v.Set("made", f.made.String())
	}
	if f.note != "" {
		// The longest note, 500 characters, stays within what a cookie holds.
		v.Set("note", base64.RawURLEncoding.EncodeToString([]byte(f.note)))
	}
	http.SetCookie(w, hostCookie(flashCookie, v.Encode(), 60))
}

// takeFlash reads the flash and removes it; nil when there is none.
func takeFlash(w http.ResponseWriter, r *http.Request) *view.Flash {
	c, err := r.Cookie(flashCookie)
	if err != nil || r.Method == http.MethodHead {
		return nil
	}
	http.SetCookie(w, hostCookie(flashCookie, "", -1))
	v, err := url.ParseQuery(c.Value)
	if err != nil {
		return nil
	}
	p, err := id.Parse[project.ID](v.Get("project"))
	if err != nil {
		p = ""
	}
	note, err := base64.RawURLEncoding.DecodeString(v.Get("note"))
	if err != nil {
		note = nil
	}
	made, err := parsePaper(v.Get("made"))
	if err != nil {
		made = paper{}
	}
	return flash{what: event(v.Get("what")), name: v.Get("name"), project: p, note: string(note), made: made}.words()
}

// words says the event on the screen; nil for one we do not know.
func (f flash) words() *view.Flash {
	text, known := flashTexts()[f.what]
	if !known {
		return nil
	}
	out := &view.Flash{Text: text}
	if f.name != "" {
		out.Text += ": " + f.name
	}
	if undo := flashUndos()[f.what]; undo != "" && f.project != "" {
		out.Undo, out.Note = "/p/"+string(f.project)+"/"+undo, f.note
	}
	if f.made.kind != "" && f.project != "" {
		out.Undo = "/p/" + string(f.project) + "/documents/" + f.made.String() + "/undo"
	}
	if f.what == projectCreated {
		out.Forget = "idea"
	}
	return out
}

func flashTexts() map[event]string {
	return map[event]string{
		projectCreated:  "", // the first question says it
		projectParked:   "On hold",
		projectUnparked: "Taken up again",
		projectDeleted:  "Deleted, kept for 30 days",
		projectRestored: "Restored",
		projectRenamed:  "Renamed",
		profileSaved:    "Profile saved",
		passwordSaved:   "Password saved; other browsers are signed out",
		wayBackSaved:    "Saved. You can sign in with your e-mail address and password now",
		wayBackOnly:     "Saved. You can sign in with your e-mail address and password now. Other browsers were signed out.",
		passkeyMade:     "Passkey made",
		passkeyRemoved:  "Passkey removed",
		sessionEnded:    "Signed out there",
		othersEnded:     "Signed out everywhere else",
		keyEnded:        "Access key ended",
		accountDeleted:  "Your account is deleted",
		signedOut:       "You are signed out",
		roleChanged:     "Role changed",
		memberRemoved:   "Removed from the team",
		teamLeft:        "You left the team",
		teamRenamed:     "Team renamed",
		teamMade:        "Team made; you are in it now",
		teamJoined:      "Welcome to the team",
		teamSwitched:    "You are in this team now",
		invitationEnded: "Invitation taken back",
		aiConnected:     "Saved. Nothing was sent yet",
		aiTested:        "Tested",
		aiDisconnected:  "Disconnected; the key is forgotten",
		limitsSaved:     "Limits saved",
		rolesSaved:      "Models saved",
		runEnded:        "Ended, and written down",
		runRetried:      "It is tried again, and written down",
		nodeReplayed:    "It is begun anew, and written down",

		buildOrdered:     "Asked for. Your build waits in line",
		waysAsked:        "I work it out",
		wayChosen:        "This is on the button now",
		directionDecided: "I write the page again",

		documentsAsked:   "Asked for",
		documentEdited:   "Saved as a new version",
		documentSame:     "It says the same as before",
		documentRestored: "Brought back as a new version",
		documentUndone:   "Taken back",
		proposalTaken:    "Taken over as a new version",
		proposalLeft:     "Left as it was",
		commentMade:      "Comment kept",
		commentSettled:   "Settled",

		buildEnded:      "This build is ended",
		understoodSaved: "Understood",
		clashSettled:    "Settled",
		questionKept:    "Written down",
		decisionTaken:   "Decided",
	}
}

// flashUndos are the actions of a project that take an event back.
func flashUndos() map[event]string {
	return map[event]string{
		projectParked: "unpark", projectUnparked: "park", projectDeleted: "restore",
	}
}

// done is the usual end of a form: a redirect to a page that says what happened.
func done(w http.ResponseWriter, r *http.Request, to string, f flash) error {
	setFlash(w, f)
	seeOther(w, r, to)
	return nil
}
