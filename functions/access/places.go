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

	// ErrShare is returned when an address has as many places as it may have.
	ErrShare = errors.New("access: the address has used its share of the places")
)

// Places limit how much of something is in use at a time, by all clients and by each
// address. All addresses of an IPv6 network of 48 bits together may have four times as
// much as one. Places are safe for concurrent use.
type Places struct {
	all, share int64

	mu    sync.Mutex
	taken int64
	by    map[netip.Prefix]int64
}

// NewPlaces returns Places with a limit for all clients and one for each address.
func NewPlaces(all, share int64) *Places {
	return &Places{all: all, share: share, by: make(map[netip.Prefix]int64)}
}

// Take takes n places for the address, all or none. An invalid address, such as that of
// a proxy, has no limit of its own. An address without places may take more than its
// share at once. Take returns [ErrFull] or [ErrShare].
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
		delete(p.by, of) // addresses would otherwise accumulate as long as the program runs
	}
}
