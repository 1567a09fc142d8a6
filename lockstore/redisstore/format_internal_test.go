package redisstore

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// restoreFormat1 writes an event that the last version of format 1 made, and
// returns it. testdata/format1.txt has the commands, quoted, with the times of a
// synctest bubble: ann has booked A1. Her lock on A2 and ben's on A3 ended at 60
// seconds. At 61 seconds cat locked A3 and A4, and "d:é" booked A6 and locked A7,
// for a minute.
func restoreFormat1(t *testing.T, s *Store) *lockstore.Event { return restore(t, s, "format1") }

// restoreFormat2 writes the same event in the form that the last version of format 2 made.
func restoreFormat2(t *testing.T, s *Store) *lockstore.Event { return restore(t, s, "format2") }

func restore(t *testing.T, s *Store, name string) *lockstore.Event {
	t.Helper()
	time.Sleep(62 * time.Second)
	text, err := os.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var words []any
		for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				t.Fatal(err)
			}
			word, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatal(err)
			}
			words, line = append(words, word), line[len(quoted):]
		}
		if err := s.redis.Do(t.Context(), words...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return storetest.Event(t, "hamlet", time.Minute, 3, storetest.Seats(10)...)
}

// every calls each method of the store.
func every(t *testing.T, s *Store, ev *lockstore.Event) map[string]error {
	t.Helper()
	errs := make(map[string]error)
	for _, op := range oneOfEach("ann", ev.Seats[0], ev.Seats[1]) {
		_, errs[op.Kind.String()] = s.Do(t.Context(), ev, op)
	}
	_, holdings := s.Roster(t.Context(), ev, lockstore.Filter{})
	for _, err := range holdings {
		errs["roster"] = err
	}
	_, errs["journal"] = s.Journal(t.Context(), ev, "", 1)
	_, errs["list"] = s.List(t.Context(), ev, "")
	errs["wait"] = s.Wait(t.Context(), ev, "")
	errs["open"] = s.Open(t.Context(), ev)
	_, errs["audit"] = s.Audit(t.Context(), ev)
	return errs
}

// oneOfEach returns a valid operation of each kind.
func oneOfEach(user lockstore.UserID, seat, other lockstore.SeatID) []lockstore.Op {
	return []lockstore.Op{
		lockstore.Lock(user, seat), lockstore.Extend(user, time.Now().Add(time.Minute), seat), lockstore.Confirm(user, seat),
		lockstore.Release(user, seat), lockstore.Book(user, "ref", seat), lockstore.Cancel(user, "", seat),
		lockstore.Move(user, "", []lockstore.SeatID{seat}, []lockstore.SeatID{other}),
		lockstore.Block("why", seat), lockstore.Unblock(seat), lockstore.Evict("", seat),
	}
}

// TestOtherFormatsAreRefused checks that nothing can be done with an event that
// another version wrote, and that the error says what to do.
func TestOtherFormatsAreRefused(t *testing.T) {
	for name, found := range map[string]struct {
		text  func(fingerprint string) string
		error error
		says  string
	}{
		"older":                  {func(f string) string { return f }, ErrFormat, "an older one; end every process of that version, then run seatlock once with -redis-rebuild"},
		"newer":                  {func(f string) string { return "4 " + f }, ErrFormat, "a newer one"},
		"much newer":             {func(string) string { return "seatlock/10" }, ErrFormat, "a newer one"},
		"half migrated":          {func(f string) string { return migrating + f }, ErrFormat, "run seatlock once with -redis-rebuild"},
		"older with other seats": {func(f string) string { return strings.Repeat("0", len(f)) }, lockstore.ErrOtherSeats, ""},
		"other seats":            {func(f string) string { return format + strings.Repeat("0", len(f)) }, lockstore.ErrOtherSeats, ""},
		"format 2, other seats":  {func(f string) string { return format2 + strings.Repeat("0", len(f)) }, lockstore.ErrOtherSeats, "with the seat map that it has"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
				ev := restoreFormat1(t, s)
				text := found.text(ev.Fingerprint())
				if err := m.Set(mapKey(ev), text); err != nil {
					t.Fatal(err)
				}
				before := m.Dump()
				for call, err := range every(t, s, ev) {
					if !errors.Is(err, found.error) || !strings.Contains(err.Error(), found.says) {
						t.Errorf("%s: %v, want %v that says %q", call, err, found.error, found.says)
					}
				}
				if after := m.Dump(); after != before {
					t.Errorf("the keys were\n%s\nand are\n%s", before, after)
				}
			})
		})
	}
}

