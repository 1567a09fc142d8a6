package boltstore

import (
	"errors"
	"maps"

	bolt "go.etcd.io/bbolt"
)

// sums are the checksums of the file's content and the size of its log.
type sums struct {
	all      uint64 // of all values except those of the journal and of the orders
	logSum   uint64 // of the values of the log
	logBytes int    // in the values of the log
	journal  uint64 // of the values of the journal
	orders   uint64 // of the values of the orders and their indexes
}

// write writes the checksums.
func (sum *sums) write(tx *bolt.Tx) error {
	head := tx.Bucket(bucketHead)
	return errors.Join(
		head.Put(keySum, formatSum(sum.all)),
		head.Put(keyJournalSum, formatSum(sum.journal)),
		head.Put(keyOrdersSum, formatSum(sum.orders)),
	)
}

// fill is how full bbolt leaves the first of the two pages that it makes when it splits
// one. The log and the journal only grow at their ends, so nothing is added to
// that page later.
const fill = 0.9

// putValue writes a value, adds its digest to the sum, and returns the digest.
func putValue(tx *bolt.Tx, sum *uint64, bucket, key, value []byte) (uint64, error) {
	b := tx.Bucket(bucket)
	b.FillPercent = fill
	if old := b.Get(key); old != nil {
		*sum ^= digest(bucket, key, old)
	}
	put := digest(bucket, key, value)
	*sum ^= put
	return put, b.Put(key, value)
}

// deleteValue removes a value, if there is one, and its digest from the sum.
func deleteValue(tx *bolt.Tx, sum *uint64, bucket, key []byte) error {
	b := tx.Bucket(bucket)
	old := b.Get(key)
	if old == nil {
		return nil
	}
	*sum ^= digest(bucket, key, old)
	return b.Delete(key)
}

// maxLog is the number of bytes that the log may have. With a longer log, records
// are moved to their places less often, and each time takes longer.
const maxLog = 512 << 10

// putEvents writes the layouts of events that the file does not have, and the new
// entries of the journal.
func (s *Store) putEvents(tx *bolt.Tx, sum *sums, events []*event) error {
	journal := tx.Bucket(bucketJournal)
	journal.FillPercent = fill
	for _, e := range events {
		if len(e.changes) == 0 {
			continue
		}
		if e.putting = e.revision.Load(); e.putting > e.written {
			if _, err := putValue(tx, &sum.all, bucketEvents, []byte(e.id), eventText(e.number, int(e.putting), e.layout)); err != nil {
				return err
			}
		}
		for i := range e.entries {
			key, text := entryKey(e.number, e.last+1+uint64(i)), entryText(s.run, &e.entries[i])
			sum.journal ^= digest(bucketJournal, key, text)
			if err := journal.Put(key, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// putRecords writes the records to the log or, if that has become too long, all records
// of the log and the new ones to their places.
func (s *Store) putRecords(tx *bolt.Tx, sum *sums, changed records) (folded bool, err error) {
	entries := logEntries(changed)
	size := sum.logBytes
	for _, entry := range entries {
		size += len(entry)
	}
	if size > s.maxLog {
		all := make(records)
		for _, of := range s.log {
			maps.Copy(all, of)
		}
		maps.Copy(all, changed)
		return true, fold(tx, sum, all)
	}
	for i, entry := range entries {
		put, err := putValue(tx, &sum.all, bucketLog, logKey(tx.ID(), i), entry)
		if err != nil {
			return false, err
		}
		sum.logSum ^= put
	}
	sum.logBytes = size
	return false, nil
}

// fold empties the log and writes all records to their places.
func fold(tx *bolt.Tx, sum *sums, all records) error {
	if err := tx.DeleteBucket(bucketLog); err != nil {
		return err
	}
	if _, err := tx.CreateBucket(bucketLog); err != nil {
		return err
	}
	sum.all, sum.logSum, sum.logBytes = sum.all^sum.logSum, 0, 0
	for _, key := range all.keys() {
		if _, err := putValue(tx, &sum.all, bucketSeats, key[:], all[key]); err != nil {
			return err
		}
	}
	return nil
}
