package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"seatlock/lockstore"
)

// A Plan describes how [Play] makes histories.
type Plan struct {
	Clients int           // how many call at the same time
	Calls   int           // how many calls each makes
	Seats   int           // of each event, at most 7
	TTL     time.Duration // how long a lock lasts
	Seed    uint64        // of everything that is random

	// Pause is the longest that a client rests between two calls.
	Pause time.Duration

	// Slack is as in History, Grace as in Recorder.
	Slack, Grace time.Duration

	// Long adds a pause of more than LapseMemory and calls after it. It is for a
	// bubble, where that takes no time.
	Long bool

	// Plain leaves out Wait and calls with another layout.
	Plain bool

	// Remote is as in History. Its calls must be Plain, and have the settings of
	// the events, or of [Other] if those are served too.
	Remote, Others bool

	// LosesLog is as in History.
	LosesLog bool
}

// users are the users of a history. Two of them differ only in case.
var users = []lockstore.UserID{"ann", "ben", "A", "a"}

// limits are the seat limits of events and of calls. The first is none.
var limits = []int{0, 2, 3}

// Play makes random calls to the store from several clients at the same time,
// for two events of one layout, and returns the history of each. No other
// history may have the name. It returns early, with the calls made so far, when
// the context ends.
func Play(ctx context.Context, store lockstore.LockStore, name string, p Plan) ([]*History, error) {
	records, err := Records(store, name, p)
	if err != nil {
		return nil, err
	}
	var clients sync.WaitGroup
	for i := range p.Clients {
		clients.Go(func() { NewClient(i, p, records).Run(ctx) })
	}
	clients.Wait()
	NewClient(p.Clients, p, records).Finish(ctx)
	var all []*History
	for _, r := range records {
		h := r.History(p.Slack)
		h.Remote, h.LosesLog = p.Remote, p.LosesLog
		if !p.Remote {
			if err := h.ReadBooks(ctx, store); err != nil && ctx.Err() == nil {
				return nil, err
			}
		}
		all = append(all, h)
	}
	return all, nil
}

// Records returns a recorder for each of the two events of a plan.
func Records(store lockstore.LockStore, name string, p Plan) ([]*Recorder, error) {
	seats := make([]lockstore.SeatID, p.Seats)
	for i := range seats {
		seats[i] = lockstore.SeatID(fmt.Sprintf("S%d", i+1))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return nil, err
	}
	rnd := rand.New(rand.NewPCG(p.Seed, 0))
	var records []*Recorder
	for _, part := range []string{".a", ".b"} {
		ev, err := lockstore.NewEvent(lockstore.EventID(name+part), layout, p.TTL, limits[rnd.IntN(len(limits))])
		if err != nil {
			return nil, err
		}
		records = append(records, &Recorder{Store: store, Event: ev, Grace: p.Grace})
	}
	return records, nil
}
