package lockstore

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxSeats is the most seats that one operation may name.
const MaxSeats = 50

// A Kind says what an [Op] does.
type Kind uint8

// The kinds of operations.
const (
	// KindLock gives the user all the seats until Event.LockTTL from now. The
	// lock then ends by itself: no sweeper and no reader is needed. A lock that ends
	// at a millisecond is over in that millisecond.
	//
	// A seat that the user has locked already keeps its end, so a retry is safe
	// and gains no time. An op that names some of these and some new seats locks
	// the new ones.
	//
	// The op fails with [SeatBooked] if any seat is booked, even for the same user;
	// else with [SeatLocked] if another user has a lock on any; else with
	// [OverSeatLimit] if the user would have more than Event.SeatLimit seats of
	// the event, locked and booked together.
	KindLock Kind = iota + 1

	// KindConfirm books the seats for the user. A booking never expires.
	//
	// On every seat the user needs a live lock, or the booking itself: a second
	// confirm succeeds and changes nothing.
	//
	// The op fails with [LockExpired] if, on every seat in the way, the user's
	// last lock expired within [LapseMemory], even if another user has the seat
	// by now. It fails with [LockNotHeld] in every other case, and also if the store
	// has forgotten one of those locks, as it may beyond [MinSeatLapses] or
	// [MinUserLapses].
	KindConfirm

	// KindRelease gives back the seats that the user has locked and leaves all
	// others alone: a second release succeeds and changes nothing.
	//
	// A booking is not released. If the user has booked any of the seats, the op
	// fails with [SeatBooked], names those, and gives none back.
	KindRelease
)

// kinds are the names of the kinds in logs, metrics and tests.
var kinds = [...]string{KindLock: "lock", KindConfirm: "confirm", KindRelease: "release"}

// Kinds returns every kind of operation. The slice belongs to the caller.
func Kinds() []Kind { return []Kind{KindLock, KindConfirm, KindRelease} }

func (k Kind) known() bool { return k > 0 && int(k) < len(kinds) }

// String returns the kind's name, such as lock.
func (k Kind) String() string {
	if !k.known() {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kinds[k]
}

// An Op is an operation on seats of one event. [Lock], [Confirm] and [Release]
// make one.
type Op struct {
	Kind  Kind
	Seats []SeatID // 1 to [MaxSeats], all different
	User  UserID   // on whose behalf the operation is carried out
}

// Lock returns the operation of [KindLock].
func Lock(user UserID, seats ...SeatID) Op { return Op{KindLock, seats, user} }

// Confirm returns the operation of [KindConfirm].
func Confirm(user UserID, seats ...SeatID) Op { return Op{KindConfirm, seats, user} }

// Release returns the operation of [KindRelease].
func Release(user UserID, seats ...SeatID) Op { return Op{KindRelease, seats, user} }

// A Result is what an operation did.
type Result struct {
	// Changed are the seats that the operation changed, in the order of Op.Seats.
	// It is empty after a repeat, and so it may be empty though an earlier call
	// with an unknown outcome took effect. It may share memory with Op.Seats, so a
	// caller must not change it unless Op.Seats may change too.
	Changed []SeatID

	// Expires is, for [KindLock], when the first of the named seats' locks ends, on
	// the store's clock. It is zero for the other kinds.
	Expires time.Time

	// Now is the store's clock when it carried out the operation.
	Now time.Time
}

// Positions checks an operation on the event and appends the position of each of
// its seats to dst. The error is an [*InvalidError] or an
// [*UnknownSeatsError], which names every unknown seat.
func (ev *Event) Positions(dst []int, op Op) ([]int, error) {
	if !op.Kind.known() {
		return nil, invalid("there is no operation %v", op.Kind)
	}
	if err := op.User.Check(); err != nil {
		return nil, err
	}
	if len(op.Seats) == 0 {
		return nil, invalid("no seat is named")
	}
	if len(op.Seats) > MaxSeats {
		return nil, invalid("%d seats are named; one call takes at most %d", len(op.Seats), MaxSeats)
	}
	start := len(dst)
	for i, seat := range op.Seats {
		at, ok := ev.Position(seat)
		if !ok {
			return nil, ev.unknown(op.Seats[i:])
		}
		if slices.Contains(dst[start:], at) {
			return nil, invalid("seat %s is named twice", seat)
		}
		dst = append(dst, at)
	}
	return dst, nil
}

func (ev *Event) unknown(seats []SeatID) error {
	e := &UnknownSeatsError{Event: ev.ID}
	for _, seat := range seats {
		if _, ok := ev.Position(seat); !ok && !slices.Contains(e.Seats, seat) {
			e.Seats = append(e.Seats, seat)
		}
	}
	return e
}

// A UserID names a user: 1 to [MaxUserLen] bytes of printable UTF-8. A store
// compares it byte for byte.
type UserID string

// MaxUserLen is the length in bytes of the longest [UserID].
const MaxUserLen = 128

// Check returns an [*InvalidError] unless the id is valid.
func (id UserID) Check() error {
	if len(id) == 0 || len(id) > MaxUserLen || !printable(string(id)) {
		return invalid("a user id is 1 to %d bytes of printable UTF-8, not %s", MaxUserLen, quote(string(id)))
	}
	return nil
}

// printable reports whether the text is UTF-8 and all of it can be printed.
func printable(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' { // most texts are ASCII
			unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
			return utf8.ValidString(text[i:]) && !strings.ContainsFunc(text[i:], unprintable)
		}
	}
	return true
}
