package seatlist_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/seatlist"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// An areasList is the areas of a list as a client reads them.
type areasList struct {
	Areas []struct {
		Section   string
		Available int
	}
	Seats []seat
}

func areasOf(t *testing.T, l *seatlist.List) (decoded areasList) {
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
	l.WriteTo(&plain) // cannot fail in a buffer
	if !bytes.Equal(packed, plain.Bytes()) || plain.Len() != l.Len() {
		t.Fatalf("a list of %d bytes is\n%s\nand compressed\n%s", l.Len(), &plain, packed)
	}
	if err := json.Unmarshal(packed, &decoded); err != nil {
		t.Fatalf("%v in %s", err, packed)
	}
	return decoded
}

// TestAreasAreCounted checks that lists have how many places of each area are available,
// and none of the places, whatever boundaries of blocks the areas cross.
func TestAreasAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ev := new(memstore.Store), event(t, 1500)
		given := []seatlist.Area{{Name: `Floor "A"`, First: 300, End: 310}, {Name: "Floor", First: 310, End: 1400}, {Name: "Bar", First: 1400, End: 1500}}
		feed, random := seatlist.New(store, ev, given...), rand.New(rand.NewPCG(1, 20))
		for step := range 60 {
			before, err := feed.Refresh(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range random.IntN(6) {
				at := random.IntN(1490)
				op := lockstore.Lock(lockstore.UserID(fmt.Sprint("user", step)), ev.Seats[at:at+1+random.IntN(9)]...)
				_, _ = store.Do(t.Context(), ev, op) // some are refused
			}
			time.Sleep(time.Duration(random.IntN(30)) * time.Second)
			now, err := feed.Refresh(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			taken := make([]bool, 1500)
			snap, err := store.List(t.Context(), ev, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range snap.Seats {
				taken[s.Position] = s.Status != lockstore.Available
			}
			for name, l := range map[string]*seatlist.List{
				"all": now.Since(""), "the changes": now.Since(before.Since("").Version), "locked": now.WithStatus(lockstore.Locked),
			} {
				got := areasOf(t, l)
				for i, a := range given {
					free := 0
					for at := a.First; at < a.End; at++ {
						if !taken[at] {
							free++
						}
					}
					if len(got.Areas) != 3 || got.Areas[i].Section != a.Name || got.Areas[i].Available != free {
						t.Fatalf("step %d, %s: the areas are %v, want %d of %s", step, name, got.Areas, free, a.Name)
					}
				}
				for _, s := range got.Seats {
					if at, _ := ev.Position(lockstore.SeatID(s.SeatID)); at >= 300 {
						t.Fatalf("step %d, %s: the place %s is listed", step, name, s.SeatID)
					}
				}
			}
			was := make(map[int]lockstore.Status)
			for at, status := range before.Changed(nil) {
				was[at] = status
			}
			for at, status := range now.Changed(before) {
				was[at] = status
			}
			for at := range taken {
				if (was[at] != lockstore.Available) != taken[at] || now.Status(at) != was[at] {
					t.Fatalf("step %d: seat %d is %v after the changes, and %v", step, at, was[at], now.Status(at))
				}
			}
		}
	})
}

// TestManyAreas checks that lists with a very long beginning are compressed well.
func TestManyAreas(t *testing.T) {
	store, ev := new(memstore.Store), event(t, 1000)
	var given []seatlist.Area
	for i := range 900 {
		given = append(given, seatlist.Area{Name: strings.Repeat("é", 95) + fmt.Sprint(i), First: 100 + i, End: 101 + i})
	}
	feed := seatlist.New(store, ev, given...)
	lock(t, store, ev, "ann", ev.Seats[0], ev.Seats[999])
	l, err := feed.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	got := areasOf(t, l)
	if len(got.Areas) != 900 || got.Areas[898].Available != 1 || got.Areas[899].Available != 0 || !slices.Equal(got.Seats[0:2], []seat{{"S0", "locked", got.Seats[0].ExpiresAt}, {"S1", "available", ""}}) {
		t.Errorf("the last areas are %v, the first seats %v", got.Areas[len(got.Areas)-2:], got.Seats[:2])
	}
}
