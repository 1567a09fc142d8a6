package best

import "math/bits"

// bitset is a set of slots.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i int32) bool { return b[i>>6]>>(i&63)&1 != 0 }
func (b bitset) add(i int32)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) remove(i int32)   { b[i>>6] &^= 1 << (i & 63) }

// next returns the first member from i to before end, or end if there is none.
func (b bitset) next(i, end int32) int32 {
	for i < end {
		if rest := b[i>>6] >> (i & 63); rest != 0 {
			return min(i+int32(bits.TrailingZeros64(rest)), end)
		}
		i = (i>>6 + 1) << 6
	}
	return end
}

// count returns the number of members from i to before end.
func (b bitset) count(i, end int32) int {
	n := 0
	for i < end {
		word := b[i>>6] >> (i & 63)
		if left := end - i; left < 64 {
			word &= 1<<left - 1
		}
		n += bits.OnesCount64(word)
		i = (i>>6 + 1) << 6
	}
	return n
}
