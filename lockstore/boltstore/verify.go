package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// What bbolt's file format, version 2, consists of: pages, whose head is id
// (8 bytes), flags (2), count (2) and how many more pages belong to it (4). All
// numbers are as the machine has them.
//
// A tree's pages have an element of 16 bytes for each key after the head: in a
// branch the place of the key (4), its size (4) and the child's id (8); in a leaf
// flags (4), the place of the key (4), its size (4) and that of the value, which
// follows it (4). Places count from the element.
//
// A bucket is a value, flagged so: its root's id (8), or 0 if its page follows in
// the value, and a number that is not used here (8).
//
// The first two pages describe the file, each as of another transaction; the
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

// A meta is what one of the first two pages says.
type meta struct {
	pageSize int64
	root     uint64
	pages    uint64 // that the file has
	tx       uint64 // the transaction
}

// parseMeta reads a meta page.
func parseMeta(page []byte) (meta, error) {
	b := page[pageHead:]
	hash := fnv.New64a()
	hash.Write(b[:metaSize-8])
	switch {
	case order.Uint32(b) != metaMagic:
		return meta{}, fmt.Errorf("%w, or no file of Seatlock's", ErrDamaged)
	case order.Uint32(b[4:]) != metaVersion:
		return meta{}, fmt.Errorf("%w: bbolt's format is %d, not %d", ErrDamaged, order.Uint32(b[4:]), metaVersion)
	case order.Uint64(b[metaSize-8:]) != hash.Sum64():
		return meta{}, fmt.Errorf("%w: the sum of its beginning is wrong", ErrDamaged)
	case order.Uint16(page[8:]) != metaPage:
		return meta{}, fmt.Errorf("%w: it has another page where its beginning should be", ErrDamaged)
	}
	return meta{int64(order.Uint32(b[8:])), order.Uint64(b[16:]), order.Uint64(b[40:]), order.Uint64(b[48:])}, nil
}

// readMeta returns how the file was left. Both metas must be right: a process
// that is killed leaves no half of one, and without the later one the last
// transaction would be undone in silence.
func readMeta(f *os.File) (meta, error) {
	var head [pageHead + metaSize]byte
	var metas [2]meta
	for i := range metas {
		if _, err := f.ReadAt(head[:], int64(i)*metas[0].pageSize); err == io.EOF {
			return meta{}, fmt.Errorf("%w, or no file of Seatlock's: it ends at its beginning", ErrDamaged)
		} else if err != nil {
			return meta{}, err
		}
		var err error
		if metas[i], err = parseMeta(head[:]); err != nil {
			return meta{}, err
		}
	}
	if s := metas[0].pageSize; s != metas[1].pageSize || s < 512 || s > 1<<20 {
		return meta{}, fmt.Errorf("%w: pages are said to have %d bytes", ErrDamaged, s)
	}
	if metas[1].tx > metas[0].tx {
		return metas[1], nil
	}
	return metas[0], nil
}

// contents is what is found in a whole file.
type contents struct {
	sums
	last uint32  // number of an event
	log  records // that are in the log
}

// verify reads the whole file and finds out whether it is as it was written: by
// the structure of its pages, and by the sum of all that is in them. It reads the
// file itself, not with bbolt, whose own check is for files that can be trusted
// so far: it follows what it finds, in goroutines of its own, and where that
// leads nowhere the program is over.
func verify(f *os.File, visit func(bucket, key, value []byte) error) (contents, error) {
	m, err := readMeta(f)
	if err != nil {
		return contents{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return contents{}, err
	}
	if m.pages > uint64(info.Size()/m.pageSize) {
		return contents{}, fmt.Errorf("%w: its end is missing: of %d pages of %d bytes there are %d bytes", ErrDamaged, m.pages, m.pageSize, info.Size())
	}
	found := contents{log: make(records)}
	var format, sum string
	v := verifier{f, m, make([]bool, m.pages), func(bucket, key, value []byte) error {
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
			return fmt.Errorf("%w: it has a seat at %x", ErrDamaged, key)
		case bytes.Equal(bucket, bucketLog):
			if err := parseLogEntry(value, found.log); err != nil {
				return fmt.Errorf("%w: the log at %x: %w", ErrDamaged, key, err)
			}
			found.logSum ^= digest(bucket, key, value)
			found.logBytes += len(value)
		}
		found.all ^= digest(bucket, key, value)
		if visit == nil {
			return nil
		}
		return visit(bucket, key, value)
	}}
	if err := v.page(nil, m.root, nil, nil); err != nil {
		return contents{}, err
	}
	switch {
	case format == "":
		return contents{}, fmt.Errorf("%w, or a bbolt file of another program", ErrDamaged)
	case format != formatOfFile:
		return contents{}, fmt.Errorf("it is of another version of Seatlock: its format is %q, and this one knows %q", format, formatOfFile)
	case sum != string(formatSum(found.all)):
		return contents{}, fmt.Errorf("%w: the sum of what is in it is %016x, not %.16q", ErrDamaged, found.all, sum)
	}
	return found, nil
}

