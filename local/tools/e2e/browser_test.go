package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"seatlock/lockstore/storetest/faults"
)

// patience is the longest wait for something that the page must show by itself. It says
// nothing about how long that should take: the machine may be busy.
const patience = 20 * time.Second

// A browser opens windows for a test, or further windows of one user.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// TestMain ends Chromium after the tests.
func TestMain(m *testing.M) {
	status := m.Run()
	endChromium()
	os.Exit(status)
}

// chromium starts the Chromium of all tests, whose users share no storage. endChromium
// ends it.
var (
	chromium    = sync.OnceValues(startChromium)
	endChromium = func() {}
)

func startChromium() (context.Context, error) {
	profile, err := os.MkdirTemp("", "seatlock-e2e-")
	if err != nil {
		return nil, err
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath("chromium"), chromedp.UserDataDir(profile),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("lang", "en-GB"), chromedp.Flag("accept-lang", "en-GB"), // whatever the machine's language
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		// All windows run as if they were in the foreground.
		chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewContext(allocator)
	endChromium = func() {
		cancel()
		end() // waits for the process
		os.RemoveAll(profile)
	}
	return ctx, chromedp.Do(ctx)
}

// needBrowser skips the test if Chromium is not installed.
func needBrowser(t *testing.T) *browser {
	t.Helper()
	faults.Need(t, "chromium", "the page was not tried")
	ctx, err := chromium()
	if err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return &browser{t, ctx}
}

// openPage starts a server, and opens the page of the server.
func openPage(t *testing.T, args ...string) (*window, *server) {
	t.Helper()
	b, s := needBrowser(t), serve(t, args...)
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	return w, s
}

// A window shows the page to one user. An exception in it fails the test.
type window struct {
	t   *testing.T
	ctx context.Context // of Chromium

	firefox *firefox // instead of Chromium
	tab     string   // of Firefox

	mu     sync.Mutex
	faults []string // exceptions, and violations of the Content-Security-Policy
}

// newUser opens a window of a new user, which shares no storage with others.
func (b *browser) newUser(width, height int64) *window {
	return b.open(width, height, chromedp.WithNewBrowserContext())
}

// secondWindow opens another window of the same user.
func (w *window) secondWindow() *window {
	b := &browser{w.t, w.ctx}
	return b.open(1280, 900)
}

func (b *browser) open(width, height int64, opts ...chromedp.ContextOption) *window {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, opts...)
	b.t.Cleanup(cancel)
	w := &window{t: b.t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // the window closes when the context of its first action ends
		b.t.Fatal(err)
	}
	w.do(chromedp.EmulateViewport(width, height))
	// The window keeps the focus, whatever other tests do.
	call(w, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(w, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: instruments})
	if err := chromedp.Listen(ctx, w.recordFault); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, fault := range w.faults {
			b.t.Errorf("on the page: %s", fault)
		}
		if b.t.Failed() && os.Getenv("E2E_SHOTS") != "" {
			w.screenshot(os.Getenv("E2E_SHOTS") + "/failed-" + strings.ReplaceAll(b.t.Name(), "/", "-") + ".png")
		}
	})
	return w
}

// recordFault keeps the exceptions and the errors that the browser reports.
func (w *window) recordFault(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		w.faults = append(w.faults, fmt.Sprintf("%+v", (&chromedp.ExceptionError{ExceptionDetails: ev.ExceptionDetails}).Error()))
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError {
			w.faults = append(w.faults, fmt.Sprintf("console: %s", ev.Args[0].Value))
		}
	}
}

// instruments runs in every page before its own scripts. It records long tasks, reports
// violations of the Content-Security-Policy, and finds elements and text as a person does,
// also inside the shadow roots of maps.
const instruments = `
window.look = {
	get roots() { return [document, ...[...document.querySelectorAll('seatlock-map')].map((map) => map.shadowRoot).filter(Boolean)]; },
	all(selector) { return this.roots.flatMap((root) => [...root.querySelectorAll(selector)]); },
	one(selector) { return this.all(selector)[0] ?? null; },
	byId(id) { return this.one('#' + CSS.escape(id)); },
	get focus() { return this.roots.map((root) => root.activeElement).findLast(Boolean); },
	get text() { return this.roots.map((root) => root.body?.innerText ?? [...root.children].map((el) => el.innerText ?? '').join('\n')).join('\n'); },
};
window.longTasks = [];
new PerformanceObserver((list) => { for (const e of list.getEntries()) longTasks.push(e.duration); }).observe({type: 'longtask', buffered: true});
document.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI));
`

// hurry halves the long waits, of more than five seconds, of pages that the window opens
// from now on.
func (w *window) hurry() {
	w.t.Helper()
	call(w, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `{
		const real = setTimeout;
		window.setTimeout = (act, ms, ...more) => real(act, ms > 5000 ? ms / 2 : ms, ...more);
	}`})
}

func (w *window) do(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.t.Fatal(err)
	}
}

