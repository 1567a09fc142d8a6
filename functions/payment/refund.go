package payment

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
)

// A Refunding is an operator's request to give back an order or a part of it.
type Refunding struct {
	Order  lockstore.OrderID
	Seats  []lockstore.SeatID // empty: the whole order
	Amount int64              // 0: what the seats cost, or all that is left
	Keep   bool               // the buyer keeps the seats

	// Request identifies the request, so that a repeat does nothing: 1 to 64 of A-Z a-z
	// 0-9 _ . -. It is required to pay back an Amount for seats that the buyer keeps,
	// since a repeat could not be distinguished from a second refund otherwise. An
	// order remembers its last 16.
	Request string

	By  string // the operator
	Why string
}

// Check returns an [*lockstore.InvalidError] unless the Refunding is valid.
func (f *Refunding) Check() error {
	problem := ""
	switch {
	case f.Amount < 0:
		problem = fmt.Sprintf("the amount to pay back must be more than 0, not %d", f.Amount)
	case f.Amount > 0 && f.Keep && f.Request == "":
		problem = "to pay back an amount of seats that the buyer keeps, name the request, so that a repeat does not pay it twice"
	case lockstore.Ref(f.Request).Check() != nil:
		problem = "a request is named with up to 64 letters, digits, '_', '.' and '-'"
	default:
		return nil
	}
	return &lockstore.InvalidError{Problem: problem}
}

// Refund gives back an order, or some of its seats if it is paid. What was given back
// before is not given back again, so a repeat is safe. The money may take days; the
// order shows the progress. If a part is already being given back, the whole order can
// be given back after that, but Refund of another part fails with [ErrStage]. If the
// store is found to have lost a refund, a refund of a part fails with ErrStage; a
// repeat then states which seats the lost one was for.
func (p *Payments) Refund(ctx context.Context, f Refunding) (*Order, error) {
	o, _, err := p.refund(ctx, f)
	return o, err
}

// refund is Refund, and reports whether it has changed the order.
func (p *Payments) refund(ctx context.Context, f Refunding) (o *Order, began bool, err error) {
	if err := f.Check(); err != nil {
		return nil, false, err
	}
	f.Seats = union(nil, f.Seats) // without repetitions
	if !f.whole() {
		if o, err := p.compareRefunds(ctx, &f); err != nil {
			return o, false, err
		}
	}
	o, err = p.ask(ctx, f.Order, f.By, func(o *Order) (n next, err error) {
		defer func() { began = err == nil && n.to != "" }()
		if done, err := o.asked(&f); done || err != nil {
			return next{}, err
		}
		n = next{to: StageGivingBack, why: f.Why}
		plain := f.whole()
		switch o.Stage {
		case StageGivingBack, StageNeedsPerson:
			if o.Stuck != StagePaid {
				return o.refundMore(&f, plain, n)
			}
			o.Stuck, o.Give = "", nil // the person states what the lost refund was for
		case StageClosed:
			return next{}, nil
		case StageRefunded:
			if !o.KeepsSeats || f.Keep {
				return next{}, nil
			}
		case StagePaid:
		default: // nothing was paid yet
			if !plain {
				return next{}, wrongStage(o, "refunded in part")
			}
		}
		if o.Moving != nil && !plain {
			return next{}, wrongStage(o, "refunded while its seats are being moved")
		}
		return o.refundNow(&f, n)
	})
	if err != nil {
		return o, false, err
	}
	return p.follow(ctx, o), began, nil
}

// whole reports whether everything is to be given back, including the seats.
func (f *Refunding) whole() bool { return len(f.Seats) == 0 && f.Amount == 0 && !f.Keep }

// ErrNotCompared is returned when a part of an order cannot be refunded now, because
// the provider does not report the earlier refunds. Nothing has changed; the caller may
// try again.
var ErrNotCompared = errors.New("payment: the provider does not say what was paid back of the order")

