package redisstore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"seatlock/lockstore"
)

// keysLike returns the keys that begin like those of the event.
func keysLike(m *miniredis.Miniredis, ev *lockstore.Event) []string {
	return slices.DeleteFunc(m.Keys(), func(key string) bool { return !strings.HasPrefix(key, tag(ev)) })
}

// neighbour sells seats of an event whose id begins like that of another, and returns it.
func neighbour(t *testing.T, s *Store, ev *lockstore.Event) *lockstore.Event {
	t.Helper()
	other := *ev
	other.ID += "2"
	do(t, s, &other, lockstore.Book("ann", "r", "A1"))
	do(t, s, &other, lockstore.Lock("ben", "A2"))
	return &other
}

// checkForgotten checks that only the event's order is left of it, that the id can
// be used again with the seats in another order, and that the other event is as it was.
func checkForgotten(t *testing.T, m *miniredis.Miniredis, s *Store, old, other *lockstore.Event) {
	t.Helper()
	if keys := keysLike(m, old); len(keys) > 0 {
		t.Errorf("keys of the forgotten event: %q", keys)
	}
	if booked, known, err := s.Booked(t.Context(), old.ID); booked != 0 || known || err != nil {
		t.Errorf("booked seats of the forgotten event: %d, %v, %v, want none", booked, known, err)
	}
	if orders, err := s.Orders(t.Context(), old.ID, ""); len(orders) != 1 || err != nil {
		t.Errorf("orders of the forgotten event: %v, %v, want one", orders, err)
	}
	next := revised(t, old, 0, "A3", "A2", "A1")
	if taken := list(t, s, next).Seats; len(taken) > 0 {
		t.Errorf("the id that is used anew has %v", taken)
	}
	do(t, s, next, lockstore.Lock("cat", "A1"))
	if entries, err := s.Journal(t.Context(), next, "", 10); len(entries) > 0 || err != nil {
		t.Errorf("the new journal has %v, %v, want nothing", entries, err)
	}
	checkAudit(t, s, next)
	checkAudit(t, s, other)
	if taken := list(t, s, other).Seats; len(taken) != 2 {
		t.Errorf("the other event has %v, want 2 seats", taken)
	}
}

// TestForgetResumes checks that an event that was only forgotten in part, wherever that
// was interrupted, is either fully in use or refused by every call, and that Forget then
// completes it.
func TestForgetResumes(t *testing.T) {
	for cut, done := 0, false; !done; cut++ {
		bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
			ev, _ := sold(t, s)
			other := neighbour(t, s, ev)
			mustPut(t, s, lockstore.Order{ID: "order", Event: ev.ID})
			if booked, known, err := s.Booked(t.Context(), ev.ID); booked != 1 || !known || err != nil {
				t.Errorf("booked seats: %d, %v, %v, want 1", booked, known, err)
			}
			trips := 0
			m.Server().SetPreHook(func(c *server.Peer, name string, _ ...string) bool {
				if !slices.Contains([]string{"EVAL", "EVALSHA", "SCAN"}, name) {
					return false
				}
				if trips++; trips > cut {
					c.Close()
					return true
				}
				return false
			})
			err := s.Forget(t.Context(), ev.ID)
			if done = err == nil; done && cut < 4 {
				t.Errorf("Forget succeeds with %d trips, want more", cut)
			}
			m.Server().SetPreHook(nil)
			text, _ := m.Get(mapKey(ev))
			switch {
			case done:
			case text == mapText(ev):
				checkAudit(t, s, ev)
			default:
				before := m.Dump()
				for call, err := range every(t, s, ev) {
					if !errors.Is(err, lockstore.ErrUnavailable) || !strings.Contains(err.Error(), "-forget") {
						t.Errorf("%s of an event that is being forgotten: %v", call, err)
					}
				}
				if _, err := s.Rebuild(t.Context(), ev); !errors.Is(err, errForgotten) {
					t.Errorf("Rebuild of an event that is being forgotten: %v", err)
				}
				if err := s.Open(t.Context(), revised(t, ev, 7, "B1")); !errors.Is(err, errForgotten) {
					t.Errorf("a new layout of an event that is being forgotten: %v", err)
				}
				if m.Dump() != before {
					t.Error("calls have changed an event that is being forgotten")
				}
			}
			if err := s.Forget(t.Context(), ev.ID); err != nil {
				t.Errorf("Forget after one that was cut off after %d trips: %v", cut, err)
			}
			checkForgotten(t, m, s, ev, other)
		})
	}
}

// TestSlowForgetSparesTheNextEvent checks that a call that goes on after another one has
// forgotten the event deletes nothing of a new event with the same id.
func TestSlowForgetSparesTheNextEvent(t *testing.T) {
	begin := func(t *testing.T, s *Store, ev *lockstore.Event, nonce string) {
		t.Helper()
		if _, err := s.eval(t.Context(), forgetBeginScript, []any{mapKey(ev)}, forgetting+nonce, forgetting); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		next  func(*testing.T, *Store, *lockstore.Event)
		ended bool
		want  error
	}{
		"nothing":         {func(*testing.T, *Store, *lockstore.Event) {}, true, nil},
		"sold anew":       {func(*testing.T, *Store, *lockstore.Event) {}, false, lockstore.ErrUnavailable},
		"forgotten again": {func(t *testing.T, s *Store, ev *lockstore.Event) { begin(t, s, ev, "other") }, false, lockstore.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
				ev, _ := sold(t, s)
				begin(t, s, ev, "slow")
				if err := s.Forget(t.Context(), ev.ID); err != nil { // this completes what the slow one began
					t.Fatal(err)
				}
				if !c.ended {
					do(t, s, ev, lockstore.Book("cat", "r", "A1"))
				}
				c.next(t, s, ev)
				before := m.Dump()
				ended, err := s.forgetKeys(t.Context(), ev, forgetting+"slow", []string{seatKey(ev, "A1"), mapKey(ev)})
				if ended != c.ended || !errors.Is(err, c.want) || m.Dump() != before {
					t.Errorf("the slow call: %v, %v, want %v, %v and no change", ended, err, c.ended, c.want)
				}
			})
		})
	}
}

// TestForgetOfOtherFormats checks that events that older versions wrote can be forgotten.
func TestForgetOfOtherFormats(t *testing.T) {
	for name, restore := range map[string]func(*testing.T, *Store) *lockstore.Event{"1": restoreFormat1, "2": restoreFormat2} {
		bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
			ev := restore(t, s)
			if booked, known, err := s.Booked(t.Context(), ev.ID); booked != 2 || !known || err != nil {
				t.Errorf("booked seats of format %s: %d, %v, %v, want 2", name, booked, known, err)
			}
			if err := s.Forget(t.Context(), ev.ID); err != nil || len(m.Keys()) > 0 {
				t.Errorf("Forget of format %s: %v, and the keys are %q", name, err, m.Keys())
			}
		})
	}
}
