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
	recent       = 26 * time.Hour   // what a comparison with the provider looks back: a session lasts a day at most
)

// The record of the last comparison, so that processes share them: when it began, and
// after a space the part with which the next one begins.
const (
	comparisonID lockstore.OrderID = "last.comparison"
	sharedEvent  lockstore.EventID = "seatlock.payment" // of records that are no event's
)

// withProvider is the part of a comparison that is about no event.
const withProvider lockstore.EventID = ""

// compareEvery does the comparisons that are due and that no other process does, until
// the context ends.
func (p *Payments) compareEvery(ctx context.Context, events func() []lockstore.EventID) {
	for ctx.Err() == nil {
		p.compareIfDue(ctx, events())
		select {
		case <-ctx.Done():
		case <-time.After(p.paced(pause)):
		}
	}
}

// compareIfDue compares unless a process did not long ago: orders with the provider, and
// those of each event with the roster. If the context ends in one part, the next
// comparison begins with that one, for which the parts before it have left too little time.
// If there were none before it, it begins with the following one: what takes longer than a
// process has must not keep the others waiting.
func (p *Payments) compareIfDue(ctx context.Context, events []lockstore.EventID) {
	first, ok := p.mayCompare(ctx)
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

// compare does one part of a comparison.
func (p *Payments) compare(ctx context.Context, part lockstore.EventID) error {
	ctx, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	if part == withProvider {
		return p.Recover(ctx, time.Now().Add(-recent))
	}
	return p.Audit(ctx, part)
}

// mayCompare reports whether this process is the one to compare now, and with which part
// it begins. The last time is in a record which is compared and set.
func (p *Payments) mayCompare(ctx context.Context) (first lockstore.EventID, ok bool) {
	if !p.compared.over() {
		return "", false
	}
	p.compared.begin(p.paced(comparePause))
	r, err := p.orders.Order(ctx, comparisonID)
	if errors.Is(err, lockstore.ErrNoOrder) {
		r, err = lockstore.Order{ID: comparisonID, Event: sharedEvent}, nil
	}
	if err != nil {
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

// compareNext notes with which part the next comparison begins, though the context has
// ended. If another process has begun that already, it is too late.
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
