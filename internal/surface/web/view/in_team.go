package view

// TeamField is the field in which a form names the team it was drawn for.
const TeamField = "team"

// TeamKey is the key under which a context holds the account.WorkspaceID that
// pages are drawn for; their forms name it. Without one nobody is signed in; an
// empty one is somebody's who is in no team.
type TeamKey struct{}
