package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"seatlock/lockstore"
)

const (
	// readyTime bounds how long the store may take to answer.
	readyTime = 2 * time.Second

	// readyFor is how long an answer about the store is reused, so that frequent
	// requests do not become load on the store.
	readyFor = 500 * time.Millisecond
)

// A health answers load balancers and supervisors. /healthz reports that the
// program is alive. /readyz reports whether it is ready for requests: it is not if
// the store is unavailable or the program is about to stop. It is ready even if it
// cannot check tokens, since lists still work and every program behind the balancer has
// the same problem; and even if the store has another seat map of some events, which
// the answer names, since the others are sold.
type health struct {
	store    lockstore.LockStore
	events   onSale
	log      *slog.Logger
	stopping atomic.Bool

	asking singleflight.Group

	mu    sync.Mutex
	asked time.Time // when the store was last asked; zero if never
	err   error     // of the last call
}

// onSale describes the events on sale.
type onSale interface {
	First() *lockstore.Event       // the event that the store is asked about
	Outdated() []lockstore.EventID // events whose seat map in the store differs
}

// newHealth returns a health. The caller must set its events before it answers.
func newHealth(store lockstore.LockStore, log *slog.Logger) *health {
	return &health{store: store, log: log}
}

// stop makes /readyz fail for good.
func (h *health) stop() { h.stopping.Store(true) }

// handler answers the two paths and passes all others to next.
func (h *health) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			answerHealth(w, r, http.StatusOK, "alive", nil)
		case "/readyz":
			switch err := h.ready(r.Context()); {
			case h.stopping.Load():
				answerHealth(w, r, http.StatusServiceUnavailable, "stopping", nil)
			case err != nil:
				answerHealth(w, r, http.StatusServiceUnavailable, "store unavailable", nil)
			default:
				answerHealth(w, r, http.StatusOK, "ready", h.events.Outdated())
			}
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func answerHealth(w http.ResponseWriter, r *http.Request, code int, status string, outdated []lockstore.EventID) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	if r.Method != "GET" && r.Method != "HEAD" {
		h.Set("Allow", "GET, HEAD")
		code, status = http.StatusMethodNotAllowed, "use GET"
	}
	w.WriteHeader(code)
	if r.Method != "HEAD" {
		answer := struct {
			Status   string              `json:"status"`
			Outdated []lockstore.EventID `json:"outdatedEvents,omitempty"`
		}{status, outdated}
		_ = json.NewEncoder(w).Encode(answer) // a client that has gone needs no answer
	}
}

// ready returns nil if the store answers. Callers share the result of a call of the store
// that is under way or less than readyFor old.
func (h *health) ready(ctx context.Context) error {
	if h.stopping.Load() {
		return nil // the store's answer would make no difference
	}
	h.mu.Lock()
	known, err := !h.asked.IsZero() && time.Since(h.asked) < readyFor, h.err
	h.mu.Unlock()
	if known {
		return err
	}
	answer := h.asking.DoChan("", func() (any, error) {
		// Others share the answer, so it must not fail because this caller has left.
		return nil, h.ask(context.WithoutCancel(ctx))
	})
	select {
	case a := <-answer:
		return a.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask waits for the event to leave the empty Version, which every event has left. A
// store answers that at once if it can answer at all, however much was sold.
func (h *health) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	err := h.store.Wait(ctx, h.events.First(), "")
	if errors.Is(err, lockstore.ErrOtherSeats) {
		err = nil // the store answers, and other events may be sold
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && h.err == nil:
		h.log.Warn("not ready: the store does not answer", "error", err)
	case err == nil && h.err != nil:
		h.log.Info("ready again")
	}
	h.asked, h.err = time.Now(), err
	return err
}
