package e2e

import (
	"fmt"
	"os"
	"testing"
)

// TestScreenshots makes the pictures anew that the README shows, where
// E2E_SCREENSHOTS names a folder for them.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("E2E_SCREENSHOTS")
	if dir == "" {
		t.Skip("no folder for screenshots is named") // not a test: make screenshots, in CI never
	}
	b := needBrowser(t)
	theatre := serve(t, "-events", "../events/theatre.json")
	for _, row := range []string{"C", "D", "F"} {
		theatre.must("lock", "ann"+row, "S-"+row+"3", "S-"+row+"4", "S-"+row+"9")
		theatre.must("confirm", "ann"+row, "S-"+row+"3", "S-"+row+"4", "S-"+row+"9")
	}
	theatre.must("lock", "ben", "S-E10", "S-E11", "B-A7", "B-A8")
	for _, c := range []struct {
		name, scheme  string
		width, height int64
	}{{"theatre", "light", 1280, 1000}, {"theatre-dark", "dark", 1280, 1000}, {"theatre-phone", "light", 360, 760}} {
		w := b.user(c.width, c.height)
		w.look(c.scheme, "reduce")
		w.visit(theatre.url)
		for _, n := range []int{4, 5, 6} {
			w.click(fmt.Sprintf("Stalls, row G, seat %d", n))
		}
		w.press("Lock 3 seats")
		w.says("left to confirm")
		w.click("Stalls, row H, seat 5")
		eval[any](w, `scrollTo(0, 0)`)
		w.shoot(dir + "/" + c.name + ".png")
		w.press("Release")
		w.says("Given back")
	}

	arena := serve(t, "-events", "../events/arena.json")
	arena.fill()
	for _, c := range []struct {
		name, scheme  string
		width, height int64
	}{{"arena", "dark", 1280, 1000}, {"arena-light", "light", 1440, 900}, {"arena-phone", "light", 360, 760}} {
		w := b.user(c.width, c.height)
		w.look(c.scheme, "reduce")
		w.visit(arena.url)
		w.shoot(dir + "/" + c.name + ".png")
		eval[any](w, `location.hash = 'event=final-2027-06-12&section=Lower+101'`)
		w.until("the section is drawn", `document.querySelectorAll('[role=gridcell]').length === 1250`)
		w.shoot(dir + "/" + c.name + "-section.png")
	}
	plain := serve(t)
	w := b.user(1280, 1000)
	w.look("light", "reduce")
	w.visit(plain.url)
	w.shoot(dir + "/plain.png")
}
