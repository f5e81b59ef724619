package event

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	channel = "cofounder_event"
	// tellPace is the least time between two notifications of a process.
	tellPace = 50 * time.Millisecond
	// maxPayload is below PostgreSQL's 8 000 bytes.
	maxPayload = 7900
	// everything stands for more streams than are worth naming.
	everything  = "*"
	mostPayload = 4

	// listenAgain grows to listenRarely while the database cannot be reached.
	listenAgain  = 250 * time.Millisecond
	listenRarely = 5 * time.Second
	// listenCheck is how often a silent connection is asked whether it still lives.
	listenCheck = 15 * time.Second
	closeTime   = time.Second
)

// announce tells the other processes of what was woken here.
func (h *Hub) announce(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.tell:
		}
		h.mute.report(ctx, h.log, h.notify(ctx, h.takeUntold()))
		if !pause(ctx, tellPace) {
			return
		}
	}
}

func (h *Hub) takeUntold() []Stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	streams := make([]Stream, 0, len(h.untold))
	for s := range h.untold {
		streams = append(streams, s)
	}
	clear(h.untold)
	return streams
}

const notify = `SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload`

// notify sends the names of streams in as few payloads as they fit into.
func (h *Hub) notify(ctx context.Context, streams []Stream) error {
	if _, err := h.db.Exec(ctx, notify, channel, payloads(h.name, streams)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// payloads are the sender's name followed by streams, all parted by spaces.
func payloads(sender string, streams []Stream) []string {
	var all []string
	text := sender
	for _, s := range streams {
		if len(text)+1+len(s) > maxPayload {
			if len(all) == mostPayload-1 {
				return []string{sender + " " + everything}
			}
			all, text = append(all, text), sender
		}
		text += " " + string(s)
	}
	return append(all, text)
}

// listen hears what other processes tell, and connects again when it was cut off.
func (h *Hub) listen(ctx context.Context) {
	wait := listenAgain
	for ctx.Err() == nil {
		err := h.hear(ctx, func() {
			wait = listenAgain
			h.deaf.report(ctx, h.log, nil)
		})
		h.deaf.report(ctx, h.log, err)
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, listenRarely)
	}
}

const listen = `LISTEN ` + channel

// hear listens on a connection of its own until that fails or ctx ends; began is
// called once it does.
func (h *Hub) hear(ctx context.Context, began func()) error {
	cfg := h.db.Config().ConnConfig
	cfg.RuntimeParams["application_name"] += " events"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		_ = conn.Close(closing) //nolint:errcheck // it is gone either way
	}()
	if _, err := conn.Exec(ctx, listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	h.hearing()
	defer h.deafened()
	began()
	h.wakeAll() // whatever was told while nobody listened
	for {
		if err := h.next(ctx, conn); err != nil {
			return err
		}
	}
}

// next waits for one notification, and sees to it that silence is not mistaken for
// peace.
func (h *Hub) next(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	n, err := conn.WaitForNotification(waiting)
	switch {
	case err == nil:
		h.heed(n.Payload)
		return nil
	case ctx.Err() == nil && waiting.Err() != nil && !conn.IsClosed():
		checking, cancel := context.WithTimeout(ctx, listenCheck)
		defer cancel()
		if err := conn.Ping(checking); err != nil {
			return fmt.Errorf("check the connection: %w", err)
		}
		return nil
	}
	return fmt.Errorf("wait for notifications: %w", err)
}

// heed wakes what another process named.
func (h *Hub) heed(payload string) {
	sender, names, _ := strings.Cut(payload, " ")
	switch {
	case sender == h.name:
	case names == everything:
		h.wakeAll()
	default:
		h.mu.Lock()
		defer h.mu.Unlock()
		for name := range strings.FieldsSeq(names) {
			h.wakeHere([]Stream{Stream(name)})
		}
	}
}

func (h *Hub) hearing() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hears = true; !h.began {
		h.began = true
		close(h.ready)
	}
}

func (h *Hub) deafened() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hears = false
}

// trouble says once that something stopped working, and once that it works again.
type trouble struct {
	what    string
	present bool
}

func (t *trouble) report(ctx context.Context, log *slog.Logger, err error) {
	switch {
	case ctx.Err() != nil, (err != nil) == t.present:
		return
	case err != nil:
		log.WarnContext(ctx, "events come late", "what", t.what, "err", err)
	default:
		log.InfoContext(ctx, "events come at once again", "what", t.what)
	}
	t.present = err != nil
}
