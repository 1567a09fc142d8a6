package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"seatlock/lockstore/storetest/faults"
)

// A firefox is a running Firefox, driven by the parts of WebDriver BiDi
// (https://w3c.github.io/webdriver-bidi) that a test needs. It is not safe for concurrent
// use.
type firefox struct {
	t     *testing.T
	conn  *websocket.Conn
	calls int
}

// firefoxPreferences keep Firefox from calling home and from opening pages of its own.
const firefoxPreferences = `user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("intl.accept_languages", "en-GB");
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("toolkit.telemetry.enabled", false);
`

var bidiListens = regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)

// startFirefox starts a Firefox, which ends with the test.
func startFirefox(t *testing.T) *firefox {
	t.Helper()
	faults.Need(t, "firefox-esr", "the page was not tried in Firefox")
	profile, err := os.MkdirTemp("", "seatlock-firefox-") // not t.TempDir: Firefox may write to it until it has ended
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(profile+"/user.js", []byte(firefoxPreferences), 0o600); err != nil {
		t.Fatal(err)
	}
	log := new(faults.Log)
	p, err := faults.StartProcess(log, []string{"HOME=" + profile, "MOZ_CRASHREPORTER_DISABLE=1"}, "firefox-esr",
		"--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		os.RemoveAll(profile)
	})
	var url string
	for end := time.Now().Add(time.Minute); url == ""; time.Sleep(20 * time.Millisecond) {
		if m := bidiListens.FindStringSubmatch(log.String()); m != nil {
			url = m[1]
		} else if time.Now().After(end) {
			t.Fatalf("Firefox does not listen: %s", log)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url+"/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(1 << 24)
	f := &firefox{t: t, conn: conn}
	f.must("session.new", object{"capabilities": object{}}, nil)
	f.must("script.addPreloadScript", object{"functionDeclaration": "() => {" + instruments + firefoxFaults + "}"}, nil)
	return f
}

// firefoxFaults keeps the exceptions of a page for [firefox.newUser] to report.
const firefoxFaults = `
window.faults = [];
addEventListener('error', (e) => faults.push(e.message));
addEventListener('unhandledrejection', (e) => faults.push(String(e.reason)));
`

// An object is a JSON object.
type object map[string]any

// call sends a command and waits for its result, which it stores in result unless result
// is nil.
func (f *firefox) call(method string, params object, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // also after the test
	defer cancel()
	f.calls++
	if err := wsjson.Write(ctx, f.conn, object{"id": f.calls, "method": method, "params": params}); err != nil {
		return err
	}
	for {
		var answer struct {
			ID             int
			Type           string
			Error, Message string
			Result         json.RawMessage
		}
		if err := wsjson.Read(ctx, f.conn, &answer); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case answer.ID != f.calls: // an event
		case answer.Type != "success":
			return fmt.Errorf("%s: %s: %s", method, answer.Error, answer.Message)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(answer.Result, result)
		}
	}
}

func (f *firefox) must(method string, params object, result any) {
	f.t.Helper()
	if err := f.call(method, params, result); err != nil {
		f.t.Fatal(err)
	}
}

// newUser opens a window of a new user, which shares no storage with others.
func (f *firefox) newUser(width, height int) *window {
	f.t.Helper()
	var user struct{ UserContext string }
	f.must("browser.createUserContext", object{}, &user)
	var tab struct{ Context string }
	f.must("browsingContext.create", object{"type": "window", "userContext": user.UserContext}, &tab)
	f.must("browsingContext.setViewport", object{"context": tab.Context, "viewport": object{"width": width, "height": height}}, nil)
	w := &window{t: f.t, firefox: f, tab: tab.Context}
	f.t.Cleanup(func() {
		var faults []string
		if err := f.evaluate(w.tab, "window.faults", &faults); err != nil || len(faults) > 0 {
			f.t.Errorf("on the page: %q %v", faults, err)
		}
	})
	return w
}

func (f *firefox) navigate(tab, url string) {
	f.t.Helper()
	f.must("browsingContext.navigate", object{"context": tab, "url": url, "wait": "complete"}, nil)
}

// evaluate evaluates an expression in a page.
func (f *firefox) evaluate(tab, expression string, result any) error {
	var answer struct {
		Type             string
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	err := f.call("script.evaluate", object{
		"expression": "(async () => JSON.stringify(await (" + expression + ") ?? null))()",
		"target":     object{"context": tab}, "awaitPromise": true,
	}, &answer)
	switch {
	case err != nil:
		return err
	case answer.Type == "exception":
		return fmt.Errorf("%s", answer.ExceptionDetails.Text)
	}
	return json.Unmarshal([]byte(answer.Result.Value), result)
}

// front brings a window to the foreground: background windows may not draw frames.
func (f *firefox) front(tab string) {
	f.t.Helper()
	f.must("browsingContext.activate", object{"context": tab}, nil)
}

// click clicks at a point of the window.
func (f *firefox) click(tab string, x, y float64) {
	f.t.Helper()
	f.must("input.performActions", object{"context": tab, "actions": []object{{
		"type": "pointer", "id": "mouse", "parameters": object{"pointerType": "mouse"}, "actions": []object{
			{"type": "pointerMove", "x": int(x), "y": int(y)}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0},
		},
	}}}, nil)
}

// TestFirefox checks the main flow in a second browser engine: a buyer picks two seats, holds
// and buys them, and another user sees that.
func TestFirefox(t *testing.T) {
	t.Parallel()
	f, s := startFirefox(t), serve(t, "-events", "../../events/theatre.json")
	ann, ben := f.newUser(1280, 900), f.newUser(1280, 900)
	ann.visit(s.URL)
	ben.visit(s.URL)
	ben.waitLight("live")
	ann.click("Stalls, row C, seat 5")
	ann.click("Stalls, row C, seat 6")
	ann.press("Hold 2 seats")
	ann.waitText("Stalls, row C, seats 5 and 6 are held for you for")
	ben.waitSeat("Stalls, row C, seat 6", "on hold for ")
	ann.press("Buy")
	ann.waitText("Booked: Stalls, row C, seats 5 and 6 for £")
	ann.waitSeat("Stalls, row C, seat 5", "booked by you")
	ben.waitSeat("Stalls, row C, seat 5", "booked")
	if s := eval[string](ann, `getComputedStyle(`+seat("Stalls, row C, seat 5")+`, '::before').borderRadius`); s != "50%" {
		t.Errorf("a seat that is booked by the user has the radius %s, want a disc", s)
	}
}
