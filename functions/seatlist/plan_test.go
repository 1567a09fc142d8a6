package seatlist_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/seatlist"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A partsList is the counts of a list as a client reads them.
type partsList struct {
	Counts     counts
	Areas      []part
	Categories []part
	Seats      []seat
}

type counts struct{ Available, Locked, Booked, Blocked int }

type part struct {
	Section, Category string
	counts
}

func (n *counts) add(status lockstore.Status) {
	switch status {
	case lockstore.Available:
		n.Available++
	case lockstore.Locked:
		n.Locked++
	case lockstore.Booked:
		n.Booked++
	case lockstore.Blocked:
		n.Blocked++
	}
}

func partsOf(t *testing.T, l *seatlist.List) (decoded partsList) {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(l.Gzip()))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	l.WriteTo(&plain) // writing to a buffer cannot fail
	if !bytes.Equal(packed, plain.Bytes()) || plain.Len() != l.Len() {
		t.Fatalf("a list of %d bytes is\n%s\nand compressed\n%s", l.Len(), &plain, packed)
	}
	if err := json.Unmarshal(packed, &decoded); err != nil {
		t.Fatalf("%v in %s", err, packed)
	}
	return decoded
}

// A follower keeps the counts of categories as a client does that polls for changes.
type follower struct {
	version    lockstore.Version
	categories []part
	left       int // how many counts lists have left out
}

// read applies a list.
func (f *follower) read(version lockstore.Version, l partsList) {
	f.version = version
	f.left += len(f.categories) - len(l.Categories)
	for _, c := range l.Categories {
		at := slices.IndexFunc(f.categories, func(known part) bool { return known.Category == c.Category })
		if at < 0 {
			f.categories = append(f.categories, c)
		} else {
			f.categories[at] = c
		}
	}
}

// TestPartsAreCounted checks that every list has the numbers of seats and places in
// each state, for the event, each category and each area, and does not list places,
// whatever block boundaries the areas cross. Lists of changes leave out the categories
// that have not changed, also for a client that polls one process and then another.
func TestPartsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ev := new(memstore.Store), event(t, 1500)
		areas := []seatlist.Area{{Name: `Floor "A"`, First: 300, End: 310}, {Name: "Floor", First: 310, End: 1400}, {Name: "Bar", First: 1400, End: 1500}}
		categories := []string{"first", `"second"`, "third"}
		categoryOf := func(at int) int { return max(-1, min(at%5-2+at/1400, 2)) } // some have no category
		plan := seatlist.NewPlan(ev.Layout, seatlist.Parts{Areas: areas, Categories: categories, CategoryOf: categoryOf})
		feed, random := seatlist.New(store, ev, plan), rand.New(rand.NewPCG(1, 20))
		feeds, client := []*seatlist.Feed{feed, seatlist.New(store, ev, plan)}, new(follower)
		for step := range 60 {
			before, err := feed.Refresh(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range random.IntN(6) {
				at := random.IntN(1490)
				seats, user := ev.Seats[at:at+1+random.IntN(9)*random.IntN(2)], lockstore.UserID(fmt.Sprint("user", step))
				ops := []lockstore.Op{lockstore.Lock(user, seats...), lockstore.Book(user, "", seats...), lockstore.Block("", seats...), lockstore.Unblock(seats...)}
				_, _ = store.Do(t.Context(), ev, ops[random.IntN(len(ops))]) // some fail
			}
			time.Sleep(time.Duration(random.IntN(30)) * time.Second)
			now, err := feed.Refresh(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			snap, err := store.List(t.Context(), ev, "")
			if err != nil {
				t.Fatal(err)
			}
			status := make([]lockstore.Status, 1500)
			for i := range status {
				status[i] = lockstore.Available
			}
			for _, s := range snap.Seats {
				status[s.Position] = s.Status
			}
			want := partsList{Areas: make([]part, 3), Categories: make([]part, 3)}
			for at, s := range status {
				want.Counts.add(s)
				if c := categoryOf(at); c >= 0 {
					want.Categories[c].add(s)
				}
				for i, a := range areas {
					if a.First <= at && at < a.End {
						want.Areas[i].add(s)
					}
				}
			}
			for i := range 3 {
				want.Areas[i].Section, want.Categories[i].Category = areas[i].Name, categories[i]
			}
			for name, l := range map[string]*seatlist.List{
				"all": now.Since(""), "the changes": now.Since(before.Since("").Version), "locked": now.WithStatus(lockstore.Locked),
			} {
				got := partsOf(t, l)
				if name == "the changes" {
					got.Categories = want.Categories // the client below checks them
				}
				for _, s := range got.Seats {
					if at, _ := ev.Position(lockstore.SeatID(s.SeatID)); at >= 300 {
						t.Fatalf("step %d, %s: the place %s is listed", step, name, s.SeatID)
					}
				}
				if got.Seats = nil; !reflect.DeepEqual(got, want) {
					t.Fatalf("step %d, %s: the counts are\n%+v, want\n%+v", step, name, got, want)
				}
			}
			l, err := feeds[random.IntN(2)].List(t.Context(), client.version)
			if err != nil {
				t.Fatal(err)
			}
			client.read(l.Version, partsOf(t, l))
			if !reflect.DeepEqual(client.categories, want.Categories) {
				t.Fatalf("step %d: a client that asks for changes counts\n%+v, want\n%+v", step, client.categories, want.Categories)
			}
			was := make(map[int]lockstore.Status)
			for at, status := range before.Changed(nil) {
				was[at] = status
			}
			for at, status := range now.Changed(before) {
				was[at] = status
			}
			for at, s := range status {
				if was[at] != s || now.Status(at) != s {
					t.Fatalf("step %d: seat %d is %v after the changes, and %v", step, at, was[at], now.Status(at))
				}
			}
		}
		if client.left == 0 {
			t.Error("no list of changes left out a category that had not changed")
		}
	})
}

