package e2e

import "testing"

const oddHouse = `{"events":[{"id":"odd","sections":[
	{"name":"Hochparterre links mit eingeschränkter Sicht","pattern":"H{row}-{seat}","rows":[
		{"row":["Reihe vierzehn"],"seats":"1001-1030"},{"row":"2-6","seats":"30-1"}]},
	{"name":"Tables","pattern":"T{row}-{seat}","rows":[{"row":"1-3","seats":"1-8","table":"round"}]}]}]}`

// TestOddHouse checks that long names and numbers fit, that tables are round, and that a
// phone shows the names of rows wherever it is scrolled to.
func TestOddHouse(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", eventFile(t, oddHouse))
	w := b.newUser(360, 780)
	w.emulate("light", "reduce")
	w.visit(s.URL)
	if wide := eval[[]string](w, `[...look.all('.seat')].filter((c) => c.firstElementChild?.offsetWidth > c.offsetWidth).map((c) => c.innerText)`); len(wide) > 0 {
		t.Errorf("numbers are wider than their seats: %q", wide)
	}
	round := eval[float64](w, `(() => { const at = (el) => { const r = el.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
		const [x, y] = at(look.one('.table'));
		const far = [...look.all('[aria-label^="Tables, row 1, "]')].map(at).map(([a, b]) => Math.hypot(a - x, b - y));
		return Math.max(...far) / Math.min(...far); })()`)
	if round > 1.05 {
		t.Errorf("the farthest seat of a round table is %.2f times as far as the nearest", round)
	}
	for range 3 {
		w.pressLabel("Larger")
		w.waitFor("the map has moved", `!look.one('#map.moving')`)
	}
	// The names at both ends of the first row are in view, beside a seat of that row, and
	// cover no other row's name.
	const names = `(() => { const map = look.byId('map').getBoundingClientRect();
		const row = [...look.all('#map [role=row]')][2];
		const [seat] = [...row.querySelectorAll('.seat')].map((c) => c.getBoundingClientRect()).filter((r) => r.left >= map.left && r.right <= map.right);
		return [...row.parentNode.querySelectorAll('.row-name')].filter((n) => row.ariaLabel === 'Row ' + n.textContent).every((n) => { const r = n.getBoundingClientRect();
			return r.left >= map.left - 1 && r.right <= map.right + 1 && Math.abs(r.y + r.height / 2 - seat.y - seat.height / 2) < 40; }); })()`
	for _, to := range []string{"0", "300", "10000"} {
		eval[any](w, `look.byId('map').scrollTo(`+to+`, 0)`)
		if to == "300" {
			w.waitFor("both names of a row are in view", names)
			continue
		}
		w.waitFor("one name of each row is in view", `[...look.all('#map .part:first-child [role=row]')].every((row) => [...row.parentNode.querySelectorAll('.row-name')].filter((n) => row.ariaLabel === 'Row ' + n.textContent).some((n) => {
			const [r, map] = [n, look.byId('map')].map((el) => el.getBoundingClientRect()); return r.right > map.left + 5 && r.left < map.right - 5; }))`)
	}
}

// TestPlan checks that seats, the stage and areas stand where the event file puts them.
func TestPlan(t *testing.T) {
	t.Parallel()
	w, _ := openPage(t, "-events", house)
	w.waitFor("the boxes are beside the stalls, the area is behind them and the stage before", `(() => {
		const at = (el) => { const r = el.getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}; };
		const seat = (name) => at(look.one('[role=gridcell][aria-label^="' + name + ',"]'));
		const [box, a1, h12, floor, stage] = [seat('Left box, row 1, seat 3'), seat('Stalls, row A, seat 1'), seat('Stalls, row H, seat 12'), at(look.one('.area-box')), at(look.one('.stage-box'))];
		return box.x < a1.x && stage.y < a1.y && floor.y > h12.y && seat('Right box, row 1, seat 3').x > seat('Stalls, row A, seat 20').x;
	})()`)
	w.waitFor("rows bend around the stage", seat("Stalls, row A, seat 1")+`.getBoundingClientRect().y < `+seat("Stalls, row A, seat 10")+`.getBoundingClientRect().y`)
}

// TestDotsLieOnTheirSections checks that every dot of an overview is on the shape of a
// section: in rings, in tiles, and where the event file puts them.
func TestDotsLieOnTheirSections(t *testing.T) {
	t.Parallel()
	b := needBrowser(t)
	const tiles = `{"events":[{"id":"tiles","sections":[
		{"name":"Untergeschoss mit einem sehr langen Namen","pattern":"U{row}-{seat}","rows":[{"row":"1-40","seats":"1-50"}]},
		{"name":"Balcony","pattern":"B{row}-{seat}","rows":[{"row":"1-30","seats":"1-50"}]}]}]}`
	const placed = `{"events":[{"id":"placed","currency":"EUR","categories":[{"id":"a","price":1000}],"stage":{"shape":"round","x":0,"y":-5,"width":20,"height":10},"sections":[
		{"name":"Front","category":"a","x":0,"y":5,"curve":0.4,"pattern":"F{row}-{seat}","rows":[{"row":"1-40","seats":"1-50"}]},
		{"name":"Side","category":"a","x":-60,"y":20,"rotate":-80,"pattern":"S{row}-{seat}","rows":[{"row":"1-30","seats":"1-50"}]}],
		"areas":[{"name":"Floor","capacity":9,"category":"a","x":0,"y":90,"width":40,"height":10}]}]}`
	for what, file := range map[string]string{"rings": "../../events/arena.json", "tiles": eventFile(t, tiles), "placed": eventFile(t, placed)} {
		s := serve(t, "-events", file)
		w := b.newUser(1000, 800)
		w.visit(s.URL)
		const dots = `(() => {
			const [canvas, drawing] = ['.dots canvas', '.overview svg'].map((s) => look.one(s));
			const {data, width} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
			const shapes = [...look.all('.part-shape path')];
			const [from, to, box] = [canvas.getBoundingClientRect(), drawing.getBoundingClientRect(), drawing.viewBox.baseVal];
			const at = (x, y) => [box.x + ((from.x + x * from.width / canvas.width - to.x) / to.width) * box.width, box.y + ((from.y + y * from.height / canvas.height - to.y) / to.height) * box.height];
			let [on, off] = [0, 0];
			for (let i = 3; i < data.length; i += 4 * 41) {
				if (data[i] < 100) continue; // a dot is not on whole pixels
				const [x, y] = [((i - 3) / 4) % width, Math.floor((i - 3) / 4 / width)];
				if (shapes.some((shape) => shape.isPointInFill(new DOMPoint(...at(x + 0.5, y + 0.5))))) on++;
				else off++;
			}
			return {on, off};
		})()`
		w.waitFor("the dots are drawn", dots+`.on > 200`)
		if off := eval[int](w, dots+`.off`); off > 0 {
			t.Errorf("%s: %d dots lie beside the sections", what, off)
		}
		if wide := eval[int](w, `[...look.all('.part-shape')].filter((g) => g.querySelector('.name').getBoundingClientRect().width > g.querySelector('path').getBoundingClientRect().width).length`); wide > 0 {
			t.Errorf("%s: %d names are wider than their sections", what, wide)
		}
		if what == "placed" {
			w.pressLabel("More of Floor")
			w.press("Hold this ticket")
			w.waitText("1 place in Floor is held for you for")
		}
	}
}
