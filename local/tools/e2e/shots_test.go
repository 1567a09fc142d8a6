package e2e

import (
	"cmp"
	"os"
	"testing"
)

// TestScreenshots takes the pictures of the README, to check that they can be taken. It
// writes them to the folder named by E2E_SCREENSHOTS, or else to a temporary one.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	b := needBrowser(t)
	dir := cmp.Or(os.Getenv("E2E_SCREENSHOTS"), t.TempDir())
	theatre := serve(t, "-events", "../../events/theatre.json")
	theatre.fillTheatre()
	for name, width := range map[string]int64{"theatre": 1280, "phone": 360} {
		w := b.newUser(width, map[string]int64{"theatre": 1110, "phone": 780}[name])
		w.emulate("light", "reduce")
		w.visit(theatre.URL)
		for _, seat := range []string{"9", "10", "11"} {
			w.click("Stalls, row G, seat " + seat)
		}
		w.press("Hold 3 seats")
		w.waitText("left to buy")
		w.click("Stalls, row H, seat 10")
		w.waitSeat("Stalls, row H, seat 10", "picked by you")
		eval[any](w, `scrollTo(0, 0)`)
		w.screenshot(dir + "/" + name + ".png")
		w.press("Give back")
		w.waitText("Given back")
	}
	arena := serve(t, "-events", "../../events/arena.json")
	arena.fillArena()
	w := b.newUser(1060, 820)
	w.emulate("dark", "reduce")
	w.visit(arena.URL)
	w.waitFor("the last seat has its dot", `(() => { const { world } = document.querySelector('seatlock-map').controller.page.drawn.map, last = world.x.length - 1;
		const canvas = look.one('.dots canvas'), scale = canvas.width / world.width;
		return canvas.getContext('2d').getImageData((world.x[last] - world.left) * scale, (world.y[last] - world.top) * scale, 1, 1).data[3] > 0; })()`)
	w.screenshot(dir + "/arena.png")
}
