package access

import (
	"hash/maphash"
	"math"
	"net/netip"
	"time"

	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// A Hold is a user's request to keep seats until a time. Times are on the store's
// clock.
type Hold struct {
	Event lockstore.EventID
	User  lockstore.UserID
	Seats []lockstore.SeatID

	// Longer is set if the user has locked the seats already.
	Longer bool

	Now, Until time.Time     // Until counts only if Longer is set
	TTL        time.Duration // how long a lock lasts without extension
	Max        time.Duration // the longest time that a lock may last
}

// A payment records what the lock of one user on one seat has cost.
type payment struct {
	addr   netip.Addr // where it was locked; an extension from elsewhere is charged to that address
	from   time.Time  // when the lock began, on the store's clock
	until  time.Time  // when it ends
	amount float64    // what addr paid
	all    float64    // what all addresses paid
	at     time.Time  // of the first payment
}

// lockOf is a key of a payment.
type lockOf struct {
	event lockstore.EventID
	user  lockstore.UserID
	seat  lockstore.SeatID
}

// A Charge is the cost of a Hold until it is known which seats are held. A nil Charge
// costs nothing.
type Charge struct {
	budget *Budget
	hold   Hold
	addr   netip.Addr
	costs  []cost // of the seats; nil for a Caller without a limit
}

// A cost is what the lock of one seat has cost after a Hold, and how much of that the
// Hold added.
type cost struct {
	payment
	added float64
}

// Afford charges the Hold to the Locks of its user and of the Caller's address: 1 for
// each seat, and for an extended lock 1 for each further TTL that it lasts, rounded up.
// It returns a [*problem.Refusal] if they have locked very many seats that nobody
// bought. Back ends and operators have no limit.
//
// The caller must call [Charge.Keep] as soon as it knows what was done.
func (p *Policy) Afford(c Caller, h Hold) (*Charge, error) {
	if p.Locks == nil {
		return nil, nil
	}
	ch := &Charge{budget: p.Locks, hold: h, addr: c.addr}
	if c.trusted() {
		return ch, nil
	}
	b := p.Locks
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := 0.0
	ch.costs = make([]cost, 0, len(h.Seats))
	for _, seat := range h.Seats {
		paid, added := b.cost(h, seat, c.addr)
		ch.costs = append(ch.costs, cost{paid, added})
		sum += added
	}
	if sum == 0 {
		return ch, nil
	}
	if wait := b.take(h.User, c.addr, sum); wait > 0 {
		return nil, &problem.Refusal{Kind: problem.RateLimited, Wait: wait, Detail: "You have locked very many seats without buying them. Wait a little before you go on."}
	}
	return ch, nil
}

// cost returns what a lock has cost after the Hold, and how much of that the Hold adds.
func (b *Budget) cost(h Hold, seat lockstore.SeatID, addr netip.Addr) (payment, float64) {
	if !h.Longer {
		return payment{addr: addr, from: h.Now, until: h.Now.Add(h.TTL), amount: 1, all: 1, at: time.Now()}, 1
	}
	p, ok := b.paid.Get(b.keyOf(h, seat))
	if !ok || !h.Now.Before(p.until) {
		// Another process or a back end made the lock, so it has cost nothing here.
		p = payment{addr: addr, from: h.Now, until: h.Now, at: time.Now()}
	}
	h.Until = minTime(h.Until, p.from.Add(h.Max))
	if !h.Until.After(p.until) {
		return p, 0
	}
	p.until = h.Until
	added := max(0, math.Ceil(float64(h.Until.Sub(p.from))/float64(h.TTL))-p.all)
	p.all += added
	if p.addr == addr {
		p.amount += added
	}
	return p, added
}

// Keep ends the Charge. It keeps what the changed seats cost, which are in the order of
// the Hold's, and gives back the rest. now is the time of the change, on the store's
// clock.
func (ch *Charge) Keep(changed []lockstore.SeatID, now time.Time) {
	if ch == nil {
		return
	}
	b := ch.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	back := 0.0
	for i, seat := range ch.hold.Seats {
		done := len(changed) > 0 && changed[0] == seat
		if done {
			changed = changed[1:]
		}
		switch key := b.keyOf(ch.hold, seat); {
		case ch.costs == nil && done && !ch.hold.Longer:
			b.paid.Remove(key) // a lock without a cost
		case ch.costs == nil && done:
			if paid, ok := b.paid.Get(key); ok {
				paid.until = minTime(ch.hold.Until, paid.from.Add(ch.hold.Max)) // the extension costs nothing
				b.paid.Add(key, paid)
			}
		case ch.costs == nil:
		case done:
			paid := ch.costs[i].payment
			if !ch.hold.Longer {
				paid.from, paid.until = now, now.Add(ch.hold.TTL)
			}
			b.paid.Add(key, paid)
		default:
			back += ch.costs[i].added
		}
	}
	if back > 0 {
		b.giveBack(ch.hold.User, ch.addr, back)
	}
}

// KeepAll ends the Charge of a Hold whose outcome is unknown, and keeps all of it.
func (ch *Charge) KeepAll() {
	if ch != nil {
		ch.Keep(ch.hold.Seats, ch.hold.Now)
	}
}

// Bought records that the seats are booked. It gives back what the user's locks on them
// had cost, to the user and to the address that paid.
func (p *Policy) Bought(event lockstore.EventID, user lockstore.UserID, seats []lockstore.SeatID, now time.Time) {
	p.over(event, user, seats, func(b *Budget, paid payment) {
		// What was used longer ago is available again already.
		if now.Before(paid.until) && time.Since(paid.at) < time.Hour {
			b.giveBack(user, netip.Addr{}, paid.all)
			b.giveBack("", paid.addr, paid.amount)
		}
	})
}

// Released records that the user's locks on the seats have ended.
func (p *Policy) Released(event lockstore.EventID, user lockstore.UserID, seats []lockstore.SeatID) {
	p.over(event, user, seats, func(*Budget, payment) {})
}

// over calls f with the payments of locks that have ended, and forgets them.
func (p *Policy) over(event lockstore.EventID, user lockstore.UserID, seats []lockstore.SeatID, f func(*Budget, payment)) {
	b := p.Locks
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, seat := range seats {
		key := b.keyOf(Hold{Event: event, User: user}, seat)
		if paid, ok := b.paid.Peek(key); ok {
			b.paid.Remove(key)
			f(b, paid)
		}
	}
}

func (b *Budget) keyOf(h Hold, seat lockstore.SeatID) uint64 {
	return maphash.Comparable(b.seed, lockOf{h.Event, h.User, seat})
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
