package engine

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatlock/lockstore"
)

// Entry returns the journal entry of an operation, without its ID and Seq, and
// reports whether the operation has one. The result is what [State.Do] filled
// in. The entry shares no slice with op or result.
func Entry(op *lockstore.Op, result *lockstore.Result) (lockstore.Entry, bool) {
	if !makesEntry(op, result) {
		return lockstore.Entry{}, false
	}
	seats := slices.Clone(result.Changed)
	var to []lockstore.SeatID
	if op.Kind == lockstore.KindMove {
		n := len(op.Seats)
		seats, to = seats[:n:n], seats[n:]
	}
	return lockstore.Entry{
		Kind: op.Kind, Seats: seats, To: to,
		User: op.User, Ref: op.Ref, By: op.By, Time: result.Now,
	}, true
}

func makesEntry(op *lockstore.Op, result *lockstore.Result) bool {
	switch op.Kind {
	case lockstore.KindLock, lockstore.KindRelease:
		return false
	case lockstore.KindExtend:
		return op.By != "" && len(result.Changed) > 0
	}
	return len(result.Changed) > 0
}

// A Journal is the journal of one event in memory. It rejects the Seqs of any other
// journal, such as that of an earlier process. [NewJournal] makes one. It is not safe
// for concurrent use.
type Journal struct {
	id     string // part of every Seq, and different in every journal
	last   int    // the number of the last entry, which is also how many there are
	chunks [][]entry
}

// chunkSize is the number of entries that are kept together. A longer slice would be
// copied as a whole when it grows.
const chunkSize = 512

// An entry is a [lockstore.Entry] without the fields that its place determines.
type entry struct {
	kind  lockstore.Kind
	time  int64              // in Unix milliseconds
	seats []lockstore.SeatID // followed by the new ones of a move
	user  lockstore.UserID
	ref   lockstore.Ref
	by    string
}

// NewJournal returns a journal without entries.
func NewJournal() Journal { return Journal{id: strconv.FormatUint(rand.Uint64(), 36)} }

// Add appends the entry of an operation, if it makes one: see [Entry].
func (j *Journal) Add(op *lockstore.Op, result *lockstore.Result) {
	if !makesEntry(op, result) {
		return
	}
	if j.last%chunkSize == 0 {
		j.chunks = append(j.chunks, nil)
	}
	of := &j.chunks[len(j.chunks)-1]
	*of = append(*of, entry{op.Kind, result.Now.UnixMilli(), slices.Clone(result.Changed), op.User, op.Ref, op.By})
	j.last++
}

// Seq returns the place after the last entry.
func (j *Journal) Seq() lockstore.Seq { return j.seq(j.last) }

func (j *Journal) seq(n int) lockstore.Seq {
	return lockstore.Seq(j.id + "-" + strconv.Itoa(n))
}

// After returns up to limit entries after the Seq, as
// [lockstore.LockStore.Journal] does.
func (j *Journal) After(after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	from := 0
	if after != "" {
		id, number, _ := strings.Cut(string(after), "-")
		n, err := strconv.Atoi(number)
		if id != j.id || err != nil || n < 0 || n > j.last {
			return nil, lockstore.ErrJournalReset
		}
		from = n
	}
	entries := make([]lockstore.Entry, min(limit, j.last-from))
	for i := range entries {
		entries[i] = j.entry(from + i)
	}
	return entries, nil
}

// entry returns the entry at index n.
func (j *Journal) entry(n int) lockstore.Entry {
	e := &j.chunks[n/chunkSize][n%chunkSize]
	seq := j.seq(n + 1)
	seats := slices.Clone(e.seats)
	var to []lockstore.SeatID
	if e.kind == lockstore.KindMove {
		half := len(seats) / 2
		seats, to = seats[:half:half], seats[half:]
	}
	return lockstore.Entry{
		ID: string(seq), Seq: seq, Kind: e.kind, Seats: seats, To: to,
		User: e.user, Ref: e.ref, By: e.by, Time: time.UnixMilli(e.time),
	}
}
