package preview

// What reads hostile text, for fuzzing.
var (
	WithoutOurs      = withoutOurs
	AppCookie        = appCookie
	WithoutAncestors = withoutAncestors
)
