package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// contents is what a file contains as a whole.
type contents struct {
	sums
	format string
	tx     uint64  // the last transaction
	last   uint32  // the last number of an event
	log    records // that are in the log
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
	return verify(f, m, true, func(_, _, _ []byte) error { return nil })
}

// verify reads a file and checks the structure of its pages and the
// checksums of its content. It calls visit with each key and its value. Unless all is
// set, it leaves out the journal and the orders.
//
// It does not use bbolt, whose own check trusts what it reads: that runs in goroutines
// of its own and ends the program if a page leads nowhere.
func verify(r io.ReaderAt, m meta, all bool, visit func(bucket, key, value []byte) error) (contents, error) {
	found := contents{tx: m.tx, log: make(records)}
	head := make(map[string]string)
	v := verifier{r: r, meta: m, seen: make([]bool, m.pages)}
	v.skip = func(bucket []byte) bool { return !all && apart(bucket) }
	v.visit = func(bucket, key, value []byte) error {
		if bytes.Equal(bucket, bucketHead) {
			head[string(key)] = string(value)
			return nil
		}
		if err := found.add(bucket, key, value); err != nil {
			return err
		}
		return visit(bucket, key, value)
	}
	if err := v.page(nil, m.root, nil, nil); err != nil {
		return contents{}, err
	}
	found.format = head[string(keyFormat)]
	switch found.format {
	case "":
		return contents{}, fmt.Errorf("%w, or it is a bbolt file of another program", ErrDamaged)
	case formatBefore:
		none := string(formatSum(0))
		head[string(keyJournalSum)], head[string(keyOrdersSum)] = none, none
	case formatOfFile:
	default:
		return contents{}, fmt.Errorf("it has format %.40q and this version of Seatlock reads format %q: start the version that wrote it", found.format, formatOfFile)
	}
	err := checkSum("content", found.all, head[string(keySum)])
	if all {
		err = errors.Join(err,
			checkSum("journal", found.journal, head[string(keyJournalSum)]),
			checkSum("orders", found.orders, head[string(keyOrdersSum)]))
	}
	return found, err
}

// apart reports whether a bucket has a checksum of its own.
func apart(bucket []byte) bool {
	return bytes.Equal(bucket, bucketJournal) || ofOrders(bucket)
}

func ofOrders(bucket []byte) bool {
	return bytes.Equal(bucket, bucketOrders) || bytes.Equal(bucket, bucketOrdersOf) || bytes.Equal(bucket, bucketDue)
}

func checkSum(of string, found uint64, want string) error {
	if want == string(formatSum(found)) {
		return nil
	}
	return fmt.Errorf("%w: the checksum of its %s is %016x and must be %.16q", ErrDamaged, of, found, want)
}

// add adds a value to found.
func (found *contents) add(bucket, key, value []byte) error {
	put := digest(bucket, key, value)
	switch {
	case bytes.Equal(bucket, bucketJournal):
		found.journal ^= put
		return nil
	case ofOrders(bucket):
		found.orders ^= put
		return nil
	case bytes.Equal(bucket, bucketEvents):
		e, err := parseEvent(value)
		if err != nil {
			return err
		}
		found.last = max(found.last, e.number)
	case bytes.Equal(bucket, bucketSeats) && len(key) != len(seatKey{}):
		return fmt.Errorf("%w: %x is not the key of a seat", ErrDamaged, key)
	case bytes.Equal(bucket, bucketLog):
		if err := parseLogEntry(value, found.log); err != nil {
			return fmt.Errorf("%w: the log at %x: %w", ErrDamaged, key, err)
		}
		found.logSum ^= put
		found.logBytes += len(value)
	}
	found.all ^= put
	return nil
}

// A verifier goes through the pages of a file.
type verifier struct {
	r     io.ReaderAt
	meta  meta
	seen  []bool // pages
	skip  func(bucket []byte) bool
	visit func(bucket, key, value []byte) error
}

// page verifies a page and all below it. Its keys must be at least low and less than
// high; nil means no bound.
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
	if err != nil || v.skip(e.key) {
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
