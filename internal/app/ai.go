package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/demo"
	"cofounder/internal/platform/seal"
	"cofounder/internal/product/meter"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// openAI builds what reaches models and counts what they cost, by the time of the
// database, on which all processes agree.
func (a *App) openAI(ctx context.Context, box *seal.Box, source *id.Source) error {
	var err error
	if a.clock, err = db.NewClock(ctx, a.database.pool, clock.System{}); err != nil {
		return err
	}
	a.Meter = meter.New(meter.Config{DB: a.database.pool, Clock: a.clock, IDs: source, Log: a.log, Fresh: a.Accounts.NeedFresh})
	a.Connections = meter.NewConnections(meter.ConnectionsConfig{
		DB: a.database.pool, Clock: a.clock, Box: box, Fresh: a.Accounts.NeedFresh, OperatorKey: foundersKey(a.cfg),
		Demo: demo.Endpoint(),
	})
	card, err := rateCard(a.cfg)
	if err != nil {
		return err
	}
	wire, err := newClient(a.cfg, a.telemetry.Meter("platform/llm/client"), a.log)
	if err != nil {
		return err
	}
	a.Model = meter.NewModel(meter.ModelConfig{
		Meter: a.Meter, Client: wire, Connect: a.Connections.Connect,
		Cards: map[string]*meter.Card{meter.AnthropicCard: card},
	})
	return nil
}

// rateCard is what models cost here: the built-in prices, and those of the operator's
// file.
func rateCard(cfg config.Config) (*meter.Card, error) {
	card := meter.PublishedCard()
	if cfg.AI.RateCard == "" {
		return card, nil
	}
	file, err := os.Open(cfg.AI.RateCard)
	if err != nil {
		return nil, fmt.Errorf("COFOUNDER_RATE_CARD: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	if card, err = card.With(file); err != nil {
		return nil, fmt.Errorf("COFOUNDER_RATE_CARD: %s: %w (docs/RATES.md describes the file)", cfg.AI.RateCard, err)
	}
	return card, nil
}

// prices reads the operator's rate card.
func (d *doctor) prices(context.Context) []finding {
	f := finding{what: "model prices", verdict: fine}
	card, err := rateCard(d.cfg)
	switch {
	case err != nil:
		f.verdict, f.says, f.do = broken, err.Error(), "correct the file, or unset it: cofounder does not start with prices it cannot read"
	case d.cfg.AI.RateCard == "":
		f.says = fmt.Sprintf("the built-in prices of %d models; others are not asked unless COFOUNDER_RATE_CARD says what they cost", len(card.Models()))
	default:
		f.says = fmt.Sprintf("prices of %d models, with those of %s", len(card.Models()), d.cfg.AI.RateCard)
	}
	return []finding{f}
}

// foundersKey is the operator's key where a founder may choose it: not while plans are
// sold, which it then serves.
func foundersKey(cfg config.Config) config.Secret {
	if cfg.Stripe.Enabled() {
		return config.Secret{}
	}
	return cfg.AI.AnthropicKey
}

func newClient(cfg config.Config, m metric.Meter, log *slog.Logger) (*client.Client, error) {
	c, err := client.New(client.Config{Clock: clock.System{}, Log: log, Meter: m, Transport: demo.New(transport(cfg))})
	if err != nil {
		return nil, fmt.Errorf("prepare for models: %w", err)
	}
	return c, nil
}

// transport carries requests to models elsewhere. Where anyone may sign up, addresses
// come from strangers, so that connections into the operator's own networks are refused
// when they are made, whatever name led there.
func transport(cfg config.Config) *http.Transport {
	t := client.NewTransport()
	if cfg.Accounts.SignUp == config.SignUpOpen {
		const connecting = 10 * time.Second
		t.Proxy = nil // it would connect for us
		t.DialContext = (&net.Dialer{Timeout: connecting, Control: outsideOnly}).DialContext
	}
	return t
}

var errInside = errors.New("addresses of this installation's own networks are not asked while sign-up is open")

// outsideOnly is a net.Dialer's Control.
func outsideOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	if ip := at.Addr().Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() || shared(ip) {
		return errInside
	}
	return nil
}

// shared reports whether ip is of a carrier's or cloud's inner network (RFC 6598).
func shared(ip netip.Addr) bool {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10).Contains(ip)
}

// models asks the provider of the operator's key.
func (d *doctor) models(ctx context.Context) []finding {
	if !d.cfg.AI.AnthropicKey.IsSet() {
		return []finding{{what: modelEndpoint, verdict: fine, says: "no key of this installation: teams connect an AI of their own, and have the demo mode until then"}}
	}
	c, err := newClient(d.cfg, noop.Meter{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return []finding{{what: modelEndpoint, verdict: broken, says: err.Error()}}
	}
	const address = "https://api.anthropic.com"
	return []finding{look(ctx, c, llm.Endpoint{Name: "Anthropic", BaseURL: address, Auth: llm.KeyHeader, Key: d.cfg.AI.AnthropicKey})}
}

const modelEndpoint = "model endpoint"

// look reaches an endpoint by its free addresses only.
func look(ctx context.Context, c *client.Client, ep llm.Endpoint) finding {
	f := finding{what: modelEndpoint, verdict: fine}
	_, err := c.Look(ctx, ep, "")
	switch {
	case llm.KindOf(err) == llm.Unauthorised:
		f.verdict, f.says = broken, ep.Name+" does not accept the key in ANTHROPIC_API_KEY"
		f.do = "set another, or none: then teams connect an AI of their own"
	case err != nil:
		f.verdict, f.says = warning, ep.Name+" cannot be reached now: "+err.Error()
		f.do = "check this computer's connection to the internet; everything but the AI works without"
	default:
		f.says = ep.Name + " answers and takes the key; asking cost nothing"
	}
	return f
}
