package access

import (
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"seatlock/lockstore"
)

// clients is the number of clients that are remembered: those that called last. A
// forgotten client starts again with a full bucket: very many clients weaken the
// limit, but they do not take more memory.
const clients = 1 << 16

// A Rate limits how often each client calls, with a token bucket for each client.
// It is safe for concurrent use.
type Rate struct {
	perSecond rate.Limit
	burst     int
	seed      maphash.Seed

	mu      sync.Mutex
	buckets *simplelru.LRU[uint64, *rate.Limiter] // by the hash of the client's name
}

// NewRate returns a Rate of perSecond calls a second, with bursts of twice as
// many. perSecond must be more than 0.
func NewRate(perSecond float64) *Rate {
	buckets, err := simplelru.NewLRU[uint64, *rate.Limiter](clients, nil)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &Rate{perSecond: rate.Limit(perSecond), burst: max(1, int(2*perSecond)), seed: maphash.MakeSeed(), buckets: buckets}
}

// take counts a call of the user, or of the address if the user is empty. It
// returns how long to wait before the next call, or 0 if this one is allowed.
func (r *Rate) take(user lockstore.UserID, addr netip.Addr) time.Duration {
	var h maphash.Hash
	h.SetSeed(r.seed)
	if user != "" {
		h.WriteString("user " + string(user))
	} else {
		h.WriteString("addr " + network(addr).String())
	}
	key := h.Sum64()

	r.mu.Lock()
	bucket, ok := r.buckets.Get(key)
	if !ok {
		bucket = rate.NewLimiter(r.perSecond, r.burst)
		r.buckets.Add(key, bucket)
	}
	r.mu.Unlock()

	now := time.Now()
	if bucket.AllowN(now, 1) {
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return time.Duration(missing / float64(r.perSecond) * float64(time.Second))
}

// network returns the part of an address that identifies a client: all of an IPv4
// address, and the first 64 bits of an IPv6 address, because a client can choose
// the rest.
func network(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is4() || !addr.IsValid() {
		return addr
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		panic(err) // an IPv6 address has 64 bits
	}
	return prefix.Addr()
}

// clientAddr returns the address of the client. Each proxy appends to
// X-Forwarded-For the address that it got the request from; the client may have
// written anything before those. Clients without a valid address share the zero
// Addr.
func clientAddr(r *http.Request, proxies int) netip.Addr {
	if proxies > 0 {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if n := len(hops) - proxies; n >= 0 {
			if addr, err := parseAddr(hops[n]); err == nil {
				return addr
			}
		}
	}
	addr, _ := parseAddr(r.RemoteAddr)
	return addr
}

// parseAddr reads an address with or without a port.
func parseAddr(text string) (netip.Addr, error) {
	text = strings.TrimSpace(text)
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	return netip.ParseAddr(strings.Trim(text, "[]"))
}
