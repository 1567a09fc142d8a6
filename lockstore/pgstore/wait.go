package pgstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
)

const (
	// pollTime is how long a change goes unnoticed by those who wait for it if no
	// notification says so: some are lost with a connection, and a pooler passes
	// none on.
	pollTime = 250 * time.Millisecond

	// tellTime is how often, at most, a process tells the others that something
	// changed.
	tellTime = 20 * time.Millisecond

	// restTime is how long the post rests between two looks.
	restTime = 5 * time.Millisecond

	// lingerTime is how long it goes on when nobody waits: who waits again and
	// again finds it there.
	lingerTime = 2 * time.Second
)

// Wait implements [lockstore.LockStore]. However many wait in a process, for
// whatever events, they share one connection, which is not of the pool. If the
// database goes away meanwhile it fails with [lockstore.ErrUnavailable].
func (s *Store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	from := parseMark(since)
	p, w := s.join(ev.ID)
	defer p.leave(ev.ID)
	look := w.next(p)
	if beyond, err := s.beyond(ctx, ev, from); beyond || err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look:
		}
		p.mu.Lock()
		head, beyond, err := w.head, w.beyond, p.err
		look = w.look
		p.mu.Unlock()
		if err != nil || beyond || head != from {
			return err
		}
	}
}

// beyond looks whether the event has left that mark, in an event that it opens
// if nobody has.
func (s *Store) beyond(ctx context.Context, ev *lockstore.Event, from mark) (bool, error) {
	for range attempts {
		var h head
		err := s.ask(ctx, lockstore.ErrUnavailable, headsSQL+" UNION ALL SELECT '', '', 0, '', true LIMIT 1", []any{[]string{string(ev.ID)}},
			&h.event, &h.fingerprint, &h.mark.number, &h.mark.nonce, &h.beyond)
		if err != nil {
			return false, err
		}
		switch {
		case h.event == "":
			if err := s.Open(ctx, ev); err != nil {
				return false, err
			}
		case h.fingerprint != ev.Fingerprint():
			return false, lockstore.ErrOtherSeats
		default:
			return h.beyond || h.mark != from, nil
		}
	}
	return false, errNotOpen
}

const headsSQL = "SELECT name, fingerprint, number, nonce, beyond FROM seatlock.heads($1)"

// A head is where an event stands.
type head struct {
	event       string
	fingerprint string
	mark        mark
	beyond      bool // there are changes that have no number yet
}

// A post looks where events stand, for all in this process who wait: when it is
// notified, when this process changed one of them, and now and then. It ends by
// itself when nobody has waited for a while, or when the database is away.
type post struct {
	store *Store

	mu        sync.Mutex
	events    map[lockstore.EventID]*waited
	due       bool               // there is reason to look now
	interrupt context.CancelFunc // ends the rest between two looks, if there is one
	ended     bool
	err       error
}

// A waited is an event that somebody waits for.
type waited struct {
	waiters int
	look    chan struct{} // closed, and made anew, when it was looked at
	head    mark          // as it was then
	beyond  bool
}

// join returns the post, at work, and the event with one waiter more.
func (s *Store) join(id lockstore.EventID) (*post, *waited) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.post != nil {
		if w := s.post.enter(id); w != nil {
			return s.post, w
		}
	}
	s.post = &post{store: s, events: make(map[lockstore.EventID]*waited)}
	w := s.post.enter(id)
	go s.post.run()
	return s.post, w
}

// enter adds a waiter, unless the post has ended.
func (p *post) enter(id lockstore.EventID) *waited {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil
	}
	w := p.events[id]
	if w == nil {
		w = &waited{look: make(chan struct{})}
		p.events[id] = w
	}
	w.waiters++
	return w
}

func (p *post) leave(id lockstore.EventID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.events[id]; w.waiters > 1 {
		w.waiters--
	} else {
		delete(p.events, id)
	}
}

// next is closed when the event has been looked at again.
func (w *waited) next(p *post) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.look
}

