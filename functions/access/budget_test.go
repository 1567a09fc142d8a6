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

// TestLocksThatNobodyBuys checks that a user may lock so many seats an hour without
// buying them, wherever they come from, and that those who buy may go on.
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
	want(t, ask("/lock", ann, "192.0.2.1:1", `{"seatIds":["A1"]}`), 200, "") // again: it costs nothing
	want(t, ask("/release", ann, "192.0.2.1:1", `{"seatIds":["A1","A2"]}`), 200, "")
	want(t, ask("/lock", ann, "192.0.2.2:1", `{"seatIds":["B1","B2"]}`), 429, "without buying them")
	want(t, ask("/lock", ben, "192.0.2.1:1", `{"seatIds":["B1","B2"]}`), 200, "")
	want(t, ask("/confirm", ann, "192.0.2.1:1", `{"seatIds":["A3"]}`), 200, "")
	want(t, ask("/lock", ann, "192.0.2.2:1", `{"seatIds":["C1","C2"]}`), 200, "")
	want(t, ask("/lock", backendKey, "192.0.2.9:1", `{"seatIds":["D1","D2","D3","D4","D5"],"userId":"cat"}`), 200, "")
}

// TestLocksOfAnAddress checks that an address may lock ten times as much as a user, by
// whatever names, and that all of it comes back within an hour.
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
			if err := p.Afford(c, name, seats); err != nil {
				return err
			}
			p.Spend(c, name, seats)
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
