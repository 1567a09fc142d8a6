package telemetry

import (
	"context"
	"log"
	"log/slog"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

const (
	// linesPerSecond is the most lines a second of one kind, with bursts of twice as
	// many: a client that is refused a thousand times a second must not fill the disk.
	linesPerSecond = 10

	// maxKinds is the most kinds with a limit of their own. All others share one.
	maxKinds = 100
)

// A Bound limits the log lines of each kind to ten a second. The zero Bound is ready to
// use, and safe for concurrent use.
type Bound struct {
	mu    sync.Mutex
	kinds map[string]*bound
}

type bound struct {
	*rate.Limiter
	missed int
}

// Log writes a line, unless there were too many of its kind. The attribute missed is
// the number of lines that were left out since the last one.
func (b *Bound) Log(ctx context.Context, log *slog.Logger, level slog.Level, kind, text string, attrs ...slog.Attr) {
	if !log.Enabled(ctx, level) {
		return
	}
	missed, ok := b.take(kind)
	if !ok {
		return
	}
	if missed > 0 {
		attrs = append(attrs, slog.Int("missed", missed))
	}
	log.LogAttrs(ctx, level, text, attrs...)
}

// take reports whether one more line may be written, and if so, how many were left out
// since the last one.
func (b *Bound) take(kind string) (missed int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.kinds[kind]
	if k == nil && len(b.kinds) >= maxKinds {
		kind = ""
		k = b.kinds[kind]
	}
	if k == nil {
		k = &bound{Limiter: rate.NewLimiter(linesPerSecond, 2*linesPerSecond)}
		if b.kinds == nil {
			b.kinds = make(map[string]*bound)
		}
		b.kinds[kind] = k
	}
	if !k.Allow() {
		k.missed++
		return 0, false
	}
	missed, k.missed = k.missed, 0
	return missed, true
}

// ServerLog returns the ErrorLog of an [http.Server], which writes to the log at level
// warn. It limits the lines of each kind, since clients can cause one with each TLS
// handshake that fails.
func ServerLog(to *slog.Logger) *log.Logger {
	return log.New(&serverLog{log: to}, "", 0)
}

type serverLog struct {
	log   *slog.Logger
	bound Bound
}

// Write writes one line. Its kind is the text before the first address or number.
func (l *serverLog) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	kind := text
	if i := strings.IndexAny(text, "0123456789["); i >= 0 {
		kind = text[:i]
	}
	l.bound.Log(context.Background(), l.log, slog.LevelWarn, kind, text)
	return len(line), nil
}
