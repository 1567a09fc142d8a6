package main

import (
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// clockSlack is how much earlier a lock may end by the server's clock.
const clockSlack = 100 * time.Millisecond

// possessions records which user certainly had which seat, and when, by this program's
// clock: from the answer to a lock until the lock time after its request was sent.
type possessions struct {
	lockTTL time.Duration
	mu      sync.Mutex
	seats   map[lockstore.SeatID][]possession
}

type possession struct {
	user     lockstore.UserID
	from, to time.Time
}

// locked records a lock that was requested and answered at these times.
func (p *possessions) locked(seats []lockstore.SeatID, user lockstore.UserID, called, returned time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seats == nil {
		p.seats = make(map[lockstore.SeatID][]possession)
	}
	for _, seat := range seats {
		p.seats[seat] = append(p.seats[seat], possession{user, returned, called.Add(p.lockTTL - clockSlack)})
	}
}

// extended moves the end of the user's possession of the seats.
func (p *possessions) extended(seats []lockstore.SeatID, user lockstore.UserID, by time.Duration) {
	p.change(seats, user, func(s *possession) { s.to = s.to.Add(by) })
}

// booked makes the user's possession of the seats endless.
func (p *possessions) booked(seats []lockstore.SeatID, user lockstore.UserID) {
	p.change(seats, user, func(s *possession) { s.to = time.Now().AddDate(1000, 0, 0) })
}

// released ends the user's possession of the seats now if it has not ended yet.
func (p *possessions) released(seats []lockstore.SeatID, user lockstore.UserID) {
	now := time.Now()
	p.change(seats, user, func(s *possession) {
		if now.Before(s.to) {
			s.to = now
		}
	})
}

func (p *possessions) change(seats []lockstore.SeatID, user lockstore.UserID, f func(*possession)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, seat := range seats {
		for i := range p.seats[seat] {
			if s := &p.seats[seat][i]; s.user == user {
				f(s)
			}
		}
	}
}

// overlaps returns how often two users had a seat at the same time.
func (p *possessions) overlaps() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, all := range p.seats {
		slices.SortFunc(all, func(a, b possession) int { return a.from.Compare(b.from) })
		for i, s := range all {
			for _, earlier := range all[:i] {
				if earlier.user != s.user && earlier.to.After(s.from) && s.to.After(s.from) {
					n++
				}
			}
		}
	}
	return n
}
