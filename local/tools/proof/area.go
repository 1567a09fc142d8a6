package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	calls "seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

const (
	areaCallers   = 64
	areaProcesses = 2
	areaPlaces    = 7   // of an area whose history is checked, the most that is possible
	largeArea     = 150 // places of an area of which only the capacity is checked
	areaTTL       = 300 * time.Millisecond
)

// areaSold has 64 callers request 1 to 6 places of an area at a time from two processes, and
// book them, release them, or let their locks end.
func areaSold(open func(context.Context, *trial) (stores, error)) func(context.Context, *trial) (tally, error) {
	return func(ctx context.Context, t *trial) (tally, error) {
		both, err := open(ctx, t)
		if err != nil {
			return tally{}, err
		}
		c := newCampaign(t.settings, "area", both.old, 1)
		c.orders = nil
		c.plan.TTL = areaTTL
		for i := range t.times(40) {
			places, users := areaPlaces, len("abcdefg") // as many as a history can have
			if i%4 == 3 {
				places, users = largeArea, areaCallers
			}
			s, err := newAreaSale(both, lockstore.EventID(fmt.Sprintf("%s-%d", c.name, i)), places, users)
			if err != nil {
				return c.tally, err
			}
			s.run(ctx)
			if err := ctx.Err(); err != nil {
				return c.tally, err
			}
			if places == areaPlaces {
				err = c.check(s.books.of(s.event).History(c.plan.Slack))
			} else {
				c.record(s.books.of(s.event).History(c.plan.Slack))
				c.tally.illegal += s.overbooked()
			}
			if err != nil {
				return c.tally, err
			}
		}
		return c.audit(ctx)
	}
}

// An areaSale sells the places of one area.
type areaSale struct {
	event *lockstore.Event
	books *recorded
	apis  []telemetry.Handler // of the processes
	users int

	mu   sync.Mutex
	held []held
}

// held is a period in which a caller certainly had this many places.
type held struct {
	from, to time.Time
	places   int
}

func newAreaSale(both stores, id lockstore.EventID, places, users int) (*areaSale, error) {
	file := fmt.Sprintf(`{"events":[{"id":%q,"lockSeconds":%v,"areas":[{"name":"Floor","capacity":%d}]}]}`, id, areaTTL.Seconds(), places)
	events, err := venue.ReadEvents("area", strings.NewReader(file), venue.Defaults{LockTTL: areaTTL})
	if err != nil {
		return nil, err
	}
	s := &areaSale{event: events[0].Event, books: &recorded{LockStore: both.old}, users: users}
	s.books.add(s.event)
	for range areaProcesses {
		api, err := calls.New(calls.Config{Store: s.books, Events: events, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, err
		}
		s.apis = append(s.apis, api.Routes())
	}
	return s, nil
}

// run has each caller lock places a few times.
func (s *areaSale) run(ctx context.Context) {
	var callers sync.WaitGroup
	for i := range areaCallers {
		callers.Go(func() {
			user := fmt.Sprintf("user-%d", i%s.users)
			for range 3 {
				s.turn(ctx, s.apis[i%areaProcesses], user, 1+rand.IntN(6))
				_ = sleep(ctx, upTo(areaTTL/2))
			}
		})
	}
	callers.Wait()
}

// turn is what a caller does with some places.
func (s *areaSale) turn(ctx context.Context, api telemetry.Handler, user string, n int) {
	var got struct {
		SeatIDs []lockstore.SeatID `json:"seatIds"`
	}
	called := time.Now()
	if !ask(ctx, api, "/lock", &got, map[string]any{"eventId": s.event.ID, "userId": user, "count": n, "section": "Floor"}) {
		return
	}
	h := held{from: time.Now(), to: called.Add(areaTTL), places: len(got.SeatIDs)}
	_ = sleep(ctx, upTo(areaTTL/2))
	body := map[string]any{"eventId": s.event.ID, "userId": user, "seatIds": got.SeatIDs}
	switch rand.IntN(8) {
	case 0:
		if ask(ctx, api, "/confirm", nil, body) {
			h.to = time.Now().Add(time.Hour)
		}
	case 1, 2, 3:
		if now := time.Now(); now.Before(h.to) {
			h.to = now
		}
		ask(ctx, api, "/release", nil, body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, h)
}

// overbooked returns how often callers certainly had more places than there are.
func (s *areaSale) overbooked() (n int) {
	type step struct {
		at     time.Time
		places int
	}
	var steps []step
	for _, h := range s.held {
		if h.from.Before(h.to) {
			steps = append(steps, step{h.from, h.places}, step{h.to, -h.places})
		}
	}
	slices.SortFunc(steps, func(a, b step) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return a.places - b.places
	})
	had := 0
	for _, step := range steps {
		if had += step.places; step.places > 0 && had > len(s.event.Seats) {
			n++
		}
	}
	return n
}

// ask makes a call of the API and reports whether it succeeded. It decodes the answer
// unless answer is nil.
func ask(ctx context.Context, api telemetry.Handler, path string, answer any, body map[string]any) bool {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // cannot happen: the body has only texts and numbers
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(string(text)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	api(w, r)
	if w.Code != http.StatusOK {
		return false
	}
	return answer == nil || json.Unmarshal(w.Body.Bytes(), answer) == nil
}
