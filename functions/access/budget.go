package access

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// crowd is the budget of an address as a multiple of a user's.
const crowd = 10

// A Budget limits how much each user and each address uses in an hour, such as locks
// that nobody buys. What was used becomes available again steadily, or at once if it is
// given back. A Budget is safe for concurrent use.
type Budget struct {
	perHour float64
	seed    maphash.Seed

	mu   sync.Mutex
	used *simplelru.LRU[uint64, *use]    // by the hash of a bucket
	paid *simplelru.LRU[uint64, payment] // by the hash of a lock
}

// A use is how much a user or a network had used at a time.
type use struct {
	amount float64
	at     time.Time
}

// NewBudget returns a Budget of perHour for a user, and ten times as much for an
// address. perHour must be more than 0. Like [Rate], it remembers the latest users and
// addresses only.
func NewBudget(perHour float64) *Budget {
	used, err := simplelru.NewLRU[uint64, *use](remembered, nil)
	if err != nil {
		panic(err) // the size is a constant
	}
	paid, err := simplelru.NewLRU[uint64, payment](remembered, nil)
	if err != nil {
		panic(err)
	}
	return &Budget{perHour: perHour, seed: maphash.MakeSeed(), used: used, paid: paid}
}

// A share is a part of the budget: a bucket, and its size as a multiple of a user's.
type share struct {
	of    bucket
	times float64
}

// mostShares is the number of shares of a user at an IPv6 address.
const mostShares = 3

// appendShares appends the shares that the user and the address use. The user is empty
// if only the address counts.
func appendShares(all []share, user lockstore.UserID, addr netip.Addr) []share {
	if user != "" {
		all = append(all, share{bucket{what: signedIn, user: user}, 1})
	}
	if narrow, wide := networks(addr); narrow.IsValid() {
		all = append(all, share{bucket{what: allOf, of: narrow}, crowd})
		if wide.IsValid() {
			all = append(all, share{bucket{what: allOf, of: wide}, crowd * wider})
		}
	}
	return all
}

// take uses the amount if it is available, or else returns how long to wait until it
// is. b.mu must be locked.
func (b *Budget) take(user lockstore.UserID, addr netip.Addr, amount float64) time.Duration {
	var wait time.Duration
	var uses [mostShares]*use
	var buf [mostShares]share
	now := time.Now()
	for i, s := range appendShares(buf[:0], user, addr) {
		limit := s.times * b.perHour
		uses[i] = b.get(s, now)
		// An amount above the whole budget is allowed when nothing is used.
		if over := min(amount, limit) + uses[i].amount - limit; over > 0 {
			wait = max(wait, time.Duration(over/limit*float64(time.Hour)))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, u := range uses {
		if u != nil {
			u.amount += amount
		}
	}
	return 0
}

// giveBack returns an amount to the user and the address. b.mu must be locked.
func (b *Budget) giveBack(user lockstore.UserID, addr netip.Addr, amount float64) {
	var buf [mostShares]share
	now := time.Now()
	for _, s := range appendShares(buf[:0], user, addr) {
		u := b.get(s, now)
		u.amount = max(0, u.amount-amount)
	}
}

// get returns the use of a share as of now. b.mu must be locked.
func (b *Budget) get(s share, now time.Time) *use {
	key := maphash.Comparable(b.seed, s.of)
	u, ok := b.used.Get(key)
	if !ok {
		u = &use{at: now}
		b.used.Add(key, u)
	}
	u.amount = max(0, u.amount-now.Sub(u.at).Hours()*s.times*b.perHour)
	u.at = now
	return u
}

// AdmitGuest counts a new guest at the address. It returns a [*problem.Refusal] if
// there have been too many.
func (b *Budget) AdmitGuest(addr netip.Addr) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait := b.take("", addr, 1); wait > 0 {
		return &problem.Refusal{Kind: problem.RateLimited, Wait: wait, Detail: "Your network address has very many new guests. Try again later."}
	}
	return nil
}
