package payment

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
)

const (
	comparePause = 10 * time.Minute // between two comparisons
	compareTime  = 5 * time.Minute  // how long a part of one may take
	recent       = 26 * time.Hour   // how far a comparison with the provider looks back: a session lasts at most a day
)

// The record of the last comparison, which lets processes share them: its start and,
// after a space, the part with which the next one begins.
const (
	comparisonID lockstore.OrderID = "last.comparison"
	sharedEvent  lockstore.EventID = "seatlock.payment" // of records that belong to no event
)

// withProvider is the part of a comparison that belongs to no event.
const withProvider lockstore.EventID = ""

// compareEvery makes the comparisons that are due and that no other process makes,
// until the context ends.
func (p *Payments) compareEvery(ctx context.Context, events func() []lockstore.EventID) {
	for ctx.Err() == nil {
		p.compareIfDue(ctx, events())
		select {
		case <-ctx.Done():
		case <-time.After(p.paced(pause)):
		}
	}
}

// compareIfDue compares orders with the provider, and those of each event with the
// roster, unless a process did so recently. If the context ends during a part, the next
// comparison begins with that part, since the earlier parts left it too little time. If
// it was the first part, the next comparison begins with the following one: a part that
// never fits must not keep the others waiting.
func (p *Payments) compareIfDue(ctx context.Context, events []lockstore.EventID) {
	first, ok := p.mayCompare(ctx, events)
	if !ok {
		return
	}
	parts := append([]lockstore.EventID{withProvider}, events...)
	at := max(slices.Index(parts, first), 0)
	for n := range parts {
		part := parts[at]
		at = (at + 1) % len(parts)
		err := p.compare(ctx, part)
		stopped := errors.Is(ctx.Err(), context.Canceled)
		if part == withProvider && !stopped {
			p.comparedWith(!errors.Is(err, errUnfinished))
		}
		if err != nil && !stopped {
			p.log.Error("not everything could be compared; trying again later", "with", cmp.Or(part, "the provider"), "error", err)
		}
		if ctx.Err() != nil {
			if n == 0 || err == nil {
				part = parts[at]
			}
			p.compareNext(ctx, part)
			return
		}
	}
}

// compare makes one part of a comparison.
func (p *Payments) compare(ctx context.Context, part lockstore.EventID) error {
	ctx, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	if part == withProvider {
		return p.Recover(ctx, time.Now().Add(-recent))
	}
	return p.Audit(ctx, part)
}

// mayCompare reports whether this process may compare now, and with which part it
// begins. The last time is in a record that is written by compare-and-set.
func (p *Payments) mayCompare(ctx context.Context, events []lockstore.EventID) (first lockstore.EventID, ok bool) {
	if !p.comparePause.over() {
		return "", false
	}
	p.comparePause.begin(p.paced(comparePause))
	r, err := p.orders.Order(ctx, comparisonID)
	if errors.Is(err, lockstore.ErrNoOrder) {
		r, err = lockstore.Order{ID: comparisonID, Event: sharedEvent}, nil
	}
	if err != nil {
		return "", false
	}
	if err := p.relearnTime(ctx, events); err != nil {
		p.log.Warn("the store's time is not known, so nothing is compared for now", "error", err)
		return "", false
	}
	now := p.clock.now()
	began, part, _ := strings.Cut(string(r.Body), " ")
	if last, err := time.Parse(time.RFC3339, began); err == nil && now.Sub(last).Abs() < p.paced(comparePause-pause) {
		return "", false
	}
	r.Body = []byte(now.UTC().Format(time.RFC3339) + " " + part)
	_, err = p.orders.Put(ctx, r)
	return lockstore.EventID(part), err == nil
}

// compareNext records with which part the next comparison begins, even though the
// context has ended. If another process has begun it already, it does nothing.
func (p *Payments) compareNext(ctx context.Context, part lockstore.EventID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pause)
	defer cancel()
	r, err := p.orders.Order(ctx, comparisonID)
	if err == nil {
		began, _, _ := strings.Cut(string(r.Body), " ")
		r.Body = []byte(began + " " + string(part))
		_, err = p.orders.Put(ctx, r)
	}
	if err != nil && !errors.Is(err, lockstore.ErrOrderChanged) {
		p.log.Warn("it could not be noted where the next comparison begins; it begins as the last one", "error", err)
	}
}
