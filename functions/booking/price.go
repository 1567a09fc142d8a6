package booking

import (
	"context"
	"strconv"
	"strings"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/venue"
)

// A bill is what the seats of a change cost. The price is always the venue's: a
// client names levels, never amounts.
type bill struct {
	prices []price // in the order of the seats
	total  int64
}

// A price is what one seat costs.
type price struct {
	category string
	level    venue.Level
}

// price sets the change's bill, if its event has prices. A level is not kept with a
// lock: each call names the levels that it needs. It leaves it to the store to refuse
// unknown seats.
func (c *change) price() error {
	ev, levels := c.ev.venue, c.req.Levels
	if levels != nil && ev.Currency == "" {
		return badBody("Event %s has no prices, so there are no levels.", ev.ID)
	}
	if levels != nil && len(levels) != len(c.op.Seats) {
		return badBody("The number of seats is %d and that of levels %d; give a level for each seat, in their order.", len(c.op.Seats), len(levels))
	}
	if ev.Currency == "" {
		return nil
	}
	c.bill = bill{prices: make([]price, len(c.op.Seats))}
	for i, seat := range c.op.Seats {
		at, ok := ev.Position(seat)
		if !ok {
			return nil
		}
		level := ""
		if levels != nil {
			level = levels[i]
		}
		cost, ok := ev.Price(at, level)
		if !ok {
			return badBody("Seat %s has no price level %s; %s.", seat, venue.Shown(level), levelsOf(ev.CategoryOf(at)))
		}
		c.bill.prices[i] = price{ev.CategoryOf(at).ID, cost}
		c.bill.total += cost.Price
	}
	return nil
}

// levelsOf describes the price levels of a category.
func levelsOf(c *venue.Category) string {
	if c.Levels[0].ID == "" {
		return "it has one price, so leave levels out"
	}
	var ids []string
	for _, l := range c.Levels {
		ids = append(ids, l.ID)
	}
	return "there are " + strings.Join(ids, ", ")
}

// appendBill appends what the seats of the answer cost; nothing if they have no
// prices.
func (s *seatsAnswer) appendBill(b []byte) []byte {
	if s.bill.prices == nil {
		return b
	}
	b = append(b, `,"total":`...)
	b = strconv.AppendInt(b, s.bill.total, 10)
	b = append(b, `,"currency":"`...)
	b = append(b, s.ev.venue.Currency...)
	b = append(b, `","prices":[`...)
	for i, p := range s.bill.prices {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"seatId":"`...)
		b = append(b, s.op.Seats[i]...)
		b = append(b, `","category":`...)
		b = appendString(b, p.category)
		if p.level.ID != "" {
			b = append(b, `,"level":`...)
			b = appendString(b, p.level.ID)
		}
		b = append(b, `,"price":`...)
		b = strconv.AppendInt(b, p.level.Price, 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

// onSale refuses buyers, but not back ends and operators, while the event is not on
// sale by the store's clock.
func (a *API) onSale(ctx context.Context, ev *event, by access.Caller) error {
	opens, closes := ev.venue.OpensAt, ev.venue.ClosesAt
	if opens.IsZero() && closes.IsZero() || by.May(access.Serve) == nil {
		return nil
	}
	now, err := a.storeNow(ctx, ev)
	switch {
	case err != nil:
		return err
	case now.Before(opens):
		r := problem.Refuse(problem.NotOnSale, "The sale of event %s opens at %s.", ev.ID, opens.Format(time.RFC3339))
		if wait := opens.Sub(now); wait <= longestWait {
			r.Wait = wait
		}
		r.OpensAt = opens
		return r
	case !closes.IsZero() && !now.Before(closes):
		r := problem.Refuse(problem.NotOnSale, "The sale of event %s closed at %s. Locked seats can still be booked.", ev.ID, closes.Format(time.RFC3339))
		r.ClosedAt = closes
		return r
	}
	return nil
}

// longestWait is the longest time until a sale opens that Retry-After gives.
const longestWait = 24 * time.Hour
