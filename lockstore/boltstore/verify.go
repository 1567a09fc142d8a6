package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
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
// later one counts.
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

// readMeta returns the later meta. Both must be right. They are shorter than what a
// disk writes at once, so a crash leaves no half of one, and without the later one the
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

// contents is what a file contains as a whole.
type contents struct {
	sums
	tx   uint64  // the last transaction
	last uint32  // the last number of an event
	log  records // that are in the log
}

// verifyFile verifies a file that no other process writes to.
func verifyFile(f *os.File) (contents, error) {
	m, err := readMeta(f)
	if err != nil {
		return contents{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return contents{}, err
	}
	if m.pages > uint64(info.Size()/m.pageSize) {
		return contents{}, fmt.Errorf("%w: its end is missing: it has %d bytes, and %d pages of %d bytes are expected", ErrDamaged, info.Size(), m.pages, m.pageSize)
	}
	return verify(f, m, func(_, _, _ []byte) error { return nil })
}

// verify reads everything in a file and checks the structure of its pages and the
// checksum of its content. It calls visit with each key and its value.
//
// It does not use bbolt, whose own check trusts what it reads: it runs in goroutines
// of its own and ends the program if a page leads nowhere.
func verify(r io.ReaderAt, m meta, visit func(bucket, key, value []byte) error) (contents, error) {
	found := contents{tx: m.tx, log: make(records)}
	var format, sum string
	v := verifier{r, m, make([]bool, m.pages), func(bucket, key, value []byte) error {
		switch {
		case bytes.Equal(bucket, bucketHead) && bytes.Equal(key, keyFormat):
			format = string(value)
			return nil
		case bytes.Equal(bucket, bucketHead) && bytes.Equal(key, keySum):
			sum = string(value)
			return nil
		case bytes.Equal(bucket, bucketEvents):
			number, _, err := parseEvent(value)
			if err != nil {
				return err
			}
			found.last = max(found.last, number)
		case bytes.Equal(bucket, bucketSeats) && len(key) != len(seatKey{}):
			return fmt.Errorf("%w: %x is not the key of a seat", ErrDamaged, key)
		case bytes.Equal(bucket, bucketLog):
			if err := parseLogEntry(value, found.log); err != nil {
				return fmt.Errorf("%w: the log at %x: %w", ErrDamaged, key, err)
			}
			found.logSum ^= digest(bucket, key, value)
			found.logBytes += len(value)
		}
		found.all ^= digest(bucket, key, value)
		return visit(bucket, key, value)
	}}
	if err := v.page(nil, m.root, nil, nil); err != nil {
		return contents{}, err
	}
	switch {
	case format == "":
		return contents{}, fmt.Errorf("%w, or it is a bbolt file of another program", ErrDamaged)
	case format != formatOfFile:
		return contents{}, fmt.Errorf("it has format %.40q and this version of Seatlock reads format %q: start the version that wrote it", format, formatOfFile)
	case sum != string(formatSum(found.all)):
		return contents{}, fmt.Errorf("%w: the checksum of its content is %016x and must be %.16q", ErrDamaged, found.all, sum)
	}
	return found, nil
}

// A verifier goes through the pages of a file.
type verifier struct {
	r     io.ReaderAt
	meta  meta
	seen  []bool // pages
	visit func(bucket, key, value []byte) error
}

// page verifies a page and all below it. Its keys must be at least low and less than
// high; nil is no bound.
func (v *verifier) page(bucket []byte, id uint64, low, high []byte) error {
	b, err := readPage(v.r, v.meta, id)
	if err != nil {
		return err
	}
	for p := id; p < id+uint64(len(b))/uint64(v.meta.pageSize); p++ {
		if v.seen[p] {
			return fmt.Errorf("%w: page %d is used twice", ErrDamaged, p)
		}
		v.seen[p] = true
	}
	return v.elements(bucket, b, id, low, high)
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

// readAt fills b. The end of the file is damage, not an end.
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

// parsePage returns the elements of a page, which is the page with the id or within it.
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

// elements verifies what is on a page, which is the page with the id or within it.
func (v *verifier) elements(bucket, b []byte, id uint64, low, high []byte) error {
	elements, err := parsePage(b, id)
	if err != nil {
		return err
	}
	for i, e := range elements {
		if i > 0 && bytes.Compare(elements[i-1].key, e.key) >= 0 || i == 0 && bytes.Compare(e.key, low) < 0 || high != nil && bytes.Compare(e.key, high) >= 0 {
			return fmt.Errorf("%w: the keys of page %d are not in order", ErrDamaged, id)
		}
	}
	for i, e := range elements {
		switch {
		case e.child != 0:
			next := high
			if i+1 < len(elements) {
				next = elements[i+1].key
			}
			err = v.page(bucket, e.child, e.key, next)
		case !e.bucket:
			err = v.visit(bucket, e.key, e.value)
		case bucket != nil:
			err = fmt.Errorf("%w: page %d has a bucket in a bucket", ErrDamaged, id)
		default:
			err = v.bucket(e, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket verifies a bucket, which is on the page with the id.
func (v *verifier) bucket(e element, id uint64) error {
	root, err := e.root(id)
	if err != nil {
		return err
	}
	if root != 0 {
		return v.page(e.key, root, nil, nil)
	}
	if len(e.value) < bucketSize+pageHead {
		return fmt.Errorf("%w: page %d has a bucket of %d bytes", ErrDamaged, id, len(e.value))
	}
	return v.elements(e.key, e.value[bucketSize:], id, nil, nil)
}

// root returns the id of a bucket's root, or 0 if its only page is in its value. The
// bucket is on the page with the id.
func (e element) root(id uint64) (uint64, error) {
	if len(e.value) < bucketSize {
		return 0, fmt.Errorf("%w: page %d has a bucket of %d bytes", ErrDamaged, id, len(e.value))
	}
	return order.Uint64(e.value), nil
}
