package access_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc/issuertest"
	"seatlock/lockstore"
)

// TestLocksThatNobodyBuys checks that a user may lock only so many seats an hour
// without buying them, from any address, and that users who buy may go on.
func TestLocksThatNobodyBuys(t *testing.T) {
	i := issuertest.New(t)
	token := func(user string) string { return i.Token("first", map[string]any{"sub": user}) }
	ann, ben := token("ann"), token("ben")
	p := access.Policy{Tokens: tokensOf(i), ConfirmBy: access.ConfirmByBuyer, BackendKeys: []string{backendKey}, Locks: access.NewBudget(4)}
	s := with(t, p)
	ask := func(call, token, from, body string) *httptest.ResponseRecorder {
		t.Helper()
		return s.ask("POST", call, body, "Authorization: Bearer "+token, "From: "+from)
	}
	want(t, ask("/lock", ann, "192.0.2.1:1", `{"seatIds":["A1","A2","A3"]}`), 200, "")
	want(t, ask("/lock", ann, "192.0.2.1:1", `{"seatIds":["A1"]}`), 200, "") // a repeat costs nothing
	want(t, ask("/release", ann, "192.0.2.1:1", `{"seatIds":["A1","A2"]}`), 200, "")
	want(t, ask("/lock", ann, "192.0.2.2:1", `{"seatIds":["B1","B2"]}`), 429, "without buying them")
	want(t, ask("/lock", ben, "192.0.2.1:1", `{"seatIds":["B1","B2"]}`), 200, "")
	want(t, ask("/confirm", ann, "192.0.2.1:1", `{"seatIds":["A3"]}`), 200, "")
	want(t, ask("/lock", ann, "192.0.2.2:1", `{"seatIds":["C1","C2"]}`), 200, "")
	want(t, ask("/lock", backendKey, "192.0.2.9:1", `{"seatIds":["D1","D2","D3","D4","D5"],"userId":"cat"}`), 200, "")
}

// TestLocksAtTheSameTime checks that concurrent calls share one budget: the cost of a
// call is taken before the store is asked.
func TestLocksAtTheSameTime(t *testing.T) {
	p := &access.Policy{Locks: access.NewBudget(4)}
	hold := func(user lockstore.UserID, seats ...lockstore.SeatID) (*access.Charge, error) {
		return p.Afford(access.Caller{}, access.Hold{Event: "gala", User: user, Seats: seats, Now: time.Now(), TTL: time.Minute, Max: time.Hour})
	}
	first, err := hold("ann", "A1", "A2", "A3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hold("ann", "B1", "B2"); err == nil {
		t.Error("a call passes while another has not ended")
	}
	first.Keep([]lockstore.SeatID{"A2"}, time.Now())
	second, err := hold("ann", "B1", "B2", "B3")
	if err != nil {
		t.Fatalf("what the first call did not lock is not given back: %v", err)
	}
	second.Keep(nil, time.Time{})
	third, err := hold("ann", "C1", "C2", "C3")
	if err != nil {
		t.Fatalf("what was refused is not given back: %v", err)
	}
	third.KeepAll()
	if _, err := hold("ann", "D1"); err == nil {
		t.Error("what a call of unknown outcome took is given back")
	}
	if _, err := hold("ben", "D1"); err != nil {
		t.Errorf("another user: %v", err)
	}
}

// TestRefusedLocksCostNothing checks that locks which the store refuses cost nothing.
func TestRefusedLocksCostNothing(t *testing.T) {
	i := issuertest.New(t)
	ann, ben := i.Token("first", nil), i.Token("first", map[string]any{"sub": "ben"})
	s := with(t, access.Policy{Tokens: tokensOf(i), Locks: access.NewBudget(4)})
	want(t, s.ask("POST", "/lock", `{"seatIds":["A1"]}`, "Authorization: Bearer "+ben), 200, "")
	for range 4 {
		want(t, s.ask("POST", "/lock", `{"seatIds":["A1","A2","A3"]}`, "Authorization: Bearer "+ann), 409, "")
		want(t, s.ask("POST", "/lock", `{"seatIds":["Z99","A2","A3"]}`, "Authorization: Bearer "+ann), 404, "")
	}
	want(t, s.ask("POST", "/lock", `{"seatIds":["B1","B2","B3","B4"]}`, "Authorization: Bearer "+ann), 200, "")
}

// TestExtensionsCost checks that a lock costs one more for each further lock time that
// it lasts, however many calls extend it.
func TestExtensionsCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := with(t, access.Policy{Locks: access.NewBudget(6), BackendKeys: []string{backendKey}, Gateway: true, ConfirmBy: access.ConfirmByBuyer})
		ask := func(call, body string) *httptest.ResponseRecorder {
			t.Helper()
			return s.askAs("ann", call, body)
		}
		want(t, ask("/lock", `{"seatIds":["A1","A2"]}`), 200, "")                   // 2
		want(t, ask("/extend", `{"seatIds":["A1","A2"],"seconds":150}`), 200, "")   // 2 × 2 more
		want(t, ask("/extend", `{"seatIds":["A1","A2"],"seconds":150}`), 200, "")   // the same end
		want(t, ask("/extend", `{"seatIds":["A1"],"seconds":181}`), 429, "without") // one more
		want(t, ask("/lock", `{"seatIds":["B1"]}`), 429, "without")
		want(t, ask("/release", `{"seatIds":["A2"]}`), 200, "")
		want(t, ask("/confirm", `{"seatIds":["A1"]}`), 200, "") // gives back 3
		want(t, ask("/lock", `{"seatIds":["B1"]}`), 200, "")    // 1 more
		time.Sleep(40 * time.Second)
		want(t, ask("/extend", `{"seatIds":["B1"],"seconds":60}`), 200, "") // 1 more: it lasts 100 seconds now
		time.Sleep(20 * time.Second)
		want(t, ask("/extend", `{"seatIds":["B1"],"seconds":60}`), 200, "") // nothing: 120 seconds
		want(t, ask("/lock", `{"seatIds":["C1","C2"]}`), 429, "without")
	})
}

