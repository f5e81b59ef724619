package config

import (
	"maps"
	"slices"
	"strings"
)

// Stripe is set whole or not at all; without it everyone is on the plan
// self_hosted.
type Stripe struct {
	Key            Secret   `env:"STRIPE_SECRET_KEY" unset:"no billing" says:"Secret or restricted key (sk_… or rk_…). With it, every other STRIPE_ key below is required."`
	WebhookSecrets []Secret `env:"STRIPE_WEBHOOK_SECRET" unset:"no billing" says:"Signing secret of the webhook endpoint (whsec_…); several, separated by commas, while one is being replaced."`

	BootstrapperMonth string `env:"STRIPE_PRICE_BOOTSTRAPPER_MONTH" unset:"no billing" says:"Price of the plan bootstrapper by the month (price_…). All six prices differ."`
	BootstrapperYear  string `env:"STRIPE_PRICE_BOOTSTRAPPER_YEAR" unset:"no billing" says:"Price of the plan bootstrapper by the year."`
	PartnerMonth      string `env:"STRIPE_PRICE_PARTNER_MONTH" unset:"no billing" says:"Price of the plan partner by the month."`
	PartnerYear       string `env:"STRIPE_PRICE_PARTNER_YEAR" unset:"no billing" says:"Price of the plan partner by the year."`
	CTOScaleMonth     string `env:"STRIPE_PRICE_CTO_SCALE_MONTH" unset:"no billing" says:"Price of the plan cto_scale by the month."`
	CTOScaleYear      string `env:"STRIPE_PRICE_CTO_SCALE_YEAR" unset:"no billing" says:"Price of the plan cto_scale by the year."`
}

// Enabled reports whether plans can be bought.
func (s Stripe) Enabled() bool { return s.Key.IsSet() }

// stripe checks that no STRIPE_ key of ours is set, or all are and make sense.
// Whether Stripe knows the prices is for doctor to ask.
func (l *loader) stripe(c *Config) {
	var set, missing []string
	for _, k := range settings() {
		switch {
		case !strings.HasPrefix(k.key, "STRIPE_"):
		case l.has(k.key):
			set = append(set, k.key)
		default:
			missing = append(missing, k.key)
		}
	}
	if len(set) == 0 {
		return
	}
	for _, key := range missing {
		l.problems.add(key, "is missing: billing needs every STRIPE_ key or none, and "+set[0]+" is set")
	}
	s := c.Stripe
	if l.has("STRIPE_SECRET_KEY") && !hasAnyPrefix(s.Key.Reveal(), "sk_", "rk_") {
		l.problems.add("STRIPE_SECRET_KEY", "is not a secret key: those begin with sk_ or rk_")
	}
	for _, w := range s.WebhookSecrets {
		if !hasAnyPrefix(w.Reveal(), "whsec_") {
			l.problems.add("STRIPE_WEBHOOK_SECRET", "is not a signing secret: those begin with whsec_")
			break
		}
	}
	l.prices()
}

// prices checks the shape of each price and that no two are the same, which
// would sell one plan at another's price.
func (l *loader) prices() {
	keysOf := map[string][]string{}
	for _, k := range settings() {
		if !strings.HasPrefix(k.key, "STRIPE_PRICE_") || !l.has(k.key) {
			continue
		}
		price := l.values[k.key]
		if !hasAnyPrefix(price, "price_") || strings.ContainsFunc(price, notPriceID) {
			l.problems.add(k.key, "is not the id of a price: those look like price_1AbC…")
		}
		keysOf[price] = append(keysOf[price], k.key)
	}
	for _, price := range slices.Sorted(maps.Keys(keysOf)) {
		for _, key := range keysOf[price][1:] {
			l.problems.add(key, "is the same price as "+keysOf[price][0])
		}
	}
}

func notPriceID(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return len(s) > len(p) && strings.HasPrefix(s, p) })
}
