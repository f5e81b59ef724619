package web

import (
	"maps"
	"net/http"
	"strings"

	"cofounder/internal/surface/httpd"
)

// smallBody is the most that signing in, and what belongs to it, may send: a
// passkey's answer is a few kilobytes.
const smallBody = 64 << 10

// addresses is every address there is. open lets anyone in, member and person those
// who are signed in, inProject those of them who may see the project.
func (s *Site) addresses() map[string]http.Handler {
	open := func(h httpd.HandlerFunc) http.Handler { return h }
	small := func(h http.Handler) http.Handler { return httpd.BodyLimit(smallBody, h) }
	return map[string]http.Handler{
		// coming in
		"GET /start/{code}":            open(s.redeem),
		"GET /signed-in":               open(s.signedIn),
		"GET /sign-in":                 open(s.signInPage),
		"POST /sign-in":                small(open(s.signIn)),
		"POST /sign-in/passkey/begin":  small(open(s.beginPasskeySignIn)),
		"POST /sign-in/passkey/finish": small(open(s.finishPasskeySignIn)),
		"GET /sign-up":                 open(s.signUpPage),
		"POST /sign-up":                small(open(s.signUp)),
		"POST /sign-out":               small(open(s.signOut)),
		"GET /invite/{code}":           open(s.invitePage),
		"POST /invite/{code}":          small(open(s.acceptInvite)),

		// projects
		"GET /{$}":                  s.member(s.projectsPage),
		"GET /new":                  s.member(s.startPage),
		"POST /projects":            s.member(s.createProject),
		"GET /p/{project}":          s.inProject(s.toHome),
		"GET /p/{project}/{$}":      s.inProject(s.homePage),
		"GET /p/{project}/live":     open(s.inWatch(s.homeLive)),
		"POST /p/{project}/rename":  s.inProject(s.renameProject),
		"POST /p/{project}/park":    s.inProject(s.parkProject),
		"POST /p/{project}/unpark":  s.inProject(s.unparkProject),
		"GET /p/{project}/delete":   s.inProject(s.deletePage),
		"POST /p/{project}/delete":  s.inProject(s.deleteProject),
		"POST /p/{project}/restore": s.inProject(s.restoreProject),

		// settings
		"GET /account":                       s.member(s.accountPage),
		"POST /account/return":               small(s.person(s.saveWayBack)),
		"POST /account/profile":              small(s.person(s.saveProfile)),
		"POST /account/password":             small(s.person(s.savePassword)),
		"GET /account/reset":                 s.member(s.resetPage),
		"POST /account/reset":                small(s.person(s.reset)),
		"POST /account/sessions/{id}/end":    s.person(s.endSession),
		"POST /account/sessions/end-others":  s.person(s.endOtherSessions),
		"POST /account/keys":                 s.member(s.makeKey),
		"POST /account/keys/{id}/end":        s.member(s.endKey),
		"POST /account/passkeys/begin":       small(s.person(s.beginPasskey)),
		"POST /account/passkeys/finish":      small(s.person(s.finishPasskey)),
		"POST /account/passkeys/{id}/remove": s.person(s.removePasskey),
		"GET /account/export":                s.member(s.exportData),
		"GET /account/delete":                s.member(s.deleteAccountPage),
		"POST /account/delete":               small(s.person(s.deleteAccount)),

		// team
		"GET /team":                       s.member(s.teamPage),
		"POST /team/rename":               s.member(s.renameTeam),
		"POST /team/new":                  s.person(s.makeTeam),
		"POST /team/switch":               s.person(s.switchTeam),
		"POST /team/people/{id}/role":     s.member(s.changeRole),
		"POST /team/people/{id}/remove":   s.member(s.removeMember),
		"POST /team/invitations":          s.member(s.invite),
		"POST /team/invitations/{id}/end": s.member(s.endInvitation),

		// money
		"GET /connect":                  s.member(s.connectPage),
		"POST /connect":                 s.member(s.connect),
		"POST /connect/test":            s.member(s.testConnection),
		"POST /connect/end":             s.member(s.disconnect),
		"GET /spending":                 s.member(s.spendingPage),
		"GET /spending.csv":             s.member(s.spendingCSV),
		"POST /spending/limits":         s.member(s.setLimits),
		"POST /connect/roles":           s.member(s.setRoles),
		"POST /admin/models":            s.member(s.setOperatorRoles),
		"GET /p/{project}/spending":     s.inProject(s.projectSpendingPage),
		"GET /p/{project}/spending.csv": s.inProject(s.projectSpendingCSV),
		"GET /admin/models":             s.member(s.troublesPage),

		// built apps
		"GET /apps/{label}": s.person(s.openApp),
		"GET /admin/apps":   s.member(s.liveAppsPage),

		// for the browser
		"GET /live":    open(s.live),
		"POST /theme":  open(s.setTheme),
		"GET /static/": open(s.staticFile),
		"GET /sw.js":   open(s.serviceWorker),
		"GET /offline": open(s.offlinePage),
	}
}

