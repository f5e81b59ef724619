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

// roleMeans says what somebody with the role can do, without naming them.
func roleMeans(r account.Role) string {
	switch r {
	case account.Owner:
		return "Does everything, inviting people and deleting included."
	case account.Member:
		return "Begins projects, renames them and puts them on hold."
	case account.Viewer:
		return "Looks, and changes nothing."
	}
	return ""
}

func roleChoices() []choice {
	return []choice{
		roleChoice(account.Member), roleChoice(account.Viewer), roleChoice(account.Owner),
	}
}

func roleChoice(r account.Role) choice { return choice{string(r), roleName(r), roleMeans(r)} }
