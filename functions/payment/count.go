package payment

import (
	"context"
	"errors"
	"fmt"
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
}

const (
	countPause = 30 * time.Second // between two counts at least
	countTime  = time.Minute      // how long one may take

	// countShare is the share of the time that counting may take: the pause is so many
	// times as long as the count, but no longer than countAge.
	countShare = 50
	countAge   = 5 * time.Minute
)

// Count counts the orders of the events. It reads every order, so [Payments.Work] does it
// only so often that it takes a fiftieth of the time, or every five minutes. A record that cannot be read does not stop it,
// and is named by the error; after another error there are no Counts.
func (p *Payments) Count(ctx context.Context, events []lockstore.EventID) (Counts, error) {
	c := Counts{Orders: make(map[Stage]int)}
	for _, stage := range Stages() {
		c.Orders[stage] = 0
	}
	now := p.clock.now()
	var unread []error
	for _, event := range events {
		for last := lockstore.OrderID(""); ; {
			page, err := p.orders.Orders(ctx, event, last)
			if err != nil {
				return Counts{}, err
			}
			if len(page) == 0 || !isOrder(page[0].ID) {
				break
			}
			for _, r := range page {
				if !isOrder(r.ID) {
					break // pointers come last
				}
				if err := c.add(r, now); err != nil {
					unread = append(unread, err)
				}
			}
			last = page[len(page)-1].ID
		}
	}
	return c, errors.Join(unread...)
}

// add counts one order.
func (c *Counts) add(r lockstore.Order, now time.Time) error {
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
		c.Late = max(c.Late, now.Sub(r.Due))
	}
	if err := json.Unmarshal(r.Body, &o); err != nil {
		return fmt.Errorf("payment: the record of order %s cannot be read: %w", r.ID, err)
	}
	if o.Version != bodyVersion || row(o.Stage) == nil {
		return fmt.Errorf("payment: order %s has format %d and stage %q, which this program does not know", r.ID, o.Version, o.Stage)
	}
	c.Orders[o.Stage]++
	if !o.Stage.Live() && o.Stage != StageGivingBack {
		return nil
	}
	since := o.Created
	for i := len(o.History) - 1; i >= 0 && o.History[i].To.Unsettled(); i-- {
		since = o.History[i].Time
	}
	c.Oldest = max(c.Oldest, now.Sub(since))
	return nil
}

// countEvery counts the orders from time to time, until the context ends.
func (p *Payments) countEvery(ctx context.Context, events func() []lockstore.EventID) {
	for p.counted != nil && ctx.Err() == nil {
		p.countIfDue(ctx, events())
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// countIfDue counts the orders unless this process did not long ago.
func (p *Payments) countIfDue(ctx context.Context, events []lockstore.EventID) {
	began := time.Now()
	if p.counted == nil || began.Before(time.UnixMilli(p.countAgain.Load())) {
		return
	}
	limited, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	c, err := p.Count(limited, events)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		p.log.Error("not every order could be counted; trying again later", "error", err)
	}
	if c.Orders != nil {
		c.Late = max(c.Late, time.Duration(p.late.Swap(0)))
		p.counted(c)
	}
	p.countAgain.Store(began.Add(min(max(countPause, countShare*time.Since(began)), countAge)).UnixMilli())
}