// TestWhatIsBought checks that a booking, direct or not, gives back the cost of a lock
// to the user and the address that paid, and that locks of a back end cost nothing.
func TestWhatIsBought(t *testing.T) {
	s := with(t, access.Policy{Locks: access.NewBudget(4), BackendKeys: []string{backendKey}, Gateway: true, ConfirmBy: access.ConfirmByBuyer})
	backend := func(call, body string) {
		t.Helper()
		want(t, s.ask("POST", call, body, "Authorization: Bearer "+backendKey), 200, "")
	}
	want(t, s.askAs("ann", "/lock", `{"seatIds":["A1","A2","A3","A4"]}`), 200, "")
	backend("/lock", `{"userId":"ann","seatIds":["B1","B2","B3","B4"]}`)
	backend("/confirm", `{"userId":"ann","seatIds":["B1","B2"]}`)
	backend("/confirm", `{"userId":"ann","seatIds":["B3","C1"],"direct":true}`)
	want(t, s.askAs("ann", "/lock", `{"seatIds":["D1"]}`), 429, "without")
	backend("/confirm", `{"userId":"ann","seatIds":["A1","A2"],"direct":true}`)
	want(t, s.askAs("ann", "/lock", `{"seatIds":["D1","D2"]}`), 200, "")

	// A lock that the back end extended.
	backend("/extend", `{"userId":"ann","seatIds":["D1"],"seconds":600}`)
	want(t, s.askAs("ann", "/confirm", `{"seatIds":["D1"]}`), 200, "")
	want(t, s.askAs("ann", "/lock", `{"seatIds":["D3"]}`), 200, "")

	// A lock that was released, and made again by the back end.
	want(t, s.askAs("ann", "/release", `{"seatIds":["A3","A4"]}`), 200, "")
	backend("/lock", `{"userId":"ann","seatIds":["A3","A4"]}`)
	backend("/confirm", `{"userId":"ann","seatIds":["A3","A4"]}`)
	want(t, s.askAs("ann", "/lock", `{"seatIds":["E1"]}`), 429, "without")
}

// TestTheAddressThatPaid checks that a booking gives back the cost to the address where
// the seats were locked, even if the user has since locked others elsewhere.
func TestTheAddressThatPaid(t *testing.T) {
	s := with(t, access.Policy{Locks: access.NewBudget(1), Gateway: true, ConfirmBy: access.ConfirmByBuyer})
	lock := func(user, seat, from string, status int) {
		t.Helper()
		want(t, s.askAs(user, "/lock", `{"seatIds":["`+seat+`"]}`, "From: "+from), status, "")
	}
	for n := range 10 {
		lock(fmt.Sprint("user", n), fmt.Sprint("A", n+1), "192.0.2.1:1", 200)
	}
	lock("zoe", "B1", "192.0.2.1:1", 429)
	want(t, s.askAs("user0", "/confirm", `{"seatIds":["A1"]}`, "From: 192.0.2.7:1"), 200, "")
	lock("user0", "B2", "192.0.2.2:1", 200)
	want(t, s.askAs("user0", "/confirm", `{"seatIds":["B2"]}`), 200, "") // to the second address
	lock("zoe", "B1", "192.0.2.1:1", 200)
	lock("yan", "B3", "192.0.2.1:1", 429)
}

// TestLocksOfAnAddress checks that an address may lock ten times as much as a user,
// under any user ids, and that all of it is available again within an hour.
func TestLocksOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &access.Policy{Locks: access.NewBudget(4)}
		lock := func(user int, from string, seats int) error {
			r := httptest.NewRequest("POST", "/lock", nil)
			r.RemoteAddr = from + ":1"
			c, err := p.Check(r, access.Buy)
			if err != nil {
				t.Fatal(err)
			}
			name, err := c.As(lockstore.UserID(fmt.Sprintf("user %d", user)))
			if err != nil {
				t.Fatal(err)
			}
			all := []lockstore.SeatID{"A1", "A2", "A3", "A4"}[:seats]
			charge, err := p.Afford(c, access.Hold{Event: "gala", User: name, Seats: all, Now: time.Now(), TTL: time.Minute, Max: time.Hour})
			if err != nil {
				return err
			}
			charge.Keep(all, time.Now())
			return nil
		}
		for user := range 10 {
			if err := lock(user, "192.0.2.1", 4); err != nil {
				t.Fatalf("user %d: %v", user, err)
			}
		}
		if lock(11, "192.0.2.1", 1) == nil {
			t.Error("an address locks more than ten users may")
		}
		if err := lock(12, "192.0.2.2", 4); err != nil {
			t.Errorf("another address: %v", err)
		}
		time.Sleep(time.Hour)
		if err := lock(13, "192.0.2.1", 4); err != nil {
			t.Errorf("after an hour: %v", err)
		}
		if err := lock(0, "192.0.2.1", 4); err != nil {
			t.Errorf("the first user after an hour: %v", err)
		}
	})
}
