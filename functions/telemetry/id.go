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

// maxID is the most bytes of an id that is taken from a request.
const maxID = 64

// idOf returns the id that a request brings, or nothing if it is none: ids
// get into logs, where they must not look like anything else.
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

// RandomID makes an id of 128 random bits. It is no secret.
func RandomID(context.Context) string {
	var b [16]byte
	binary.NativeEndian.PutUint64(b[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(b[8:], rand.Uint64())
	return hex.EncodeToString(b[:])
}

// ID returns the id of the request that has the context, or nothing.
func ID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.id[0]
	}
	return ""
}

// LogHandler returns h with the request's id, named request, in every line that
// is written on behalf of one.
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
