package lockstore

import (
	"strconv"
	"time"
)

// MaxSeats is the most seats that one operation may name. [KindMove] may name as
// many again in Op.To.
const MaxSeats = 200

// A Kind says what an [Op] does.
type Kind uint8

// The kinds of operations. Buyers lock, extend, confirm and release. The others are
// for back ends and operators.
const (
	// KindLock gives the user all the seats until Op.For from now, or
	// Event.LockTTL if Op.For is zero. The lock then ends by itself: no sweeper and
	// no reader is needed. A lock that ends at a millisecond is over in that
	// millisecond.
	//
	// A seat that the user has locked already keeps its end, so a retry is safe
	// and gains no time. An op that names some of these and some new seats locks
	// the new ones.
	//
	// The op fails with [SeatBooked] if any seat is booked, even for the same user;
	// else with [SeatLocked] if another user has a lock on any; else with
	// [SeatBlocked] if any is blocked; else with [OverSeatLimit] if the user would
	// have more than Event.SeatLimit seats of the event, locked and booked together.
	KindLock Kind = iota + 1

	// KindConfirm books the seats for the user, with Op.Ref as the bookings'
	// reference. A booking never expires, and its reference never changes.
	//
	// On every seat the user needs a live lock, or the booking itself: a second
	// confirm succeeds and changes nothing. An empty Op.Ref matches a booking with
	// any reference.
	//
	// The op fails with [SeatBooked] if the user has booked any of the seats with
	// another reference. It fails with [LockExpired] if, on every seat in the way,
	// the user's last lock expired within [LapseMemory], even if another user has
	// the seat by now. It fails with [LockNotHeld] in every other case, and also if
	// the store has forgotten one of those locks, as it may beyond [MinSeatLapses]
	// or [MinUserLapses].
	KindConfirm

	// KindRelease gives back the seats that the user has locked and leaves all
	// others alone: a second release succeeds and changes nothing.
	//
	// A booking is not released. If the user has booked any of the seats, the op
	// fails with [SeatBooked], names those, and gives none back.
	KindRelease

	// KindExtend lets the user keep the locked seats for longer. Each lock's end
	// becomes the later of what it is and Op.Until, which is a time on the store's
	// clock, so that a retry gains nothing. No end is moved beyond Op.Cap
	// after the lock was made, or Event.MaxLock if Op.Cap is zero. A bound that
	// takes effect is no error: Result.Expires has the end.
	//
	// A lock is never shortened, and one that has expired is not revived. On every
	// seat the user needs a live lock. The op fails with [SeatBooked] if the user
	// has booked any of the seats, and else as a confirm does.
	KindExtend

	// KindBook locks and confirms in one step, without a seat limit. Each seat must
	// be available, or locked by the user, or booked by the user with Op.Ref
	// already (an empty one matches any), or blocked if Op.Blocked is set. Else the
	// op fails as a lock does.
	KindBook

	// KindCancel ends the bookings of Op.User with the reference Op.Ref and leaves
	// all other seats alone: a second cancel succeeds and changes nothing. At least
	// one of them must be given; an empty one matches any.
	KindCancel

	// KindMove makes the booked seats Op.Seats available and books Op.To in their
	// place, each for the same user and with the same reference as the seat at the
	// same index of Op.Seats. Op.User and Op.Ref say whose bookings they must be, as
	// for [KindCancel]. Each seat of Op.To must be available, or locked by the user
	// who gets it. No seat may be named twice.
	//
	// If no seat of Op.Seats is such a booking and every seat of Op.To is, the
	// op was carried out before: it succeeds and changes nothing.
	//
	// The op fails with [NotBooked] if any seat of Op.Seats is not such a booking,
	// and names those; else as a lock does, and names seats of Op.To.
	// Result.Changed is the seats of Op.Seats and then those of Op.To.
	KindMove

	// KindBlock takes available seats out of sale. Op.Ref says why. A seat that is
	// blocked already keeps its first reason. The op fails with [SeatBooked] or else
	// [SeatLocked] if any seat is booked or locked, and names all of these. If
	// Op.Blocked is set, it ends the locks first, as [KindEvict] does.
	KindBlock

	// KindUnblock puts blocked seats back on sale and leaves all others alone.
	KindUnblock

	// KindEvict ends the locks on the seats, or only those of Op.User if it is
	// given, and leaves all other seats alone. To its user such a lock is one that
	// was released, not one that expired.
	KindEvict
)

// kinds are the names that logs, metrics and tests use.
var kinds = [...]string{
	KindLock:    "lock",
	KindConfirm: "confirm",
	KindRelease: "release",
	KindExtend:  "extend",
	KindBook:    "book",
	KindCancel:  "cancel",
	KindMove:    "move",
	KindBlock:   "block",
	KindUnblock: "unblock",
	KindEvict:   "evict",
}

