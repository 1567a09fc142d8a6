package seatlist

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"
)

// A List is compressed by joining pieces that were compressed before, in the format of
// RFC 1951. Its stream alternates between stored blocks, which hold the text that
// differs from list to list, and the pieces:
//
//	stored head, piece, stored comma, piece, …, piece, stored tail
//
// The last bytes of a piece are the first of the next stored block, so that all of them
// begin at whole bytes.

// level is the compressor's level. On blocks of a list, higher ones take more time
// and save little.
const level = 5

// deflated is a piece without its first comma, compressed.
type deflated []byte

var compressors = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic(err) // the level is not valid
	}
	return w
}}

// deflate compresses the piece once.
func (p *piece) deflate() deflated {
	p.once.Do(func() {
		var b bytes.Buffer
		w := compressors.Get().(*flate.Writer)
		defer compressors.Put(w)
		w.Reset(&b)
		w.Write(p.text[1:]) // writing to a buffer cannot fail
		w.Flush()
		// A flush ends with an empty stored block. Without its length it begins another
		// stored block.
		body := bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
		p.deflated = bytes.Clone(body)
	})
	return p.deflated
}

// mostStored is the length of the longest stored block.
const mostStored = 0xffff

// stored appends text to a stored block that has begun, and further blocks if the text
// is too long for one.
func stored(dst []byte, text string) []byte {
	for ; len(text) > mostStored; text = text[mostStored:] {
		dst = append(stored(dst, text[:mostStored]), 0)
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(text)))
	dst = binary.LittleEndian.AppendUint16(dst, ^uint16(len(text)))
	return append(dst, text...)
}

// deflate appends the compressed list to dst, without the end of the stream.
func (l *List) deflate(dst []byte) []byte {
	dst = append(dst, 0) // begins a stored block
	if len(l.seats) == 0 {
		return stored(dst, string(l.head)+tail)
	}
	dst = stored(dst, string(l.head))
	for i, p := range l.seats {
		dst = append(dst, p.deflate()...)
		if i < len(l.seats)-1 {
			dst = stored(dst, ",")
		}
	}
	return stored(dst, tail)
}

// checksum returns the CRC-32 of the list.
func (l *List) checksum() uint32 {
	crc := uint32(0)
	l.pieces(func(text []byte) error { // the function returns no error
		crc = crc32.Update(crc, crc32.IEEETable, text)
		return nil
	})
	return crc
}

// size returns an estimate of the compressed size.
func (l *List) size() int {
	n := len(l.head) + 64
	for _, p := range l.seats {
		n += len(p.deflate()) + 8
	}
	return n
}

// Gzip returns the list in the format of RFC 1952. The caller must not change it.
func (l *List) Gzip() []byte {
	l.gzip.once.Do(func() {
		b := append(make([]byte, 0, l.size()), 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
		b = l.deflate(b)
		b = append(b, 1, 0, 0, 0xff, 0xff) // the last block: stored and empty
		b = binary.LittleEndian.AppendUint32(b, l.checksum())
		l.gzip.body = binary.LittleEndian.AppendUint32(b, uint32(l.len))
	})
	return l.gzip.body
}

// Framed returns the list compressed as a message of RFC 7692, after the head that
// the function returns for a message of that length. The function is called once.
// The caller must not change the result.
func (l *List) Framed(head func(length int) []byte) []byte {
	l.framed.once.Do(func() {
		b := l.deflate(make([]byte, 0, l.size()))
		b = append(b, 0) // begins an empty stored block, whose rest is left out according to the RFC
		l.framed.body = append(head(len(b)), b...)
	})
	return l.framed.body
}
