package telemetry

import (
	"context"
	"log/slog"
	"strings"
)

// audited are the calls that decide who has a seat for good, with the texts of their
// lines.
var audited = map[string]string{
	"confirm": "booked",
	"cancel":  "booking cancelled",
	"move":    "booking moved",
	"block":   "seats blocked",
	"unblock": "seats unblocked",
	"evict":   "locks ended",
}

// Audit returns a Report that writes a line at level info for each call that booked,
// cancelled, moved, blocked, unblocked or evicted something, with the caller. A repeat
// that changed nothing writes no line. The line names the user, and the operator, only
// if users is set.
func Audit(log *slog.Logger, users bool) Report {
	return func(ctx context.Context, o *Outcome) {
		what := audited[o.Call]
		if what == "" || o.Changed == 0 || o.Code != OK || !log.Enabled(ctx, slog.LevelInfo) {
			return
		}
		attrs := []slog.Attr{slog.String("event", string(o.Event)), slog.Int("seats", o.Changed)}
		by := o.By
		if !users {
			by, _, _ = strings.Cut(by, ":") // only the role
		}
		if by != "" {
			attrs = append(attrs, slog.String("by", by))
		}
		log.LogAttrs(ctx, slog.LevelInfo, what, append(attrs, o.personal(users)...)...)
	}
}

// personal returns the user and the address of the request, as far as lines may have
// them.
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
