package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSeatMapChanges checks that an open page shows a changed seat map by itself, and keeps
// the picks.
func TestSeatMapChanges(t *testing.T) {
	t.Parallel()
	b := needBrowser(t)
	file := filepath.Join(t.TempDir(), "events.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"events":[{"id":"hall","sections":[{"name":"Stalls","rows":[{"row":"A","seats":"1-4"}]}]}]}`)
	s := serve(t, "-events", file)
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.waitLight("live")
	w.click("Stalls, row A, seat 2")
	w.waitSeat("Stalls, row A, seat 2", "picked by you")
	s.must("lock", "ben", "A3")
	s.must("confirm", "ben", "A3")

	write(`{"events":[{"id":"hall","revision":1,"sections":[{"name":"Stalls","rows":[{"row":"A-B","seats":"1-4"}]}]}]}`)
	w.waitSeat("Stalls, row B, seat 4", "available")
	w.waitSeat("Stalls, row A, seat 3", "booked")
	w.waitSeat("Stalls, row A, seat 2", "picked by you")
	w.waitText("The seat map has changed.")
	w.click("Stalls, row B, seat 1")
	w.press("Hold 2 seats")
	w.waitSeat("Stalls, row B, seat 1", "held for you for ")
}

// TestSeatMapChangesInPlace checks that a new seat map of a large venue opens where the user
// was: in the same section, even if it has another name, and with the focus on the same seat
// or section.
func TestSeatMapChangesInPlace(t *testing.T) {
	t.Parallel()
	arena, err := os.ReadFile("../../events/arena.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(arena), `"name": "The Final`, `"revision": 0, "name": "The Final`, 1)
	file := filepath.Join(t.TempDir(), "events.json")
	write := func(changes ...string) {
		t.Helper()
		text = strings.NewReplacer(changes...).Replace(text)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	b, s := needBrowser(t), serve(t, "-events", file)
	w := b.newUser(1280, 900)
	w.visit(s.URL + "#section=Lower+102")
	w.waitLight("live")
	w.click("Lower 102, row 3, seat 4")
	w.keys(right)
	waitFocus := func(want string) {
		t.Helper()
		w.waitFor("the focus is on "+want, `look.focus.ariaLabel?.startsWith(`+quoted(want)+`)`)
	}
	waitFocus("Lower 102, row 3, seat 5, available")

	write(`"revision": 0`, `"revision": 1`, `"row": "1-25"`, `"row": "1-26"`)
	w.waitSeat("Lower 102, row 26, seat 1", "available")
	w.waitText("The seat map has changed.")
	w.waitSeat("Lower 102, row 3, seat 4", "picked by you")
	waitFocus("Lower 102, row 3, seat 5, available")

	write(`"revision": 1`, `"revision": 2`, `Lower`, `Floor`)
	w.waitSeat("Floor 102, row 3, seat 4", "picked by you")
	w.waitFor("the panel has the new name", `look.byId('picked').innerText.includes('Floor 102')`)
	waitFocus("Floor 102, row 3, seat 5, available")
	if hash := eval[string](w, `location.hash`); !strings.Contains(hash, "section=Floor+102") {
		t.Errorf("the address has %s", hash)
	}

	w.keys(escape)
	waitFocus("Floor 102, ")
	write(`"revision": 2`, `"revision": 3`, `"row": "1-26"`, `"row": "1-27"`)
	w.waitFor("the overview has the new rows", `look.one('[role=gridcell]')?.ariaLabel.includes('of 1,350 seats')`)
	waitFocus("Floor 102, ")
}

// TestNotForSale checks that a blocked seat is shown as not for sale, and that a buyer who
// has just picked it is notified, as are a buyer whose lock the shop ends and the shop's page.
// An event whose seats are all blocked is not called sold out.
func TestNotForSale(t *testing.T) {
	const key = "operators-operators-operators-operators"
	t.Parallel()
	b, s := needBrowser(t), serveWith(t, []string{"OPERATOR_KEY=" + key}, "-seats", "2x3")
	operate := func(call, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+call, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%s %s: %s", call, body, resp.Status)
		}
	}
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.waitLight("live")
	operate("/block", `{"seatIds":["A1","A2"],"reason":"camera"}`)
	w.waitSeat("row A, seat 1", "not for sale")
	w.waitText("not for sale")
	w.click("row A, seat 1")
	w.waitText("Row A, seat 1 is not for sale.")
	w.click("row A, seat 3")
	operate("/block", `{"seatIds":["A3"],"reason":"camera"}`)
	w.waitSeat("row A, seat 3", "not for sale")
	operate("/unblock", `{"seatIds":["A1","A2","A3"]}`)
	w.waitSeat("row A, seat 1", "available")
	w.click("row B, seat 1")
	w.press("Hold this seat")
	w.waitText("left to buy")
	eval[any](w, `document.querySelector('seatlock-map').addEventListener('conflict', ({detail}) => window.conflict = detail.code + detail.seatIds)`)
	operate("/evict", `{"seatIds":["B1"]}`)
	w.waitText("Row B, seat 1 is not yours any more")
	w.waitFor("the page around the map learns of it", `window.conflict === 'lock_not_heldB1'`)
	operate("/block", `{"seatIds":["A1","A2","A3","B1","B2","B3"],"reason":"cancelled"}`)
	w.waitText("The seats of this event are not for sale.")
}
