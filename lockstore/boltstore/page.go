package boltstore

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt's file format, version 2, consists of pages. Numbers have the byte order of
// the machine. A page begins with its id (8 bytes), flags (2), the number of its
// elements (2) and the number of pages that follow it and belong to it (4).
//
// The page of a tree has an element of 16 bytes for each key after that:
//
//   - in a branch, the place of the key (4), its size (4) and the id of the child (8)
//   - in a leaf, flags (4), the place of the key (4), its size (4) and the size of
//     the value (4), which follows the key
//
// A place counts from the element. A bucket is a value with a flag: the id of its
// root (8), or 0 if its only page follows in the value, and a number that is not
// used here (8).
//
// The first two pages, the metas, describe the file as of two transactions. The
// later one is in effect.
const (
	pageHead    = 16
	elementSize = 16
	bucketSize  = 16

	branchPage = 0x01
	leafPage   = 0x02
	metaPage   = 0x04

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64

	bucketFlag = 1
)

var order = binary.NativeEndian

// A meta is the content of one of the first two pages.
type meta struct {
	pageSize int64
	root     uint64
	pages    uint64 // of the file
	tx       uint64 // the number of the transaction
}

// parseMeta reads a meta page.
func parseMeta(page []byte) (meta, error) {
	b := page[pageHead:]
	hash := fnv.New64a()
	hash.Write(b[:metaSize-8])
	switch {
	case order.Uint32(b) != metaMagic:
		return meta{}, fmt.Errorf("%w, or it is not a file of Seatlock", ErrDamaged)
	case order.Uint32(b[4:]) != metaVersion:
		return meta{}, fmt.Errorf("%w: bbolt's format is %d, not %d", ErrDamaged, order.Uint32(b[4:]), metaVersion)
	case order.Uint64(b[metaSize-8:]) != hash.Sum64():
		return meta{}, fmt.Errorf("%w: the checksum of its beginning is wrong", ErrDamaged)
	case order.Uint16(page[8:]) != metaPage:
		return meta{}, fmt.Errorf("%w: it begins with another page", ErrDamaged)
	}
	return meta{int64(order.Uint32(b[8:])), order.Uint64(b[16:]), order.Uint64(b[40:]), order.Uint64(b[48:])}, nil
}

// readMeta returns the later meta. Both must be valid. A meta is shorter than what a
// disk writes at once, so a crash never leaves half of one, and without the later one the
// last transaction would be silently undone.
func readMeta(f io.ReaderAt) (meta, error) {
	var head [pageHead + metaSize]byte
	var metas [2]meta
	for i := range metas {
		if _, err := f.ReadAt(head[:], int64(i)*metas[0].pageSize); err == io.EOF {
			return meta{}, fmt.Errorf("%w, or it is not a file of Seatlock: it is too short", ErrDamaged)
		} else if err != nil {
			return meta{}, err
		}
		var err error
		if metas[i], err = parseMeta(head[:]); err != nil {
			return meta{}, err
		}
	}
	if s := metas[0].pageSize; s != metas[1].pageSize || s < 512 || s > 1<<20 {
		return meta{}, fmt.Errorf("%w: %d bytes is not the size of a page", ErrDamaged, s)
	}
	if metas[1].tx > metas[0].tx {
		return metas[1], nil
	}
	return metas[0], nil
}

// readPage reads a page with those that belong to it.
func readPage(r io.ReaderAt, m meta, id uint64) ([]byte, error) {
	if id < 2 || id >= m.pages {
		return nil, fmt.Errorf("%w: there is no page %d", ErrDamaged, id)
	}
	b := make([]byte, m.pageSize)
	if err := readAt(r, b, int64(id)*m.pageSize); err != nil {
		return nil, err
	}
	more := uint64(order.Uint32(b[12:]))
	if order.Uint64(b) != id || more >= m.pages-id {
		return nil, fmt.Errorf("%w: page %d is another page", ErrDamaged, id)
	}
	if more == 0 {
		return b, nil
	}
	b = make([]byte, (more+1)*uint64(m.pageSize))
	return b, readAt(r, b, int64(id)*m.pageSize)
}

// readAt fills b. An end of the file before that is damage.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	_, err := r.ReadAt(b, at)
	if err == io.EOF {
		return fmt.Errorf("%w: its end is missing", ErrDamaged)
	}
	return err
}

// An element is a key on a page of a tree.
type element struct {
	key    []byte
	value  []byte // on a leaf
	bucket bool   // the value is a bucket
	child  uint64 // the id of a page, on a branch; otherwise 0
}

// parsePage returns the elements of b, which is the page with the id or one within it.
func parsePage(b []byte, id uint64) ([]element, error) {
	flags, count := order.Uint16(b[8:]), int(order.Uint16(b[10:]))
	if flags != branchPage && flags != leafPage || flags == branchPage && count == 0 || pageHead+count*elementSize > len(b) {
		return nil, fmt.Errorf("%w: page %d is not part of a tree", ErrDamaged, id)
	}
	elements := make([]element, count)
	for i := range elements {
		at := pageHead + i*elementSize
		head := b[at:]
		e := &elements[i]
		place, keySize, valueSize := order.Uint32(head), order.Uint32(head[4:]), uint32(0)
		if flags == leafPage {
			e.bucket = place&bucketFlag != 0
			place, keySize, valueSize = order.Uint32(head[4:]), order.Uint32(head[8:]), order.Uint32(head[12:])
		} else if e.child = order.Uint64(head[8:]); e.child < 2 {
			return nil, fmt.Errorf("%w: page %d has the child %d", ErrDamaged, id, e.child)
		}
		from := uint64(at) + uint64(place)
		end := from + uint64(keySize) + uint64(valueSize)
		if end > uint64(len(b)) || keySize == 0 {
			return nil, fmt.Errorf("%w: page %d has a key outside of it", ErrDamaged, id)
		}
		e.key, e.value = b[from:from+uint64(keySize)], b[from+uint64(keySize):end]
	}
	return elements, nil
}

// root returns the id of a bucket's root, or 0 if its only page is in its value. The
// bucket is on the page with the id.
func (e element) root(id uint64) (uint64, error) {
	if len(e.value) < bucketSize {
		return 0, fmt.Errorf("%w: page %d has a bucket of %d bytes", ErrDamaged, id, len(e.value))
	}
	return order.Uint64(e.value), nil
}