// TestLocksThatEndedBeforeAFeedBegan checks that a client that polls another process after
// a lock ended gets the counts of the category that is all available again, although
// neither the version nor a seat has changed.
func TestLocksThatEndedBeforeAFeedBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ev := new(memstore.Store), event(t, 300)
		plan := seatlist.NewPlan(ev.Layout, seatlist.Parts{Categories: []string{"first", "second"}, CategoryOf: func(at int) int { return at % 2 }})
		lock(t, store, ev, "ann", ev.Seats[0])
		client := new(follower)
		poll := func(f *seatlist.Feed) {
			t.Helper()
			l, err := f.List(t.Context(), client.version)
			if err != nil {
				t.Fatal(err)
			}
			client.read(l.Version, partsOf(t, l))
		}
		want := func(available, locked int) {
			t.Helper()
			if got := client.categories[0]; got.Available != available || got.Locked != locked {
				t.Errorf("the client counts %+v, want %d available and %d locked", got, available, locked)
			}
		}
		poll(seatlist.New(store, ev, plan))
		want(149, 1)
		time.Sleep(2 * time.Hour)
		begun := seatlist.New(store, ev, plan)
		if _, err := begun.Refresh(t.Context()); err != nil { // it meets the version now
			t.Fatal(err)
		}
		late := *client
		late.categories = slices.Clone(client.categories)
		poll(begun)
		want(150, 0)

		lock(t, store, ev, "ben", ev.Seats[1])
		client = &late
		poll(begun)
		want(150, 0)
		left := client.left
		poll(begun)
		if n := client.left - left; n != 1 {
			t.Errorf("a list of changes left out %d categories, want the one that cannot have changed", n)
		}
	})
}

// TestEventsShareWhatNobodyHasTaken checks that events of one Plan have lists of their
// own, and that events without changes share the memory of the seats.
func TestEventsShareWhatNobodyHasTaken(t *testing.T) {
	store, first := new(memstore.Store), event(t, 2500)
	plan := seatlist.NewPlan(first.Layout, seatlist.Parts{})
	list := func(n int) *seatlist.List {
		ev := *first
		ev.ID = lockstore.EventID(fmt.Sprint("event", n))
		if n == 1 {
			lock(t, store, &ev, "ann", ev.Seats[700])
		}
		l, err := seatlist.New(store, &ev, plan).List(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if got := decoded(t, list(0), nil); len(got.taken()) != 0 || got.EventID != "event0" {
		t.Errorf("event %s has %v taken, want none", got.EventID, got.taken())
	}
	decoded(t, list(1), nil).want(t, "S700 locked")
	const events = 50
	var kept [events]*seatlist.List
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range events {
		kept[n] = list(2 + n)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / events; each > 10_000 {
		t.Errorf("each further event of 2,500 seats takes %d bytes, want at most 10,000: its list has %d", each, kept[0].Len())
	}
}

// TestManyAreas checks that lists with a very long beginning are compressed well.
func TestManyAreas(t *testing.T) {
	store, ev := new(memstore.Store), event(t, 1000)
	var given []seatlist.Area
	for i := range 900 {
		given = append(given, seatlist.Area{Name: strings.Repeat("é", 95) + fmt.Sprint(i), First: 100 + i, End: 101 + i})
	}
	feed := seatlist.New(store, ev, seatlist.NewPlan(ev.Layout, seatlist.Parts{Areas: given}))
	lock(t, store, ev, "ann", ev.Seats[0], ev.Seats[999])
	l, err := feed.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	got := partsOf(t, l)
	if len(got.Areas) != 900 || got.Areas[898].Available != 1 || got.Areas[899].Available != 0 || !slices.Equal(got.Seats[0:2], []seat{{"S0", "locked", got.Seats[0].ExpiresAt}, {"S1", "available", ""}}) {
		t.Errorf("the last areas are %v, the first seats %v", got.Areas[len(got.Areas)-2:], got.Seats[:2])
	}
}
