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

// clients is how many clients are remembered: the latest. One that is forgotten
// begins anew, so many of them make the bound looser, and never the memory larger.
const clients = 1 << 16

// A Rate bounds how often each client calls: a bucket of tokens for each, known
// by the hash of its name.
type Rate struct {
	perSecond rate.Limit
	burst     int
	seed      maphash.Seed

	mu      sync.Mutex
	buckets *simplelru.LRU[uint64, *rate.Limiter]
}

// NewRate makes a Rate of so many calls a second, and twice as many at once.
func NewRate(perSecond float64) *Rate {
	buckets, err := simplelru.NewLRU[uint64, *rate.Limiter](clients, nil)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &Rate{perSecond: rate.Limit(perSecond), burst: max(1, int(2*perSecond)), seed: maphash.MakeSeed(), buckets: buckets}
}

// take counts a call by the user, or by the address if the user is not known.
// It returns how long to wait for the next one, or 0 if this one may pass.
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

// network is what one client has to itself: an IPv4 address, or the 64 bits of
// an IPv6 address within which everybody can choose another.
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

// clientAddr is where a request comes from. Each proxy adds at the end of
// X-Forwarded-For whom it got the request from; what stands before those is the
// client's own claim. The zero Addr, which is one client too, is no address.
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

// parseAddr reads an address, which may have a port.
func parseAddr(text string) (netip.Addr, error) {
	text = strings.TrimSpace(text)
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	return netip.ParseAddr(strings.Trim(text, "[]"))
}
