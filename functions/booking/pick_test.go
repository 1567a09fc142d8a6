package booking_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// club is an event with rows of two categories, a wheelchair place, an aisle, a second
// section and two areas.
const club = `{"events": [{"id": "club", "noSingles": true, "sections": [
	{"name": "Stalls", "category": "first",
	 "rows": [{"row": "A", "seats": "1-6"}, {"row": "B", "seats": "1-4|5-6"}, {"row": "C", "seats": "1-6", "category": "second"}],
	 "special": [{"row": "A", "seats": "1", "facts": ["wheelchair"]}]},
	{"name": "Circle", "category": "second", "pattern": "O-{row}{seat}", "rows": [{"row": "A", "seats": "1-3"}]}],
	"areas": [{"name": "Floor", "capacity": 20, "category": "standing"}, {"name": "Bar", "capacity": 5, "category": "standing"}],
	"categories": [{"id": "first"}, {"id": "second"}, {"id": "standing"}]}]}`

func openClub(t *testing.T, store lockstore.LockStore) *server {
	t.Helper()
	events, err := venue.ReadEvents("club", strings.NewReader(club), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return openWith(t, store, events...)
}

// A picked is the answer to a lock with a count.
type picked struct {
	SeatIDs  []string `json:"seatIds"`
	Together *bool    `json:"together"`
}

func (a answer) picked() (p picked) {
	a.t.Helper()
	if err := json.Unmarshal(a.want(200).Body.Bytes(), &p); err != nil {
		a.t.Fatal(err)
	}
	return p
}

func TestBestSeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for body, want := range map[string]string{
			`"count":2`:                     "A2 A3", // near the middle of the front row; A4 and A5 would leave a single seat
			`"count":5`:                     "A2 A3 A4 A5 A6",
			`"count":1,"category":"second"`: "C3",
			`"count":3,"section":"Circle"`:  "O-A1 O-A2 O-A3",
			`"count":2,"section":"Circle","category":"second"`: "O-A1 O-A2",
			`"count":6`:                        "C1 C2 C3 C4 C5 C6", // row B has an aisle
			`"count":20,"section":"Floor"`:     "Floor#1 … Floor#20",
			`"count":20,"category":"standing"`: "Floor#1 … Floor#20",
		} {
			s := openClub(t, new(memstore.Store))
			p := s.must("/lock", `{`+body+`,"userId":"ann"}`).picked()
			got := strings.Join(p.SeatIDs, " ")
			if len(p.SeatIDs) == 20 {
				got = p.SeatIDs[0] + " … " + p.SeatIDs[19]
			}
			if got != want || p.Together == nil || !*p.Together {
				t.Errorf("%s: the seats are %s, want %s together", body, got, want)
			}
		}
	})
}

func TestApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openClub(t, new(memstore.Store))
		s.must("/lock", `{"count":6,"category":"second","userId":"ann"}`)
		p := s.must("/lock", `{"count":7,"apart":true,"userId":"ann"}`).picked()
		if len(p.SeatIDs) != 7 || *p.Together || slices.Contains(p.SeatIDs, "A1") {
			t.Errorf("seven apart got %v, together: %v", p.SeatIDs, *p.Together)
		}
		if p = s.must("/lock", `{"count":2,"apart":true,"userId":"ann"}`).picked(); !*p.Together {
			t.Errorf("two who may sit apart got %v, not together", p.SeatIDs)
		}
	})
}

func TestNotEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openClub(t, new(memstore.Store))
		s.must("/lock", `{"seatIds":["C1","C2","C3","C4","C5"],"userId":"ann"}`)
		for body, want := range map[string]string{
			`"count":6`:                                                           "5: At most 5 seats are left side by side. Ask for fewer, or set apart to sit in separate places.",
			`"count":4,"category":"second"`:                                       "3: At most 3 seats are left side by side of category second. Ask for fewer, or set apart to sit in separate places.",
			`"count":5,"category":"second","apart":true`:                          "4: There are only 4 seats left of category second.",
			`"count":4,"section":"Circle"`:                                        "3: At most 3 seats are left side by side in Circle. Ask for fewer, or set apart to sit in separate places.",
			`"count":6,"section":"Bar"`:                                           "5: There are only 5 seats left in Bar.",
			`"count":1,"section":"Bar","category":"first"`:                        "0: No seat is left in Bar of category first.",
			`"areas":[{"section":"Floor","count":4},{"section":"Bar","count":6}]`: "5: Bar has 5 places left.",
		} {
			var p struct {
				Code, Detail string
				Largest      *int
			}
			if err := json.Unmarshal(s.post("/lock", `{`+body+`,"userId":"ben"}`).want(409).Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if p.Code != "not_enough" || p.Largest == nil || fmt.Sprintf("%d: %s", *p.Largest, p.Detail) != want {
				t.Errorf("%s: %+v, want %s", body, p, want)
			}
		}
		if l := s.list("?status=locked"); l.Counts.Locked != 5 {
			t.Errorf("%d seats are locked after the refusals, want 5", l.Counts.Locked)
		}
	})
}

