package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// copyTime bounds the time for which [Bookings] tries to copy a file that is being
// written to.
const copyTime = 10 * time.Second

// readCopy copies a file that another process may be writing to and calls read with
// the copy, which read verifies. It calls read again if the copy was not whole.
//
// bbolt reuses a page that a transaction has given up no sooner than two
// transactions later, so a copy that was completed before that is whole. The pages of
// seats and events make up most of a file. They change only when the log is full, so they
// are kept while their buckets have the same roots. The others are few, so copying them
// takes less time than two transactions.
//
// A new root may get the id of an earlier one, so pages that were kept may be old. Only a
// copy without such pages proves that a file is damaged.
func readCopy(f io.ReaderAt, read func(io.ReaderAt, meta) error) error {
	began := time.Now()
	c := new(fileCopy)
	for {
		m, err := readMetaInUse(f)
		if err != nil {
			return err
		}
		copyErr := c.copy(f, m)
		now, err := readMetaInUse(f)
		if err != nil {
			return err
		}
		late := time.Since(began) > copyTime
		if copyErr == nil {
			if now.tx > m.tx+1 && !late {
				continue // pages that are kept are not copied again
			}
			copyErr = read(c, m)
		}
		switch {
		case !errors.Is(copyErr, ErrDamaged):
			return copyErr
		case now.tx == m.tx && !c.reused:
			return copyErr // no page of this transaction was overwritten
		case late:
			return fmt.Errorf("%w and changes it faster than it can be copied, or it is damaged (%v): try again later", ErrInUse, copyErr)
		}
		c = new(fileCopy)
	}
}

// readMetaInUse is readMeta for a file whose metas may be written at the same time.
func readMetaInUse(f io.ReaderAt) (m meta, err error) {
	for range 5 {
		if m, err = readMeta(f); !errors.Is(err, ErrDamaged) {
			return m, err
		}
		time.Sleep(time.Millisecond)
	}
	return m, err
}

// pages has pages by their ids, each with those that belong to it.
type pages map[uint64][]byte

// A fileCopy has the pages of a file that one transaction uses, without the journal and
// the orders, which may be large and change all the time. It implements [io.ReaderAt]
// for them.
type fileCopy struct {
	pageSize int64
	kept     map[string]keptBucket
	others   pages
	reused   bool // some of kept are from an earlier call of copy
}

// A keptBucket is the pages of a bucket that changes rarely.
type keptBucket struct {
	root  uint64
	pages pages
}

// copy copies the pages of the transaction that the meta describes. It keeps those
// that an earlier call copied if their buckets have the same roots.
func (c *fileCopy) copy(f io.ReaderAt, m meta) error {
	kept := c.kept
	*c = fileCopy{pageSize: m.pageSize, kept: make(map[string]keptBucket), others: make(pages)}
	return c.others.add(f, m, m.root, func(id uint64, e element) error {
		root, err := e.root(id)
		if err != nil || root == 0 || apart(e.key) {
			return err
		}
		if !bytes.Equal(e.key, bucketSeats) && !bytes.Equal(e.key, bucketEvents) {
			return c.others.add(f, m, root, nil)
		}
		bucket := kept[string(e.key)]
		if bucket.root == root {
			c.reused = true
		} else {
			bucket = keptBucket{root, make(pages)}
			err = bucket.pages.add(f, m, root, nil)
		}
		c.kept[string(e.key)] = bucket
		return err
	})
}

// add copies the page with the id and all below it. It calls visit, which may be nil,
// for each bucket on them.
func (p pages) add(f io.ReaderAt, m meta, id uint64, visit func(id uint64, e element) error) error {
	if p[id] != nil {
		return fmt.Errorf("%w: page %d is used twice", ErrDamaged, id)
	}
	b, err := readPage(f, m, id)
	if err != nil {
		return err
	}
	p[id] = b
	elements, err := parsePage(b, id)
	if err != nil {
		return err
	}
	for _, e := range elements {
		switch {
		case e.child != 0:
			err = p.add(f, m, e.child, visit)
		case e.bucket && visit != nil:
			err = visit(id, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadAt implements [io.ReaderAt].
func (c *fileCopy) ReadAt(b []byte, at int64) (int, error) {
	id := uint64(at / c.pageSize)
	page := c.others[id]
	for _, bucket := range c.kept {
		if page == nil {
			page = bucket.pages[id]
		}
	}
	n := copy(b, page)
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
