package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// An entry of the journal has the event's number (4 bytes) and its own (8 bytes, from 1)
// as its key, the highest byte first. It is text in lines:
//
//	<run> <kind> <time>
//	<user>
//	<reference>
//	<by>
//	<seat>   one line each; for a move, those that were given up and then the new ones
//
// The run is a random word of the process that wrote the entry. It is part of the
// entry's Seq. If the file is set back, such as by restoring a copy, a Seq from after that
// moment is therefore not mistaken for that of another entry. The time is on the
// store's clock, in milliseconds since 1970.

func entryKey(event uint32, n uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, event), n)
}

// entryText returns an entry, whose ID and Seq follow from its key and the run.
func entryText(run string, e *lockstore.Entry) []byte {
	b := append(make([]byte, 0, 128), run...)
	b = append(append(b, ' '), e.Kind.String()...)
	b = strconv.AppendInt(append(b, ' '), e.Time.UnixMilli(), 10)
	for _, line := range [...]string{string(e.User), string(e.Ref), e.By} {
		b = append(append(b, '\n'), line...)
	}
	for _, seats := range [...][]lockstore.SeatID{e.Seats, e.To} {
		for _, seat := range seats {
			b = append(append(b, '\n'), seat...)
		}
	}
	return b
}

// seqText returns the Seq of an entry, which is also its ID.
func seqText(run string, event uint32, n uint64) lockstore.Seq {
	return lockstore.Seq(fmt.Sprintf("%s-%d-%d", run, event, n))
}

// parseSeq returns the arguments of the seqText that made the Seq.
func parseSeq(seq lockstore.Seq) (run string, event uint32, n uint64, ok bool) {
	parts := strings.Split(string(seq), "-")
	if len(parts) != 3 {
		return "", 0, 0, false
	}
	number, err := strconv.ParseUint(parts[1], 10, 32)
	n, err2 := strconv.ParseUint(parts[2], 10, 64)
	return parts[0], uint32(number), n, err == nil && err2 == nil
}

// kinds are the kinds of operations by their names.
var kinds = func() map[string]lockstore.Kind {
	byName := make(map[string]lockstore.Kind)
	for _, k := range lockstore.Kinds() {
		byName[k.String()] = k
	}
	return byName
}()

func parseEntry(key, text []byte) (lockstore.Entry, error) {
	lines := strings.Split(string(text), "\n")
	head := strings.Split(lines[0], " ")
	if len(key) != len(entryKey(0, 0)) || len(lines) < 5 || len(head) != 3 || kinds[head[1]] == 0 {
		return lockstore.Entry{}, fmt.Errorf("%w: the journal at %x: %w", ErrDamaged, key, errRecord)
	}
	ms, err := strconv.ParseInt(head[2], 10, 64)
	if err != nil {
		return lockstore.Entry{}, fmt.Errorf("%w: the journal at %x: %w", ErrDamaged, key, errRecord)
	}
	seq := seqText(head[0], binary.BigEndian.Uint32(key), binary.BigEndian.Uint64(key[4:]))
	e := lockstore.Entry{
		ID: string(seq), Seq: seq, Kind: kinds[head[1]], Time: time.UnixMilli(ms),
		User: lockstore.UserID(lines[1]), Ref: lockstore.Ref(lines[2]), By: lines[3],
	}
	seats := make([]lockstore.SeatID, 0, len(lines)-4)
	for _, seat := range lines[4:] {
		seats = append(seats, lockstore.SeatID(seat))
	}
	e.Seats = seats
	if e.Kind == lockstore.KindMove {
		half := len(seats) / 2
		e.Seats, e.To = seats[:half:half], seats[half:]
	}
	return e, nil
}

// lastEntry returns the number of the event's last entry, or 0.
func lastEntry(tx *bolt.Tx, event uint32) (uint64, error) {
	cursor := tx.Bucket(bucketJournal).Cursor()
	key, _ := cursor.Seek(entryKey(event+1, 0))
	if key == nil {
		key, _ = cursor.Last()
	} else {
		key, _ = cursor.Prev()
	}
	switch {
	case key == nil || !bytes.HasPrefix(key, entryKey(event, 0)[:4]):
		return 0, nil
	case len(key) != len(entryKey(0, 0)):
		return 0, fmt.Errorf("%w: %x is not the key of an entry", ErrDamaged, key)
	}
	return binary.BigEndian.Uint64(key[4:]), nil
}

// firstSeq precedes the first entry of any event.
const firstSeq lockstore.Seq = "0"

// Journal implements [lockstore.LockStore].
func (s *Store) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	if err := lockstore.CheckJournal(after, limit); err != nil {
		return nil, err
	}
	var entries []lockstore.Entry
	err := s.journal(ctx, ev, func(b *bolt.Bucket, number uint32, last uint64) error {
		from, err := place(b, after, number, last)
		if err != nil {
			return err
		}
		cursor := b.Cursor()
		for key, text := cursor.Seek(entryKey(number, from+1)); len(entries) < limit && from+uint64(len(entries)) < last; key, text = cursor.Next() {
			e, err := parseEntry(key, text)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	return entries, err
}

// place returns the number of the entry that has the Seq, or 0 if the Seq precedes
// the first entry. number is the event's, and last is that of its last entry.
func place(b *bolt.Bucket, seq lockstore.Seq, number uint32, last uint64) (uint64, error) {
	if seq == "" || seq == firstSeq {
		return 0, nil
	}
	run, of, n, ok := parseSeq(seq)
	if !ok || of != number || n == 0 || n > last {
		return 0, lockstore.ErrJournalReset
	}
	by, err := runOf(b, number, n)
	if err == nil && by != run {
		err = lockstore.ErrJournalReset
	}
	return n, err
}

// runOf returns the run that wrote the entry.
func runOf(b *bolt.Bucket, event uint32, n uint64) (string, error) {
	key := entryKey(event, n)
	run, _, ok := strings.Cut(string(b.Get(key)), " ")
	if !ok {
		return "", fmt.Errorf("%w: the journal lacks %x", ErrDamaged, key)
	}
	return run, nil
}

// seq returns the Seq of the event's last entry, or one before the first.
func (s *Store) seq(ctx context.Context, ev *lockstore.Event) (seq lockstore.Seq, err error) {
	err = s.journal(ctx, ev, func(b *bolt.Bucket, number uint32, last uint64) error {
		if last == 0 {
			seq = firstSeq
			return nil
		}
		run, err := runOf(b, number, last)
		seq = seqText(run, number, last)
		return err
	})
	return seq, err
}

// journal calls f with the bucket of the journal, the event's number and that of its last
// entry. The bucket may have later entries that may not be on the disk yet.
func (s *Store) journal(ctx context.Context, ev *lockstore.Event, f func(b *bolt.Bucket, number uint32, last uint64) error) error {
	for {
		var number uint32
		var last uint64
		err := s.read(ctx, ev, func(e *event, _ int64) { number, last = e.number, e.last })
		if err != nil {
			return err
		}
		err = s.db.View(func(tx *bolt.Tx) error {
			now, found, err := numberOf(tx, ev.ID)
			switch {
			case err != nil:
				return err
			case last > 0 && !(found && now == number): // it was forgotten meanwhile
				return errReplaced
			}
			return f(tx.Bucket(bucketJournal), number, last)
		})
		switch {
		case errors.Is(err, errReplaced):
			if err := s.failure(); err != nil {
				return err
			}
			continue
		case errors.Is(err, berrors.ErrDatabaseNotOpen):
			return batch.ErrClosed
		case errors.Is(err, ErrDamaged):
			return s.damaged(ev.ID, err)
		}
		return err
	}
}
