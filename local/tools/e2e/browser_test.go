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

// patience bounds every wait for what the page has to show by itself. The
// machine may be busy: it says nothing of how fast that should be.
const patience = 20 * time.Second

// A browser is a Chromium of its own, with a new profile.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// needBrowser starts Chromium, or skips the test where there is none.
func needBrowser(t *testing.T) *browser {
	t.Helper()
	faults.Need(t, "chromium", "the page was not tried")
	allocator, end := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath("chromium"), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		// Windows side by side are all looked at.
		chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return &browser{t, ctx}
}

// visiting opens the page of a server of its own.
func visiting(t *testing.T, args ...string) (*window, *server) {
	t.Helper()
	b, s := needBrowser(t), serve(t, args...)
	w := b.user(1280, 900)
	w.visit(s.URL)
	return w, s
}

// A window is a page of one user. What goes wrong in it fails the test.
type window struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string // exceptions, and what the Content-Security-Policy stopped
}

// user opens a window of somebody else: it shares no storage with others.
func (b *browser) user(width, height int64) *window {
	return b.open(width, height, chromedp.WithNewBrowserContext())
}

// again opens another window of the same user.
func (w *window) again() *window {
	b := &browser{w.t, w.ctx}
	return b.open(1280, 900)
}

func (b *browser) open(width, height int64, opts ...chromedp.ContextOption) *window {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, opts...)
	b.t.Cleanup(cancel)
	w := &window{t: b.t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // the window lives as long as the context of its first action
		b.t.Fatal(err)
	}
	w.do(chromedp.EmulateViewport(width, height))
	call(w, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	if err := chromedp.Listen(ctx, w.notice); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, fault := range w.faults {
			b.t.Errorf("the page failed: %s", fault)
		}
		if b.t.Failed() && os.Getenv("E2E_SHOTS") != "" {
			w.shoot(os.Getenv("E2E_SHOTS") + "/failed-" + strings.ReplaceAll(b.t.Name(), "/", "-") + ".png")
		}
	})
	return w
}

// notice keeps what the browser says of faults in the page.
func (w *window) notice(ev any) {
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

// watch gathers in the page what the browser tells of policy and speed.
const watch = `
window.longTasks = [];
new PerformanceObserver((list) => { for (const e of list.getEntries()) longTasks.push(e.duration); }).observe({type: 'longtask', buffered: true});
document.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI));
`

func (w *window) do(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.t.Fatal(err)
	}
}

// call gives the browser a command of its protocol.
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

// visit opens a URL and waits until the seats are there.
func (w *window) visit(url string) {
	w.t.Helper()
	w.do(navigate("about:blank"), navigate(url)) // a new start, where only the fragment differs too
	w.until("the seats are there", `document.body.classList.contains('ready')`)
}

// lightIs waits until the page is kept up to date by WebSocket, or ("asking") by
// asking every second.
func (w *window) lightIs(state string) {
	w.t.Helper()
	w.until("the light is "+state, `document.getElementById('light').dataset.state === `+quoted(state))
}

// eval evaluates an expression in the page.
func eval[T any](w *window, expression string) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatalf("%v in %s", err, expression)
	}
	return v
}

// until waits for an expression to become true.
func (w *window) until(what, expression string) {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(30 * time.Millisecond) {
		if eval[bool](w, "Boolean("+expression+")") {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("it is not true that %s\nthe page says: %s", what, eval[string](w, `document.querySelector('header').innerText + document.querySelector('aside').innerText + document.getElementById('urgent').textContent`))
		}
	}
}

// says waits for a text that a person can read.
func (w *window) says(text string) {
	w.t.Helper()
	w.until("the page says "+quoted(text), `document.body.innerText.replace(/\s+/g, ' ').includes(`+quoted(text)+`)`)
}

// seat is the cell of a seat, by its label up to the state.
func seat(name string) string {
	return `document.querySelector('[role=gridcell][aria-label^=` + quoted(name+", ") + `]')`
}

// shows waits for a seat to be in a state, as a screen reader would say it.
func (w *window) shows(name, state string) {
	w.t.Helper()
	w.until(name+" is "+state, seat(name)+`?.ariaLabel.startsWith(`+quoted(name+", "+state)+`)`)
}

// counts waits for how many seats the page says there are.
func (w *window) counts(available, locked, booked int) {
	w.t.Helper()
	want := fmt.Sprintf("%d %d %d", available, locked, booked)
	w.until("the counts are "+want, `['available', 'locked', 'booked'].map((s) => document.getElementById('n-' + s).textContent).join(' ') === `+quoted(want))
}

// click clicks on a seat, with the mouse.
func (w *window) click(name string) {
	w.t.Helper()
	type point struct{ X, Y float64 }
	p := eval[point](w, `(async () => { const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
		await drawn(); const c = `+seat(name)+`; c.scrollIntoView({block: 'center', inline: 'center'}); await drawn();
		const r = c.getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2}; })()`)
	w.do(chromedp.MouseClickXY(p.X, p.Y))
}

// press clicks on a button, by its text.
func (w *window) press(text string) {
	w.t.Helper()
	w.until("there is a button "+text, `[...document.querySelectorAll('button')].some((b) => b.checkVisibility() && b.textContent === `+quoted(text)+`)`)
	eval[chromedp.Void](w, `[...document.querySelectorAll('button')].find((b) => b.checkVisibility() && b.textContent === `+quoted(text)+`).click()`)
}

// keys types keys, where the focus is.
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

// focused is the label of what has the focus.
func (w *window) focused() string {
	w.t.Helper()
	return eval[string](w, `document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()`)
}

// look sets how the user wants pages: "dark" or "light", and "reduce" or "no-preference".
func (w *window) look(scheme, motion string) {
	w.t.Helper()
	call(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
	}})
}

// shoot writes a picture of what is seen.
func (w *window) shoot(file string) {
	w.t.Helper()
	w.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 1, 1)) // off everything
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
	b, _ := json.Marshal(s) // a string always can be
	return string(b)
}
