package lockstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
)

// many returns an event with more seats than an operation may name.
func many(t *testing.T) *lockstore.Event {
	t.Helper()
	var seats []lockstore.SeatID
	for i := range 2*lockstore.MaxSeats + 1 {
		seats = append(seats, lockstore.SeatID(fmt.Sprint("A", i+1)))
	}
	ev, err := lockstore.NewEvent("a", layout(t, seats...), time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// TestPositions checks that an operation's seats come in its order, those of a move
// at the end.
func TestPositions(t *testing.T) {
	ev := many(t)
	all := lockstore.Move("ann", "", ev.Seats[lockstore.MaxSeats:2*lockstore.MaxSeats], ev.Seats[:lockstore.MaxSeats])
	for _, c := range []struct {
		op   lockstore.Op
		want []int
	}{
		{lockstore.Lock("ann", "A3", "A1"), []int{2, 0}},
		{lockstore.Move("ann", "", []lockstore.SeatID{"A4", "A2"}, []lockstore.SeatID{"A1", "A3"}), []int{3, 1, 0, 2}},
	} {
		if got, err := ev.Positions(nil, &c.op); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v of %v and %v: %v %v, want %v", c.op.Kind, c.op.Seats, c.op.To, got, err, c.want)
		}
	}
	if got, err := ev.Positions([]int{9}, &all); err != nil || len(got) != 1+2*lockstore.MaxSeats || got[0] != 9 || got[1] != lockstore.MaxSeats {
		t.Errorf("moving %d seats: %d positions, %v", lockstore.MaxSeats, len(got), err)
	}
}

// TestOpsAreChecked checks that an operation with a field that it does not have, or
// without one that it needs, is refused.
func TestOpsAreChecked(t *testing.T) {
	ev := many(t)
	a1, later := []lockstore.SeatID{"A1"}, time.UnixMilli(1_800_000_000_000)
	with := func(op lockstore.Op, set func(*lockstore.Op)) lockstore.Op { set(&op); return op }
	lock := lockstore.Lock("ann", "A1")
	for _, c := range []struct {
		name string
		op   lockstore.Op
		want string // in the error; "" if the operation is valid
	}{
		{"lock", lock, ""},
		{"lock for a time", with(lock, func(op *lockstore.Op) { op.For = time.Millisecond }), ""},
		{"lock for less than a millisecond", with(lock, func(op *lockstore.Op) { op.For = 1 }), "from 1ms"},
		{"lock for too long", with(lock, func(op *lockstore.Op) { op.For = lockstore.MaxLockTTL + 1 }), "from 1ms"},
		{"lock without a user", lockstore.Lock("", "A1"), "user id"},
		{"lock with a reference", with(lock, func(op *lockstore.Op) { op.Ref = "r" }), "a reference cannot be given for lock"},
		{"lock with an end", with(lock, func(op *lockstore.Op) { op.Until = later }), "an end cannot be given for lock"},
		{"lock with a cap", with(lock, func(op *lockstore.Op) { op.Cap = time.Minute }), "a longest lock time cannot be given for lock"},
		{"lock of blocked seats", with(lock, func(op *lockstore.Op) { op.Blocked = true }), "blocked cannot be given for lock"},
		{"lock with new seats", with(lock, func(op *lockstore.Op) { op.To = []lockstore.SeatID{"A2"} }), "new seats cannot be given for lock"},
		{"lock with an earliest time", with(lock, func(op *lockstore.Op) { op.NotBefore = later }), "an earliest time cannot be given for lock"},
		{"lock with a bound, asked for by somebody", with(lock, func(op *lockstore.Op) { op.NotAfter, op.By = later, "the box office" }), ""},
		{"a bound before 1970", with(lock, func(op *lockstore.Op) { op.NotAfter = time.UnixMilli(-1) }), "years 1970 to 2255"},
		{"a bound in the year 2300", with(lock, func(op *lockstore.Op) { op.NotAfter = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) }), "years 1970 to 2255"},
		{"a long name of who asked", with(lock, func(op *lockstore.Op) { op.By = strings.Repeat("x", lockstore.MaxUserLen+1) }), "by is at most"},
		{"a name of who asked that cannot be printed", with(lock, func(op *lockstore.Op) { op.By = "a\n" }), "by is at most"},
		{"extend", lockstore.Extend("ann", later, "A1"), ""},
		{"extend without an end", lockstore.Extend("ann", time.Time{}, "A1"), "an extension needs an end"},
		{"extend beyond every cap", with(lockstore.Extend("ann", later, "A1"), func(op *lockstore.Op) { op.Cap = lockstore.MaxLockTTL + 1 }), "longest lock time"},
		{"confirm with a reference", with(lockstore.Confirm("ann", "A1"), func(op *lockstore.Op) { op.Ref = "order-1.a_B" }), ""},
		{"confirm with a bad reference", with(lockstore.Confirm("ann", "A1"), func(op *lockstore.Op) { op.Ref = "a:b" }), `a reference is up to`},
		{"confirm with a long reference", with(lockstore.Confirm("ann", "A1"), func(op *lockstore.Op) { op.Ref = lockstore.Ref(strings.Repeat("x", 65)) }), `a reference is up to`},
		{"book", with(lockstore.Book("ann", "r", "A1"), func(op *lockstore.Op) { op.Blocked = true }), ""},
		{"book without a user", lockstore.Book("", "r", "A1"), "user id"},
		{"cancel of a user", lockstore.Cancel("ann", "", "A1"), ""},
		{"cancel of a reference", with(lockstore.Cancel("", "r", "A1"), func(op *lockstore.Op) { op.NotBefore = later }), ""},
		{"cancel of anybody", lockstore.Cancel("", "", "A1"), "a user or a reference is needed for cancel"},
		{"move of anybody", lockstore.Move("", "", a1, []lockstore.SeatID{"A2"}), "a user or a reference is needed for move"},
		{"move to fewer", lockstore.Move("ann", "", []lockstore.SeatID{"A1", "A2"}, []lockstore.SeatID{"A3"}), "2 seats cannot be moved to 1"},
		{"move to itself", lockstore.Move("ann", "", a1, a1), "seat A1 is named twice"},
		{"move to an unknown seat", lockstore.Move("ann", "", a1, []lockstore.SeatID{"B1"}), `no seats ["B1"]`},
		{"block", with(lockstore.Block("camera", "A1"), func(op *lockstore.Op) { op.Blocked = true }), ""},
		{"block for a user", with(lockstore.Block("camera", "A1"), func(op *lockstore.Op) { op.User = "ann" }), "a user cannot be given for block"},
		{"unblock", lockstore.Unblock("A1"), ""},
		{"unblock with a reason", with(lockstore.Unblock("A1"), func(op *lockstore.Op) { op.Ref = "camera" }), "a reference cannot be given for unblock"},
		{"evict", lockstore.Evict("", "A1"), ""},
		{"evict a bad user", lockstore.Evict("a\n", "A1"), "user id"},
		{"no seat", lockstore.Lock("ann"), "no seat is named"},
		{"too many seats", lockstore.Lock("ann", ev.Seats[:lockstore.MaxSeats+1]...), "201 seats are named; one call takes at most 200"},
		{"as many seats as can be", lockstore.Lock("ann", ev.Seats[:lockstore.MaxSeats]...), ""},
		{"a seat twice", lockstore.Lock("ann", "A1", "A2", "A1"), "seat A1 is named twice"},
		{"a seat twice among many", lockstore.Lock("ann", append(slices.Clone(ev.Seats[:lockstore.MaxSeats-1]), "A7")...), "seat A7 is named twice"},
		{"unknown seats", lockstore.Lock("ann", "A1", "B1", "B2", "B1"), `no seats ["B1" "B2"]`},
		{"no kind", lockstore.Op{User: "ann", Seats: a1}, "there is no operation Kind(0)"},
	} {
		_, err := ev.Positions(nil, &c.op)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err != nil && !errors.Is(err, lockstore.ErrInvalid) && !errors.Is(err, lockstore.ErrUnknownSeats) {
			t.Errorf("%s: %v, want ErrInvalid or ErrUnknownSeats", c.name, err)
		}
	}
}

