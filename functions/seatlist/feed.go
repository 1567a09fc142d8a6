package booking

import (
	"context"
	"sync"
	"time"

	"seatlock/lockstore"
)

// A board keeps the list of one event up to date, so that a request costs the
// store only what changed, and rendering only the blocks that it touched.
// It never serves what it has without asking the store: a refresh begins after
// the request, so nothing acknowledged before the request is missed. Requests
// that arrive during one refresh share the next.
type board struct {
	store lockstore.LockStore
	ev    *lockstore.Event

	mu   sync.Mutex
	next *refresh // has not begun, or nil: whoever arrives now may share it

	turn chan struct{} // holds an element while somebody refreshes
	last *page         // the newest page; nil at first; belongs to whoever has the turn
}

// A refresh is one asking of the store.
type refresh struct {
	done chan struct{} // closed when page and err are set
	page *page
	now  time.Time // the store's clock when it was asked
	err  error
}

func newBoard(store lockstore.LockStore, ev *lockstore.Event) *board {
	return &board{store: store, ev: ev, turn: make(chan struct{}, 1)}
}

// fresh returns the seats as they are at a moment after the call began, and
// that moment on the store's clock.
func (b *board) fresh(ctx context.Context) (*page, time.Time, error) {
	b.mu.Lock()
	if b.next == nil {
		b.next = &refresh{done: make(chan struct{})}
	}
	r := b.next
	b.mu.Unlock()

	select {
	case <-r.done:
		return r.page, r.now, r.err
	case <-ctx.Done():
		return nil, time.Time{}, ctx.Err()
	case b.turn <- struct{}{}:
	}
	defer func() { <-b.turn }()
	select {
	case <-r.done: // while waiting for the turn
		return r.page, r.now, r.err
	default:
	}

	b.mu.Lock()
	b.next = nil
	b.mu.Unlock()
	// Others share the answer: it must not fail because this caller has left.
	r.page, r.now, r.err = b.ask(context.WithoutCancel(ctx))
	close(r.done)
	return r.page, r.now, r.err
}

// ask brings the last page up to date. It needs the turn.
func (b *board) ask(ctx context.Context) (*page, time.Time, error) {
	var since lockstore.Version
	if b.last != nil {
		since = b.last.version
	}
	snap, err := b.store.List(ctx, b.ev, since)
	if err != nil {
		return nil, time.Time{}, err
	}
	from := b.last
	if from == nil || snap.Full {
		from = newPage(b.ev)
		if b.last != nil {
			from.moment = b.last.moment
		}
	}
	b.last = from.with(snap)
	return b.last, snap.Time, nil
}
