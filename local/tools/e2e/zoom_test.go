package e2e

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
)

// A spot is the middle of an element on the screen, and the element's width.
type spot struct{ X, Y, Wide float64 }

// spotOf returns the spot of the element that a JavaScript expression returns.
func (w *window) spotOf(element string) spot {
	w.t.Helper()
	return eval[spot](w, `(async () => { await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
		const el = `+element+`, r = el.getBoundingClientRect();
		return {X: r.x + r.width / 2, Y: r.y + r.height / 2, Wide: el.offsetWidth * (look.one('.layer').contains(el) ? Number(getComputedStyle(look.one('.layer')).transform.match(/[\d.]+/)[0]) : 1)}; })()`)
}

// newPhone opens a window of a phone on which animations end at once.
func (b *browser) newPhone() *window {
	b.t.Helper()
	w := b.newUser(360, 740)
	call(w, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true, MaxTouchPoints: 2})
	w.emulate("light", "reduce")
	return w
}

// touch moves fingers from points to points, and lifts them.
func (w *window) touch(from, to []spot) {
	w.t.Helper()
	const steps = 8
	send := func(kind input.DispatchTouchEventType, part float64) {
		var points []*input.TouchPoint
		for i, f := range from {
			id := float64(i)
			points = append(points, &input.TouchPoint{X: f.X + (to[i].X-f.X)*part, Y: f.Y + (to[i].Y-f.Y)*part, ID: &id})
		}
		call(w, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
	}
	send(input.DispatchTouchEventTypeTouchStart, 0)
	if from[0] != to[0] {
		for i := range steps {
			send(input.DispatchTouchEventTypeTouchMove, float64(i+1)/steps)
		}
	}
	call(w, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}})
}

func (w *window) tap(at spot) {
	w.t.Helper()
	w.touch([]spot{at}, []spot{at})
}

// near reports whether two lengths on the screen look equal.
func near(a, b float64) bool { return math.Abs(a-b) < 4 }

// TestMapOnPhone checks that a phone shows the whole map at first, that a tap on a small
// seat zooms in and one on a large seat picks it, and that fingers move and scale the map
// but not the page.
func TestMapOnPhone(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", "../../events/theatre.json")
	w := b.newPhone()
	w.visit(s.URL)
	const seen = `(() => { const map = look.byId('map').getBoundingClientRect();
		return [...look.all('#map .seat, #map .row-name')].every((el) => { const r = el.getBoundingClientRect();
			return r.left >= map.left && r.right <= map.right && r.top >= map.top && r.bottom <= map.bottom; }); })()`
	w.waitFor("all seats are in view", seen)
	disabled := func(id string) string { return `look.byId('` + id + `').ariaDisabled === 'true'` }
	w.waitFor("the map cannot be smaller, but larger", disabled("smaller")+"&& !("+disabled("larger")+")")

	name := "Stalls, row E, seat 5"
	w.tap(w.spotOf(seat(name)))
	w.waitSeat(name, "available")
	if s := w.spotOf(seat(name)); s.Wide < 24 {
		t.Fatalf("a tap enlarges the seat to %.0f px, want 24 or more", s.Wide)
	}
	w.tap(w.spotOf(seat(name)))
	w.waitSeat(name, "picked by you")

	// Two fingers scale the map around them.
	before := w.spotOf(seat(name))
	finger := func(dx, dy float64) spot { return spot{X: before.X + dx, Y: before.Y + dy} }
	w.touch([]spot{finger(-20, 0), finger(20, 0)}, []spot{finger(-36, 0), finger(36, 0)})
	after := w.spotOf(seat(name))
	if r := after.Wide / before.Wide; r < 1.6 || r > 2 {
		t.Errorf("fingers that move from 40 to 72 px apart scale the map by %.2f", r)
	}
	if !near(after.X, before.X) || !near(after.Y, before.Y) {
		t.Errorf("between the fingers the map moves from %v to %v", before, after)
	}
	if scale := eval[float64](w, `visualViewport.scale`); scale != 1 {
		t.Errorf("a pinch on the map scales the page by %.2f", scale)
	}

	// One finger moves it, and picks nothing.
	before = after
	w.touch([]spot{finger(0, 0)}, []spot{finger(-70, 40)})
	after = w.spotOf(seat(name))
	if !near(after.X, before.X-70) || !near(after.Y, before.Y+40) {
		t.Errorf("a finger that moves by -70, 40 moves the map from %v to %v", before, after)
	}
	w.waitSeat(name, "picked by you")
	w.waitFor("each row in view has a name in view", `(() => { const map = look.byId('map').getBoundingClientRect();
		const inside = (el) => { const r = el.getBoundingClientRect(); return r.right > map.left && r.left < map.right && r.bottom > map.top + r.height && r.top < map.bottom - r.height; };
		const whole = (el) => { const r = el.getBoundingClientRect(); return r.right <= map.right + 1 && r.left >= map.left - 1; };
		return [...look.all('#map [role=row]')].filter((row) => [...row.querySelectorAll('.seat')].filter(inside).length > 2)
			.every((row) => [...row.parentNode.querySelectorAll('.row-name')].filter((n) => row.ariaLabel === 'Row ' + n.textContent).some((n) => inside(n) && whole(n))); })()`)

	// The minimap shows which part is in view, and moves the view when tapped.
	w.tap(w.spotOf(`look.one('.minimap')`))
	w.waitFor("the middle of the map is in view", `(() => { const [a, b] = ['.minimap .seen', '.minimap svg'].map((s) => look.one(s).getBoundingClientRect());
		return Math.abs(a.x + a.width / 2 - b.x - b.width / 2) < 3; })()`)
	for range 8 {
		w.pressLabel("Larger")
	}
	w.waitFor("there is an end to it", disabled("larger"))
	w.pressLabel("Show all seats")
	w.waitFor("all seats are in view", seen)
}

