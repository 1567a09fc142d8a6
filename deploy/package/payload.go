package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// maxPayload is the largest body in bytes that a Lambda function can answer with:
// 6 MB, less the header and the rest of the payload.
const maxPayload = 6<<20 - 4<<10

// payload returns the size in bytes of the largest list of an event in a function's
// answer: the whole list with every seat locked, to a client that accepts gzip. An
// encoded body is sent in base64, any other as a JSON string.
func payload(e venue.Event) (int, error) {
	api, err := booking.New(booking.Config{Store: lockedStore{}, Events: []venue.Event{e}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(context.Background(), "GET", "/seats", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	w := &recorder{header: make(http.Header), status: http.StatusOK}
	api.List(w, r)
	if w.status != http.StatusOK {
		return 0, fmt.Errorf("event %s: its list is answered with status %d", e.ID, w.status)
	}
	if w.header.Get("Content-Encoding") != "" {
		return base64.StdEncoding.EncodedLen(w.body.Len()), nil
	}
	text, err := json.Marshal(w.body.String())
	return len(text), err
}

// lockedStore is a store in which every seat is locked, each until a different time,
// which compresses worst. It implements only List.
type lockedStore struct{ lockstore.LockStore }

// List lists every seat as locked.
func (lockedStore) List(_ context.Context, ev *lockstore.Event, _ lockstore.Version) (lockstore.Snapshot, error) {
	now := time.Now().UnixMilli()
	snap := lockstore.Snapshot{Version: "1", Full: true, Now: now}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range ev.Seats {
		snap.Seats = append(snap.Seats, lockstore.ListedSeat{Position: int32(i), Status: lockstore.Locked, Expires: now + 1 + random.Int64N(3_600_000)})
	}
	return snap, nil
}

// A recorder records an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
