package storetest

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"seatlock/lockstore"
)

// drawing draws operations.
type drawing struct {
	seats  *rapid.Generator[[]lockstore.SeatID]
	few    *rapid.Generator[[]lockstore.SeatID] // of what operators do
	users  *rapid.Generator[lockstore.UserID]
	oddTTL time.Duration
	bubble bool
	sold   lockstore.Op // the last confirm or booking
}

// The kinds that buyers use are drawn more often than each of the others, which
// would leave few locks to expire.
var (
	buyers   = []lockstore.Kind{lockstore.KindLock, lockstore.KindConfirm, lockstore.KindRelease, lockstore.KindExtend}
	operator = rapid.SampledFrom(slices.DeleteFunc(lockstore.Kinds(), func(k lockstore.Kind) bool { return slices.Contains(buyers, k) }))
)

var (
	anyRef = rapid.SampledFrom([]lockstore.Ref{"", "r1", "R1"})
	often  = rapid.SampledFrom([]bool{true, true, false})
	seldom = rapid.SampledFrom([]bool{false, false, false, false, true})
)

func (d *drawing) draw(t *rapid.T, kind lockstore.Kind) lockstore.Op {
	op := lockstore.Op{Kind: kind}
	if slices.Contains(buyers, kind) {
		op.Seats = d.seats.Draw(t, "seats")
	} else {
		op.Seats = d.few.Draw(t, "seats")
	}
	switch kind {
	case lockstore.KindBlock, lockstore.KindUnblock:
	case lockstore.KindEvict:
		if often.Draw(t, "of a user") {
			op.User = d.users.Draw(t, "user")
		}
	default:
		op.User = d.users.Draw(t, "user")
	}
	switch kind {
	case lockstore.KindLock:
		if seldom.Draw(t, "for another time") {
			op.For = d.odd(t)
		}
	case lockstore.KindExtend:
		op.Until = time.Now().Truncate(2 * time.Millisecond).Add(d.odd(t))
		if often.Draw(t, "capped") {
			op.Cap = d.odd(t)
		}
	case lockstore.KindBook:
		op.Ref, op.Blocked = anyRef.Draw(t, "ref"), seldom.Draw(t, "blocked")
	case lockstore.KindBlock:
		op.Ref, op.Blocked = anyRef.Draw(t, "reason"), seldom.Draw(t, "evict")
	case lockstore.KindConfirm:
		op.Ref = anyRef.Draw(t, "ref")
	case lockstore.KindMove:
		op.Ref = anyRef.Draw(t, "ref")
		if d.sold.Seats != nil && often.Draw(t, "what was sold") {
			op.User, op.Ref, op.Seats = d.sold.User, d.sold.Ref, d.sold.Seats
		}
		op.Seats, op.To = apart(op.Seats, d.few.Draw(t, "to"))
	case lockstore.KindCancel:
		op.Ref = anyRef.Draw(t, "ref")
		if op.Ref != "" && seldom.Draw(t, "of anybody") {
			op.User = ""
		}
		if seldom.Draw(t, "not before") {
			op.NotBefore = d.bound(t)
		}
	}
	if seldom.Draw(t, "not after") {
		op.NotAfter = d.bound(t)
	}
	return op
}

// odd returns an odd number of milliseconds.
func (d *drawing) odd(t *rapid.T) time.Duration {
	if !d.bubble {
		return rapid.SampledFrom([]time.Duration{d.oddTTL, 2 * d.oddTTL, 3 * d.oddTTL}).Draw(t, "hours")
	}
	longest := rapid.SampledFrom([]int{3, int(d.oddTTL.Milliseconds())}).Draw(t, "longest")
	return time.Duration(1+2*rapid.IntRange(0, longest).Draw(t, "ms/2")) * time.Millisecond
}

// bound returns a time in the past, the current time, or a time in the future.
func (d *drawing) bound(t *rapid.T) time.Time {
	n := time.Duration(rapid.IntRange(-1, 1).Draw(t, "bound"))
	if !d.bubble {
		return time.Now().Add((2*n + 1) * time.Minute)
	}
	return time.Now().Add(n * time.Millisecond)
}

// apart returns some of the seats, and as many of the others that are not among them.
func apart(from, to []lockstore.SeatID) ([]lockstore.SeatID, []lockstore.SeatID) {
	to = slices.DeleteFunc(slices.Clone(to), func(s lockstore.SeatID) bool { return slices.Contains(from, s) })
	if len(to) == 0 {
		from = from[:1]
		for _, seat := range Seats(6) {
			if seat != from[0] {
				to = []lockstore.SeatID{seat}
			}
		}
	}
	n := min(len(from), len(to))
	return from[:n], to[:n]
}