func TestPicksAreChecked(t *testing.T) {
	s := openClub(t, new(memstore.Store))
	for body, detail := range map[string]string{
		`"count":0`:               "from 1 to 200",
		`"count":201`:             "from 1 to 200",
		`"count":2.5`:             "must be a whole number",
		`"count":2,"seatId":"A1"`: "neither with seats nor with areas",
		`"count":2,"areas":[{"section":"Bar","count":1}]`:                        "neither with seats nor with areas",
		`"seatId":"A1","apart":true`:                                             "go with count",
		`"count":2,"section":"Cellar"`:                                           `no section "Cellar"`,
		`"count":2,"category":"third"`:                                           `no category "third"`,
		`"count":2,"levels":["adult","adult"]`:                                   "levels goes with seats that are all named",
		`"areas":[]`:                                                             "No area is named",
		`"areas":[{"section":"Stalls","count":1}]`:                               `no area "Stalls"`,
		`"areas":[{"section":"Bar","count":0}]`:                                  "from 1 to 200",
		`"areas":[{"section":"Bar","count":1},{"section":"Bar","count":1}]`:      "Area Bar is given twice",
		`"areas":[{"section":"Bar","count":150},{"section":"Floor","count":51}]`: "at most 200",
		`"areas":[{"section":"Bar","number":1}]`:                                 `no field "areas/0/number"`,
		`"areas":"Bar"`:                                                          "a list of objects with section and count",
	} {
		if p := s.post("/lock", `{`+body+`,"userId":"ann"}`).wantProblem(400, "bad_request"); !strings.Contains(p.Detail, detail) {
			t.Errorf("%s: %s, want %q in it", body, p.Detail, detail)
		}
	}
}

// TestPicksAboveTheLimit checks that a pick of more seats than a user may have is
// refused without a call of the store.
func TestPicksAboveTheLimit(t *testing.T) {
	limited := strings.Replace(club, `"id": "club"`, `"id": "club", "seatLimit": 4`, 1)
	events, err := venue.ReadEvents("club", strings.NewReader(limited), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var ops []lockstore.Op
	s := openWith(t, forgetful{new(memstore.Store), new(sync.Once), &ops}, events...)
	for _, body := range []string{
		`"count":5`,
		`"count":200,"apart":true`,
		`"areas":[{"section":"Floor","count":3},{"section":"Bar","count":2}]`,
		`"seatIds":["A2","A3"],"areas":[{"section":"Floor","count":3}]`,
	} {
		p := s.post("/lock", `{`+body+`,"userId":"ann"}`).wantProblem(409, "seat_limit")
		if want := "at most 4 seats"; !strings.Contains(p.Detail, want) || len(ops) > 0 {
			t.Errorf("%s: %s, want %q in it; the store was asked for %+v", body, p.Detail, want, ops)
		}
	}
	s.must("/lock", `{"count":4,"userId":"ann"}`)
}

// TestAreas checks that places of areas are sold with seats, all or none, and shown as
// counts.
func TestAreas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openClub(t, new(memstore.Store))
		available := func(floor, bar, seats int) {
			t.Helper()
			var l struct {
				Areas []struct {
					Section   string
					Available int
				}
				Counts struct{ Available int }
				Seats  []seat
			}
			if err := json.Unmarshal(s.get("/seats").want(200).Body.Bytes(), &l); err != nil {
				t.Fatal(err)
			}
			if len(l.Areas) != 2 || l.Areas[0].Section != "Floor" || l.Areas[0].Available != floor || l.Areas[1].Available != bar || l.Counts.Available != floor+bar+seats || len(l.Seats) != 21 {
				t.Errorf("the areas are %+v of %d available and %d seats, want %d, %d and %d seats", l.Areas, l.Counts.Available, len(l.Seats), floor, bar, seats)
			}
		}
		p := s.must("/lock", `{"seatIds":["A5","A6"],"areas":[{"section":"Floor","count":3},{"section":"Bar","count":1}],"userId":"ann"}`).picked()
		if len(p.SeatIDs) != 6 || p.SeatIDs[0] != "A5" || !strings.HasPrefix(p.SeatIDs[2], "Floor#") || !strings.HasPrefix(p.SeatIDs[5], "Bar#") || p.Together != nil {
			t.Errorf("the seats are %v, together: %v", p.SeatIDs, p.Together)
		}
		available(17, 4, 19)
		// The seat is taken, so no place may be locked.
		taken := s.post("/lock", `{"seatIds":["A6","A4"],"areas":[{"section":"Floor","count":3}],"userId":"ben"}`).wantProblem(409, "seat_locked")
		if len(taken.Seats) != 1 || taken.Seats[0].SeatID != "A6" {
			t.Errorf("in the way are %v, want A6", taken.Seats)
		}
		available(17, 4, 19)

		var mine struct {
			Seats []struct{ SeatID, Section string }
		}
		if err := json.Unmarshal(s.get("/mine?userId=ann").want(200).Body.Bytes(), &mine); err != nil {
			t.Fatal(err)
		}
		for _, m := range mine.Seats {
			area, _, isPlace := strings.Cut(m.SeatID, "#")
			if isPlace && m.Section != area || !isPlace && m.Section != "" {
				t.Errorf("the seat %s has the section %q", m.SeatID, m.Section)
			}
		}
		places, err := json.Marshal(p.SeatIDs[2:])
		if err != nil {
			t.Fatal(err)
		}
		s.must("/confirm", `{"seatIds":["A5","A6"],"userId":"ann"}`)
		s.must("/release", fmt.Sprintf(`{"seatIds":%s,"userId":"ann"}`, places))
		available(20, 5, 19)
	})
}

