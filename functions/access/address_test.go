package access_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/problem"
)

var proxies = access.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}

// TestForwarded checks that X-Forwarded-For is believed only from proxies, and only the
// part that proxies have added.
func TestForwarded(t *testing.T) {
	for _, c := range []struct {
		peer      string
		forwarded []string
		client    string
	}{
		{"192.0.2.7:1", []string{"192.0.2.1"}, "192.0.2.7"}, // not a proxy
		{"10.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.9, 192.0.2.1"}, "192.0.2.1"}, // the first is a claim
		{"10.0.0.1:1", []string{"192.0.2.9", "192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.1, 10.2.0.1 ,10.1.0.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"10.9.0.1, 192.0.2.1, 10.1.0.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"10.2.0.1, 10.1.0.1"}, "10.2.0.1"}, // a client among the proxies
		{"10.0.0.1:1", []string{"192.0.2.1, rubbish, 10.1.0.1"}, "10.1.0.1"},
		{"10.0.0.1:1", []string{"rubbish"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"[2001:db8:ffff::1]:1", []string{"[2001:db8::1]:80"}, "2001:db8::1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := proxies.Client(r).String(); got != c.client {
			t.Errorf("from %s with %q the client is %s, want %s", c.peer, c.forwarded, got, c.client)
		}
		if got := (access.Proxies)(nil).Client(r); got != netip.MustParseAddrPort(c.peer).Addr().Unmap() {
			t.Errorf("from %s without proxies the client is %s", c.peer, got)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "@"
	if got := proxies.Client(r); got.IsValid() {
		t.Errorf("a client without an address is %s", got)
	}
}

// TestSiteLimit checks that all networks of 64 bits in one of 48 together have four
// times the limit of one, and that this does not affect another network.
func TestSiteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := with(t, access.Policy{Rate: access.NewRate(2)})
		seats := func(subnet int) int {
			return s.ask("GET", "/seats", "", fmt.Sprintf("From: [2001:db8:5:%x::1]:1", subnet)).Code
		}
		for n := range 4 * 4 { // four times a burst of four, each from a subnet of its own
			if got := seats(n); got != 200 {
				t.Fatalf("request %d of the site is answered with %d", n, got)
			}
		}
		if got := seats(99); got != 429 {
			t.Errorf("a request beyond the site's limit is answered with %d, want 429", got)
		}
		want(t, s.ask("GET", "/seats", "", "From: [2001:db8:6::1]:1"), 200, "")
		for range 20 { // one subnet over its own limit must not use up the site's
			s.ask("GET", "/seats", "", "From: [2001:db8:7:1::1]:1")
		}
		want(t, s.ask("GET", "/seats", "", "From: [2001:db8:7:2::1]:1"), 200, "")
	})
}

// admitted reports how a policy admits a request from the address.
func admitted(p *access.Policy, from, token string) (allowed bool, wait time.Duration) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = from + ":1"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	err := p.Admit(r)
	if refusal, ok := errors.AsType[*problem.Refusal](err); ok {
		return false, refusal.Wait
	}
	return err == nil, 0
}

// TestAddressHasALimitOfAllItsCallers checks that an address may send ten times as many
// requests as one unknown caller, whatever their tokens, and that tokens are verified
// only after that.
func TestAddressHasALimitOfAllItsCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &access.Policy{Rate: access.NewRate(2), BackendKeys: []string{backendKey}}
		for n := range 2 * 2 * 10 {
			if ok, _ := admitted(p, "192.0.2.1", fmt.Sprintf("token-%d", n)); !ok {
				t.Fatalf("request %d is refused", n)
			}
		}
		if ok, wait := admitted(p, "192.0.2.1", "another"); ok || wait != 50*time.Millisecond {
			t.Errorf("a request over the limit: %v, wait %v, want a wait of 50ms", ok, wait)
		}
		if ok, _ := admitted(p, "192.0.2.1", backendKey); !ok {
			t.Error("the back end is refused")
		}
		if ok, _ := admitted(p, "192.0.2.2", ""); !ok {
			t.Error("another address is refused")
		}
	})
}

// TestBytes checks that an address which was sent too many bytes has to wait until the
// rate has made up for them, and that nobody else has to.
func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &access.Policy{Bytes: access.NewByteRate(1000), BackendKeys: []string{backendKey}}
		charge := func(from, token string, n int64) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = from + ":1"
			r.Header.Set("Authorization", "Bearer "+token)
			p.Charge(r, n)
		}
		charge("192.0.2.1", "", 10_000)
		if ok, _ := admitted(p, "192.0.2.1", ""); !ok {
			t.Error("an address that was sent as much as it may is refused")
		}
		charge("192.0.2.1", "", 25_000)
		if ok, wait := admitted(p, "192.0.2.1", ""); ok || wait != 25*time.Second {
			t.Errorf("after 25,000 bytes too many: %v, wait %v, want a wait of 25s", ok, wait)
		}
		if ok, _ := admitted(p, "192.0.2.2", ""); !ok {
			t.Error("another address is refused")
		}
		time.Sleep(25 * time.Second)
		if ok, _ := admitted(p, "192.0.2.1", ""); !ok {
			t.Error("the address is still refused after it has waited")
		}
		charge("192.0.2.3", backendKey, 1e6)
		if ok, _ := admitted(p, "192.0.2.3", ""); !ok {
			t.Error("the bytes of the back end are counted")
		}
	})
}

// TestPlaces checks the limits of all places, of an address and of a site, and that
// places which are given back can be taken again.
func TestPlaces(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	p := access.NewPlaces(10, 3)
	take := func(addr netip.Addr, n int64, want error) {
		t.Helper()
		if got := p.Take(addr, n); !errors.Is(got, want) {
			t.Errorf("%d places for %v: %v, want %v", n, addr, got, want)
		}
	}
	take(a, 3, nil)
	take(a, 1, access.ErrShare)
	take(netip.MustParseAddr("::ffff:192.0.2.1"), 1, access.ErrShare)
	take(b, 5, nil) // more than its share, while it has no other
	take(b, 1, access.ErrShare)
	take(netip.Addr{}, 2, nil)
	take(netip.Addr{}, 1, access.ErrFull)
	p.Release(b, 5)
	take(b, 3, nil)
	p.Release(a, 3)
	p.Release(b, 3)
	p.Release(netip.Addr{}, 2)
	if n := p.Taken(); n != 0 {
		t.Errorf("%d places are taken after all were given back", n)
	}

	site := access.NewPlaces(100, 2)
	for n := range 8 { // four times its share
		if err := site.Take(netip.MustParseAddr(fmt.Sprintf("2001:db8:5:%x::1", n)), 1); err != nil {
			t.Errorf("place %d of the site: %v", n, err)
		}
	}
	if err := site.Take(netip.MustParseAddr("2001:db8:5:99::1"), 1); !errors.Is(err, access.ErrShare) {
		t.Errorf("a place beyond the site's share: %v", err)
	}
	if err := site.Take(netip.MustParseAddr("2001:db8:6::1"), 1); err != nil {
		t.Errorf("a place for another site: %v", err)
	}
	if err := access.NewPlaces(0, 1).Take(a, 1); !errors.Is(err, access.ErrFull) {
		t.Errorf("a place of none: %v", err)
	}
}
