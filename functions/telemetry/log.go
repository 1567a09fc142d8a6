package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Log returns a Report that writes a line for each request: at level debug, or warn if
// it was refused. Two kinds of refusals stay at debug: a 409 is normal in a sale, and a
// 5xx is logged at error by the code that knows its cause. The line names the user only
// if users is set, and the address if the Outcome has it.
func Log(log *slog.Logger, users bool) Report {
	var bound Bound
	return func(ctx context.Context, o *Outcome) {
		level, missed := slog.LevelDebug, 0
		if refused(o.Status) && log.Enabled(ctx, slog.LevelWarn) {
			var ok bool
			if missed, ok = bound.take(o.Code); ok {
				level = slog.LevelWarn
			}
		}
		if !log.Enabled(ctx, level) {
			return
		}
		attrs := make([]slog.Attr, 0, 10)
		attrs = append(attrs,
			slog.String("call", o.Call),
			slog.String("code", o.Code),
			slog.Int("status", o.Status),
			slog.Float64("ms", float64(o.Took.Round(time.Microsecond).Microseconds())/1000),
			slog.Int64("bytes", o.Bytes))
		if o.Event != "" {
			attrs = append(attrs, slog.String("event", string(o.Event)), slog.Int("seats", o.Seats))
		}
		attrs = append(attrs, o.personal(users)...)
		if missed > 0 {
			attrs = append(attrs, slog.Int("missed", missed))
		}
		what := "request"
		if level == slog.LevelWarn {
			what = "request refused"
		}
		log.LogAttrs(ctx, level, what, attrs...)
	}
}

func refused(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusConflict
}
