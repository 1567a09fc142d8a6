package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"seatlock/lockstore"
)

// Counts are the orders that there are.
type Counts struct {
	Orders map[Stage]int // every stage is there

	// Oldest is how long the order that workers have been at for longest is unsettled;
	// 0 if there is none. An order that needs a person does not count.
	Oldest time.Duration

	// Late is how long ago the order was due that is due for longest; 0 if none is due. A
	// worker's counts include every order that it has looked at since the last ones, of
	// whatever event.
	Late time.Duration

	// Age is how long ago they were counted, perhaps by another process.
	Age time.Duration
}

// A tally is a count of orders that can be interrupted. It is kept in the store, so
// another process can go on with it.
type tally struct {
	At     time.Time     `json:"at,omitzero"` // when it was finished, on the store's clock
	Orders map[Stage]int `json:"orders"`
	Oldest int64         `json:"oldest"` // in milliseconds, as Counts has it
	Late   int64         `json:"late"`

	// Unsettled are the events that have unsettled orders. They are counted the next time,
	// too, if they have left the event file by then.
	Unsettled []lockstore.EventID `json:"unsettled,omitempty"`

	// The count has come to this order of this event. Open reports whether one of the event's
	// orders up to there is unsettled.
	Event lockstore.EventID `json:"event,omitzero"`
	After lockstore.OrderID `json:"after,omitzero"`
	Open  bool              `json:"open,omitzero"`
}

// maxUnsettled is the most events that are remembered: the record must hold them twice.
const maxUnsettled = 400

func newTally() *tally { return &tally{Orders: make(map[Stage]int)} }

// counts returns the result of a tally that is finished.
func (t *tally) counts(now time.Time) Counts {
	c := Counts{Orders: make(map[Stage]int), Oldest: time.Duration(t.Oldest) * time.Millisecond, Late: time.Duration(t.Late) * time.Millisecond, Age: max(now.Sub(t.At), 0)}
	for _, stage := range Stages() {
		c.Orders[stage] = t.Orders[stage]
	}
	return c
}

// Count counts the orders of the events. It reads every one. A record that cannot be read
// does not stop it, and makes the error an [*OrdersError]; after another error there are no
// Counts.
func (p *Payments) Count(ctx context.Context, events []lockstore.EventID) (Counts, error) {
	t := newTally()
	unread, err := p.count(ctx, t, events, nil)
	if err != nil {
		return Counts{}, err
	}
	return t.counts(t.At), unread
}

// count goes on with a tally of the orders of the events in the event file and of others,
// until it is finished or a page cannot be read. Records that cannot be read are left out,
// with an [*OrdersError].
func (p *Payments) count(ctx context.Context, t *tally, file, others []lockstore.EventID) (unread, err error) {
	var failed OrdersError
	defer func() { unread = failed.err() }()
	all := slices.Sorted(slices.Values(slices.Concat(file, others))) // in the same order each time
	for _, event := range slices.Compact(all) {
		if event < t.Event {
			continue
		}
		if event > t.Event {
			t.Event, t.After, t.Open = event, "", false
		}
		for {
			page, err := p.orders.Orders(ctx, event, t.After)
			if err != nil {
				return nil, err
			}
			// Pointers come last.
			if page = slices.DeleteFunc(page, func(r lockstore.Order) bool { return !isOrder(r.ID) }); len(page) == 0 {
				break
			}
			now := p.clock.now()
			for _, r := range page {
				failed.add(t.add(r, now))
			}
			t.After = page[len(page)-1].ID
		}
		if t.Open && !slices.Contains(t.Unsettled, event) && len(t.Unsettled) < maxUnsettled {
			t.Unsettled = append(t.Unsettled, event)
		}
	}
	t.At, t.Event, t.After, t.Open = p.clock.now(), "", "", false
	return nil, nil
}

// add counts one order.
func (t *tally) add(r lockstore.Order, now time.Time) error {
	var o struct { // what of a body counts
		Version int       `json:"v"`
		Stage   Stage     `json:"stage"`
		Created time.Time `json:"created"`
		History []struct {
			To   Stage     `json:"to"`
			Time time.Time `json:"time"`
		} `json:"history"`
	}
	if !r.Due.IsZero() {
		t.Late = max(t.Late, now.Sub(r.Due).Milliseconds())
	}
	if err := json.Unmarshal(r.Body, &o); err != nil {
		return fmt.Errorf("%w: the record of order %s: %w", ErrUnreadable, r.ID, err)
	}
	if o.Version != bodyVersion || row(o.Stage) == nil {
		return fmt.Errorf("%w: order %s has format %d and stage %q, which this program does not know", ErrUnreadable, r.ID, o.Version, clip(string(o.Stage), 40))
	}
	t.Orders[o.Stage]++
	t.Open = t.Open || o.Stage.Unsettled()
	if !o.Stage.Live() && o.Stage != StageGivingBack {
		return nil
	}
	since := o.Created
	for i := len(o.History) - 1; i >= 0 && o.History[i].To.Unsettled(); i-- {
		since = o.History[i].Time
	}
	t.Oldest = max(t.Oldest, now.Sub(since).Milliseconds())
	return nil
}
