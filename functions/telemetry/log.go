package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// refusals is the most lines a second about refusals with the same code, with
// bursts of twice as many: a client that is refused a thousand times a second
// must not fill a disk.
const refusals = 10

// Log returns a Report that writes a line for each request, at level debug, or
// warn if it was refused. Two kinds of refusals stay at debug: a 409 is normal in
// a sale, and a 5xx is logged at error by the code that knows its cause. The line
// names the user only if users is set.
func Log(log *slog.Logger, users bool) Report {
	var bound bounded
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
		if users && o.User.Check() == nil {
			attrs = append(attrs, slog.String("user", string(o.User)))
		}
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

// bounded limits the lines of each code. Codes come from a table, so the map stays
// small.
type bounded struct {
	mu    sync.Mutex
	codes map[string]*bound
}

type bound struct {
	*rate.Limiter
	missed int
}

// take reports whether one more line may be written, and if so, how many were
// left out since the last.
func (b *bounded) take(code string) (missed int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.codes[code]
	if c == nil {
		c = &bound{Limiter: rate.NewLimiter(refusals, 2*refusals)}
		if b.codes == nil {
			b.codes = make(map[string]*bound)
		}
		b.codes[code] = c
	}
	if !c.Allow() {
		c.missed++
		return 0, false
	}
	missed, c.missed = c.missed, 0
	return missed, true
}
