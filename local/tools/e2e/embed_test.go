package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"seatlock/lockstore/storetest/faults"
)

// backendKey is the key of shops' back ends.
const backendKey = "the-key-of-the-shop-s-back-end-in-tests"

// TestShop checks that the example shop, on another origin, sells seats: a buyer picks and
// holds seats, chooses a price and pays it, loses a seat to somebody else, lets time run out
// and holds again. The page's address must not change.
func TestShop(t *testing.T) {
	t.Parallel()
	b, addr := needBrowser(t), "127.0.0.1:"+faults.FreePort()
	theatre, err := os.ReadFile("../../events/theatre.json")
	if err != nil {
		t.Fatal(err)
	}
	short := strings.Replace(string(theatre), `"lockSeconds": 120`, `"lockSeconds": 5`, 1)
	key := "AUTH_BACKEND_KEY=" + backendKey
	s := serveWith(t, []string{key}, "-sessions", "-cors-origin", "http://"+addr, "-events", eventFile(t, short))
	program, err := faults.Build(t.Context(), nil, "seatlock/local/examples/shop")
	if err != nil {
		t.Fatal(err)
	}
	shop, err := faults.Serve(t.Context(), "env", key, "SEATLOCK_URL="+s.URL, "ADDR="+addr, program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shop.Kill() })
	w := b.newUser(1280, 1000)
	w.visit(shop.URL)
	w.axe("the shop")
	other := w.secondWindow()
	other.visit(shop.URL)
	w.click("Stalls, row E, seat 1")
	w.press("Hold this seat")
	w.waitText("Pay £38.00")
	w.choose("Price of Stalls, row E, seat 1", "Child £19.00")
	other.waitText("Pay £19.00")
	// The answer to the first request is lost, and the page repeats it.
	eval[any](w, `(() => { const real = fetch; window.fetch = async (...call) => { const answer = await real(...call);
		if (call[0] !== 'pay') return answer; window.fetch = real; throw new TypeError('lost'); }; })()`)
	w.press("Pay £19.00")
	w.waitText("The shop does not answer. We are asking again. You pay only once.")
	w.waitText("Thank you. You have paid £19.00. Your reference is SHOP-")
	w.waitText("Booked: Stalls, row E, seat 1. See you there.")
	w.waitSeat("Stalls, row E, seat 1", "booked by you")

	w.click("Stalls, row F, seat 1")
	eval[any](w, `look.one('.ready') && document.querySelector('seatlock-map').addEventListener('conflict', ({detail}) => (window.conflicts ??= []).push(detail.code + detail.seatIds))`)
	w.lockTooLateFor(s, "S-F1")
	w.waitText("Somebody was faster: Stalls, row F, seat 1 is taken.")
	if got := eval[string](w, `window.conflicts.join()`); got != "seat_lockedS-F1" {
		t.Errorf("the shop learns of the conflicts %s", got)
	}

	w.click("Stalls, row G, seat 1")
	w.press("Hold this seat")
	w.waitText("Time ran out. Stalls, row G, seat 1")
	w.waitSeat("Stalls, row G, seat 1", "picked by you")
	w.press("Hold it again")
	w.waitSeat("Stalls, row G, seat 1", "held for you")
	if got := eval[string](w, `location.hash`); got != "" {
		t.Errorf("the fragment of the shop's page is %s", got)
	}
}

// lockTooLateFor locks a picked seat for somebody else, as a back end can, and presses Lock
// before the page can learn of it.
func (w *window) lockTooLateFor(s *server, seat string) {
	w.t.Helper()
	if got := eval[int](w, `(() => { const r = new XMLHttpRequest(); r.open('POST', '`+s.URL+`/lock', false);
		r.setRequestHeader('Content-Type', 'application/json'); r.setRequestHeader('Authorization', 'Bearer `+backendKey+`');
		r.send(JSON.stringify({userId: 'ben', seatIds: ['`+seat+`']})); look.byId('lock').click(); return r.status; })()`); got != 200 {
		w.t.Fatalf("the lock of %s for somebody else is answered with %d", seat, got)
	}
}

