package booking

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// A verb is one of the calls that change seats.
type verb struct {
	kind   lockstore.Kind
	action access.Action
	fields []string         // of the body, beside seatId, seatIds and eventId
	own    bool             // always for a user: the caller, or the one whom the caller names
	done   string           // what it does to seats, as the message says it
	none   string           // the message if no seat was changed
	status lockstore.Status // of the seats afterwards

	// more fills in what only this verb has; may be nil.
	more func(context.Context, *API, *change) error

	// orders applies the verb to orders, where there are payments. It reports whether
	// it has carried out the change itself. It may be nil.
	orders func(context.Context, *API, *change) (done bool, err error)

	// also has a sentence for the end of a conflict, by its reason.
	also map[lockstore.Reason]string
}

var (
	lock = verb{kind: lockstore.KindLock, action: access.Buy, own: true, fields: []string{"areas", "count", "category", "section", "apart", "userId", "levels", "lockSeconds", "overLimit"},
		done: "locked", status: lockstore.Locked, more: moreOfLock}
	extend = verb{kind: lockstore.KindExtend, action: access.Buy, own: true, fields: []string{"expiresAt", "seconds", "userId"},
		done: "locked for longer", status: lockstore.Locked, more: moreOfExtend,
		none: "No lock was extended: each lasts that long already, or as long as it may",
		also: map[lockstore.Reason]string{lockstore.SeatBooked: " A booking never ends, so there is nothing to extend."}}
	confirm = verb{kind: lockstore.KindConfirm, action: access.Confirm, own: true, fields: []string{"reference", "userId", "levels", "direct", "blocked"},
		done: "booked", status: lockstore.Booked, more: moreOfConfirm,
		also: map[lockstore.Reason]string{lockstore.SeatBooked: " This user's booking has another reference."}}
	release = verb{kind: lockstore.KindRelease, action: access.Buy, own: true, fields: []string{"userId"},
		done: "released", status: lockstore.Available, orders: closeOrder,
		none: "No seat was released: this user had a lock on none of them",
		also: map[lockstore.Reason]string{lockstore.SeatBooked: " A booking is for good: it is not released."}}
	cancel = verb{kind: lockstore.KindCancel, action: access.Operate, fields: []string{"reference", "userId"},
		done: "given back", status: lockstore.Available, more: moreOfCancel, orders: cancelNoOrder,
		none: "No booking was cancelled: there is none of that user and reference"}
	move = verb{kind: lockstore.KindMove, action: access.Operate, fields: []string{"toSeatIds", "reference", "userId"},
		done: "moved to", status: lockstore.Booked, more: moreOfMove, orders: moveOrder}
	block = verb{kind: lockstore.KindBlock, action: access.Operate, fields: []string{"reason", "evict"},
		done: "blocked", status: lockstore.Blocked, orders: closeOrdersOnBlock,
		none: "No seat was blocked: each of them is blocked already",
		also: map[lockstore.Reason]string{
			lockstore.SeatLocked: " To end the locks in the same step, set evict.",
			lockstore.SeatBooked: " Cancel or move the bookings first."}}
	unblock = verb{kind: lockstore.KindUnblock, action: access.Operate,
		done: "put back on sale", status: lockstore.Available,
		none: "No seat was unblocked: none of them is blocked"}
	evict = verb{kind: lockstore.KindEvict, action: access.Operate, fields: []string{"userId"},
		done: "freed from locks", status: lockstore.Available, orders: closeOrders,
		none: "No lock was ended: none of these seats has one"}
)

// A change is one request to change seats.
type change struct {
	req seatsRequest
	by  access.Caller
	ev  *event
	on  *lockstore.Event // ev.Event, or the same with other settings
	op  lockstore.Op

	bill bill  // of a lock or a confirm, if the event has prices
	pick *pick // what to find; nil if the request names all seats

	repeated bool // the last operation may have been carried out more than once

	text []byte // of the answer
}