// TestFormat1RefusesThisOne checks that the script with which the last version of
// format 1 locked seats, testdata/format1_lock.lua, refuses an event of this format.
func TestFormat1RefusesThisOne(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		script, err := os.ReadFile("testdata/format1_lock.lua")
		if err != nil {
			t.Fatal(err)
		}
		lock := func(ev *lockstore.Event) any {
			keys := []string{mapKey(ev), seatKey(ev, "A2"), viewKey(ev), logKey(ev), tag(ev) + ":users", tag(ev) + ":forget"}
			answer, err := s.redis.Eval(t.Context(), string(script), keys, ev.Fingerprint(), "nonce", 60000, 0, 0, 1, recordLen, "ben").Result()
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
		if _, ok := lock(storetest.Event(t, "new", time.Minute, 0, "A1", "A2")).([]any); !ok {
			t.Error("the older version does not lock a seat of a new event")
		}
		ev := eventOf(t, 3, 0)
		do(t, s, ev, lockstore.Lock("ann", "A1"))
		before := m.Dump()
		if answer := lock(ev); answer != "other_seats" || m.Dump() != before {
			t.Errorf("the older version locks a seat: %v, want other_seats and no change", answer)
		}
	})
}

// TestFormat2RefusesThisOne checks that the script of the last version of format 2,
// testdata/format2_lock.lua, works until this version takes the event over, and then
// refuses it.
func TestFormat2RefusesThisOne(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		script, err := os.ReadFile("testdata/format2_lock.lua")
		if err != nil {
			t.Fatal(err)
		}
		ev := restoreFormat2(t, s)
		lock := func(seat lockstore.SeatID, place int) any {
			keys := []string{mapKey(ev), seatKey(ev, seat), userKey(ev, "ben"), viewKey(ev), logKey(ev)}
			answer, err := s.redis.Eval(t.Context(), string(script), keys, format2Text(ev), "nonce", 60000, 0, 0, 1, place).Result()
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
		if _, ok := lock("A8", 7*recordLen).([]any); !ok {
			t.Error("the older version does not lock a seat of its own event")
		}
		if err := s.Open(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		before := m.Dump()
		if answer := lock("A9", 8*recordLen); answer != mapText(ev) || m.Dump() != before {
			t.Errorf("the older version locks a seat: %v, want %q and no change", answer, mapText(ev))
		}
	})
}

// TestFormat2IsTakenOver checks that every call takes over an event of format 2, and
// that seats, ends, users, limits, expired locks and versions are what they were.
func TestFormat2IsTakenOver(t *testing.T) {
	for name, first := range map[string]func(*testing.T, *Store, *lockstore.Event) error{
		"open": func(t *testing.T, s *Store, ev *lockstore.Event) error { return s.Open(t.Context(), ev) },
		"list": func(t *testing.T, s *Store, ev *lockstore.Event) error {
			_, err := s.List(t.Context(), ev, "")
			return err
		},
		"do": func(t *testing.T, s *Store, ev *lockstore.Event) error {
			_, err := s.Do(t.Context(), ev, lockstore.Release("cat", "A10"))
			return err
		},
		"rebuild": func(t *testing.T, s *Store, ev *lockstore.Event) error {
			_, err := s.Rebuild(t.Context(), ev)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
				ev := restoreFormat2(t, s)
				log, err := m.Stream(logKey(ev))
				if err != nil {
					t.Fatal(err)
				}
				last := log[len(log)-1]
				version := lockstore.Version(last.ID + "-" + last.Values[0])
				if err := first(t, s, ev); err != nil {
					t.Fatal(err)
				}
				if text, err := m.Get(mapKey(ev)); err != nil || text != mapText(ev) {
					t.Errorf("the map key is %q, %v, want %q", text, err, mapText(ev))
				}
				if text, err := m.Get(layoutKey(ev)); err != nil || text != layoutText(ev) {
					t.Errorf("the layout is %q, %v, want %q", text, err, layoutText(ev))
				}
				if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) > 0 {
					t.Errorf("Audit: %v, %v", differ, err)
				}
				if snap, err := s.List(t.Context(), ev, version); err != nil || snap.Full || len(snap.Seats) > 0 {
					t.Errorf("the changes since the last version are %+v, %v, want none", snap, err)
				}
				for user, want := range map[lockstore.UserID]error{"ann": lockstore.LockExpired, "ben": lockstore.LockExpired, "eve": lockstore.LockNotHeld} {
					seat := map[lockstore.UserID]lockstore.SeatID{"ann": "A2", "ben": "A3", "eve": "A3"}[user]
					if _, err := s.Do(t.Context(), ev, lockstore.Confirm(user, seat)); !errors.Is(err, want) {
						t.Errorf("confirm of %s by %s: %v, want %v", seat, user, err, want)
					}
				}
				do(t, s, ev, lockstore.Confirm("cat", "A3"))
				do(t, s, ev, lockstore.Confirm("d:é", "A6", "A7"))
				if _, err := s.Do(t.Context(), ev, lockstore.Lock("d:é", "A8", "A9")); !errors.Is(err, lockstore.OverSeatLimit) {
					t.Errorf("a user with two bookings and a limit of three locks two seats: %v", err)
				}
				do(t, s, ev, lockstore.Cancel("ann", "", "A1"))
				do(t, s, ev, lockstore.Evict("", "A4"))
			})
		})
	}
}

