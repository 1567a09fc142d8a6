package boltstore

import (
	"io"
	"os"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// A copying is a file with a store that sells its seats one after the other.
type copying struct {
	*testing.T
	*Store
	ev   *lockstore.Event
	file *os.File // for reading
	sold int
}

func newCopying(t *testing.T) *copying {
	t.Helper()
	s, _ := openHamlet(t)
	f, err := os.Open(s.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	c := &copying{t, s, storetest.Event(t, "hall", time.Minute, 0, storetest.Seats(500)...), f, 0}
	c.maxLog = 0 // records go to their places
	c.sell(300)
	c.maxLog = maxLog
	return c
}

// sell locks n more seats, each in a transaction of its own.
func (c *copying) sell(n int) {
	c.Helper()
	for _, seat := range c.ev.Seats[c.sold : c.sold+n] {
		if _, err := c.Do(c.Context(), c.ev, lockstore.Lock("ann", seat)); err != nil {
			c.Fatal(err)
		}
	}
	c.sold += n
}

// want checks that a copy has what was sold.
func (c *copying) want(r io.ReaderAt, m meta) {
	c.Helper()
	seats := make(map[string]bool)
	found, err := verify(r, m, false, func(bucket, key, _ []byte) error {
		if string(bucket) == string(bucketSeats) {
			seats[string(key)] = true
		}
		return nil
	})
	for key := range found.log {
		seats[string(key[:])] = true
	}
	if err != nil || len(seats) != c.sold {
		c.Errorf("a copy has %d seats, %v, want %d", len(seats), err, c.sold)
	}
}

// TestCopyKeepsWhatHasNotChanged checks that the pages of the seats, which are most of a
// file, are copied once while only the log changes, and again after the log has been moved.
func TestCopyKeepsWhatHasNotChanged(t *testing.T) {
	c := newCopying(t)
	copied := new(fileCopy)
	take := func() *byte {
		t.Helper()
		m, err := readMeta(c.file)
		if err == nil {
			err = copied.copy(c.file, m)
		}
		if err != nil {
			t.Fatal(err)
		}
		c.want(copied, m)
		seats := copied.kept[string(bucketSeats)]
		return &seats.pages[seats.root][0]
	}
	first := take()
	c.sell(20)
	if take() != first {
		t.Error("the pages of seats are copied again after changes of the log")
	}
	c.maxLog = 0
	c.sell(1)
	if take() == first {
		t.Error("the pages of seats are kept after the log was moved")
	}
}

// A readerAt reads a file and calls before ahead of each read.
type readerAt struct {
	*os.File
	before func(at int64)
}

func (r readerAt) ReadAt(b []byte, at int64) (int, error) {
	r.before(at)
	return r.File.ReadAt(b, at)
}

// TestOldPagesAreNotDamage checks that a file is copied if the log is moved while it is
// copied, and the seats' root then gets the id that it had before.
func TestOldPagesAreNotDamage(t *testing.T) {
	c := newCopying(t)
	root := func() (id uint64) {
		err := c.db.View(func(tx *bolt.Tx) error {
			id = uint64(tx.Bucket(bucketSeats).Root())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first, metas := root(), 0
	f := readerAt{c.file, func(at int64) {
		if at > 0 {
			return
		}
		if metas++; metas != 2 {
			return // the second time is after the first copy
		}
		c.maxLog = 0
		for c.sell(2); root() != first; {
			c.sell(1)
		}
	}}
	reads := 0
	err := readCopy(f, func(r io.ReaderAt, m meta) error {
		reads++
		_, err := verify(r, m, false, func(_, _, _ []byte) error { return nil })
		if err == nil {
			c.want(r, m)
		}
		return err
	})
	if err != nil || reads != 2 {
		t.Errorf("copied %d times: %v", reads, err)
	}
}