// do carries out the change.
func (a *API) do(ctx context.Context, v *verb, c *change) (seatsAnswer, error) {
	answer := seatsAnswer{verb: v, change: c, seats: c.op.Seats}
	if len(c.op.Seats) == 0 && c.pick == nil { // a cancel by its reference alone
		var err error
		answer.seats, err = a.cancelAll(ctx, c)
		answer.changed = len(answer.seats)
		return answer, err
	}
	var result lockstore.Result
	var err error
	if err := a.refuseSingles(ctx, c); err != nil {
		return seatsAnswer{}, err
	}
	if c.pick != nil {
		if result, answer.together, err = a.take(ctx, v, c); err == nil {
			err = c.price()
		}
		answer.seats = c.op.Seats
	} else {
		result, err = a.carryOut(ctx, c)
		err = a.explain(err, v, c)
	}
	if err != nil {
		return seatsAnswer{}, err
	}
	switch c.op.Kind {
	case lockstore.KindConfirm, lockstore.KindBook:
		a.access.Bought(c.ev.ID, c.op.User, result.Changed, result.Now)
	case lockstore.KindRelease, lockstore.KindEvict:
		a.access.Released(c.ev.ID, c.op.User, result.Changed)
	}
	a.clock.learn(result.Now)
	answer.changed = len(result.Changed)
	switch c.op.Kind {
	case lockstore.KindLock, lockstore.KindExtend:
		answer.expires, answer.left = result.Expires, secondsUntil(result.Expires, result.Now)
	case lockstore.KindConfirm, lockstore.KindBook, lockstore.KindMove:
	default:
		answer.seats = result.Changed // the others were left alone
	}
	return answer, nil
}

// repeats is how often the lock of a pick is repeated while its outcome is unknown.
const repeats = 2

// carryOut carries out the operation, and charges for it. If the lock of a pick has an
// unknown outcome, it is repeated, since the client cannot ask for the same seats
// again. The outcome stays unknown unless the store carries out or refuses a repeat:
// one that does not reach the store says nothing about the first lock.
func (a *API) carryOut(ctx context.Context, c *change) (lockstore.Result, error) {
	charge, err := a.charge(c)
	if err != nil {
		return lockstore.Result{}, err
	}
	result, err := a.store.Do(ctx, c.on, c.op)
	unknown := errors.Is(err, lockstore.ErrOutcomeUnknown)
	c.repeated = unknown
	for n := 0; n < repeats && c.pick != nil && errors.Is(err, lockstore.ErrOutcomeUnknown); n++ {
		var again error
		result, again = a.store.Do(ctx, c.on, c.op)
		if _, refused := errors.AsType[*lockstore.ConflictError](again); again != nil && !refused {
			again = fmt.Errorf("%w; then, repeated: %w", err, again)
		}
		err = again
	}
	if errors.Is(err, lockstore.ErrOutcomeUnknown) || err == nil && unknown {
		charge.KeepAll() // which seats were changed is not known
	} else {
		charge.Keep(result.Changed, result.Now) // nothing was changed if it failed
	}
	return result, err
}

// charge charges the change to what the user and the address may lock without buying. A
// nil Charge means that it is free.
func (a *API) charge(c *change) (*access.Charge, error) {
	if c.op.Kind != lockstore.KindLock && c.op.Kind != lockstore.KindExtend {
		return nil, nil
	}
	return a.access.Afford(c.by, access.Hold{
		Event: c.ev.ID, User: c.op.User, Seats: c.op.Seats, Longer: c.op.Kind == lockstore.KindExtend,
		Now: a.clock.now(), Until: c.op.Until, TTL: c.on.LockTTL, Max: c.on.MaxLock,
	})
}

// resolve fills in the change that a request asks for. It leaves out the checks that
// the store makes.
func (a *API) resolve(ctx context.Context, v *verb, c *change) error {
	req := &c.req
	if err := v.checkFields(req); err != nil {
		return err
	}
	ev, err := a.event(req.EventID)
	if err != nil {
		return err
	}
	c.ev, c.on = ev, ev.Event
	c.op = lockstore.Op{Kind: v.kind, User: req.UserID, By: c.by.By()}
	if v.own {
		if c.op.User, err = c.by.As(req.UserID); err != nil {
			return err
		}
	}
	if v.kind == lockstore.KindLock {
		if c.pick, err = ev.pickOf(req); err != nil {
			return err
		}
	}
	if c.pick != nil {
		c.op.Seats = c.pick.named
	} else if c.op.Seats, err = req.seats(v.kind == lockstore.KindCancel && req.Reference != nil && *req.Reference != ""); err != nil {
		return err
	}
	for _, ref := range [...]*lockstore.Ref{req.Reference, req.Reason} {
		if ref != nil {
			c.op.Ref = *ref
		}
	}
	c.op.To = req.ToSeatIDs
	c.op.Blocked = isSet(req.Evict)
	if v.more != nil {
		return v.more(ctx, a, c)
	}
	return nil
}

