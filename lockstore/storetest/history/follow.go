package history

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
)

// A Follower checks calls that are made one after the other, each as soon as it
// has its answer. It is not safe for concurrent use.
type Follower struct {
	model  *model
	states []state // every state that is possible now
}

// NewFollower returns a Follower of an event that no call has used. Slack is as
// in [History].
func NewFollower(ev *lockstore.Event, slack time.Duration) (*Follower, error) {
	m, err := newModel(&History{Event: ev, Slack: slack})
	if err != nil {
		return nil, err
	}
	return &Follower{m, []state{{}}}, nil
}

// Next returns an error, which says what was expected, if the contract does not
// allow the call's answer after the calls before. It assumes that a call whose
// outcome is unknown takes effect before the next call or never.
func (f *Follower) Next(c Call) error {
	if err := f.model.add(&c); err != nil {
		return err
	}
	if c.Snapshot != nil {
		f.model.addVersion(c.Snapshot.Version)
	}
	if c.Method == Roster && !c.inOrder(f.model.event) {
		return fmt.Errorf("a roster names seats that it does not choose, or not in order: %v", c.Holdings)
	}
	for _, call := range c.looks(f.model.event) {
		var next []state
		for i := range f.states {
			s := &f.states[i]
			s.changed += strings.Repeat("\x00", len(f.model.versions)-len(s.changed))
			for _, after := range f.model.step(*s, call) {
				if !slices.Contains(next, after) {
					next = append(next, after)
				}
			}
		}
		if len(next) == 0 {
			return fmt.Errorf("%s", f.model.explain(f.states, []*Call{call}))
		}
		f.states = next
	}
	return nil
}
