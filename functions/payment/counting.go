package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"seatlock/lockstore"
)

const (
	countPause = 30 * time.Second // least time between two counts
	countTime  = time.Minute      // how long one goes on before it leaves the rest to the next

	// countShare limits the time spent on counting: the pause after a finished count is
	// so many times as long as its last part, but no longer than countAge.
	countShare = 50
	countAge   = 5 * time.Minute

	// countKept is the age up to which an unfinished count is continued.
	countKept = time.Hour
)

// countID is the record of the counts. It lets one process at a time count for all.
const countID lockstore.OrderID = "last.count"

// A countRecord has the last count, and where the next one continues. All times are on
// the store's clock as the process knows it, or on the process's own until the store
// has given its time.
type countRecord struct {
	Version int       `json:"v"`
	Lease   time.Time `json:"lease,omitzero"` // a process is counting until then
	Again   time.Time `json:"again,omitzero"` // when to count again
	Last    *tally    `json:"last,omitempty"` // nil before the first one is finished
	Next    *tally    `json:"next,omitempty"` // one that was begun and is not finished
}

// dueEvents are the events of orders that have been due since the last count.
type dueEvents struct {
	sync.Mutex
	seen map[lockstore.EventID]bool // up to maxUnsettled
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

// countIfDue reports the last count, unless it did so recently. It counts first if that
// is due and no other process is counting.
func (p *Payments) countIfDue(ctx context.Context, events []lockstore.EventID) {
	if p.counted == nil || !p.countPause.over() {
		return
	}
	p.countPause.begin(countPause)
	c, revision, err := p.readCounts(ctx)
	if errors.Is(err, errNewerCounts) {
		if !p.newerCounts.Swap(true) {
			p.log.Warn("this process counts no orders, and reports none: a newer version of this program counts them")
		}
		return
	}
	if err == nil {
		err = p.countFor(ctx, c, revision, events)
	}
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		p.log.Error("not every order could be counted; trying again later", "error", err)
	}
	if c != nil && c.Last != nil {
		counts := c.Last.counts(p.clock.now())
		counts.Late = max(counts.Late, time.Duration(p.late.Swap(0)))
		p.counted(counts)
	}
}

// errNewerCounts is the error of a process that must leave the counts alone.
var errNewerCounts = errors.New("payment: the counts are of a newer version of this program")

// readCounts returns the record of the counts, or a new one if there is none. It
// replaces a record that is not valid, and returns errNewerCounts for one of a newer
// version of this program.
func (p *Payments) readCounts(ctx context.Context) (*countRecord, int64, error) {
	c := new(countRecord)
	r, err := p.orders.Order(ctx, countID)
	if errors.Is(err, lockstore.ErrNoOrder) {
		return c, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	var format struct { // the other fields may have other types in a newer version
		Version int `json:"v"`
	}
	if json.Unmarshal(r.Body, &format) == nil && format.Version > bodyVersion {
		return nil, 0, errNewerCounts
	}
	if json.Unmarshal(r.Body, c) != nil || c.Version != bodyVersion {
		c = new(countRecord)
	}
	return c, r.Revision, nil
}

// countFor counts the orders of the events, and those of events that have left the
// event file, until its time is over. It does nothing if no count is due.
func (p *Payments) countFor(ctx context.Context, c *countRecord, revision int64, events []lockstore.EventID) error {
	if err := p.relearnTime(ctx, events); err != nil {
		return fmt.Errorf("the store's time is not known: %w", err)
	}
	began := p.clock.now()
	// A time far ahead comes from a clock that was wrong.
	ahead := func(t time.Time) bool { return began.Before(t) && t.Sub(began) < 2*countAge }
	if ahead(c.Lease) || ahead(c.Again) {
		return nil
	}
	c.Lease = began.Add(countTime + 10*pause)
	revision, err := p.putCounts(ctx, c, revision)
	if errors.Is(err, lockstore.ErrOrderChanged) {
		return nil // another process was faster
	}
	if err != nil {
		return err
	}
	if c.Next == nil || began.Sub(c.Again) > countKept {
		c.Next = newTally()
	}
	limited, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	unread, err := p.count(limited, c.Next, events, p.elsewhereDue(c))
	if err == nil {
		c.Last, c.Next = c.Next, nil
	} else {
		err = fmt.Errorf("it has come to order %q of event %q: %w", c.Next.After, c.Next.Event, err)
	}
	now := p.clock.now()
	c.Lease = time.Time{}
	c.Again = now
	if c.Next == nil { // otherwise the next call continues it
		// Another process checks at about the same time, perhaps a little earlier or
		// later.
		c.Again = began.Add(min(max(countPause, countShare*now.Sub(began)), countAge) - pause)
	}

	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), pause)
	defer stop()
	if _, putErr := p.putCounts(ctx, c, revision); putErr != nil && !errors.Is(putErr, lockstore.ErrOrderChanged) {
		err = errors.Join(err, fmt.Errorf("the count was not written down: %w", putErr))
	}
	return errors.Join(unread, err)
}

func (p *Payments) putCounts(ctx context.Context, c *countRecord, revision int64) (int64, error) {
	c.Version = bodyVersion
	body, err := json.Marshal(c)
	if err != nil {
		return 0, err
	}
	return p.orders.Put(ctx, lockstore.Order{ID: countID, Event: sharedEvent, Revision: revision, Body: body})
}

// elsewhereDue returns the events that may have left the event file with unsettled
// orders: those that had unsettled orders at the last count, and those whose orders
// have been due since.
func (p *Payments) elsewhereDue(c *countRecord) []lockstore.EventID {
	p.dueEvents.Lock()
	defer p.dueEvents.Unlock()
	all := slices.Clone(c.Next.Unsettled)
	if c.Last != nil {
		all = append(all, c.Last.Unsettled...)
	}
	for event := range p.dueEvents.seen {
		all = append(all, event)
	}
	clear(p.dueEvents.seen)
	return all
}

// noteDue records the event of an order that is due.
func (p *Payments) noteDue(event lockstore.EventID) {
	p.dueEvents.Lock()
	defer p.dueEvents.Unlock()
	if p.counted == nil || len(p.dueEvents.seen) >= maxUnsettled {
		return
	}
	if p.dueEvents.seen == nil {
		p.dueEvents.seen = make(map[lockstore.EventID]bool)
	}
	p.dueEvents.seen[event] = true
}
