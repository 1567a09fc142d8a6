package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// journal returns all entries after the Seq, and must succeed.
func (c *check) journal(after lockstore.Seq) []lockstore.Entry {
	c.Helper()
	all, err := history.ReadJournal(c.ctx, c.LockStore, c.ev, after)
	if err != nil {
		c.Fatalf("the journal after %q: %v", after, err)
	}
	return all
}

// place returns the end of the journal.
func (c *check) place() lockstore.Seq {
	c.Helper()
	all := c.journal("")
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].Seq
}

// wantJournal checks the entries after the Seq, each in the form
// "move A1>A2 user reference by", and returns the last one's.
func (c *check) wantJournal(after lockstore.Seq, want ...string) lockstore.Seq {
	c.Helper()
	var got []string
	for _, e := range c.journal(after) {
		got = append(got, entry(e))
		after = e.Seq
		if e.ID == "" || e.Seq == "" || e.Seq.Check() != nil {
			c.Errorf("the entry %s has the id %q and the Seq %q", entry(e), e.ID, e.Seq)
		}
	}
	if !slices.Equal(got, want) {
		c.Errorf("the journal has %q, want %q", got, want)
	}
	return after
}

func entry(e lockstore.Entry) string {
	named := names(e.Seats)
	if len(e.To) > 0 {
		named += ">" + names(e.To)
	}
	return words(e.Kind.String(), named, string(e.User), string(e.Ref), e.By)
}

func names(ids []lockstore.SeatID) string {
	var all []string
	for _, id := range ids {
		all = append(all, string(id))
	}
	return strings.Join(all, ",")
}

// by returns the operation with its By set.
func by(who string, op lockstore.Op) lockstore.Op {
	op.By = who
	return op
}

func journalHasEachKind(c *check) {
	ops := c.working()
	at := c.place()
	want := map[lockstore.Kind]string{ // a lock, a release and a buyer's extension have none
		lockstore.KindConfirm: "confirm A2 ann",
		lockstore.KindBook:    "book A6 ann r2",
		lockstore.KindCancel:  "cancel A7 ann r1",
		lockstore.KindMove:    "move A8>A9 ann r1",
		lockstore.KindBlock:   "block A10 house",
		lockstore.KindUnblock: "unblock A11",
		lockstore.KindEvict:   "evict A5",
	}
	for _, op := range ops {
		result := c.do(op)
		if want[op.Kind] == "" {
			at = c.wantJournal(at)
			continue
		}
		before := at
		at = c.wantJournal(at, want[op.Kind])
		if e := c.journal(before); len(e) == 1 && c.unsure() == 0 && !e[0].Time.Equal(result.Now) {
			c.Errorf("the entry of %s has the time %v, want %v", op.Kind, e[0].Time, result.Now)
		}
	}
	// An extension with a By has an entry too, unless it changes nothing.
	c.do(by("desk", lockstore.Lock(ben, "A12")))
	extension := by("Änne", lockstore.Extend(ben, c.soon(2*c.ttl), "A12"))
	c.do(extension)
	c.do(extension)
	c.do(by("desk", lockstore.Release(ben, "A12")))
	c.wantJournal(at, "extend A12 ben Änne")
}

// journalHasWhatChanged checks that an entry has what the operation changed, and who
// asked for it.
func journalHasWhatChanged(c *check) {
	c.lock(ann, "A1", "A2", "A3", "A4")
	at := c.place()
	c.do(by("till 7", confirmRef(ann, "r1", "A2")))
	c.do(by("till 7", confirmRef(ann, "r1", "A3", "A2", "A1")))
	at = c.wantJournal(at, "confirm A2 ann r1 till 7", "confirm A3,A1 ann r1 till 7")
	c.do(by("ops", lockstore.Book(ben, "r1", "A5")))
	c.do(by("ops", lockstore.Cancel("", "r1", "A6", "A5", "A4", "A2")))
	c.do(by("ops", lockstore.Move("", "r1", seats("A3", "A1"), seats("A7", "A8"))))
	at = c.wantJournal(at, "book A5 ben r1 ops", "cancel A5,A2 r1 ops", "move A3,A1>A7,A8 r1 ops")
	c.do(by("ops", lockstore.Block("x", "A1")))
	c.do(by("ops", blockAll("y", "A4", "A1", "A2")))
	c.do(by("ops", lockstore.Unblock("A1", "A3", "A2")))
	c.lock(cat, "A9")
	c.do(by("ops", lockstore.Evict(cat, "A1", "A4", "A9")))
	at = c.wantJournal(at, "block A1 x ops", "block A4,A2 y ops", "unblock A1,A2 ops", "evict A9 cat ops")
	c.do(by("ops", bookBlocked(cat, "", "A4", "A10")))
	c.wantJournal(at, "book A4,A10 cat ops")
}

