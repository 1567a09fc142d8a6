package e2e

import "testing"

// TestList checks that a buyer can find, pick and unpick a seat in the list, with the
// keyboard alone, and that list and map show the same.
func TestList(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", "../../events/theatre.json")
	s.must("lock", "ben", "S-C1", "S-C2")
	w := b.newUser(360, 740)
	w.visit(s.URL)
	w.waitLight("live")
	w.press("List")
	items := func(want string) {
		t.Helper()
		w.waitFor("the list has "+want, `[...look.all('#list li')].map((li) => li.innerText.replace(/\s+/g, ' ').trim()).join('; ').startsWith(`+quoted(want)+`)`)
	}
	items("Stalls from £19.00 118 seats; Balcony £21.00 52 seats")
	w.axe("the list of sections")
	w.waitFor("the map is hidden", `!look.byId('map').checkVisibility()`)

	eval[any](w, `look.one('#list li button').focus()`)
	w.keys(enter)
	items("Row A from £26.00 10 seats; Row B from £26.00 10 seats; Row C from £26.00 10 seats;")
	w.waitFor("the focus is on the first row", `look.focus.textContent.startsWith('Row A')`)
	w.keys(down, down, enter)
	items("Seat 3 from £26.00; Seat 4 from £26.00;")
	w.axe("the list of seats")
	w.keys(space)
	w.waitText("Hold this seat")
	w.waitFor("the seat is pressed", `look.focus.ariaPressed === 'true'`)

	// Seats that others take leave the list, and return when they are given back.
	w.keys(down)
	s.must("lock", "ben", "S-C4", "S-C5")
	items("Seat 3 from £26.00; Seat 4 from £26.00 taken; Seat 6 ") // the focus stays where it is
	w.keys(down)
	s.must("release", "ben", "S-C1", "S-C5")
	items("Seat 1 from £26.00; Seat 3 from £26.00; Seat 5 from £26.00; Seat 6 ")
	s.must("lock", "cid", "S-C6")
	items("Seat 1 from £26.00; Seat 3 from £26.00; Seat 5 from £26.00; Seat 6 from £26.00 taken; Seat 9 ")

	w.press("Map")
	w.waitSeat("Stalls, row C, seat 3", "picked by you")
	w.click("Stalls, row C, seat 3")
	w.press("List")
	w.waitFor("the seat is not pressed", `look.all('#list [aria-pressed=true]').length === 0`)
	w.keys(escape)
	eval[any](w, `[...look.all('#prices button')].find((b) => b.innerText.startsWith('Balcony')).click()`)
	eval[any](w, `look.one('#list .back').click()`)
	eval[any](w, `look.one('#list .back')?.checkVisibility() && look.one('#list .back').click()`)
	items("Balcony £21.00 52 seats")
}

// TestListOfArena checks that 50,000 seats are listed step by step, and that list and map
// show the same section.
func TestListOfArena(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", "../../events/arena.json")
	w := b.newUser(1280, 900)
	w.emulate("light", "reduce")
	w.visit(s.URL)
	w.press("List")
	w.waitFor("there are all sections", `look.all('#list li').length === 40`)
	eval[any](w, `look.all('#list button[data-key="part 25"]')[0].click()`)
	w.waitFor("there are the rows of one", `look.all('#list li').length === 25 && location.hash.includes('section=Upper+206')`)
	eval[any](w, `look.all('#list button[data-key="row 4"]')[0].click()`)
	w.waitFor("there are the seats of one", `look.all('#list li').length === 50`)
	eval[any](w, `[...look.all('#list li button')].at(-1).click()`)
	w.press("Map")
	w.waitSeat("Upper 206, row 5, seat 50", "picked by you")
	w.waitFor("the section is in view", `(() => { const [map, seat] = [look.byId('map'), `+seat("Upper 206, row 12, seat 25")+`].map((el) => el.getBoundingClientRect());
		return seat.x > map.x && seat.right < map.right && seat.y > map.y && seat.bottom < map.bottom; })()`)
}