// TestSeatIDs checks which ids a seat may have.
func TestSeatIDs(t *testing.T) {
	for id, valid := range map[lockstore.SeatID]bool{
		"A1": true, "Box 1": true, "Ñ-3": true, "7a1f-01": true, "1/2": true, "{a}": true, "座席1": true,
		"": false, " A1": false, "A1 ": false, "A\t1": false, `A"1`: false, "A'1": false, `A\1`: false, "A`1": false,
		"A<1": false, "A>1": false, "A&1": false, "A\u20281": false, "A\xff": false,
		lockstore.SeatID(strings.Repeat("x", 64)): true, lockstore.SeatID(strings.Repeat("é", 33)): false,
	} {
		if err := id.Check(); (err == nil) != valid || err != nil && !errors.Is(err, lockstore.ErrInvalid) {
			t.Errorf("%q: %v, want valid: %v", id, err, valid)
		}
	}
}

// TestFilters checks which rosters can be asked for.
func TestFilters(t *testing.T) {
	ev := many(t)
	for _, c := range []struct {
		name   string
		filter lockstore.Filter
		want   string
	}{
		{"all", lockstore.Filter{}, ""},
		{"a user's", lockstore.Filter{User: "ann"}, ""},
		{"a bad user's", lockstore.Filter{User: "a\n"}, "user id"},
		{"seats", lockstore.Filter{Seats: []lockstore.SeatID{"A2", "A1"}}, ""},
		{"unknown seats", lockstore.Filter{Seats: []lockstore.SeatID{"B1"}}, `no seats ["B1"]`},
		{"a seat twice", lockstore.Filter{Seats: []lockstore.SeatID{"A1", "A1"}}, "twice"},
		{"too many seats", lockstore.Filter{Seats: ev.Seats[:lockstore.MaxSeats+1]}, "at most 200"},
		{"both", lockstore.Filter{User: "ann", Seats: []lockstore.SeatID{"A1"}}, "not of both"},
	} {
		if err := c.filter.Check(ev); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestOrdersAreChecked checks which orders can be put.
func TestOrdersAreChecked(t *testing.T) {
	good := lockstore.Order{ID: "o-1", Event: "gala", Due: time.UnixMilli(1), Body: make([]byte, lockstore.MaxOrderBody)}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*lockstore.Order){
		"an order id is":     func(o *lockstore.Order) { o.ID = "a b" },
		"an event id is":     func(o *lockstore.Order) { o.Event = "" },
		"a revision is":      func(o *lockstore.Order) { o.Revision = -1 },
		"the body has 65537": func(o *lockstore.Order) { o.Body = make([]byte, lockstore.MaxOrderBody+1) },
		"the due time must":  func(o *lockstore.Order) { o.Due = time.UnixMilli(-1) },
	} {
		o := good
		spoil(&o)
		if err := o.Check(); !errors.Is(err, lockstore.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
