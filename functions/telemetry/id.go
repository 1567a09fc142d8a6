package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
)

// idHeader is X-Request-Id, as net/http spells it.
const idHeader = "X-Request-Id"

// maxID is the length in bytes of the longest id that is accepted from a request.
const maxID = 64

// idOf returns the id in the request's header, or "" if it is not valid. Ids appear in
// logs, so they must not contain spaces, quotes or line breaks.
func idOf(h http.Header) string {
	values := h[idHeader]
	if len(values) != 1 || len(values[0]) > maxID {
		return ""
	}
	for _, c := range []byte(values[0]) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == ':':
		default:
			return ""
		}
	}
	return values[0]
}

// RandomID returns an id of 128 random bits, which need not be secret.
func RandomID(context.Context) string {
	var b [16]byte
	binary.NativeEndian.PutUint64(b[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(b[8:], rand.Uint64())
	return hex.EncodeToString(b[:])
}

// ID returns the id of the context's request, or "" if there is none.
func ID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.id[0]
	}
	return ""
}

// LogHandler returns h with the attribute request, the request's id, added to lines
// that are logged with a request's context.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := ID(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
