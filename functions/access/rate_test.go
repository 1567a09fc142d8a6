package access

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"strconv"
	"testing"

	"seatlock/lockstore"
)

// TestRateMemoryIsBounded checks that a million users and a million addresses take no
// more memory than the remembered clients.
func TestRateMemoryIsBounded(t *testing.T) {
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	r := NewRate(5)
	many := 1_000_000
	for n := range many {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], uint32(n))
		r.take("", netip.AddrFrom4(ip))
		r.take(lockstore.UserID("user "+strconv.Itoa(n)), netip.Addr{})
	}
	if n := r.buckets.lru.Len(); n != remembered {
		t.Errorf("%d clients are remembered, want %d", n, remembered)
	}
	grown := int64(used()) - int64(before)
	t.Logf("%d MiB for the latest %d of %d clients", grown>>20, remembered, 2*many)
	if grown > 32<<20 {
		t.Errorf("%d clients take %d bytes, want at most 32 MiB", remembered, grown)
	}
	runtime.KeepAlive(r)
}
