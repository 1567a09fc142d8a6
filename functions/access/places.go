package access

import (
	"errors"
	"net/netip"
	"sync"
)

// Errors of [Places.Take].
var (
	// ErrFull is returned when there are not enough free places.
	ErrFull = errors.New("access: all places are taken")

	// ErrShare is returned when an address has as many places as it may.
	ErrShare = errors.New("access: the address has its share of the places")
)

// Places bound how much of something is in use at a time: by all clients, and by
// each address. All addresses of an IPv6 network of 48 bits may have four times as
// much as one. Places are safe for concurrent use.
type Places struct {
	all, share int64

	mu    sync.Mutex
	taken int64
	by    map[netip.Prefix]int64
}

// NewPlaces returns so many places, of which each address may take its share.
func NewPlaces(all, share int64) *Places {
	return &Places{all: all, share: share, by: make(map[netip.Prefix]int64)}
}

// Take takes n places for the address, all or none. An address that is not valid
// has no share, such as that of a proxy. A client that needs more than its share
// may have it as its only one. Take returns [ErrFull] or [ErrShare].
func (p *Places) Take(addr netip.Addr, n int64) error {
	narrow, wide := networks(addr)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.fits(narrow, n, p.share), !p.fits(wide, n, wider*p.share):
		return ErrShare
	case p.taken+n > p.all:
		return ErrFull
	}
	p.taken += n
	p.add(narrow, n)
	p.add(wide, n)
	return nil
}

// Release gives back what Take took.
func (p *Places) Release(addr netip.Addr, n int64) {
	narrow, wide := networks(addr)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken -= n
	p.add(narrow, -n)
	p.add(wide, -n)
}

// Taken returns the number of places that are taken.
func (p *Places) Taken() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

func (p *Places) fits(of netip.Prefix, n, share int64) bool {
	has := p.by[of]
	return has == 0 || has+n <= share
}

func (p *Places) add(of netip.Prefix, n int64) {
	if !of.IsValid() {
		return
	}
	if p.by[of] += n; p.by[of] == 0 {
		delete(p.by, of) // addresses come and go for as long as the program runs
	}
}
