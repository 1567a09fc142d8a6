package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"seatlock/lockstore"
)

const (
	// readyTime bounds how long the store may take to show that it is there.
	readyTime = 2 * time.Second

	// readyFor is how old an answer about the store may be, however often
	// somebody asks.
	readyFor = 500 * time.Millisecond
)

// A health answers load balancers and supervisors: /healthz, whether the
// program is alive, and /readyz, whether requests should be sent to it, which
// they should unless the store is away or the program is about to stop. That
// tokens cannot be checked is not part of it: lists go on, and it is the same
// for all programs behind the balancer.
type health struct {
	store    lockstore.LockStore
	ev       *lockstore.Event
	log      *slog.Logger
	stopping atomic.Bool

	asking singleflight.Group

	mu    sync.Mutex
	asked time.Time         // zero: never
	since lockstore.Version // of the event, when it was asked last
	err   error             // what came of it
}

func newHealth(store lockstore.LockStore, ev *lockstore.Event, log *slog.Logger) *health {
	return &health{store: store, ev: ev, log: log}
}

// stop has it say that requests should be sent elsewhere, for good.
func (h *health) stop() { h.stopping.Store(true) }

// handler answers the two paths and leaves all others to next.
func (h *health) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			answerHealth(w, r, http.StatusOK, "alive")
		case "/readyz":
			switch err := h.ready(r.Context()); {
			case h.stopping.Load():
				answerHealth(w, r, http.StatusServiceUnavailable, "stopping")
			case err != nil:
				answerHealth(w, r, http.StatusServiceUnavailable, "store unavailable")
			default:
				answerHealth(w, r, http.StatusOK, "ready")
			}
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func answerHealth(w http.ResponseWriter, r *http.Request, code int, status string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	if r.Method != "GET" && r.Method != "HEAD" {
		h.Set("Allow", "GET, HEAD")
		code, status = http.StatusMethodNotAllowed, "ask with GET"
	}
	w.WriteHeader(code)
	if r.Method != "HEAD" {
		_, _ = w.Write([]byte(`{"status":"` + status + `"}` + "\n")) // a client that has gone needs no answer
	}
}

// ready returns nil if the store answers. Who asks while it is being asked
// shares the answer, and who asks soon after gets the same again.
func (h *health) ready(ctx context.Context) error {
	if h.stopping.Load() {
		return nil // whatever the store says makes no difference
	}
	h.mu.Lock()
	known, err := !h.asked.IsZero() && time.Since(h.asked) < readyFor, h.err
	h.mu.Unlock()
	if known {
		return err
	}
	answer := h.asking.DoChan("", func() (any, error) {
		// Others share it: it must not fail because this caller has left.
		return nil, h.ask(context.WithoutCancel(ctx))
	})
	select {
	case a := <-answer:
		return a.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask asks the store what changed since the last time, which costs it next to
// nothing.
func (h *health) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	h.mu.Lock()
	since := h.since
	h.mu.Unlock()
	snap, err := h.store.List(ctx, h.ev, since)

	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && h.err == nil:
		h.log.Warn("not ready: the store does not answer", "error", err)
	case err == nil && h.err != nil:
		h.log.Info("ready again")
	}
	h.asked, h.err = time.Now(), err
	if err == nil {
		h.since = snap.Version
	}
	return err
}
