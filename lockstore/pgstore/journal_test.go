package pgstore_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest"
)

// mustJournal returns the entries after a Seq, and the last Seq.
func mustJournal(t *testing.T, s *pgstore.Store, ev *lockstore.Event, after lockstore.Seq) ([]lockstore.Entry, lockstore.Seq) {
	t.Helper()
	entries, err := s.Journal(t.Context(), ev, after, lockstore.MaxEntries)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		after = entries[len(entries)-1].Seq
	}
	return entries, after
}

// seatsOf returns the seats of entries.
func seatsOf(entries []lockstore.Entry) (seats []lockstore.SeatID) {
	for _, e := range entries {
		seats = append(seats, e.Seats...)
	}
	return seats
}

// TestJournalSeesWhatCommitsLate checks that a reader misses no entry of a transaction
// that was committed after others that began later.
func TestJournalSeesWhatCommitsLate(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 5)
	mustDo(t, s, ev, lockstore.Book(ann, "", "A1"))
	late := stalledBook(t, url, ev, 2, ben, time.Time{})
	mustDo(t, s, ev, lockstore.Book(ann, "", "A3"))
	entries, seq := mustJournal(t, s, ev, "")
	if got := seatsOf(entries); !slices.Equal(got, []lockstore.SeatID{"A1", "A3"}) {
		t.Errorf("the journal has %v", got)
	}
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, ev, lockstore.Cancel(ben, "", "A2"))
	entries, _ = mustJournal(t, s, ev, seq)
	if got := seatsOf(entries); !slices.Equal(got, []lockstore.SeatID{"A2", "A2"}) || entries[0].Kind != lockstore.KindBook {
		t.Errorf("the rest of the journal is %v", entries)
	}
	whole, _ := mustJournal(t, s, ev, "")
	if got := seatsOf(whole); !slices.Equal(got, []lockstore.SeatID{"A1", "A3", "A2", "A2"}) {
		t.Errorf("the whole journal has %v", got)
	}
}

// TestJournalUnderReaders has sellers in two processes and readers in others. All
// readers see the same entries in the same order, each once.
func TestJournalUnderReaders(t *testing.T) {
	_, url := newStore(t)
	ev := newEvent(t, 160)
	var sellers, readers sync.WaitGroup
	sold := make(chan struct{})
	for n := range 8 {
		s := storeAt(t, url)
		sellers.Go(func() {
			for _, seat := range ev.Seats[20*n : 20*n+20] {
				mustDo(t, s, ev, lockstore.Book(lockstore.UserID(fmt.Sprint("user", n)), "", seat))
			}
		})
	}
	read := make([][]lockstore.Entry, 3)
	for i := range read {
		s := storeAt(t, url)
		readers.Go(func() {
			for seq := lockstore.Seq(""); ; {
				last := false
				select {
				case <-sold:
					last = true
				default:
				}
				page, err := s.Journal(t.Context(), ev, seq, 7)
				if err != nil && !errors.Is(err, lockstore.ErrUnavailable) {
					t.Error(err)
					return
				}
				if len(page) > 0 {
					read[i] = append(read[i], page...)
					seq = page[len(page)-1].Seq
				} else if last && err == nil {
					return
				}
			}
		})
	}
	sellers.Wait()
	close(sold)
	readers.Wait()
	seats := seatsOf(read[0])
	for i := range read {
		if !slices.Equal(seatsOf(read[i]), seats) {
			t.Errorf("reader %d has another journal than reader 0", i)
		}
	}
	slices.Sort(seats)
	if len(seats) != len(ev.Seats) || len(slices.Compact(seats)) != len(ev.Seats) {
		t.Errorf("the journal has %d seats, want each of %d once", len(seats), len(ev.Seats))
	}
	at := make(map[lockstore.UserID]int)
	for _, e := range read[0] {
		position, _ := ev.Position(e.Seats[0])
		if position < at[e.User] {
			t.Errorf("%s's entry of %s comes after that of a later call", e.User, e.Seats[0])
		}
		at[e.User] = position
	}
}