// TestScaledFrame checks that a finger that moves on beyond the edge of a map in a frame
// scrolls the page around it by the same distance, even if that page is scaled.
func TestScaledFrame(t *testing.T) {
	t.Parallel()
	b := needBrowser(t)
	var s *server
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Shop</title><iframe title="frame" width="600" height="450" style="border: 0; transform: scale(2); transform-origin: 0 0" src="%s/embed/frame.html"></iframe>
			<script>window.ready = false; window.far = 0; addEventListener('message', ({data: {type, detail}}) => { if (type === 'ready') ready = true; if (type === 'scroll') far -= detail; });</script>`, s.URL)
	}))
	t.Cleanup(shop.Close)
	s = serve(t, "-frame-ancestor", shop.URL)
	w := b.newUser(1280, 1000)
	w.do(navigate(shop.URL))
	w.waitFor("the map is shown", `ready`)
	at := spot{X: 500, Y: 400}
	for range 4 {
		call(w, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseWheel, X: at.X, Y: at.Y, DeltaX: 0.01, DeltaY: -60, Modifiers: 2})
	}
	call(w, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true, MaxTouchPoints: 1})
	for range 3 {
		w.touch([]spot{at}, []spot{{X: at.X, Y: at.Y + 400}})
	}
	w.waitFor("the page is to scroll about as far as the fingers went on, 600 px of the frame", `far > 300`)
	if far := eval[float64](w, `far`); far > 600 {
		t.Errorf("fingers that go 600 px of the frame scroll its page by %.0f px", far)
	}
}

// TestOneMap checks that mouse and keys move from the overview of an arena into a section and
// out again, without leaving entries in the history.
func TestOneMap(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", "../../events/arena.json")
	w := b.newUser(1280, 900)
	w.emulate("light", "reduce")
	w.visit(s.URL)
	w.waitLight("live")
	const shape = `look.one('[data-part="0"] path')`
	pages := eval[int](w, `history.length`)
	at := w.spotOf(shape)
	wheel := func(delta float64) {
		call(w, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseWheel, X: at.X, Y: at.Y, DeltaX: 0.01, DeltaY: delta, Modifiers: 2})
	}
	for range 5 {
		wheel(-60)
	}
	w.waitSeat("Lower 101, row 25, seat 50", "available")
	w.waitFor("the address has the section", `location.hash.includes('section=Lower+101')`)
	w.waitFor("the section is the grid", `look.all('[role=gridcell]').length === 1250`)
	// The wheel turned at a whole pixel, and the seats are twenty times as large.
	if now := w.spotOf(shape); math.Hypot(now.X-at.X, now.Y-at.Y) > 30 {
		t.Errorf("at the pointer the map moves from %v to %v", at, now)
	}
	if zoomed := eval[float64](w, `devicePixelRatio * visualViewport.scale`); zoomed != 1 {
		t.Errorf("the page is scaled by %.2f", zoomed)
	}

	// A drag moves to the next section.
	drag := func(dx float64) {
		at := w.spotOf(`look.byId('map')`)
		for i, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMouseReleased} {
			call(w, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: at.X + dx*float64(min(i, 2))/2, Y: at.Y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1})
		}
	}
	eval[any](w, `document.querySelector('seatlock-map').addEventListener('section', ({cancelable, detail}) => window.entered = [cancelable, detail.section].join())`)
	drag(-380)
	drag(-380)
	drag(-380)
	w.waitFor("another section is open", `location.hash.includes('section=Lower+102') && window.entered === 'false,Lower 102'`)
	w.waitSeat("Lower 102, row 25, seat 50", "available")
	if text := eval[string](w, `look.byId('picked').textContent`); text != "" {
		t.Errorf("a drag picks %s", text)
	}

	// Rows on the side of the stage run downwards, and so do the arrow keys.
	eval[any](w, `location.hash = 'event=final-2027-06-12&section=Lower+106'`)
	w.waitSeat("Lower 106, row 25, seat 50", "available")
	eval[any](w, seat("Lower 106, row 10, seat 20")+`.focus()`)
	before := w.spotOf(`look.focus`)
	for _, step := range []struct {
		key    string
		dx, dy float64
	}{{right, 1, 0}, {down, 0, 1}, {left, -1, 0}, {up, 0, -1}} {
		w.keys(step.key)
		after := w.spotOf(`look.focus`)
		if dot := (after.X-before.X)*step.dx + (after.Y-before.Y)*step.dy; dot < 10 {
			t.Errorf("%q moves the focus from %v to %v", step.key, before, after)
		}
		before = after
	}
	w.keys("0")
	w.waitFor("the whole venue is seen", `!location.hash.includes('section') && look.all('[role=gridcell]').length === 40`)
	w.waitFor("the focus is not lost", `look.focus.ariaLabel?.startsWith('Lower 106, ')`)
	if n := eval[int](w, `history.length`); n != pages+1 {
		t.Errorf("the history has %d pages more, want one for the address that was set", n-pages)
	}
}