// buildAddresses are those that lead from the page about an idea to a build.
func (s *Site) buildAddresses() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /p/{project}/options":                  s.inProject(s.optionsPage),
		"POST /p/{project}/options/ask":             s.inProject(s.askWays),
		"POST /p/{project}/options/{option}/choose": s.inProject(s.chooseWay),
		"POST /p/{project}/build":                   s.inProject(s.buildThis),
		"POST /p/{project}/direction":               s.inProject(s.decideDirection),
	}
}

// paperAddresses are those of documents and decisions.
func (s *Site) paperAddresses() map[string]http.Handler {
	open := func(h httpd.HandlerFunc) http.Handler { return h }
	return map[string]http.Handler{
		"GET /p/{project}/decisions":             s.inProject(s.decisionsPage),
		"POST /p/{project}/decisions":            s.inProject(s.askDecision),
		"GET /p/{project}/decisions/{decision}":  s.inProject(s.onDecision(s.decisionPage)),
		"POST /p/{project}/decisions/{decision}": s.inProject(s.onDecision(s.decide)),

		"GET /p/{project}/documents":                                       s.inProject(s.documentsPage),
		"POST /p/{project}/documents":                                      s.inProject(s.writeDocuments),
		"GET /p/{project}/documents/live":                                  open(s.inWatch(s.documentsLive)),
		"GET /p/{project}/documents/{document}":                            s.inProject(s.onPaper(s.paper)),
		"GET /p/{project}/documents/{document}/live":                       open(s.inWatch(s.readerLive)),
		"GET /p/{project}/documents/{document}/proposal":                   s.inProject(s.onPaper(s.proposalPage)),
		"POST /p/{project}/documents/{document}/edit":                      s.inProject(s.onPaper(s.editDocument)),
		"POST /p/{project}/documents/{document}/restore":                   s.inProject(s.onPaper(s.restoreDocument)),
		"POST /p/{project}/documents/{document}/undo":                      s.inProject(s.onPaper(s.undoDocument)),
		"POST /p/{project}/documents/{document}/accept":                    s.inProject(s.onPaper(s.acceptProposal)),
		"POST /p/{project}/documents/{document}/decline":                   s.inProject(s.onPaper(s.declineProposal)),
		"POST /p/{project}/documents/{document}/comments":                  s.inProject(s.onPaper(s.makeComment)),
		"POST /p/{project}/documents/{document}/comments/{comment}/settle": s.inProject(s.onPaper(s.settleComment)),
	}
}