// TestNamedPlaces checks that a place that is named is not picked a second time.
func TestNamedPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openClub(t, new(memstore.Store))
		p := s.must("/lock", `{"seatIds":["Bar#1","Bar#3"],"areas":[{"section":"Bar","count":2}],"userId":"ann"}`).picked()
		if want := []string{"Bar#1", "Bar#3", "Bar#2", "Bar#4"}; !slices.Equal(p.SeatIDs, want) {
			t.Errorf("the places are %v, want %v", p.SeatIDs, want)
		}
		time.Sleep(time.Second) // until the list is read again
		missing := s.post("/lock", `{"seatIds":["Bar#5"],"areas":[{"section":"Bar","count":1}],"userId":"ann"}`).wantProblem(409, "not_enough")
		if want := "Bar has no place left."; missing.Detail != want {
			t.Errorf("one more place than there are: %s, want %s", missing.Detail, want)
		}
		s.must("/lock", `{"areas":[{"section":"Bar","count":1}],"userId":"ben"}`) // Bar#5 is still there
	})
}

// TestNoSingles checks that a buyer may not leave a single seat alone if there is
// another choice, that this choice is accepted, and that a back end may.
func TestNoSingles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openClub(t, new(memstore.Store))
		var p struct {
			Code           string
			InsteadSeatIDs []string
		}
		if err := json.Unmarshal(s.post("/lock", `{"seatIds":["C2","C3"],"userId":"ann"}`).want(409).Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if p.Code != "orphan_seat" || !slices.Equal(p.InsteadSeatIDs, []string{"C1", "C2"}) {
			t.Errorf("the refusal is %+v, want C1 and C2 instead", p)
		}
		s.post("/lock", `{"seatIds":["C2","C3"],"areas":[{"section":"Bar","count":1}],"userId":"ann"}`).wantProblem(409, "orphan_seat")
		s.must("/lock", `{"seatIds":["C1","C2"],"areas":[{"section":"Bar","count":1}],"userId":"ann"}`)
		s.must("/lock", `{"seatIds":["C1","C2"],"userId":"ann"}`) // a repeat, as after a lost answer
		s.post("/lock", `{"seatIds":["O-A2","O-A2"],"userId":"ben"}`).wantProblem(400, "bad_request")
		s.post("/lock", `{"seatId":"O-A2","userId":"ben"}`).wantProblem(409, "orphan_seat")
		s.must("/lock", `{"seatIds":["O-A1","O-A2","O-A3"],"userId":"ben"}`)
		s.must("/lock", `{"seatIds":["C3","C4","C5"],"userId":"cem"}`) // leaves C6 alone, as any three would
	})
}

