package main

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestParties checks that buyers who want seats together get them and are counted, and that
// the server's answers to them are checked like others.
func TestParties(t *testing.T) {
	t.Parallel()
	r, err := stampede(t.Context(), t, serve(t, new(memstore.Store)), "-party", "4")
	if err != nil {
		t.Fatalf("%v: %+v", err, r.Verdict)
	}
	got := r.Parties
	if got.Of != 4 || got.Seated == 0 || got.Refused == 0 || got.NotTogether != 0 || r.Buyers[noPlace] != got.Refused {
		t.Errorf("the parties are %+v, the buyers %v", got, r.Buyers)
	}
	if r.Verdict.Bookings == 0 || r.Verdict.Bookings%4 != 0 {
		t.Errorf("%d seats were booked, want whole parties", r.Verdict.Bookings)
	}
}

// A scatterer gives everybody the same seats.
type scatterer []lockstore.SeatID

func (s scatterer) Pick(context.Context, *lockstore.Event, lockstore.UserID, client.Wanted) (client.Picked, error) {
	return client.Picked{Seats: s, Together: true, Expires: time.Now().Add(time.Minute)}, nil
}

// TestPartiesApart checks that a party that did not get seats together is counted, whatever
// the server says about the seats.
func TestPartiesApart(t *testing.T) {
	for name, c := range map[string]struct {
		seats scatterer
		want  int
	}{
		"together": {scatterer{"S3", "S2"}, 0},
		"apart":    {scatterer{"S1", "S3"}, 1},
		"too few":  {scatterer{"S1"}, 1},
		"foreign":  {scatterer{"S1", "T2"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			layout, err := lockstore.NewLayout([]lockstore.SeatID{"S1", "S2", "S3", "S4"})
			if err != nil {
				t.Fatal(err)
			}
			ev, err := lockstore.NewEvent("event", layout, time.Minute, 0)
			if err != nil {
				t.Fatal(err)
			}
			crowd := newCrowd(settings{party: 2}, new(memstore.Store), &eventView{event: ev, onSale: ev})
			crowd.picks = c.seats
			b := &buyer{crowd: crowd, user: "ann", rnd: rand.New(rand.NewPCG(1, 2))}
			b.pick(t.Context())
			if got := crowd.parties.report(2); got.Seated != 1 || got.NotTogether != c.want {
				t.Errorf("%+v, want one party, and %d not together", got, c.want)
			}
		})
	}
}