// TestRebuildMigrates checks that Rebuild converts an event of format 1 to this
// format: seats, ends, users and limits are what they were.
func TestRebuildMigrates(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := restoreFormat1(t, s)
		before := time.Now()
		if differ, err := s.Rebuild(t.Context(), ev); err != nil || len(differ) > 0 {
			t.Fatalf("Rebuild: %v, %v", differ, err)
		}
		if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) > 0 {
			t.Errorf("Audit: %v, %v", differ, err)
		}
		if got, want := m.TTL(userKey(ev, "cat")), 59*time.Second+lockstore.LapseMemory; got != want {
			t.Errorf("the set of cat, who has locks, is kept for %v, want %v", got, want)
		}
		if got := m.TTL(userKey(ev, "d:é")); got != 0 {
			t.Errorf("the set of a user who has booked is kept for %v, want for good", got)
		}
		snap, err := s.List(t.Context(), ev, "")
		end := before.Add(59 * time.Second).UnixMilli() // of the locks made a second before
		want := []lockstore.ListedSeat{
			{Position: 0, Status: lockstore.Booked},
			{Position: 2, Status: lockstore.Locked, Expires: end},
			{Position: 3, Status: lockstore.Locked, Expires: end},
			{Position: 5, Status: lockstore.Booked},
			{Position: 6, Status: lockstore.Locked, Expires: end},
		}
		if err != nil || !slices.Equal(snap.Seats, want) {
			t.Errorf("the list is %v, %v, want %v", snap.Seats, err, want)
		}
		do(t, s, ev, lockstore.Confirm("ann", "A1"))
		do(t, s, ev, lockstore.Confirm("d:é", "A6", "A7"))
		if _, err := s.Do(t.Context(), ev, lockstore.Lock("d:é", "A8", "A9")); !errors.Is(err, lockstore.OverSeatLimit) {
			t.Errorf("a user with two bookings and a limit of three locks two seats: %v", err)
		}
		for _, key := range m.Keys() {
			if strings.HasSuffix(key, ":users") || strings.HasSuffix(key, ":forget") {
				t.Errorf("%s is still there", key)
			}
		}
		time.Sleep(59 * time.Second)
		if _, err := s.Do(t.Context(), ev, lockstore.Confirm("cat", "A3")); !errors.Is(err, lockstore.LockExpired) {
			t.Errorf("confirm of a migrated lock after its end: %v, want %v", err, lockstore.LockExpired)
		}
	})
}

// TestMigrationResumes checks that a migration that was interrupted anywhere is completed
// by the next one.
func TestMigrationResumes(t *testing.T) {
	for cut, done := 0, false; !done; cut++ {
		bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
			ev := restoreFormat1(t, s)
			trips := 0
			m.Server().SetPreHook(func(c *server.Peer, name string, _ ...string) bool {
				if !slices.Contains([]string{"EVAL", "EVALSHA", "MGET", "UNLINK"}, name) {
					return false
				}
				if trips++; trips > cut {
					c.WriteError("ERR cut")
					return true
				}
				return false
			})
			_, err := s.Rebuild(t.Context(), ev)
			if done = err == nil; done && cut < 10 {
				t.Errorf("Rebuild succeeds with %d trips, want more", cut)
			}
			m.Server().SetPreHook(nil)
			text, err := m.Get(mapKey(ev))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.List(t.Context(), ev, ""); (err == nil) != (text == mapText(ev)) || err != nil && !errors.Is(err, ErrFormat) {
				t.Errorf("List after %d trips of a migration, when the map key is %q: %v", cut, text, err)
			}
			if _, err := s.Rebuild(t.Context(), ev); err != nil {
				t.Errorf("Rebuild after one that was cut off after %d trips: %v", cut, err)
			}
			do(t, s, ev, lockstore.Confirm("cat", "A3", "A4"))
			do(t, s, ev, lockstore.Confirm("d:é", "A6", "A7"))
			if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) > 0 {
				t.Errorf("Audit: %v, %v", differ, err)
			}
		})
	}
}
