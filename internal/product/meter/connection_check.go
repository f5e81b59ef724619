package meter

import (
	"net/netip"
	"net/url"
	"strings"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account/form"
)

// Draft is a connection as its owner describes it.
type Draft struct {
	Preset  PresetID
	Name    string // empty: the preset's
	BaseURL string // empty: the preset's
	Auth    llm.AuthStyle
	// Key may be empty where the address stays the same: then the key that is kept
	// stays too.
	Key      config.Secret
	Models   map[llm.Class]string // empty texts: the preset's
	RateCard string               // empty: the preset's
}

const longestKey = 500

// checked fills in what the preset knows and refuses what cannot work.
func (d Draft) checked(f *form.Form) Draft {
	p, ok := presetOf(d.Preset)
	if !ok {
		f.Refuse("preset", "Choose what kind of server it is.")
		return d
	}
	if p.Fixed || d.BaseURL == "" {
		d.BaseURL = p.BaseURL
	}
	if p.Fixed || d.Auth == "" {
		d.Auth = p.Auth
	}
	if p.Fixed || d.RateCard == "" {
		d.RateCard = p.RateCard
	}
	if d.Name == "" {
		d.Name = p.Name
		if u, err := url.Parse(d.BaseURL); p.ID == OtherServer && err == nil && u.Host != "" {
			d.Name = u.Host
		}
	}
	d.Name = f.Line("name", d.Name, 1, 80)
	d.BaseURL = checkedAddress(f, d.BaseURL)
	models := map[llm.Class]string{}
	for class, field := range modelFields() {
		models[class] = d.Models[class]
		if models[class] == "" {
			models[class] = p.Models[class]
		}
		models[class] = f.Line(field, models[class], 1, 200)
	}
	d.Models = models
	if d.RateCard == FreeOfCharge && billed(d.BaseURL) {
		f.Refuse("rate_card", "This provider is paid for each answer, so I must count what it costs.")
	}
	d.checkKey(f)
	return d
}

// modelFields names the fields in which models are chosen.
func modelFields() map[llm.Class]string {
	return map[llm.Class]string{llm.Best: "best", llm.Standard: "standard", llm.Small: "small"}
}

func (d Draft) checkKey(f *form.Form) {
	key := d.Key.Reveal()
	switch d.Auth {
	case llm.NoAuth:
		if key != "" {
			f.Refuse("key", "A key was given, but chosen that none is shown. Choose how it is shown, or leave it empty.")
		}
	case llm.KeyHeader, llm.Bearer:
		if len(key) > longestKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			f.Refuse("key", "This is no key: it has spaces or odd characters, or is too long. Copy it again, and nothing else.")
		}
		if u, err := url.Parse(d.BaseURL); key != "" && err == nil && u.Scheme == "http" && !near(u.Hostname()) {
			f.Refuse("base_url", "A key sent over http can be read on its way. Use an address that begins with https.")
		}
	default:
		f.Refuse("auth", "Choose how the key is shown to the server.")
	}
}

// checkedAddress returns the address without what is added to it later.
func checkedAddress(f *form.Form, address string) string {
	address = f.Line("base_url", address, 8, 500)
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		f.Refuse("base_url", "This is no address. It looks like https://api.example.com or http://localhost:11434.")
		return ""
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		f.Refuse("base_url", "The address is a server and a path only: no user, no question mark, no #.")
		return ""
	}
	u.Host = strings.ToLower(u.Host)
	path := strings.TrimRight(u.Path, "/")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/messages"), "/v1")
	u.Path, u.RawPath = strings.TrimRight(path, "/"), ""
	return u.String()
}

// billed reports whether an address is known to cost money.
func billed(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	for _, domain := range []string{
		"anthropic.com", "openrouter.ai", "api.aws", "amazonaws.com",
		"deepseek.com", "moonshot.ai", "moonshot.cn", "z.ai", "bigmodel.cn", "ai-gateway.vercel.sh",
	} {
		if strings.HasSuffix("."+u.Hostname(), "."+domain) {
			return true
		}
	}
	return false
}

// near reports whether a host is this computer or one beside it.
func near(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
}