// TestJournalSurvivesACrash checks that entries keep their numbers when the server is
// killed, including those that were read just before.
func TestJournalSurvivesACrash(t *testing.T) {
	t.Parallel()
	srv := pgtest.New(t, pgtest.Unsafe...)
	s := migrated(t, srv.URL("postgres"))
	ev := newEvent(t, 20)
	var before []lockstore.Entry
	var seq lockstore.Seq
	for i, seat := range ev.Seats[:10] {
		mustDo(t, s, ev, lockstore.Book(ann, lockstore.Ref(fmt.Sprint("r", i)), seat))
		var page []lockstore.Entry
		page, seq = mustJournal(t, s, ev, seq)
		before = append(before, page...)
	}
	mustDo(t, s, ev, lockstore.Book(ben, "", ev.Seats[10])) // without a number yet
	srv.Kill()
	if err := srv.Restart(); err != nil {
		t.Fatal(err)
	}
	within(t, soon, s, storetest.Event(t, "other", time.Minute, 0, storetest.Seats(40)...))
	if rest, _ := mustJournal(t, s, ev, seq); len(rest) != 1 || rest[0].User != ben {
		t.Errorf("after the crash, the journal goes on with %v", rest)
	}
	after, _ := mustJournal(t, s, ev, "")
	for i, e := range before {
		if after[i].ID != e.ID || after[i].Seq != e.Seq || !after[i].Time.Equal(e.Time) {
			t.Errorf("entry %d was %+v and is %+v", i, e, after[i])
		}
	}
}

// TestJournalOfAnotherFuture checks that a reader notices that a failover has undone
// entries that it has read, although other entries have their numbers by then.
func TestJournalOfAnotherFuture(t *testing.T) {
	t.Parallel()
	primary := pgtest.New(t, pgtest.Unsafe...)
	s := migrated(t, primary.URL("postgres"))
	ev := newEvent(t, 20)
	mustDo(t, s, ev, lockstore.Book(ann, "", "A1"))
	_, kept := mustJournal(t, s, ev, "")
	copied, err := primary.Copy() // as a standby that lags
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(copied.Close)
	mustDo(t, s, ev, lockstore.Book(ann, "", "A2"))
	_, lost := mustJournal(t, s, ev, kept)
	if err := copied.Restart(); err != nil {
		t.Fatal(err)
	}
	s = storeAt(t, copied.URL("postgres"))
	mustDo(t, s, ev, lockstore.Book(ben, "", "A3"))
	if entries, err := s.Journal(t.Context(), ev, lost, 10); !errors.Is(err, lockstore.ErrJournalReset) {
		t.Errorf("after an entry that is lost: %v, %v, want ErrJournalReset", entries, err)
	}
	if entries, _ := mustJournal(t, s, ev, kept); len(entries) != 1 || entries[0].User != ben {
		t.Errorf("after an entry that is there: %v", entries)
	}
	whole, _ := mustJournal(t, s, ev, "")
	if entries, err := s.Journal(t.Context(), ev, lost, 10); !errors.Is(err, lockstore.ErrJournalReset) {
		t.Errorf("after an entry whose number another has: %v, %v, want ErrJournalReset", entries, err)
	}
	if got := seatsOf(whole); !slices.Equal(got, []lockstore.SeatID{"A1", "A3"}) {
		t.Errorf("the journal has %v", got)
	}
}

// TestJournalThatNobodyRead checks that a journal of many new entries can be read, even
// if the statistics of the database say that all entries have a number.
func TestJournalThatNobodyRead(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 5)
	mustDo(t, s, ev, lockstore.Book(ann, "", "A1"))
	mustJournal(t, s, ev, "")
	ctl := admin(t, url)
	const add = `INSERT INTO seatlock.entry (event, kind, seats, made) SELECT (SELECT max(event) FROM seatlock.entry), 'book', '{A2}', now() FROM generate_series(1, $1)`
	mustExec(t, ctl, add, 20_000)
	mustExec(t, ctl, "UPDATE seatlock.entry SET number = drawn")
	mustExec(t, ctl, "ANALYZE seatlock.entry")
	mustExec(t, ctl, add, 20_000)
	if _, err := s.Journal(t.Context(), ev, "", lockstore.MaxEntries); err != nil {
		t.Error(err)
	}
	_, holdings := s.Roster(t.Context(), ev, lockstore.Filter{User: ann})
	for h, err := range holdings {
		if err != nil || h.Seat != "A1" {
			t.Errorf("%v, %v", h, err)
		}
	}
}

// TestRefusedCallsDrawNoNumber checks that calls with an old layout use up none of the
// numbers that the database gives events.
func TestRefusedCallsDrawNoNumber(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 5)
	ev.Revision = 1
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	other := newEvent(t, 6)
	other.ID = ev.ID
	ctl := admin(t, url)
	last := func() (n int) {
		if err := ctl.QueryRow(t.Context(), "SELECT last_value FROM pg_sequences WHERE schemaname = 'seatlock' AND sequencename = 'event_id_seq'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := last()
	for range 10 {
		if _, err := s.List(t.Context(), other, ""); !errors.Is(err, lockstore.ErrOtherSeats) {
			t.Fatal(err)
		}
	}
	if after := last(); after != before {
		t.Errorf("10 refused calls drew %d numbers", after-before)
	}
}