// call sends the browser a command of the DevTools protocol.
func call[P, R any](w *window, command cdp.Command[P, R], params P) R {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

var navigate = chromedp.Navigate

// visit opens a URL and waits until the seats are shown.
func (w *window) visit(url string) {
	w.t.Helper()
	if w.firefox != nil {
		w.firefox.navigate(w.tab, url)
	} else {
		w.do(navigate("about:blank"), navigate(url)) // reloads the page even if only the fragment differs
	}
	w.waitFor("the seats are shown", `look.one('.ready')`)
}

// waitLight waits until the light shows how the page is kept up to date: live (by
// WebSocket), asking (by a request a second) or away (not at all).
func (w *window) waitLight(state string) {
	w.t.Helper()
	w.waitFor("the light is "+state, `look.byId('light').dataset.state === `+quoted(state))
}

// eval evaluates an expression in the page.
func eval[T any](w *window, expression string) T {
	w.t.Helper()
	v, err := tryEval[T](w, expression)
	if err != nil {
		w.t.Fatalf("%v in %s", err, expression)
	}
	return v
}

func tryEval[T any](w *window, expression string) (T, error) {
	if w.firefox != nil {
		var v T
		err := w.firefox.evaluate(w.tab, expression, &v)
		return v, err
	}
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// waitFor waits until the expression is true. What describes it in a sentence. The
// expression may fail meanwhile, as it does while the browser navigates.
func (w *window) waitFor(what, expression string) {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(30 * time.Millisecond) {
		is, err := tryEval[bool](w, "Boolean("+expression+")")
		if is {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("it does not become true that %s (%v)\nthe page has the text: %s", what, err, eval[string](w, `look.text + (look.byId('urgent')?.textContent ?? '')`))
		}
	}
}

// waitText waits until the page has a text that a person can read.
func (w *window) waitText(text string) {
	w.t.Helper()
	w.waitFor("the page has the text "+quoted(text), `look.text.replace(/\s+/g, ' ').includes(`+quoted(text)+`)`)
}

// seat returns JavaScript for the cell of a seat. The name is the seat's label up to the
// state, in any case.
func seat(name string) string {
	return `look.one('[role=gridcell][aria-label^=` + quoted(name+", ") + ` i]')`
}

// waitSeat waits until the label of a seat has the state.
func (w *window) waitSeat(name, state string) {
	w.t.Helper()
	w.waitFor(name+" is "+state, seat(name)+`?.ariaLabel.toLowerCase().startsWith(`+quoted(strings.ToLower(name+", "+state))+`)`)
}

// waitCounts waits until the page shows these numbers of seats.
func (w *window) waitCounts(available, locked, booked int) {
	w.t.Helper()
	counts := fmt.Sprintf("{available: %d, locked: %d, booked: %d}", available, locked, booked)
	w.waitFor("the counts are "+counts, `Object.entries(`+counts+`).every(([status, n]) => look.byId('n-' + status).textContent === n.toLocaleString('en-GB'))`)
}

// click clicks on a seat with the mouse.
func (w *window) click(name string) {
	w.t.Helper()
	w.clickOn(seat(name))
}

// clickOn clicks in the middle of the element that the expression returns, once the element
// has stopped moving.
func (w *window) clickOn(expression string) {
	w.t.Helper()
	if w.firefox != nil {
		w.firefox.front(w.tab)
	}
	type point struct{ X, Y float64 }
	p := eval[point](w, `(async () => { const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
		const atRest = async () => {
			for (let before, r = c.getBoundingClientRect(); ; before = r, r = c.getBoundingClientRect()) {
				if (before && before.x === r.x && before.y === r.y && before.width === r.width) return r;
				await drawn();
			}
		};
		const c = `+expression+`; await atRest(); c.scrollIntoView({block: 'center', inline: 'center'});
		const r = await atRest();
		return {X: r.x + r.width / 2, Y: r.y + r.height / 2}; })()`)
	if w.firefox != nil {
		w.firefox.click(w.tab, p.X, p.Y)
		return
	}
	w.do(chromedp.MouseClickXY(p.X, p.Y))
}

// press clicks on the button with the text.
func (w *window) press(text string) {
	w.t.Helper()
	w.waitFor("there is a button "+text, `[...look.all('button')].some((b) => b.checkVisibility() && b.textContent === `+quoted(text)+`)`)
	eval[chromedp.Void](w, `[...look.all('button')].find((b) => b.checkVisibility() && b.textContent === `+quoted(text)+`).click()`)
}

// keys types keys at the focus.
func (w *window) keys(keys ...string) {
	w.t.Helper()
	for _, k := range keys {
		w.do(chromedp.KeyEvent(k))
	}
}

var (
	tab, enter, space, escape = kb.Tab, kb.Enter, " ", kb.Escape
	left, right, up, down     = kb.ArrowLeft, kb.ArrowRight, kb.ArrowUp, kb.ArrowDown
	kbHome, kbEnd, pageDown   = kb.Home, kb.End, kb.PageDown
)

// focused returns the label of the element that has the focus.
func (w *window) focused() string {
	w.t.Helper()
	return eval[string](w, `look.focus.ariaLabel ?? look.focus.textContent.trim()`)
}

// emulate sets the user's preferences: the scheme is dark or light, the motion
// reduce or no-preference.
func (w *window) emulate(scheme, motion string) {
	w.t.Helper()
	call(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
	}})
}

// screenshot writes a picture of the window to a file.
func (w *window) screenshot(file string) {
	w.t.Helper()
	w.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 1, 1)) // away from the seats
	eval[chromedp.Void](w, `new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 300))`)
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(file, png, 0o644)
	}
	if err != nil {
		w.t.Error(err)
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always succeeds
	return string(b)
}