// TestElement checks a page with two maps and a frame. Each map has its own event, language
// and scheme, follows its attributes, sends events and obeys its methods, without changing
// the page's address. The frame exchanges messages with its page.
func TestElement(t *testing.T) {
	t.Parallel()
	b := needBrowser(t)
	file := eventFile(t, `{"layouts": {"hall": {"sections": [{"name": "Hall", "rows": [{"row": "A-C", "seats": "1-6"}]}]}},
		"events": [{"id": "one", "name": "One", "layout": "hall"}, {"id": "two", "name": "Two", "layout": "hall"}]}`)
	var s *server
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src %[1]s; connect-src %[1]s %[2]s; img-src data:; frame-src %[1]s; require-trusted-types-for 'script'; trusted-types seatlock", s.URL, "ws"+s.URL[4:]))
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Two maps</title><script type="module" src="%[1]s/embed/v1.js"></script>
			<iframe title="frame" width="800" height="700" src="%[1]s/embed/frame.html?event=two"></iframe>
			<seatlock-map id="a" event="one" max="2"></seatlock-map><seatlock-map id="b" event="two" lang="de" theme="dark"></seatlock-map>`, s.URL)
	}))
	t.Cleanup(page.Close)
	s = serve(t, "-cors-origin", page.URL, "-frame-ancestor", page.URL, "-events", file)
	w := b.newUser(1280, 1000)
	w.do(navigate(page.URL))
	const maps = `const [a, b] = ['a', 'b'].map((id) => document.getElementById(id)), seen = window.seen ??= [];`
	w.waitFor("both maps are shown", `look.all('.ready').length === 2`)
	eval[any](w, `(() => { `+maps+`
		for (const map of [a, b]) for (const type of ['pick', 'lock', 'release', 'section']) map.addEventListener(type, ({detail}) => seen.push([map.id, type, detail]));
		window.told = []; window.addEventListener('message', ({data, origin}) => told.push([origin, data]));
		a.user = 'ann'; b.user = 'ben'; })()`)
	w.waitFor("both maps are shown anew", `look.all('.ready').length === 2`)

	if got := eval[bool](w, `(async () => { `+maps+` return await a.bestAvailable(2) && !await a.bestAvailable(1) && await b.bestAvailable(3); })()`); !got {
		t.Errorf("the best seats are not held: %s", eval[string](w, `look.text`))
	}
	w.waitFor("each map tells of its own seats", `(() => { `+maps+` return a.basket.locked.length === 2 && b.basket.locked.length === 3 && a.basket.locked[0].section === 'Hall' &&
		['a,2', 'b,3'].every((want) => seen.some(([id, type, {locked}]) => type === 'lock' && [id, locked.length].join() === want)); })()`)
	w.waitText("Sekunden lang für Sie reserviert")
	if got := eval[string](w, `[...document.querySelectorAll('seatlock-map')].map((map) => getComputedStyle(map).colorScheme + map.shadowRoot.firstElementChild.lang).join()`); got != "normalen,darkde" {
		t.Errorf("schemes and languages are %s", got)
	}
	if got := eval[bool](w, `(async () => { `+maps+` return await a.release() && a.basket.locked.length === 0 && b.basket.locked.length === 3; })()`); !got {
		t.Error("the seats are not given back, or those of the other map are")
	}
	eval[any](w, `(() => { `+maps+` a.setAttribute('event', 'nowhere'); })()`)
	w.waitFor("the map says once that there is no such event", `document.getElementById('a').shadowRoot.querySelector('#notice p').textContent === 'This event is not here any more. Reload the page to see what is on.'`)
	eval[any](w, `(() => { `+maps+` a.setAttribute('event', 'two'); })()`)
	w.waitFor("the map shows the other event", `document.getElementById('a').basket.eventId === 'two'`)

	eval[any](w, `(() => { const c = document.createElement('seatlock-map'); c.id = 'c'; c.setAttribute('event', 'nowhere'); document.body.append(c); })()`)
	w.waitFor("the light of a map without an event does not wait for it", `document.getElementById('c').shadowRoot.querySelector('#light')?.textContent === 'No event'`)
	eval[any](w, `document.getElementById('c').remove()`)

	eval[any](w, `(() => { window.frame = document.querySelector('iframe').contentWindow; frame.postMessage({target: 'seatlock', type: 'bestAvailable', value: 2, id: 7}, '`+s.URL+`'); })()`)
	w.waitFor("the frame holds seats, and tells so and its height", `['lock', 'height', 'answer'].every((type) => told.some(([origin, data]) => origin === '`+s.URL+`' && data.source === 'seatlock' && data.type === type && (type !== 'answer' || data.id === 7 && data.detail === true)))`)
	// Beyond the edge of the map, a drag scrolls the page.
	eval[any](w, `scrollTo(0, 0)`)
	at := spot{X: 400, Y: 200}
	for range 4 {
		call(w, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseWheel, X: at.X, Y: at.Y, DeltaX: 0.01, DeltaY: -60, Modifiers: 2})
	}
	call(w, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true, MaxTouchPoints: 1})
	w.touch([]spot{at}, []spot{{X: at.X, Y: at.Y + 150}})
	call(w, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{})
	w.waitFor("the frame reports how far its page must scroll", `told.some(([, {type, detail}]) => type === 'scroll' && detail < 0)`)
	if got := eval[string](w, `location.href.slice(location.origin.length)`); got != "/" {
		t.Errorf("the address has become %s", got)
	}

	eval[any](w, `(() => { `+maps+` b.user = 'ann'; window.conflicts = 0; for (const map of [a, b]) map.addEventListener('conflict', () => conflicts++); })()`)
	w.waitFor("both maps show the seats of one user in one event", `look.all('.ready').length === 2 && document.getElementById('b').controller.session.user === 'ann'`)
	if got := eval[string](w, `(async () => { `+maps+`
		const free = [...a.shadowRoot.querySelectorAll('[role=gridcell]')].findIndex((cell) => cell.ariaLabel.endsWith('available'));
		for (const map of [a, b]) map.shadowRoot.querySelectorAll('[role=gridcell]')[free].click();
		return [a.basket.picked.length, b.basket.picked.length, await a.lock(), b.basket.picked.length, b.basket.locked.length, await b.release(), a.basket.locked.length, conflicts].join(); })()`); got != "1,1,true,0,1,true,0,0" {
		t.Errorf("picks of both maps, a lock, picks and locks of the other, which gives them back, locks of the first, conflicts: %s", got)
	}
	eval[any](w, `(() => { `+maps+` [...a.shadowRoot.querySelectorAll('[role=gridcell]')].find((cell) => cell.ariaLabel.endsWith('available')).click(); a.user = 'cid'; })()`)
	w.waitFor("another user has none of the picks", `(() => { `+maps+` return look.all('.ready').length === 2 && a.controller.session.user === 'cid' && !a.basket.picked.length; })()`)
	eval[any](w, `(() => { `+maps+` a.user = 'ann'; })()`)
	w.waitFor("the user has them again", `(() => { `+maps+` return a.basket.picked.length === 1; })()`)
	if !eval[bool](w, `(() => { `+maps+` const { page } = b.controller; b.remove(); const over = page.closed && !b.controller; document.body.append(b); return over; })()`) {
		t.Error("a map that was removed goes on")
	}
	w.waitFor("the map is shown again", `document.getElementById('b').basket.eventId === 'two'`)
}

// TestFrame checks that a frame follows the language of the browser, that its map does not
// grow with it, and that it ignores messages from pages of other origins.
func TestFrame(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-frame-ancestor", "https://shop.example")
	w := b.newUser(800, 500)
	call(w, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `Object.defineProperty(navigator, 'languages', {value: ['de']})`})
	w.visit(s.URL + "/embed/frame.html")
	w.waitFor("the frame is in German", `document.documentElement.lang === 'de'`)
	const height = `getComputedStyle(look.byId('map')).maxHeight`
	low := eval[string](w, height)
	w.do(chromedp.EmulateViewport(800, 1500))
	if high := eval[string](w, height); high != low {
		t.Errorf("the map is up to %s high in a low frame and %s in a high one, want the same", low, high)
	}
	if eval[bool](w, `(async () => { // without a frame around it, the page around it is the frame itself
		await new Promise((heard) => { addEventListener('message', heard, {once: true}); postMessage({target: 'seatlock', type: 'bestAvailable', value: 1}); });
		return Boolean(document.querySelector('seatlock-map').controller.page.mine.asked); })()`) {
		t.Error("the frame takes orders from another origin")
	}
}

// session returns the token of a new guest.
func (s *server) session() string {
	s.t.Helper()
	resp, err := http.Get(s.URL + "/session")
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	for _, c := range resp.Cookies() {
		if strings.HasSuffix(c.Name, "seatlock") {
			return c.Value
		}
	}
	s.t.Fatalf("there is no session in the answer %s", resp.Status)
	return ""
}

// TestToken checks that the element asks the shop for a token until it gets one, and again
// if the server refuses it, that it switches to another user with another function, and what
// the buyer reads meanwhile.
func TestToken(t *testing.T) {
	t.Parallel()
	b := needBrowser(t)
	var s *server
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Shop</title><seatlock-map></seatlock-map>
			<script>window.given = []; window.map = document.querySelector('seatlock-map'); map.token = () => given.shift();</script>
			<script type="module" src="%s/embed/v1.js"></script>`, s.URL)
	}))
	t.Cleanup(shop.Close)
	s = serve(t, "-sessions", "-confirm-by", "buyer", "-cors-origin", shop.URL)
	ann, ben := quoted(s.session()), quoted(s.session())
	w := b.newUser(1280, 1000)
	holds := func(what string, want bool) {
		t.Helper()
		if got := eval[bool](w, `map.bestAvailable(1)`); got != want {
			t.Errorf("%s, a seat is held: %v, want %v", what, got, want)
		}
	}
	w.visit(shop.URL)
	holds("without a token", false)
	w.waitText("Sign in to hold seats.")
	eval[any](w, `map.token = () => given.shift() ?? `+ann+`, null`)
	holds("with a token", true)
	eval[any](w, `map.remove(), given.push('old'), document.body.append(map), null`)
	w.waitFor("the map is shown with a new token", `look.one('.ready') && map.basket.locked.length === 1`)
	holds("with a token instead of an old one", true)
	eval[any](w, `map.token = () => 'old', null`)
	holds("with an old token", false)
	w.waitText("Your session has ended. Sign in again.")
	eval[any](w, `map.token = () => `+ben+`, null`)
	w.waitFor("the map shows what another user has", `map.basket.locked.length === 0`)
	holds("with the token of another user", true)
}

// TestTypes checks with TypeScript what the types of the element let a shop write, and what
// they do not.
func TestTypes(t *testing.T) {
	t.Parallel()
	faults.Need(t, "node", "the types of the element were not checked")
	const tsc = "node_modules/typescript/bin/tsc"
	if out, err := exec.Command("node", tsc, "--version").CombinedOutput(); err != nil {
		t.Logf("%s", out)
		faults.Missing(t, "typescript (npm ci in local/tools/e2e)", "the types of the element were not checked")
	}
	out, err := exec.Command("node", tsc, "--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom,dom.iterable", "testdata/shop.ts").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
