package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// plan returns the plan of a history with this timing.
func (at timing) plan(seed uint64) history.Plan {
	p := history.Plan{Clients: 5, Calls: 16, Seats: 5, Seed: seed, TTL: time.Second, Pause: 300 * time.Millisecond,
		Slack: time.Millisecond, Grace: time.Millisecond, Long: seed%4 == 0}
	if !at.bubble {
		p.TTL, p.Pause, p.Slack, p.Grace, p.Long = 150*time.Millisecond, 40*time.Millisecond, 3*time.Millisecond, 0, false
	}
	return p
}

// oneAfterAnother has clients make random calls at the same time, and looks for an
// order in which all answers are right.
func oneAfterAnother(c *check) {
	var all sync.WaitGroup
	for seed := range uint64(20) {
		all.Go(func() {
			histories, err := history.Play(c.ctx, direct(c.LockStore), fmt.Sprintf("%s-%d", c.ev.ID, seed), c.plan(seed))
			if err != nil {
				c.Error(err)
			}
			for _, h := range histories {
				c.judge(h)
			}
		})
	}
	all.Wait()
}

// judge fails the case unless the history is legal. In a bubble no outcome may be
// unknown. On a busy machine one can be, and too many make a history undecided.
func (c *check) judge(h *history.History) {
	if c.bubble && slices.ContainsFunc(h.Calls, func(c history.Call) bool { return c.Outcome == history.Unknown }) {
		c.Errorf("event %s: a call fails with %v", h.Event.ID, lockstore.ErrOutcomeUnknown)
		return
	}
	v, err := h.Check(10 * time.Second)
	switch {
	case err != nil:
		c.Error(err)
	case v == history.Undecided && !c.bubble:
		c.Logf("event %s: %s", h.Event.ID, v)
	case v != history.Legal:
		why, err := h.Explain(10 * time.Second)
		c.Errorf("event %s: %s: %v\n%s", h.Event.ID, v, err, why)
	}
}
