package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// The journal is a stream that is never trimmed. A script adds one message to it, which
// has an entry for each call that changed anything:
//
//	confirm 1700000000000
//	ann	order-7	web	A1	A2
//	ben			B1
//
// The first line has the kind and the time, the others the user, the reference, who
// asked and the seats. None of these can have a tab or a line end in it. The name of
// the message's one field is the nonce of the script run.

// A journalPlace is an entry in the journal: its number in its message, counted from 0.
// As a Seq it reads "ms-seq-nonce-number". It is the entry's ID too, since no other
// script run has the nonce.
type journalPlace struct {
	entryID
	number int
}

func (p journalPlace) seq() lockstore.Seq {
	return lockstore.Seq(string(p.version()) + "-" + strconv.Itoa(p.number))
}

// parseSeq reads a Seq that this package could have made.
func parseSeq(s lockstore.Seq) (p journalPlace, ok bool) {
	i := strings.LastIndexByte(string(s), '-')
	if i < 0 {
		return p, false
	}
	id, ok := parseEntryID(lockstore.Version(s[:i]))
	number, err := strconv.Atoi(string(s[i+1:]))
	p = journalPlace{id, number}
	return p, ok && err == nil && number >= 0 && p.seq() == s
}

// Journal messages are read in pages. Since a message can have as many entries as a
// trip has calls, the first page of a call is small. The others are as large as the
// messages so far suggest.
const (
	firstPage = 32
	mostPage  = 250
)

// Journal implements [lockstore.LockStore].
func (s *Store) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := lockstore.CheckJournal(after, limit); err != nil {
		return nil, err
	}
	r := &journalReader{Store: s, ev: ev, limit: limit}
	if after != "" {
		from, ok := parseSeq(after)
		if !ok {
			return nil, lockstore.ErrJournalReset
		}
		r.from = &from
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := r.read(bounded)
	if err != nil && len(r.entries) == 0 {
		return nil, endedBy(ctx, err)
	}
	return r.entries, nil
}

// A journalReader reads entries, page by page.
type journalReader struct {
	*Store
	ev    *lockstore.Event
	limit int

	from     *journalPlace // the last entry that was read; nil for none
	entries  []lockstore.Entry
	messages int // that were read
}

func (r *journalReader) read(ctx context.Context) error {
	for size := firstPage; len(r.entries) < r.limit; {
		more, err := r.page(ctx, size)
		if err != nil || !more {
			return err
		}
		each := max(1, len(r.entries)/max(1, r.messages)) // entries in a message
		size = min(mostPage, (r.limit-len(r.entries))/each+1)
	}
	return nil
}

// page reads up to size messages after that of r.from, and what is left of that one.
// It reports whether there may be more.
func (r *journalReader) page(ctx context.Context, size int) (more bool, err error) {
	begin := "-"
	if r.from != nil {
		begin, size = r.from.stream(), size+1
	}
	var read *redis.XMessageSliceCmd
	if _, err := r.query(ctx, r.ev, func(pipe redis.Pipeliner) {
		read = pipe.XRangeN(ctx, journalKey(r.ev), begin, "+", int64(size))
	}); err != nil {
		return false, err
	}
	messages, err := read.Result()
	if err != nil {
		return false, unavailable(err)
	}
	if r.from != nil && (len(messages) == 0 || entryOf(messages[0]) != r.from.entryID) {
		return false, lockstore.ErrJournalReset
	}
	for _, m := range messages {
		entries, err := parseMessage(m)
		if err != nil {
			return false, fmt.Errorf("redisstore: the journal of event %s: %w", r.ev.ID, err)
		}
		next := 0
		if r.from != nil && r.from.entryID == entryOf(m) {
			if next = r.from.number + 1; next > len(entries) {
				return false, lockstore.ErrJournalReset
			}
		} else {
			r.messages++
		}
		entries = entries[next:min(len(entries), next+r.limit-len(r.entries))]
		r.entries = append(r.entries, entries...)
		r.from = &journalPlace{entryOf(m), next + len(entries) - 1}
		if len(r.entries) == r.limit {
			return false, nil
		}
	}
	return len(messages) == size, nil
}

// parseMessage reads the entries of a message.
func parseMessage(m redis.XMessage) ([]lockstore.Entry, error) {
	var text string
	for _, value := range m.Values {
		text, _ = value.(string)
	}
	head, lines, _ := strings.Cut(text, "\n")
	name, stamp, _ := strings.Cut(head, " ")
	kind, known := kindOf(name)
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if !known || err != nil {
		return nil, fmt.Errorf("message %s begins with %.80q", m.ID, head)
	}
	at := time.UnixMilli(ms)
	place := journalPlace{entryID: entryOf(m)}
	var entries []lockstore.Entry
	for line := range strings.SplitSeq(lines, "\n") {
		words := strings.Split(line, "\t")
		if len(words) < 4 {
			return nil, fmt.Errorf("message %s has %.80q", m.ID, line)
		}
		seats := make([]lockstore.SeatID, len(words)-3)
		for i, word := range words[3:] {
			seats[i] = lockstore.SeatID(word)
		}
		e := lockstore.Entry{
			ID: string(place.seq()), Seq: place.seq(), Kind: kind, Seats: seats,
			User: lockstore.UserID(words[0]), Ref: lockstore.Ref(words[1]), By: words[2], Time: at,
		}
		if kind == lockstore.KindMove {
			e.Seats, e.To = seats[:len(seats)/2:len(seats)/2], seats[len(seats)/2:]
		}
		entries = append(entries, e)
		place.number++
	}
	return entries, nil
}

// kindOf returns the kind of that name.
func kindOf(name string) (lockstore.Kind, bool) {
	for kind := lockstore.KindLock; int(kind) < len(scripts); kind++ {
		if kind.String() == name {
			return kind, true
		}
	}
	return 0, false
}

// lastSeq returns the Seq of the newest entry of the journal.
func (s *Store) lastSeq(ctx context.Context, ev *lockstore.Event) (lockstore.Seq, error) {
	var last *redis.XMessageSliceCmd
	if _, err := s.query(ctx, ev, func(pipe redis.Pipeliner) {
		last = pipe.XRevRangeN(ctx, journalKey(ev), "+", "-", 1)
	}); err != nil {
		return "", err
	}
	messages, err := last.Result()
	if err != nil {
		return "", unavailable(err)
	}
	if len(messages) == 0 {
		return "", nil
	}
	entries, err := parseMessage(messages[0])
	if err != nil {
		return "", fmt.Errorf("redisstore: the journal of event %s: %w", ev.ID, err)
	}
	return entries[len(entries)-1].Seq, nil
}
