package view

import "cofounder/internal/product/account"

func roleName(r account.Role) string {
	switch r {
	case account.Owner:
		return "Owner"
	case account.Member:
		return "Member"
	case account.Viewer:
		return "Viewer"
	}
	return string(r)
}

func article(r account.Role) string {
	switch r {
	case account.Owner:
		return "an owner"
	case account.Member:
		return "a member"
	case account.Viewer:
		return "a viewer"
	}
	return string(r)
}

func roleMeans(r account.Role) string {
	switch r {
	case account.Owner:
		return "Owners may do everything, money and deleting included."
	case account.Member:
		return "Members answer, edit and ask for changes."
	case account.Viewer:
		return "Viewers look and comment."
	}
	return ""
}

func roleChoices() []choice {
	return []choice{
		{string(account.Member), "Member", "Answers, edits and asks for changes."},
		{string(account.Viewer), "Viewer", "Looks and comments."},
		{string(account.Owner), "Owner", "Everything, money and deleting included."},
	}
}
