package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"seatlock/lockstore/storetest/faults"
)

// backendKey is the key of shops' back ends.
const backendKey = "the-key-of-the-shop-s-back-end-in-tests"

// freeAddress returns an address at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestShop checks that the example shop, on another origin, sells seats: a buyer picks,
// holds, chooses a price and pays it, loses a seat to somebody else, lets time run out and
// holds again. The address of its page stays as it is.
func TestShop(t *testing.T) {
	t.Setenv("AUTH_BACKEND_KEY", backendKey)
	b, addr := needBrowser(t), freeAddress(t)
	theatre, err := os.ReadFile("../../events/theatre.json")
	if err != nil {
		t.Fatal(err)
	}
	short := strings.Replace(string(theatre), `"lockSeconds": 120`, `"lockSeconds": 5`, 1)
	s := serve(t, "-sessions", "-cors-origin", "http://"+addr, "-events", eventFile(t, short))
	t.Setenv("SEATLOCK_URL", s.URL)
	t.Setenv("ADDR", addr)
	program, err := faults.Build(t.Context(), nil, "seatlock/local/examples/shop")
	if err != nil {
		t.Fatal(err)
	}
	shop, err := faults.Serve(t.Context(), program)
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
	w.press("Pay £19.00")
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

// lockTooLateFor locks a seat that is picked for somebody else, as a back end can, and
// presses Lock before the page can learn of it.
func (w *window) lockTooLateFor(s *server, seat string) {
	w.t.Helper()
	if got := eval[int](w, `(() => { const r = new XMLHttpRequest(); r.open('POST', '`+s.URL+`/lock', false);
		r.setRequestHeader('Content-Type', 'application/json'); r.setRequestHeader('Authorization', 'Bearer `+backendKey+`');
		r.send(JSON.stringify({userId: 'ben', seatIds: ['`+seat+`']})); look.byId('lock').click(); return r.status; })()`); got != 200 {
		w.t.Fatalf("the lock of %s for somebody else is answered with %d", seat, got)
	}
}

// TestElement checks what a page with two maps and a frame can do: each map has its own
// event, language and scheme, follows its attributes, says what happens and does what it is
// told, without the page's address; and the frame tells its page, and takes orders from it.
func TestElement(t *testing.T) {
	b := needBrowser(t)
	file := eventFile(t, `{"layouts": {"hall": {"sections": [{"name": "Hall", "rows": [{"row": "A-C", "seats": "1-6"}]}]}},
		"events": [{"id": "one", "name": "One", "layout": "hall"}, {"id": "two", "name": "Two", "layout": "hall"}]}`)
	var s *server
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src %[1]s; connect-src %[1]s %[2]s; img-src data:; frame-src %[1]s; require-trusted-types-for 'script'; trusted-types seatlock", s.URL, "ws"+s.URL[4:]))
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Two maps</title><script type="module" src="%[1]s/embed/v1.js"></script>
			<iframe title="frame" width="800" height="300" src="%[1]s/embed/frame.html?event=two"></iframe>
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
	w.waitText("sind 60 Sekunden lang für Sie reserviert")
	if got := eval[string](w, `[...document.querySelectorAll('seatlock-map')].map((map) => getComputedStyle(map).colorScheme + map.shadowRoot.firstElementChild.lang).join()`); got != "normalen,darkde" {
		t.Errorf("schemes and languages are %s", got)
	}
	if got := eval[bool](w, `(async () => { `+maps+` return await a.release() && a.basket.locked.length === 0 && b.basket.locked.length === 3; })()`); !got {
		t.Error("the seats are not given back, or those of the other map are")
	}
	eval[any](w, `(() => { `+maps+` a.setAttribute('event', 'two'); })()`)
	w.waitFor("the map shows the other event", `document.getElementById('a').basket.eventId === 'two'`)

	eval[any](w, `(() => { window.frame = document.querySelector('iframe').contentWindow; frame.postMessage({target: 'seatlock', type: 'bestAvailable', value: 2, id: 7}, '`+s.URL+`'); })()`)
	w.waitFor("the frame holds seats, and tells so and its height", `['lock', 'height', 'answer'].every((type) => told.some(([origin, data]) => origin === '`+s.URL+`' && data.source === 'seatlock' && data.type === type))`)
	if got := eval[string](w, `location.href.slice(location.origin.length)`); got != "/" {
		t.Errorf("the address has become %s", got)
	}
}

// TestTypes checks the types of the element with TypeScript: what a shop may write, and
// what it may not.
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
