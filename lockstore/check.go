package lockstore

import (
	"slices"
	"time"
)

// Positions checks an operation on the event and appends the position of each of
// its seats to dst: those of op.Seats and then those of op.To. The error is an
// [*InvalidError] or an [*UnknownSeatsError], which names every unknown seat.
func (ev *Event) Positions(dst []int, op *Op) ([]int, error) {
	if err := op.check(); err != nil {
		return nil, err
	}
	start := len(dst)
	for _, seats := range [...][]SeatID{op.Seats, op.To} {
		for _, seat := range seats {
			at, ok := ev.Position(seat)
			if !ok {
				return nil, ev.unknown(op)
			}
			if len(dst)-start < few && slices.Contains(dst[start:], at) {
				return nil, invalid("seat %s is named twice", seat)
			}
			dst = append(dst, at)
		}
	}
	if len(dst)-start > few {
		if twice, found := repeated(dst[start:]); found {
			return nil, invalid("seat %s is named twice", ev.Seats[twice])
		}
	}
	return dst, nil
}

// Up to few seats, comparing each pair is faster than sorting.
const few = 32

// repeated returns a position that occurs twice, if there is one.
func repeated(at []int) (int, bool) {
	sorted := slices.Sorted(slices.Values(at))
	for i, p := range sorted[1:] {
		if p == sorted[i] {
			return p, true
		}
	}
	return 0, false
}

func (ev *Event) unknown(op *Op) error {
	e := &UnknownSeatsError{Event: ev.ID}
	for _, seats := range [...][]SeatID{op.Seats, op.To} {
		for _, seat := range seats {
			if _, ok := ev.Position(seat); !ok && !slices.Contains(e.Seats, seat) {
				e.Seats = append(e.Seats, seat)
			}
		}
	}
	return e
}

// A need says whether an operation must have, may have, or must not have a field.
type need uint8

const (
	no need = iota
	may
	must
)

// A usage says which fields an operation of one kind has.
type usage struct{ user, ref, blocked, userOrRef need }

var usages = [...]usage{
	KindLock:    {user: must},
	KindConfirm: {user: must, ref: may},
	KindRelease: {user: must},
	KindExtend:  {user: must},
	KindBook:    {user: must, ref: may, blocked: may},
	KindCancel:  {user: may, ref: may, userOrRef: must},
	KindMove:    {user: may, ref: may, userOrRef: must},
	KindBlock:   {ref: may, blocked: may},
	KindUnblock: {},
	KindEvict:   {user: may},
}

// check checks everything that does not depend on the event.
func (op *Op) check() error {
	if !op.Kind.known() {
		return invalid("there is no operation %v", op.Kind)
	}
	use := usages[op.Kind]
	switch {
	case op.User != "" && use.user == no:
		return invalid("a user cannot be given for %v", op.Kind)
	case op.Ref != "" && use.ref == no:
		return invalid("a reference cannot be given for %v", op.Kind)
	case use.userOrRef == must && op.User == "" && op.Ref == "":
		return invalid("a user or a reference is needed for %v", op.Kind)
	case op.Blocked && use.blocked == no:
		return invalid("blocked cannot be given for %v", op.Kind)
	}
	if op.User != "" || use.user == must {
		if err := op.User.Check(); err != nil {
			return err
		}
	}
	if err := op.Ref.Check(); err != nil {
		return err
	}
	if op.By != "" && (len(op.By) > MaxUserLen || !printable(op.By)) {
		return invalid("by is at most %d bytes of printable UTF-8, not %s", MaxUserLen, quote(op.By))
	}
	if err := op.checkTimes(); err != nil {
		return err
	}
	return op.checkSeats()
}

func (op *Op) checkTimes() error {
	isExtend := op.Kind == KindExtend
	if !isExtend && op.For == 0 && op.Cap == 0 && op.Until.IsZero() && op.NotAfter.IsZero() && op.NotBefore.IsZero() {
		return nil // the usual case
	}
	switch {
	case op.For != 0 && op.Kind != KindLock:
		return invalid("a lock time cannot be given for %v", op.Kind)
	case op.For != 0 && !lockTime(op.For):
		return invalid("a lock must last from 1ms to %v, not %v", MaxLockTTL, op.For)
	case !op.Until.IsZero() && !isExtend:
		return invalid("an end cannot be given for %v", op.Kind)
	case op.Until.IsZero() && isExtend:
		return invalid("an extension needs an end")
	case op.Cap != 0 && !isExtend:
		return invalid("a longest lock time cannot be given for %v", op.Kind)
	case op.Cap != 0 && !lockTime(op.Cap):
		return invalid("the longest lock time must be from 1ms to %v, not %v", MaxLockTTL, op.Cap)
	case !op.NotBefore.IsZero() && op.Kind != KindCancel:
		return invalid("an earliest time cannot be given for %v", op.Kind)
	}
	for _, t := range [...]time.Time{op.Until, op.NotAfter, op.NotBefore} {
		if !t.IsZero() && (t.UnixMilli() < 0 || t.UnixMilli() > maxMillis) {
			return invalid("a time must be in the years 1970 to 2255, not %v", t.UTC())
		}
	}
	return nil
}

// maxMillis is the latest time that an operation may name, in Unix milliseconds:
// in the year 2255. It has 13 digits.
const maxMillis = 9_000_000_000_000

func lockTime(d time.Duration) bool { return d >= time.Millisecond && d <= MaxLockTTL }

func (op *Op) checkSeats() error {
	switch {
	case len(op.Seats) == 0:
		return invalid("no seat is named")
	case len(op.Seats) > MaxSeats:
		return invalid("%d seats are named; one call takes at most %d", len(op.Seats), MaxSeats)
	case op.Kind != KindMove && len(op.To) > 0:
		return invalid("new seats cannot be given for %v", op.Kind)
	case op.Kind == KindMove && len(op.To) != len(op.Seats):
		return invalid("%d seats cannot be moved to %d", len(op.Seats), len(op.To))
	}
	return nil
}
