package memstore

import (
	"context"
	"sync"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

type event struct {
	clock

	mu       sync.Mutex // guards the fields below
	state    *engine.State
	log      engine.Log
	journal  engine.Journal
	revision int  // of the state's layout
	fixed    bool // a seat has changed
}

// lock returns the store's state of the event, with its mutex held and with the
// layout of ev. It creates the state when the event is first used.
func (s *Store) lock(ctx context.Context, ev *lockstore.Event) (*event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	e := s.events[ev.ID]
	s.mu.RUnlock()
	if e == nil {
		e = s.add(ev)
	}
	e.mu.Lock()
	if err := e.fit(ev); err != nil {
		e.mu.Unlock()
		return nil, err
	}
	return e, nil
}

func (s *Store) add(ev *lockstore.Event) *event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.events[ev.ID]; e != nil {
		return e
	}
	if s.events == nil {
		s.events = make(map[lockstore.EventID]*event)
	}
	e := &event{
		clock:   newClock(),
		state:   engine.New(ev.Layout),
		log:     engine.NewLog(),
		journal: engine.NewJournal(),
	}
	s.events[ev.ID] = e
	return e
}

// fit replaces the layout with that of ev if they differ and the rules of
// [lockstore.LockStore] allow it.
func (e *event) fit(ev *lockstore.Event) error {
	if e.state.Fits(ev) {
		e.revision = max(e.revision, ev.Revision)
		return nil
	}
	if ev.Revision < e.revision || ev.Revision == e.revision && e.fixed {
		return lockstore.ErrOtherSeats
	}
	state, err := e.state.WithLayout(ev, e.now())
	if err != nil {
		return err
	}
	e.state, e.revision = state, ev.Revision
	e.log.Restart()
	return nil
}