// ideaAddresses are those that lead from an idea to a decision.
func (s *Site) ideaAddresses() map[string]http.Handler {
	open := func(h httpd.HandlerFunc) http.Handler { return h }
	return map[string]http.Handler{
		"GET /p/{project}/questions":                       s.inProject(s.questionsPage),
		"POST /p/{project}/questions":                      s.inProject(s.takeUp),
		"GET /p/{project}/questions/live":                  open(s.inWatch(s.questionsLive)),
		"GET /p/{project}/questions/{question}":            s.inProject(s.questionPage),
		"POST /p/{project}/questions/{question}":           s.inProject(s.answer),
		"POST /p/{project}/understood":                     s.inProject(s.correct),
		"POST /p/{project}/contradictions/{contradiction}": s.inProject(s.settle),
		"POST /p/{project}/deeper":                         s.inProject(s.goDeeper),
		"POST /p/{project}/retry":                          s.inProject(s.retry),
		"GET /p/{project}/brief":                           s.inProject(s.briefPage),
		"GET /p/{project}/brief/live":                      open(s.inWatch(s.briefLive)),
		"POST /p/{project}/rewrite":                        s.inProject(s.rewrite),
		"GET /p/{project}/build":                           s.inProject(s.buildPage),
		"GET /p/{project}/build/live":                      open(s.inWatch(s.buildLive)),
		"POST /p/{project}/build/end":                      s.inProject(s.endBuild),
	}
}

// adminAddresses are those of whoever runs the installation.
func (s *Site) adminAddresses() map[string]http.Handler {
	small := func(h http.Handler) http.Handler { return httpd.BodyLimit(smallBody, h) }
	return map[string]http.Handler{
		"GET /admin/runs":                            s.operator(s.runsPage),
		"GET /admin/runs/{run}":                      s.operator(s.runPage),
		"POST /admin/runs/{run}/end":                 small(s.operator(s.endRun)),
		"POST /admin/runs/{run}/retry":               small(s.operator(s.retryRun)),
		"POST /admin/runs/{run}/nodes/{node}/replay": small(s.operator(s.replayNode)),
		"GET /admin/audit":                           s.operator(s.auditPage),
	}
}

// jobAddresses are those of River's pages, which have their own names for what can be done
// there.
func (s *Site) jobAddresses() map[string]http.Handler {
	small := func(h http.Handler) http.Handler { return httpd.BodyLimit(smallBody, h) }
	return map[string]http.Handler{
		JobPages + "/":                                  s.operator(s.jobPages),
		"POST " + JobPages + "/api/jobs/{what}":         small(s.operator(s.changeJobs)),
		"PUT " + JobPages + "/api/queues/{name}/{what}": small(s.operator(s.changeQueue)),
	}
}

// routes registers the addresses. Who opens one that only takes forms is led to the
// page above it.
func (s *Site) routes() {
	addresses := s.addresses()
	maps.Copy(addresses, s.buildAddresses())
	maps.Copy(addresses, s.paperAddresses())
	maps.Copy(addresses, s.ideaAddresses())
	maps.Copy(addresses, s.adminAddresses())
	for pattern, h := range addresses {
		s.mux.Handle(pattern, h)
		path, posts := strings.CutPrefix(pattern, "POST ")
		if _, page := addresses["GET "+path]; posts && !page {
			s.mux.Handle("GET "+path, toPage(strings.Count(pageAbove(path, addresses), "/")))
		}
	}
	for pattern, h := range s.jobAddresses() {
		s.mux.Handle(pattern, h)
	}
}

// pageAbove is the nearest page above an address that only takes forms; empty is
// the first page.
func pageAbove(path string, addresses map[string]http.Handler) string {
	for path != "" {
		if _, page := addresses["GET "+path]; page {
			return path
		}
		path = path[:strings.LastIndexByte(path, '/')]
	}
	return ""
}

// toPage leads who reloads or opens a form's address to the page it belongs to,
// the first steps of that address.
func toPage(steps int) http.Handler {
	return httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		parts := strings.SplitN(r.URL.EscapedPath(), "/", steps+2)
		to := strings.Join(parts[:steps+1], "/")
		if to == "" {
			to = "/"
		}
		seeOther(w, r, to)
		return nil
	})
}
