package e2e

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestArena checks that 50,000 seats open as an overview, that one section is drawn
// at a time, and that the page keeps up while 200 seats a second change. It logs
// the durations, and fails only if they are far longer than in the README.
func TestArena(t *testing.T) {
	b, s := needBrowser(t), serve(t, "-events", "../../events/arena.json")
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	usable := eval[float64](w, `performance.getEntriesByName('seats-shown')[0].startTime`)
	loading := eval[float64](w, `Math.max(0, ...longTasks)`)
	w.waitCounts(50000, 0, 0)
	w.waitLight("live")
	if n := eval[int](w, `look.all('[role=gridcell]').length`); n != 40 {
		t.Fatalf("the overview has %d cells, want 40 sections", n)
	}

	// The keyboard moves from section to section, into one and back.
	w.keys(tab, enter)
	w.keys(left, down)
	if got := w.focused(); got != "Upper 220, 0% full, 1,250 of 1,250 seats available" {
		t.Errorf("left and down from 101 is %q", got)
	}
	w.keys(enter)
	w.waitSeat("Upper 220, row 25, seat 50", "available")
	if n := eval[int](w, `look.all('[role=gridcell]').length`); n != 1250 {
		t.Errorf("the section has %d cells, want 1250", n)
	}
	if got := w.focused(); got != "Upper 220, row 1, seat 1, available" {
		t.Errorf("in the section the focus is on %q", got)
	}
	s.must("lock", "ben", "220-1-2")
	w.waitSeat("Upper 220, row 1, seat 2", "on hold for ")
	w.keys(escape)
	w.waitFor("the focus is back on the section", `look.focus.ariaLabel?.startsWith('Upper 220, ')`)

	eval[any](w, `(() => {
		window.framesDrawn = 0;
		const count = () => { window.framesDrawn++; requestAnimationFrame(count); };
		count();
		window.writes = 0;
		window.framesWritten = new Set();
		new MutationObserver((all) => { window.writes += all.length; framesWritten.add(document.timeline.currentTime); })
			.observe(document.querySelector('seatlock-map').shadowRoot, {subtree: true, attributes: true, childList: true, characterData: true});
	})()`)
	for _, view := range []string{"", "&section=Lower+101"} {
		eval[any](w, `location.hash = 'event=final-2027-06-12`+view+`'`)
		name := "the overview"
		if view != "" {
			name = "a section"
			opened := w.recordTasks()
			w.waitFor("the section is drawn", `look.all('#map [role=gridcell]').length === 1250`)
			t.Logf("opening a section: longest task %.1f ms of processor time", ms(opened("").longest()))
		}
		eval[any](w, `new Promise((done) => setTimeout(done, 500))`)
		eval[any](w, `(() => { longTasks.length = window.framesDrawn = window.writes = 0; framesWritten.clear(); })()`)
		began, recorded := time.Now(), w.recordTasks()
		changed := s.changeSeats(5*time.Second, 200, view != "")
		took := time.Since(began)
		all := recorded("")
		frames, writes, written := eval[int](w, `window.framesDrawn`), eval[int](w, `window.writes`), eval[int](w, `framesWritten.size`)
		perSecond := float64(changed) / took.Seconds()
		t.Logf("%s: %d seats changed in %.1f s (%.0f a second), %.0f frames a second; by the main thread's own work %.0f, and %.0f if it is four times slower; longest task %.1f ms of processor time; %.1f writes for each seat, in %d frames", name, changed, took.Seconds(), perSecond, float64(frames)/took.Seconds(), all.frames(took, 1), all.frames(took, 4), ms(all.longest()), float64(writes)/float64(changed), written)
		if writes > 5*changed { // a state, a part, a label, and whether it can be picked
			t.Errorf("%s writes %d times for %d seats", name, writes, changed)
		}
		if most := int(took.Seconds() * 10); written > most { // changes by others are gathered
			t.Errorf("%s writes in %d frames, want at most %d in %.1f s", name, written, most, took.Seconds())
		}
		if all.frames(took, 1) < 55 || all.frames(took, 4) < 30 {
			t.Errorf("%s leaves %.0f frames a second, want 55 at least, and %.0f, want 30 at least, if the processor is four times slower", name, all.frames(took, 1), all.frames(took, 4))
		}
	}
	t.Logf("usable %.0f ms after the start of loading; longest task while loading %.0f ms", usable, loading)
	if usable > 20_000 {
		t.Errorf("the page was usable after %.0f ms", usable)
	}
	w.waitLight("live") // all changes came by WebSocket
	// The page's counts agree with the server's.
	w.waitFor("the server counts all seats", `fetch('seats?status=locked').then((r) => r.json()).then(({counts}) =>
		counts.available + counts.locked + counts.booked === 50000)`)
	eval[any](w, `location.hash = 'event=final-2027-06-12'`)
	w.waitFor("the page and the server count the same", `fetch('seats?status=locked').then((r) => r.json()).then(({counts}) =>
		['available', 'locked', 'booked'].every((s) => look.byId('n-' + s).textContent === counts[s].toLocaleString('en-GB')))`)
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// changeSeats locks and releases random seats, about perSecond of them, and returns
// the number of changes. If near is set, half of them are in section 101.
func (s *server) changeSeats(d time.Duration, perSecond int, near bool) int {
	s.t.Helper()
	const callers, group = 4, 4
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for c := range callers {
		wg.Go(func() {
			pause := time.Second * callers * group / time.Duration(perSecond)
			user := fmt.Sprintf("load-%d-%d", c, time.Now().UnixNano())
			var held []string
			for begin, next := time.Now(), time.Now(); time.Since(begin) < d; next = next.Add(pause) {
				time.Sleep(time.Until(next))
				call := "release"
				if held == nil {
					call = "lock"
					section, row, seat := 101+rand.IntN(20)+100*rand.IntN(2), 1+rand.IntN(25), 1+rand.IntN(46)
					if near && c%2 == 0 {
						section = 101
					}
					for i := range group {
						held = append(held, fmt.Sprintf("%d-%d-%d", section, row, seat+i))
					}
				}
				if s.post(call, user, held...) == 200 {
					mu.Lock()
					total += group
					mu.Unlock()
				}
				if call == "release" {
					held = nil
				}
			}
		})
	}
	wg.Wait()
	return total
}
