package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
)

const (
	hoardTries   = 50 * time.Millisecond // between two calls of a hoarder who is refused
	guestTime    = 5 * time.Second
	hoardAtATime = 10 // seats in a call; many servers allow a user no more
)

// A hoardReport shows how much callers got who lock seats and buy none.
type hoardReport struct {
	Hoarders int            `json:"hoarders"`
	Guests   int            `json:"guests"`   // sessions that the server made for them
	Seats    int            `json:"seats"`    // locked seats; a seat counts each time
	Most     int            `json:"most"`     // the most seats that they had at a time
	Share    float64        `json:"share"`    // of the time of all seats
	Refused  map[string]int `json:"refused"`  // their locks, by the code of the refusal
	NoGuests int            `json:"noGuests"` // how often the server made no guest, since there were too many
}

// A hoard has the locks of all hoarders. They come from one address, as guests.
type hoard struct {
	*crowd
	began time.Time

	mu    sync.Mutex
	until map[lockstore.SeatID]time.Time // of the locks that they have, or had
	since map[lockstore.SeatID]time.Time
	held  time.Duration // total time of locks that are over
	r     hoardReport
}

// errNoGuests is returned if the server makes no guests at all.
var errNoGuests = errors.New("GET /session made no guest: -hoarders needs a server with -sessions, and -backend-key for the buyers")

// startHoard lets hoarders lock seats until stop is called, which reports on them. It fails
// if the server makes no guests.
func (c *crowd) startHoard(ctx context.Context) (stop func() hoardReport, err error) {
	h := &hoard{crowd: c, began: time.Now(), until: make(map[lockstore.SeatID]time.Time), since: make(map[lockstore.SeatID]time.Time)}
	h.r = hoardReport{Hoarders: c.hoarders, Refused: make(map[string]int)}
	if c.hoarders > 0 {
		if _, err := h.guest(ctx); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for i := range c.hoarders {
		rnd := rand.New(rand.NewPCG(c.seed, uint64(1)<<32|uint64(i)))
		if i%2 == 0 {
			all.Go(func() { h.letGo(ctx, rnd) })
		} else {
			all.Go(func() { h.beMany(ctx, rnd) })
		}
	}
	return func() hoardReport {
		cancel()
		all.Wait()
		return h.report()
	}, nil
}

// letGo locks seats as one guest, releases them and locks again, until the context ends.
func (h *hoard) letGo(ctx context.Context, rnd *rand.Rand) {
	guest := h.nextGuest(ctx)
	for ctx.Err() == nil {
		seats := h.lock(ctx, guest, rnd)
		if len(seats) == 0 {
			pause(ctx, hoardTries)
			continue
		}
		pause(ctx, rand.N(h.view.event.LockTTL))
		if _, err := guest.Do(context.WithoutCancel(ctx), h.view.event, lockstore.Release("", seats...)); err == nil {
			h.release(seats)
		}
	}
}

// beMany locks seats as one guest after the other and leaves, until the context ends.
func (h *hoard) beMany(ctx context.Context, rnd *rand.Rand) {
	for ctx.Err() == nil {
		if len(h.lock(ctx, h.nextGuest(ctx), rnd)) == 0 {
			pause(ctx, hoardTries)
		}
	}
}

// nextGuest waits until the server has made a guest. It returns nil if the context ends.
func (h *hoard) nextGuest(ctx context.Context) *client.Client {
	for ctx.Err() == nil {
		if guest, err := h.guest(ctx); err == nil && guest != nil {
			return guest
		}
		pause(ctx, hoardTries)
	}
	return nil
}

// lock locks as many seats as a guest may have, and returns them.
func (h *hoard) lock(ctx context.Context, guest *client.Client, rnd *rand.Rand) []lockstore.SeatID {
	all, most := h.view.onSale.Seats, hoardAtATime
	if limit := h.view.event.SeatLimit; limit > 0 {
		most = min(most, limit)
	}
	var seats []lockstore.SeatID
	for at, i := rnd.IntN(len(all)), 0; i < len(all) && len(seats) < most; i++ {
		if seat := all[(at+i)%len(all)]; h.view.available(seat) {
			seats = append(seats, seat)
		}
	}
	if len(seats) == 0 || guest == nil {
		return nil
	}
	result, err := guest.Do(ctx, h.view.event, lockstore.Lock("", seats...))
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		if p, ok := errors.AsType[*client.Problem](err); ok {
			h.r.Refused[p.Code]++
		}
		return nil
	}
	now := time.Now()
	h.r.Seats += len(seats)
	for _, seat := range seats {
		h.end(seat, now)
		h.since[seat], h.until[seat] = now, result.Expires
	}
	n := 0
	for _, until := range h.until {
		if now.Before(until) {
			n++
		}
	}
	h.r.Most = max(h.r.Most, n)
	return seats
}

func (h *hoard) release(seats []lockstore.SeatID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, seat := range seats {
		h.end(seat, time.Now())
	}
}

// end adds the time of a lock that is over by now. The caller must hold h.mu.
func (h *hoard) end(seat lockstore.SeatID, now time.Time) {
	until, ok := h.until[seat]
	if !ok {
		return
	}
	if until.After(now) {
		until = now
	}
	h.held += until.Sub(h.since[seat])
	delete(h.until, seat)
}

func (h *hoard) report() hoardReport {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for _, seat := range h.view.onSale.Seats {
		h.end(seat, now)
	}
	h.r.Share = h.held.Seconds() / (now.Sub(h.began).Seconds() * float64(len(h.view.onSale.Seats)))
	return h.r
}

// guest returns a client of a new guest, or nil if the server makes none now.
func (h *hoard) guest(ctx context.Context) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, guestTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", h.url+"/session", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil // the server is busy, or the run is over
	}
	defer resp.Body.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	if resp.StatusCode == http.StatusTooManyRequests {
		h.r.NoGuests++
		return nil, nil
	}
	var answer struct{ Guest bool }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || !answer.Guest || len(resp.Cookies()) == 0 {
		return nil, errNoGuests
	}
	h.r.Guests++
	return client.New(h.url, client.Options{Token: resp.Cookies()[0].Value})
}

func (r *hoardReport) text() string {
	return fmt.Sprintf("hoarders %d locked %d seats, at most %d at a time: %s %% of the time of all seats; refused were %s; guests %d, and %d times none\n",
		r.Hoarders, r.Seats, r.Most, strconv.FormatFloat(100*r.Share, 'f', 1, 64), counts(r.Refused), r.Guests, r.NoGuests)
}