// A verifier goes through the pages of a file.
type verifier struct {
	f     *os.File
	meta  meta
	seen  []bool // pages
	visit func(bucket, key, value []byte) error
}

// page verifies a page and all below it. Its keys must be from low to before
// high; nil is no bound.
func (v *verifier) page(bucket []byte, id uint64, low, high []byte) error {
	if id < 2 || id >= v.meta.pages {
		return fmt.Errorf("%w: there is no page %d", ErrDamaged, id)
	}
	b := make([]byte, v.meta.pageSize)
	if _, err := v.f.ReadAt(b, int64(id)*v.meta.pageSize); err != nil {
		return err
	}
	more := uint64(order.Uint32(b[12:]))
	if order.Uint64(b) != id || more >= v.meta.pages-id {
		return fmt.Errorf("%w: page %d is none", ErrDamaged, id)
	}
	for p := id; p <= id+more; p++ {
		if v.seen[p] {
			return fmt.Errorf("%w: page %d is there twice", ErrDamaged, p)
		}
		v.seen[p] = true
	}
	if more > 0 {
		b = make([]byte, (more+1)*uint64(v.meta.pageSize))
		if _, err := v.f.ReadAt(b, int64(id)*v.meta.pageSize); err != nil {
			return err
		}
	}
	return v.elements(bucket, b, id, low, high)
}

// elements verifies what is on a page, which is the id's or in it.
func (v *verifier) elements(bucket, b []byte, id uint64, low, high []byte) error {
	flags, count := order.Uint16(b[8:]), int(order.Uint16(b[10:]))
	if flags != branchPage && flags != leafPage || flags == branchPage && count == 0 || pageHead+count*elementSize > len(b) {
		return fmt.Errorf("%w: page %d is none of a tree", ErrDamaged, id)
	}
	keys := make([][]byte, count+1)
	values := make([][]byte, count)
	for i := range count {
		at := pageHead + i*elementSize
		e := b[at:]
		place, keySize, valueSize := order.Uint32(e), order.Uint32(e[4:]), uint32(0)
		if flags == leafPage {
			place, keySize, valueSize = order.Uint32(e[4:]), order.Uint32(e[8:]), order.Uint32(e[12:])
		}
		from := uint64(at) + uint64(place)
		end := from + uint64(keySize) + uint64(valueSize)
		if end > uint64(len(b)) || keySize == 0 {
			return fmt.Errorf("%w: page %d says that it is larger", ErrDamaged, id)
		}
		keys[i], values[i] = b[from:from+uint64(keySize)], b[from+uint64(keySize):end]
		if i > 0 && bytes.Compare(keys[i-1], keys[i]) >= 0 || i == 0 && bytes.Compare(keys[0], low) < 0 || high != nil && bytes.Compare(keys[i], high) >= 0 {
			return fmt.Errorf("%w: the keys of page %d are not in order", ErrDamaged, id)
		}
	}
	keys[count] = high
	for i := range count {
		e := b[pageHead+i*elementSize:]
		var err error
		switch {
		case flags == branchPage:
			err = v.page(bucket, order.Uint64(e[8:]), keys[i], keys[i+1])
		case order.Uint32(e)&bucketFlag == 0:
			err = v.visit(bucket, keys[i], values[i])
		case bucket != nil:
			err = fmt.Errorf("%w: page %d has a bucket in a bucket", ErrDamaged, id)
		default:
			err = v.bucket(keys[i], values[i], id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket verifies a bucket, which is on the page with the id.
func (v *verifier) bucket(name, value []byte, id uint64) error {
	if len(value) < bucketSize {
		return fmt.Errorf("%w: page %d has a bucket of %d bytes", ErrDamaged, id, len(value))
	}
	if root := order.Uint64(value); root != 0 {
		return v.page(name, root, nil, nil)
	}
	if len(value) < bucketSize+pageHead {
		return fmt.Errorf("%w: page %d has a bucket of %d bytes", ErrDamaged, id, len(value))
	}
	return v.elements(name, value[bucketSize:], id, nil, nil)
}
