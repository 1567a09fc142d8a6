package access

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"seatlock/lockstore"
)

const (
	// remembered is the number of buckets that are kept: the most recently used. A
	// client whose bucket is forgotten starts again with a full one, so very many
	// clients weaken the limit but take no more memory.
	remembered = 1 << 16

	// together is how many times as many requests as an unknown caller an address may
	// send in all, including those of signed-in users.
	together = 10

	// byteBurst is how many seconds' worth of bytes may be sent at once.
	byteBurst = 10
)

// A Rate limits how often each client calls. It is safe for concurrent use.
type Rate struct {
	perSecond rate.Limit
	buckets   *buckets
}

// NewRate returns a Rate of perSecond calls a second, with bursts of twice as
// many. perSecond must be more than 0.
func NewRate(perSecond float64) *Rate {
	return &Rate{rate.Limit(perSecond), newBuckets()}
}

// takeAny counts a request of any caller at the address.
func (r *Rate) takeAny(addr netip.Addr) time.Duration { return r.takeOf(allOf, addr, together) }

// take counts a call of the user, or of the address if the user is empty. It
// returns how long to wait before the next call, or 0 if this one is allowed.
func (r *Rate) take(user lockstore.UserID, addr netip.Addr) time.Duration {
	if user != "" {
		return r.count(bucket{what: signedIn, user: user}, 1)
	}
	return r.takeOf(unknown, addr, 1)
}

// Take counts a call from the address. It returns how long to wait before the next call,
// or 0 if this one is allowed.
func (r *Rate) Take(addr netip.Addr) time.Duration { return r.takeOf(unknown, addr, 1) }

func (r *Rate) takeOf(what kind, addr netip.Addr, times int) time.Duration {
	narrow, wide := networks(addr)
	// The narrow network comes first: a client over its limit must not use up that of
	// its neighbours.
	wait := r.count(bucket{what: what, of: narrow}, times)
	if wait == 0 && wide.IsValid() {
		wait = r.count(bucket{what: what, of: wide}, wider*times)
	}
	return wait
}

// count counts a request in a bucket with times the limit of one client.
func (r *Rate) count(b bucket, times int) time.Duration {
	perSecond := r.perSecond * rate.Limit(times)
	limiter := r.buckets.get(b, perSecond, times*max(1, int(2*r.perSecond)))
	now := time.Now()
	if limiter.AllowN(now, 1) {
		return 0
	}
	return after(1-limiter.TokensAt(now), perSecond)
}

// A ByteRate limits the bytes that each address is sent. It is safe for concurrent use.
type ByteRate struct {
	perSecond rate.Limit
	buckets   *buckets
}

// NewByteRate returns a ByteRate of perSecond bytes a second, and ten times as
// many at once. perSecond must be more than 0.
func NewByteRate(perSecond float64) *ByteRate {
	return &ByteRate{rate.Limit(perSecond), newBuckets()}
}

// owed returns how long the address has to wait before it may be answered, or 0.
func (b *ByteRate) owed(addr netip.Addr) time.Duration {
	now, wait := time.Now(), time.Duration(0)
	b.each(addr, func(l *rate.Limiter) {
		if tokens := l.TokensAt(now); tokens < 0 {
			wait = max(wait, after(-tokens, l.Limit()))
		}
	})
	return wait
}

// charge counts bytes sent to the address. The size of an answer is known only at its
// end, so a bucket may go below zero.
func (b *ByteRate) charge(addr netip.Addr, n int64) {
	now := time.Now()
	b.each(addr, func(l *rate.Limiter) {
		for left := n; left > 0; left -= int64(l.Burst()) {
			l.ReserveN(now, int(min(left, int64(l.Burst()))))
		}
	})
}

func (b *ByteRate) each(addr netip.Addr, f func(*rate.Limiter)) {
	get := func(of netip.Prefix, perSecond rate.Limit) {
		f(b.buckets.get(bucket{what: allOf, of: of}, perSecond, max(1, int(byteBurst*perSecond))))
	}
	narrow, wide := networks(addr)
	get(narrow, b.perSecond)
	if wide.IsValid() {
		get(wide, wider*b.perSecond)
	}
}

func after(missing float64, perSecond rate.Limit) time.Duration {
	return time.Duration(missing / float64(perSecond) * float64(time.Second))
}

// A bucket identifies a token bucket.
type bucket struct {
	what kind
	user lockstore.UserID // of signedIn
	of   netip.Prefix     // of the other kinds; all invalid addresses share the zero Prefix
}

type kind byte

// The kinds of buckets: of one user, of the unknown callers of a network, and of
// all callers of a network.
const (
	signedIn kind = iota
	unknown
	allOf
)

// buckets are the most recently used token buckets.
type buckets struct {
	seed maphash.Seed
	mu   sync.Mutex
	lru  *simplelru.LRU[uint64, *rate.Limiter] // by the bucket's hash
}

func newBuckets() *buckets {
	lru, err := simplelru.NewLRU[uint64, *rate.Limiter](remembered, nil)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &buckets{seed: maphash.MakeSeed(), lru: lru}
}

// get returns a bucket, which is full if it was not remembered.
func (b *buckets) get(of bucket, perSecond rate.Limit, burst int) *rate.Limiter {
	key := maphash.Comparable(b.seed, of)
	b.mu.Lock()
	defer b.mu.Unlock()
	limiter, ok := b.lru.Get(key)
	if !ok {
		limiter = rate.NewLimiter(perSecond, burst)
		b.lru.Add(key, limiter)
	}
	return limiter
}