// journalHasNothingElse checks that operations that change nothing or are refused make
// no entry.
func journalHasNothingElse(c *check) {
	c.do(lockstore.Book(ann, "r1", "A1"))
	c.do(lockstore.Block("", "A2"))
	end := c.lock(ann, "A3")
	at := c.place()
	over, ahead := c.bounds()
	late, early := by("x", lockstore.Cancel(ann, "r1", "A1")), by("x", lockstore.Cancel(ann, "r1", "A1"))
	late.NotAfter, early.NotBefore = over, ahead
	for _, op := range []lockstore.Op{
		lockstore.Book(ann, "r1", "A1"), confirmRef(ann, "r1", "A1"), lockstore.Cancel(ann, "r2", "A1"), lockstore.Cancel(ben, "", "A1"),
		lockstore.Block("", "A2"), lockstore.Unblock("A1", "A4"), lockstore.Evict("", "A1", "A2", "A4"), lockstore.Extend(ann, end, "A3"),
		lockstore.Lock(ann, "A3"), lockstore.Lock(ann, "A5"), lockstore.Release(ann, "A5"), lockstore.Lock(ann, "A6"), lockstore.Release(ann, "A6"),
	} {
		c.do(by("x", op))
	}
	for _, op := range []lockstore.Op{
		lockstore.Book(ben, "", "A1"), lockstore.Book(ben, "", "A4", "A2"), lockstore.Confirm(ben, "A4"), lockstore.Block("", "A4", "A1"),
		lockstore.Move(ben, "", seats("A1"), seats("A4")), lockstore.Move(ann, "", seats("A1"), seats("A2")), lockstore.Extend(ben, end, "A3"),
		lockstore.Release(ann, "A1"), late, early,
	} {
		if err := c.try(by("x", op)); err == nil {
			c.Errorf("%s %ss %v", op.User, op.Kind, op.Seats)
		}
	}
	c.wantJournal(at)
}

func journalInPages(c *check) {
	var want []string
	for i := range 25 {
		op := lockstore.Book(ann, lockstore.Ref(fmt.Sprintf("r%d", i)), c.ev.Seats[i%10])
		c.do(op)
		c.do(lockstore.Cancel(ann, op.Ref, op.Seats...))
		want = append(want, fmt.Sprintf("book %s ann %s", op.Seats[0], op.Ref), fmt.Sprintf("cancel %s ann %s", op.Seats[0], op.Ref))
	}
	all := c.journal("")
	ids, places := make(map[string]bool), make(map[lockstore.Seq]bool)
	for i, e := range all {
		if ids[e.ID] || places[e.Seq] {
			c.Errorf("entry %d has the id %q and the Seq %q, which another one has", i, e.ID, e.Seq)
		}
		ids[e.ID], places[e.Seq] = true, true
		after, err := c.Journal(c.ctx, c.ev, e.Seq, 3)
		if rest := all[i+1:]; err != nil || !slices.EqualFunc(after, rest[:min(3, len(rest))], sameEntry) {
			c.Errorf("after entry %d there are %v (%v), want %v", i, after, err, rest[:min(3, len(rest))])
		}
	}
	c.wantJournal("", want...)
	for _, limit := range []int{1, 7, lockstore.MaxEntries} {
		if got, err := c.Journal(c.ctx, c.ev, "", limit); err != nil || len(got) != min(limit, len(all)) {
			c.Errorf("with the limit %d there are %d entries (%v), want %d", limit, len(got), err, min(limit, len(all)))
		}
	}
}

func sameEntry(a, b lockstore.Entry) bool {
	return a.ID == b.ID && a.Seq == b.Seq && entry(a) == entry(b) && a.Time.Equal(b.Time)
}

func journalIsKept(c *check) {
	c.do(lockstore.Book(ann, "r1", "A1"))
	before := c.journal("")
	c.sleep(10 * 365 * 24 * time.Hour)
	at := c.wantJournal("", "book A1 ann r1")
	c.do(lockstore.Cancel(ann, "r1", "A1"))
	c.wantJournal(at, "cancel A1 ann r1")
	if after := c.journal(""); len(before) != 1 || len(after) != 2 || !sameEntry(before[0], after[0]) {
		c.Errorf("the journal was %v and is %v", before, after)
	}
}

func journalOfEvents(c *check) {
	one := c.ev
	c.do(lockstore.Book(ann, "r1", "A1"))
	first := c.journal("")
	c.ev = c.event(10, c.ttl, 0)
	c.wantJournal("")
	c.do(lockstore.Book(ann, "r2", "A1"))
	second := c.journal("")
	c.wantJournal("", "book A1 ann r2")
	if len(first) != 1 || len(second) != 1 || first[0].ID == second[0].ID {
		c.Errorf("the entries of two events are %v and %v", first, second)
	}
	c.in(one, func() { c.wantJournal("", "book A1 ann r1") })
}

func journalRefuses(c *check) {
	c.do(lockstore.Book(ann, "r1", "A1"))
	at := c.place()
	for _, limit := range []int{0, -1, lockstore.MaxEntries + 1} {
		if _, err := c.Journal(c.ctx, c.ev, "", limit); !errors.Is(err, lockstore.ErrInvalid) {
			c.Errorf("the journal with the limit %d: %v, want an InvalidError", limit, err)
		}
	}
	for _, seq := range []lockstore.Seq{"a b", "%", "漢", lockstore.Seq(strings.Repeat("1", lockstore.MaxIDLen+1))} {
		if _, err := c.Journal(c.ctx, c.ev, seq, 1); !errors.Is(err, lockstore.ErrInvalid) {
			c.Errorf("the journal after %q: %v, want an InvalidError", seq, err)
		}
	}
	for _, seq := range []lockstore.Seq{"x", "no.such_place-1", "9999999999999-0", "99999999999999999999999", "x" + at} {
		if _, err := c.Journal(c.ctx, c.ev, seq, 1); !errors.Is(err, lockstore.ErrJournalReset) {
			c.Errorf("the journal after %q: %v, want ErrJournalReset", seq, err)
		}
	}
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	if _, err := c.Journal(ctx, c.ev, "", 1); !errors.Is(err, context.Canceled) {
		c.Errorf("the journal with a cancelled context: %v", err)
	}
}
