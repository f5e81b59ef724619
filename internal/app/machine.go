package app

import (
	"errors"
	"fmt"
	"runtime"

	"cofounder/internal/platform/browser"
	"cofounder/internal/platform/config"
	"cofounder/internal/surface/web"
)

// machine knows what this computer can and cannot do. It asks anew each time,
// since Chromium may arrive while we run; no answer needs the network.
type machine struct {
	cfg   config.Config
	cages *cageState
}

// facts are shown before the idea is typed: on the start page, in the terminal
// and by doctor.
func (m *machine) facts() []web.Fact {
	return []web.Fact{m.cage(), m.previews(), m.browser(), m.ai(), m.mail()}
}

// cage says whether generated code may run here.
func (m *machine) cage() web.Fact {
	f := web.Fact{What: "Run your app safely"}
	report, caches, err := m.cages.get()
	switch {
	case runtime.GOOS != "linux":
		f.Detail = "Built apps run in a cage that needs Linux. Everything else works here."
		f.Do = "Use a Linux computer for building."
	case errors.Is(err, errTrying):
		f.Detail = "I am still trying out whether this computer can hold code safely."
	case err != nil:
		f.Detail = "Code cannot be run safely here, so it is not run at all. " + plain(err)
		f.Do = "cofounder doctor says more."
	default:
		f.Can, f.Detail = true, "Apps run in a cage without a network; what a cage cannot hold on this computer, cofounder doctor says."
		if len(report.Weak()) == 0 {
			f.Detail = "Apps run in a cage without a network, with limits of their own."
		}
		switch caches {
		case cold:
		case warming:
			f.Detail += " I am compiling ahead what every build needs; until that is done a build takes longer."
		case warm:
			f.Detail += " What every build needs is compiled."
		}
		if lacking := report.Lacking(); len(lacking) > 0 {
			f.Do = "Not here: " + names(lacking) + ". Apps that need them cannot be built; cofounder doctor says how to get them."
		}
	}
	return f
}

// previews says whether built apps can be looked at under the address in use.
func (m *machine) previews() web.Fact {
	f := web.Fact{What: showApps}
	u := m.cfg.HTTP.PreviewURL()
	if u == nil {
		f.Detail = "A built app needs an address on a domain of its own, and none is set for " + m.cfg.HTTP.PublicURL.String() + "."
		f.Do = "Whoever runs this sets COFOUNDER_PREVIEW_HOST; or open me at http://localhost on the computer I run on."
		return f
	}
	f.Can, f.Detail = true, "Each app gets an address of its own below "+u.Host+", apart from this one."
	return f
}

const showApps = "Show your app"

// browser says whether pictures can be taken.
func (m *machine) browser() web.Fact {
	f := web.Fact{What: "Take pictures"}
	if path := browser.Find(); path != "" {
		f.Can, f.Detail = true, "Chromium is here ("+path+")."
		return f
	}
	f.Detail = "Chromium is not here, or is still being installed."
	f.Do = "./do run installs it in the background; I find it by myself when it is there."
	return f
}

// ai says whether a model can be asked. What a team has connected its own pages say.
func (m *machine) ai() web.Fact {
	if foundersKey(m.cfg).IsSet() {
		return web.Fact{
			What: web.ReachAI, Detail: "ANTHROPIC_API_KEY is set. Nothing is sent and nothing is spent before you have set limits and chosen it.",
			Do: "Sign in and choose Connect an AI.",
		}
	}
	return web.Fact{
		What: web.ReachAI, Detail: "No AI is connected yet. Nothing leaves this computer and nothing is spent.",
		Do: "Sign in and choose Connect an AI.",
	}
}

// mail says whether we can write to people.
func (m *machine) mail() web.Fact {
	return web.Fact{
		What:   "Send mail",
		Detail: "No mail is sent: invitations are links that you pass on yourself.",
	}
}

// space is the free room below which doctor warns: a private database with its
// log, and one backup of it.
const space = 1 << 30

// gigabytes formats a number of bytes.
func gigabytes(n uint64) string { return fmt.Sprintf("%.1f GB", float64(n)/1e9) }