// compareRefunds compares a paid order with the provider's refunds before a part of it
// is given back. If the store has lost a refund, it is not known which part that was;
// compareRefunds fails with [ErrStage], and a person must decide. It does not compare
// an order of another provider, nor one that has begun to carry out the request.
func (p *Payments) compareRefunds(ctx context.Context, f *Refunding) (*Order, error) {
	ctx, cancel := context.WithTimeout(ctx, p.paced(runTime))
	defer cancel()
	for range 4 {
		o, err := p.Order(ctx, f.Order)
		if err != nil {
			return nil, err
		}
		if done, err := o.asked(f); done || err != nil {
			return o, err
		}
		if o.Stage != StagePaid || o.Moving != nil || o.Amount == 0 || o.Payment == "" || p.elsewhere || o.Provider != p.provider.Name() {
			return o, nil
		}
		if err := p.keepTime(ctx, o.Event); err != nil {
			return o, fmt.Errorf("order %s: the store's time is not known: %w", o.Order, err)
		}
		// A worker would postpone the check if the provider refuses to show the order.
		all, err := p.provider.Refunds(ctx, o.Payment)
		if err != nil {
			return o, fmt.Errorf("%w: order %s: %w", ErrNotCompared, o.Order, err)
		}
		draft := o.clone()
		draft.Refusals, draft.AskAgain = 0, time.Time{}
		n, err := (&run{p, ctx, draft}).recheckWith(all)
		if err != nil || n.to == "" {
			return o, err
		}
		moved, err := p.put(ctx, o.Stage, draft, n, "", false)
		switch {
		case errors.Is(err, lockstore.ErrOrderChanged):
			continue
		case err != nil:
			return o, fmt.Errorf("order %s, from %s to %s: %w", o.Order, o.Stage, n.to, err)
		case moved.Stuck == StagePaid:
			return moved, wrongStage(moved, "refunded in part before it is known what the lost refund was for")
		case moved.Stage == StagePaid:
			return moved, nil
		}
		return p.follow(ctx, moved), nil
	}
	return nil, ErrBusy
}

// refundNow begins to give back what f asks for.
func (o *Order) refundNow(f *Refunding, n next) (next, error) {
	seats, amount, rest := o.Seats, f.Amount, o.Amount-o.Refunded
	if len(f.Seats) > 0 {
		// Leave out seats that were given back before.
		seats = slices.DeleteFunc(slices.Clone(f.Seats), func(s lockstore.SeatID) bool {
			return !slices.Contains(o.Seats, s) || f.Keep && f.Amount == 0 && o.paidBackFor(s) >= 0 && o.left(s) == 0
		})
	}
	switch {
	case len(seats) == 0:
		return next{}, nil
	case f.Amount > 0:
	case len(f.Seats) == 0:
		amount = rest + o.Lost
	default:
		for _, seat := range seats {
			if _, known := o.Price(seat); !known {
				return next{}, &lockstore.InvalidError{Problem: fmt.Sprintf("the bill of order %s does not say what seat %s costs; give the amount", o.Order, seat)}
			}
			amount += o.left(seat)
		}
	}
	lost := min(amount, o.Lost) // already paid back
	amount -= lost
	if f.Amount == 0 { // more may have been paid back of the whole order
		amount = min(amount, rest)
	}
	if amount > rest {
		return next{}, &lockstore.InvalidError{Problem: fmt.Sprintf("%d cannot be paid back of order %s: of %d, %d were paid back already", amount, o.Order, o.Amount, o.Refunded)}
	}
	if amount == 0 && lost == 0 && f.Keep {
		return next{}, nil
	}
	o.Lost -= lost
	if f.Keep {
		o.share(seats, lost)
	}
	o.startGiving(seats, amount, f.Keep)
	o.remember(f)
	return n, nil
}

// refundMore is a refund of an order that is being given back, or failed to be. The
// current refund cannot be changed, but the rest may follow it.
func (o *Order) refundMore(f *Refunding, plain bool, n next) (next, error) {
	same := f.Keep == o.Give.Keep && (f.Amount == 0 || f.Amount == o.Give.Amount) &&
		(len(f.Seats) == 0 && len(o.Give.Seats) == len(o.Seats) || sameSeats(f.Seats, o.Give.Seats))
	if !plain {
		if same {
			return next{}, nil
		}
		return next{}, wrongStage(o, "refunded in another part")
	}
	covered := o.Give.Ended && !o.KeepsSeats || !o.Give.Keep && len(without(o.Seats, o.Give.Seats)) == 0
	if o.Stage == StageGivingBack && (covered || o.GiveAll) {
		return next{}, nil
	}
	o.GiveAll = !covered
	if o.Stage == StageNeedsPerson {
		if o.Stuck != "" {
			o.Stuck = StageGivingBack // which now means everything
		}
		o.tryAgain()
	}
	return n, nil
}

// maxRequests is the number of requests that an order remembers.
const maxRequests = 16

// asked reports whether the order has begun to carry out the request.
func (o *Order) asked(f *Refunding) (bool, error) {
	if f.Request == "" {
		return false, nil
	}
	at := slices.IndexFunc(o.Requests, func(r string) bool { return strings.HasPrefix(r, f.Request+" ") })
	if at >= 0 && o.Requests[at] != f.mark() {
		return false, &lockstore.InvalidError{Problem: fmt.Sprintf("the request %s was for something else of order %s", f.Request, o.Order)}
	}
	return at >= 0, nil
}

func (o *Order) remember(f *Refunding) {
	if f.Request == "" {
		return
	}
	latest := o.Requests[max(0, len(o.Requests)-maxRequests+1):]
	o.Requests = append(slices.Clone(latest), f.mark())
}

// mark returns the request's id with a hash of its content.
func (f *Refunding) mark() string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%q %d %t", f.Seats, f.Amount, f.Keep)
	return fmt.Sprintf("%s %08x", f.Request, h.Sum32())
}