func TestSinglesAreUpToTheOperator(t *testing.T) {
	events, err := venue.ReadEvents("club", strings.NewReader(club), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	key := strings.Repeat("o", 32)
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: events, Access: access.Policy{OperatorKeys: []string{key}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		auth string
		want int
	}{{"", 409}, {"Bearer " + key, 200}} { // in this order: seats that the user has already are not judged
		auth, want := c.auth, c.want
		r := httptest.NewRequest("POST", "/lock", strings.NewReader(`{"seatIds":["C2","C3"],"userId":"ann"}`))
		r.Header.Set("Content-Type", "application/json")
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		w := httptest.NewRecorder()
		api.Lock(w, r)
		if w.Code != want {
			t.Errorf("with the key %q: %d %s, want %d", auth, w.Code, w.Body, want)
		}
	}
}

// A forgetful store does not say that the first lock took effect.
type forgetful struct {
	lockstore.LockStore
	once *sync.Once
	ops  *[]lockstore.Op
}

func (f forgetful) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (result lockstore.Result, err error) {
	*f.ops = append(*f.ops, op)
	result, err = f.LockStore.Do(ctx, ev, op)
	f.once.Do(func() { result, err = lockstore.Result{}, lockstore.ErrOutcomeUnknown })
	return result, err
}

// TestPickOfUnknownOutcome checks that a lock whose outcome is unknown is repeated with
// the same seats.
func TestPickOfUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ops []lockstore.Op
		s := openClub(t, forgetful{new(memstore.Store), new(sync.Once), &ops})
		p := s.must("/lock", `{"count":2,"userId":"ann"}`).picked()
		if len(ops) != 2 || !slices.Equal(ops[0].Seats, ops[1].Seats) || len(p.SeatIDs) != 2 || p.SeatIDs[0] != string(ops[0].Seats[0]) {
			t.Errorf("the store was asked for %+v, and the answer is %v", ops, p.SeatIDs)
		}
		if l := s.list("?status=locked"); l.Counts.Locked != 2 {
			t.Errorf("%d seats are locked, want 2", l.Counts.Locked)
		}
	})
}

// A stalled store carries out locks and does not answer. Like every store, it does
// nothing once the context has ended.
type stalled struct{ lockstore.LockStore }

func (s stalled) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	result, err := s.LockStore.Do(ctx, ev, op)
	if err != nil || op.Kind != lockstore.KindLock {
		return result, err
	}
	<-ctx.Done()
	return lockstore.Result{}, fmt.Errorf("%w: %w", lockstore.ErrOutcomeUnknown, ctx.Err())
}

// TestPickWithoutAnswer checks that the answer does not say that nothing was changed if
// the store has not answered within the time for a pick.
func TestPickWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openClub(t, stalled{new(memstore.Store)})
		if p := s.post("/lock", `{"count":2,"userId":"ann"}`).wantProblem(503, "outcome_unknown"); !strings.Contains(p.Detail, "GET /mine") {
			t.Errorf("the detail is %q, want what to ask first", p.Detail)
		}
		if l := s.list("?status=locked"); l.Counts.Locked != 2 {
			t.Errorf("%d seats are locked, want 2", l.Counts.Locked)
		}
	})
}

// TestPairsUntilSoldOut lets 64 callers lock pairs until none are left. Every pair that
// fits must be sold before one is refused.
func TestPairsUntilSoldOut(t *testing.T) {
	const rows, seats = 40, 25
	hall, err := venue.Grid(rows, seats, venue.Defaults{LockTTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{hall}})
	if err != nil {
		t.Fatal(err)
	}
	sold := make([]int, 64)
	var callers sync.WaitGroup
	for i := range sold {
		callers.Go(func() {
			for {
				r := httptest.NewRequest("POST", "/lock", strings.NewReader(fmt.Sprintf(`{"count":2,"userId":"user%d"}`, i)))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				api.Lock(w, r)
				if w.Code != 200 {
					if !strings.Contains(w.Body.String(), "not_enough") {
						t.Errorf("%d %s", w.Code, w.Body)
					}
					return
				}
				sold[i]++
			}
		})
	}
	callers.Wait()
	all := 0
	for _, n := range sold {
		all += n
	}
	if want := rows * (seats / 2); all != want {
		t.Errorf("%d pairs were sold, want %d", all, want)
	}
}
