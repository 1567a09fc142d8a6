package e2e

import (
	"os"
	"testing"
)

// TestScreenshots makes the pictures anew that the README shows, where
// E2E_SCREENSHOTS names a folder for them.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("E2E_SCREENSHOTS")
	if dir == "" {
		t.Skip("no folder for screenshots is named") // make screenshots does; CI has nothing to look at
	}
	b := needBrowser(t)
	theatre := serve(t, "-events", "../../events/theatre.json")
	theatre.fillTheatre()
	for name, width := range map[string]int64{"theatre": 1280, "phone": 360} {
		w := b.user(width, map[string]int64{"theatre": 1110, "phone": 780}[name])
		w.look("light", "reduce")
		w.visit(theatre.URL)
		for _, seat := range []string{"9", "10", "11"} {
			w.click("Stalls, row G, seat " + seat)
		}
		w.press("Lock 3 seats")
		w.says("left to confirm")
		w.click("Stalls, row H, seat 10")
		w.shows("Stalls, row H, seat 10", "picked by you")
		eval[any](w, `scrollTo(0, 0)`)
		w.shoot(dir + "/" + name + ".png")
		w.press("Release")
		w.says("Given back")
	}
	arena := serve(t, "-events", "../../events/arena.json")
	arena.fillArena()
	w := b.user(1060, 820)
	w.look("dark", "reduce")
	w.visit(arena.URL)
	w.shoot(dir + "/arena.png")
}
