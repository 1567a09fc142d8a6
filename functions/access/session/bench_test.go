package session_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/session"
	"seatlock/lockstore"
)

// BenchmarkCheck measures the cost of identifying a guest, and of charging a lock to
// the guest's budget.
func BenchmarkCheck(b *testing.B) {
	sealer, err := session.NewSealer(key)
	if err != nil {
		b.Fatal(err)
	}
	sessions, err := session.New(sealer, session.Options{Guests: true})
	if err != nil {
		b.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := sessions.Set(w, httptest.NewRequest("GET", "/session", nil), session.Of("guest-fd3vxqs6chhmj5nvzxmzmk4avu")); err != nil {
		b.Fatal(err)
	}
	p := &access.Policy{Sessions: sessions, Locks: access.NewBudget(1e12)}
	r := httptest.NewRequest("POST", "/lock", nil)
	r.AddCookie(w.Result().Cookies()[0])
	b.Run("session", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Check(r, access.Buy); err != nil {
				b.Fatal(err)
			}
		}
	})
	c, err := p.Check(r, access.Buy)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	names := make([]lockstore.SeatID, 100000)
	for i := range names {
		names[i] = lockstore.SeatID("S" + string(rune('A'+i%26)) + time.Duration(i).String())
	}
	b.Run("budget", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			seats := names[i%len(names) : i%len(names)+1]
			ch, err := p.Afford(c, access.Hold{Event: "gala", User: c.User(), Seats: seats, Now: now, TTL: time.Minute, Max: time.Hour})
			if err != nil {
				b.Fatal(err)
			}
			ch.Keep(seats, now)
		}
	})
}