// tell has other processes look, after a call that changed something, unless
// they were told so just now. PostgreSQL has transactions that notify commit one
// at a time, the whole server over: a sale must not, and most need not. That it
// fails changes nothing, since they look now and then anyway.
func (s *Store) tell(ctx context.Context) {
	s.mu.Lock()
	now := time.Now()
	due := now.Sub(s.told) >= tellTime
	if due {
		s.told = now
	}
	s.mu.Unlock()
	if due {
		ctx, cancel := context.WithTimeout(ctx, pollTime) // they would have looked by then
		defer cancel()
		var nothing string
		_ = s.ask(ctx, lockstore.ErrUnavailable, "SELECT pg_notify('seatlock', '')::text", nil, &nothing)
	}
}

// wake has those in this process who wait for the event look.
func (s *Store) wake(id lockstore.EventID) {
	s.mu.Lock()
	p := s.post
	s.mu.Unlock()
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.events[id] == nil {
		return
	}
	p.due = true
	if p.interrupt != nil {
		p.interrupt()
	}
}

// run looks until nobody waits.
func (p *post) run() {
	err := p.work()
	p.mu.Lock()
	p.ended, p.err = true, err
	for _, w := range p.events {
		close(w.look)
	}
	p.mu.Unlock()
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.store.post == p {
		p.store.post = nil
	}
}

// work is run, on a connection of its own.
func (p *post) work() error {
	ctx := context.Background()
	pooled, err := p.store.acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack() // the pool makes another if it needs one
	defer func() {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		_ = conn.Close(ctx) // nobody needs it any more
	}()
	err = within(func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "LISTEN seatlock")
		return err
	})
	rest, last := pollTime, time.Now()
	for err == nil {
		waitedFor, ended := p.needed(last)
		if ended {
			return nil
		}
		if waitedFor {
			last = time.Now()
			if err = within(func(ctx context.Context) error { return p.look(ctx, conn) }); err != nil {
				break
			}
		}
		time.Sleep(restTime)
		rest, err = p.rest(ctx, conn, rest)
	}
	return fmt.Errorf("%w: waiting for changes: %w", lockstore.ErrUnavailable, err)
}

// within bounds what should take no time.
func within(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	return f(ctx)
}

// needed tells whether anybody waits, and otherwise whether that has been so for
// long enough to end. last is when somebody did.
func (p *post) needed(last time.Time) (now, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now = len(p.events) > 0
	p.ended = !now && time.Since(last) > lingerTime
	return now, p.ended
}

// rest returns when there is reason to look, after so long at the latest, and
// says how long the next rest may be: after a notification there may be changes
// that none told of, since the last was so recent.
func (p *post) rest(ctx context.Context, conn *pgx.Conn, most time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	p.mu.Lock()
	due := p.due
	p.due = false
	p.interrupt = cancel
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.due, p.interrupt = false, nil
	}()
	if due {
		return pollTime, nil
	}
	_, err := conn.WaitForNotification(ctx)
	switch {
	case err == nil:
		cancel() // what else has arrived says the same, and would be kept
		for err == nil {
			_, err = conn.WaitForNotification(ctx)
		}
		return tellTime, nil
	case ctx.Err() != nil && !conn.IsClosed():
		return pollTime, nil
	}
	return 0, err
}

// look finds out where the events stand that are waited for, and tells.
func (p *post) look(ctx context.Context, conn *pgx.Conn) error {
	p.mu.Lock()
	var ids []string
	looked := make(map[string]*waited)
	for id, w := range p.events {
		ids, looked[string(id)] = append(ids, string(id)), w
	}
	p.mu.Unlock()
	rows, err := conn.Query(ctx, headsSQL, ids)
	if err != nil {
		return err
	}
	heads, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h head, err error) {
		err = row.Scan(&h.event, &h.fingerprint, &h.mark.number, &h.mark.nonce, &h.beyond)
		return h, err
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range heads {
		w := looked[h.event]
		if w.head == h.mark && w.beyond == h.beyond {
			continue
		}
		w.head, w.beyond = h.mark, h.beyond
		close(w.look)
		w.look = make(chan struct{})
	}
	return nil
}
