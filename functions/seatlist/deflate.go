package seatlist

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"
)

// A List is compressed by putting together pieces that were compressed before, in
// the format of RFC 1951. Its stream alternates between stored blocks, which hold
// the text that differs from list to list, and the pieces:
//
//	stored head, piece, stored comma, piece, …, piece, stored tail
//
// The last bytes of a piece are the first of the stored block after it, so that
// all of them begin at whole bytes.

// level is the compressor's level. On blocks of a list, higher ones take more time
// and save little.
const level = 5

// deflated is a piece without its first comma, compressed.
type deflated struct {
	body []byte
	crc  uint32 // the CRC-32 of the text
	pow  uint32 // x to the number of the text's bits, to append crc to another
}

var compressors = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic(err) // the level is not valid
	}
	return w
}}

// deflate compresses the piece once.
func (p *piece) deflate() *deflated {
	p.once.Do(func() {
		var b bytes.Buffer
		w := compressors.Get().(*flate.Writer)
		defer compressors.Put(w)
		w.Reset(&b)
		text := p.text[1:]
		w.Write(text) // cannot fail in a buffer
		w.Flush()
		// A flush ends with an empty stored block. Without its length it is the
		// beginning of another stored block.
		body := bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
		p.deflated = deflated{bytes.Clone(body), crc32.ChecksumIEEE(text), power(8 * len(text))}
	})
	return &p.deflated
}

// stored appends the text of a stored block that has begun.
func stored(dst []byte, text string) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(text)))
	dst = binary.LittleEndian.AppendUint16(dst, ^uint16(len(text)))
	return append(dst, text...)
}

// deflate appends the list to dst, compressed and without an end, and returns the
// CRC-32 of the list.
func (l *List) deflate(dst []byte) (_ []byte, crc uint32) {
	add := func(text string) {
		dst = stored(dst, text)
		crc = crc32.Update(crc, crc32.IEEETable, []byte(text))
	}
	dst = append(dst, 0) // the beginning of a stored block
	if len(l.seats) == 0 {
		add(string(l.head) + tail)
		return dst, crc
	}
	add(string(l.head))
	for i, p := range l.seats {
		d := p.deflate()
		dst = append(dst, d.body...)
		crc = multiply(crc, d.pow) ^ d.crc
		if i < len(l.seats)-1 {
			add(",")
		} else {
			add(tail)
		}
	}
	return dst, crc
}

// size returns an estimate of the compressed size.
func (l *List) size() int {
	n := len(l.head) + 64
	for _, p := range l.seats {
		n += len(p.deflate().body) + 8
	}
	return n
}

// Gzip returns the list in the format of RFC 1952. The caller must not change it.
func (l *List) Gzip() []byte {
	l.gzip.once.Do(func() {
		b := append(make([]byte, 0, l.size()), 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
		b, crc := l.deflate(b)
		b = append(b, 1, 0, 0, 0xff, 0xff) // a last block, stored and empty
		b = binary.LittleEndian.AppendUint32(b, crc)
		l.gzip.body = binary.LittleEndian.AppendUint32(b, uint32(l.len))
	})
	return l.gzip.body
}

// Framed returns the list compressed as a message of RFC 7692, after the head that
// the function returns for a message of that length. The function is called once.
// The caller must not change the result.
func (l *List) Framed(head func(length int) []byte) []byte {
	l.framed.once.Do(func() {
		b, _ := l.deflate(make([]byte, 0, l.size()))
		b = append(b, 0) // the beginning of an empty stored block, whose rest the RFC leaves out
		l.framed.body = append(head(len(b)), b...)
	})
	return l.framed.body
}

// A CRC is the remainder of a polynomial over GF(2) after division by
// crc32.IEEE's. In a uint32, the highest bit is the coefficient of x to the 0.

// multiply returns the product of two remainders.
func multiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		if a&(1<<31) != 0 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.IEEE
		}
	}
	return product
}

// power returns the remainder of x to the n.
func power(n int) uint32 {
	result, square := uint32(1)<<31, uint32(1)<<30 // 1 and x
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result = multiply(result, square)
		}
		square = multiply(square, square)
	}
	return result
}
