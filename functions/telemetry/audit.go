package telemetry

import (
	"context"
	"log/slog"
	"strings"
)

// audited are the calls that decide who has a seat for good, and what their lines say.
var audited = map[string]string{
	"confirm": "booked",
	"cancel":  "booking cancelled",
	"move":    "booking moved",
	"block":   "seats blocked",
	"unblock": "seats unblocked",
	"evict":   "locks ended",
}

// Audit returns a Report that writes a line at level info for each call that booked,
// cancelled, moved, blocked, unblocked or evicted something, with who asked for it. A
// repeat that changed nothing has none. The line names the user, and which operator it
// was, only if users is set.
func Audit(log *slog.Logger, users bool) Report {
	return func(ctx context.Context, o *Outcome) {
		what := audited[o.Call]
		if what == "" || o.Changed == 0 || o.Code != OK || !log.Enabled(ctx, slog.LevelInfo) {
			return
		}
		attrs := []slog.Attr{slog.String("event", string(o.Event)), slog.Int("seats", o.Changed)}
		by := o.By
		if !users {
			by, _, _ = strings.Cut(by, ":") // the role alone
		}
		if by != "" {
			attrs = append(attrs, slog.String("by", by))
		}
		log.LogAttrs(ctx, slog.LevelInfo, what, append(attrs, o.personal(users)...)...)
	}
}

// personal returns who the request was about and where it came from, as far as lines may
// say so.
func (o *Outcome) personal(users bool) []slog.Attr {
	var attrs []slog.Attr
	if users && o.User.Check() == nil {
		attrs = append(attrs, slog.String("user", string(o.User)))
	}
	if o.Client.IsValid() {
		attrs = append(attrs, slog.String("address", o.Client.String()))
	}
	return attrs
}
