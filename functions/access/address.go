package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// wider is the limit of all addresses of a wide network together, as a multiple of the
// limit of one address.
const wider = 4

// networks returns the networks by which an address is counted. The narrow one surely
// belongs to one client: an IPv4 address, or 64 bits of an IPv6 address. The wide one
// is the 48 bits of an IPv6 address that a site may have; it is the zero Prefix for
// IPv4. Both are the zero Prefix if the address is not valid.
func networks(addr netip.Addr) (narrow, wide netip.Prefix) {
	addr = addr.Unmap()
	if addr.Is4() {
		return netip.PrefixFrom(addr, 32), netip.Prefix{}
	}
	// Prefix fails only for an invalid address.
	narrow, _ = addr.WithZone("").Prefix(64)
	wide, _ = addr.WithZone("").Prefix(48)
	return narrow, wide
}

// Proxies are the networks of the reverse proxies in front of this program.
type Proxies []netip.Prefix

// Contain reports whether the address belongs to a proxy.
func (p Proxies) Contain(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// Client returns the address of the client that sent the request. Each proxy appends to
// X-Forwarded-For the address that it got the request from, so the client is the last
// one there that is not a proxy. What comes before it is the client's own claim, as is
// the whole header if the peer is not a proxy. Client returns the zero Addr if the peer
// has no address.
func (p Proxies) Client(r *http.Request) netip.Addr {
	addr, err := parseAddr(r.RemoteAddr)
	if err != nil || len(p) == 0 || !p.Contain(addr) {
		return addr
	}
	hops := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for hops != "" {
		i := strings.LastIndexByte(hops, ',')
		hop, err := parseAddr(hops[i+1:])
		if err != nil {
			return addr // the last known address is that of the proxy that wrote this
		}
		if addr = hop; !p.Contain(addr) {
			return addr
		}
		hops = hops[:max(i, 0)]
	}
	return addr
}

// parseAddr reads an address with or without a port.
func parseAddr(text string) (netip.Addr, error) {
	text = strings.TrimSpace(text)
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap(), err
}