// Kinds returns every kind of operation. The slice belongs to the caller.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kinds)-1)
	for k := KindLock; k.known(); k++ {
		all = append(all, k)
	}
	return all
}

func (k Kind) known() bool { return k > 0 && int(k) < len(kinds) }

// String returns the kind's name, such as lock.
func (k Kind) String() string {
	if !k.known() {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kinds[k]
}

// An Op is an operation on seats of one event. Each [Kind] says which of the
// fields it uses; the others must be zero, except NotAfter and By, which any
// operation may have. There is a constructor for each kind.
type Op struct {
	Kind  Kind
	Seats []SeatID // 1 to [MaxSeats], all different
	To    []SeatID // the new seats of a move, as many as Seats
	User  UserID   // on whose behalf the operation is carried out
	Ref   Ref

	For   time.Duration // of a lock, instead of Event.LockTTL: 1 ms to [MaxLockTTL]; 0 for none
	Until time.Time     // of an extension
	Cap   time.Duration // of an extension, instead of Event.MaxLock: 1 ms to [MaxLockTTL]; 0 for none

	Blocked bool // a booking takes blocked seats too; a block ends locks first

	// NotAfter is the time before which the operation must take effect. The store
	// compares it with its clock when it carries out the operation, not when it
	// received it: at NotAfter and later it does nothing and fails with [ErrTooLate],
	// even if it had nothing left to do. Zero is no bound.
	NotAfter time.Time

	// NotBefore delays a cancel: before that time on its clock, the store does
	// nothing and fails with [ErrTooEarly]. Once a cancel has succeeded, no
	// operation on its seats with a NotAfter of that time or earlier takes effect,
	// even one that began before. A store's clock can go back in a failover, or in a
	// restart after the time of day was set back: make NotAfter earlier than NotBefore
	// by as much as the clocks may differ.
	NotBefore time.Time

	// By says who asked for the operation, for the journal: up to [MaxUserLen] bytes
	// of printable UTF-8.
	By string
}

// Lock returns the operation of [KindLock].
func Lock(user UserID, seats ...SeatID) Op { return Op{Kind: KindLock, User: user, Seats: seats} }

// Extend returns the operation of [KindExtend].
func Extend(user UserID, until time.Time, seats ...SeatID) Op {
	return Op{Kind: KindExtend, User: user, Until: until, Seats: seats}
}

// Confirm returns the operation of [KindConfirm].
func Confirm(user UserID, seats ...SeatID) Op { return Op{Kind: KindConfirm, User: user, Seats: seats} }

// Release returns the operation of [KindRelease].
func Release(user UserID, seats ...SeatID) Op { return Op{Kind: KindRelease, User: user, Seats: seats} }

// Book returns the operation of [KindBook].
func Book(user UserID, ref Ref, seats ...SeatID) Op {
	return Op{Kind: KindBook, User: user, Ref: ref, Seats: seats}
}

// Cancel returns the operation of [KindCancel]. The user or the reference may be
// empty.
func Cancel(user UserID, ref Ref, seats ...SeatID) Op {
	return Op{Kind: KindCancel, User: user, Ref: ref, Seats: seats}
}

// Move returns the operation of [KindMove]. The user or the reference may be empty.
func Move(user UserID, ref Ref, seats, to []SeatID) Op {
	return Op{Kind: KindMove, User: user, Ref: ref, Seats: seats, To: to}
}

// Block returns the operation of [KindBlock].
func Block(reason Ref, seats ...SeatID) Op { return Op{Kind: KindBlock, Ref: reason, Seats: seats} }

// Unblock returns the operation of [KindUnblock].
func Unblock(seats ...SeatID) Op { return Op{Kind: KindUnblock, Seats: seats} }

// Evict returns the operation of [KindEvict]. The user may be empty.
func Evict(user UserID, seats ...SeatID) Op { return Op{Kind: KindEvict, User: user, Seats: seats} }

// A Result is what an operation did.
type Result struct {
	// Changed are the seats that the operation changed, in the order of Op.Seats
	// and then Op.To. It is empty after a repeat, and so it may be empty though an
	// earlier call with an unknown outcome took effect: never compute money from
	// it. It may share memory with Op.Seats, so a caller must not change it unless
	// Op.Seats may change too.
	Changed []SeatID

	// Expires is, for [KindLock] and [KindExtend], when the first of the named
	// seats' locks ends, on the store's clock. It is zero for the other kinds.
	Expires time.Time

	// Now is the store's clock when it carried out the operation.
	Now time.Time
}