// moreOfLock lets a back end choose how long a lock lasts, and exceed the seat limit.
// Buyers can lock only while the event is on sale.
func moreOfLock(ctx context.Context, a *API, c *change) error {
	if err := a.onSale(ctx, c.ev, c.by); err != nil {
		return err
	}
	if c.pick == nil {
		if err := c.price(); err != nil {
			return err
		}
	}
	if c.req.LockSeconds == nil && !isSet(c.req.OverLimit) {
		return nil
	}
	if err := c.by.May(access.Serve); err != nil {
		return err
	}
	if isSet(c.req.OverLimit) {
		c.on = c.ev.unlimited
	}
	var err error
	if c.req.LockSeconds != nil {
		c.op.For, err = duration("lockSeconds", *c.req.LockSeconds)
	}
	return err
}

// moreOfExtend sets the end of an extension. A number of seconds is from now, by the
// store's clock.
func moreOfExtend(ctx context.Context, a *API, c *change) error {
	switch at, seconds := c.req.ExpiresAt, c.req.Seconds; {
	case at != nil && seconds != nil:
		return problem.Refuse(problem.BadRequest, "Both expiresAt and seconds are given; give only one of them.")
	case at != nil:
		until, err := time.Parse(time.RFC3339, *at)
		if err != nil {
			return problem.Refuse(problem.BadRequest, "The field expiresAt must be a time such as 2027-03-05T19:01:20.000Z.")
		}
		c.op.Until = until
		return nil
	case seconds == nil:
		return problem.Refuse(problem.BadRequest, "The new end is missing; give expiresAt, or seconds from now.")
	}
	d, err := duration("seconds", *c.req.Seconds)
	if err != nil {
		return err
	}
	now, err := a.storeNow(ctx, c.ev)
	c.op.Until = now.Add(d)
	return err
}

// moreOfConfirm lets a back end book seats that are not locked, and an operator those
// that are blocked.
func moreOfConfirm(_ context.Context, _ *API, c *change) error {
	if err := c.price(); err != nil {
		return err
	}
	direct, blocked := isSet(c.req.Direct), isSet(c.req.Blocked)
	switch {
	case !direct && blocked:
		return problem.Refuse(problem.BadRequest, "The field blocked is for direct bookings; set direct, too.")
	case !direct:
		return nil
	}
	needed := access.Serve
	if blocked {
		needed = access.Operate
	}
	c.op.Kind, c.op.Blocked = lockstore.KindBook, blocked
	return c.by.May(needed)
}

func moreOfCancel(_ context.Context, _ *API, c *change) error {
	if c.op.User == "" && c.op.Ref == "" {
		return problem.Refuse(problem.BadRequest, "Whose booking is it? Give its reference or userId, so that nobody else's is cancelled.")
	}
	return c.op.Ref.Check()
}

func moreOfMove(_ context.Context, _ *API, c *change) error {
	switch {
	case c.op.User == "" && c.op.Ref == "":
		return problem.Refuse(problem.BadRequest, "Whose booking is it? Give its reference or userId, so that nobody else's is moved.")
	case len(c.op.To) == 0:
		return problem.Refuse(problem.BadRequest, "No new seat is named; give toSeatIds.")
	}
	return checkSeats(c.op.To)
}

// duration converts a number of seconds.
func duration(field string, seconds float64) (time.Duration, error) {
	if !(seconds >= 0.001 && seconds <= lockstore.MaxLockTTL.Seconds()) {
		return 0, problem.Refuse(problem.BadRequest, "The field %s must be from 0.001 to %.0f.", field, lockstore.MaxLockTTL.Seconds())
	}
	return time.Duration(math.Round(seconds*1000)) * time.Millisecond, nil
}

// secondsUntil returns the seconds from now until a lock ends, rounded up.
func secondsUntil(expires, now time.Time) int {
	return max(0, int(math.Ceil(expires.Sub(now).Seconds())))
}
