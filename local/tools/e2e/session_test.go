package e2e

import (
	"strings"
	"testing"

	"github.com/oauth2-proxy/mockoidc"
)

// serveSignIn serves guests and users who sign in on the page. Sessions outlast the
// program.
func serveSignIn(t *testing.T, args ...string) *server {
	t.Helper()
	issuer, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { issuer.Shutdown() })
	env := []string{"AUTH_CLIENT_SECRET=" + issuer.Config().ClientSecret, "SESSION_KEY=" + strings.Repeat("sessions", 5)}
	return serveWith(t, env, append([]string{"-sessions", "-confirm-by", "buyer", "-auth-issuer", issuer.Issuer(), "-auth-audience", "api", "-auth-client", issuer.Config().ClientID}, args...)...)
}

// endSessions gives the server another key at its next start.
func (s *server) endSessions() { s.env = append(s.env, "SESSION_KEY="+strings.Repeat("another!", 5)) }

// waitNotice waits until the panel has the message, which may be out of view.
func (w *window) waitNotice(text string) {
	w.t.Helper()
	w.waitFor("the message is "+quoted(text), `look.byId('notice').textContent.includes(`+quoted(text)+`)`)
}

// signIn signs in on the page, and waits for the seats.
func (w *window) signIn() {
	w.t.Helper()
	w.press("Sign in")
	w.waitText("You are signed in.")
	w.waitFor("the seats are shown", `look.one('.ready')`)
}

// TestAnotherWindowSignsIn checks that a guest's window does not lock for a user who has
// signed in in another window, but says so and shows that user's seats.
func TestAnotherWindowSignsIn(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serveSignIn(t)
	one := b.newUser(1280, 900)
	one.visit(s.URL)
	one.waitText("You are a guest.")
	one.click("row A, seat 1")
	other := one.secondWindow()
	other.visit(s.URL)
	other.signIn()
	other.click("row B, seat 1")
	other.press("Hold this seat")
	other.waitText("is held for you")

	one.press("Hold this seat")
	one.waitNotice("You have signed in in another window, so this one now shows the seats of your account. Nothing was held.")
	s.waitSeat("A1", "available")
	one.waitText("You are signed in.")
	one.waitSeat("row B, seat 1", "held for you for ")
	one.waitSeat("row A, seat 1", "picked by you")
	one.press("Hold this seat")
	one.waitSeat("row A, seat 1", "held for you for ")
	other.waitSeat("row A, seat 1", "held for you for ")
}

// TestAnotherWindowBecomesAGuest checks that a window of a signed-in user does not act as
// the guest that the browser has become, and does not say that it is too late.
func TestAnotherWindowBecomesAGuest(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serveSignIn(t)
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.signIn()
	w.click("row A, seat 1")
	w.press("Hold this seat")
	w.waitText("is held for you")
	eval[any](w, `fetch('signout', {method: 'POST'}).then(() => fetch('session')).then(() => null)`)
	w.press("Buy")
	w.waitNotice("You are not signed in any more, so the seats that you had are not shown as yours. Nothing was booked.")
	w.waitText("You are a guest.")
	w.waitSeat("row A, seat 1", "on hold for ")
	w.click("row A, seat 2")
	w.press("Hold this seat")
	w.waitSeat("row A, seat 2", "held for you for ")
}

// TestAnotherWindowSignsOut checks that signing out forgets what the user had, in every
// window.
func TestAnotherWindowSignsOut(t *testing.T) {
	t.Parallel()
	hall := `"sections": [{"name": "Hall", "rows": [{"row": "A-C", "seats": "1-6"}]}]`
	b, s := needBrowser(t), serveSignIn(t, "-events", eventFile(t, `{"events": [{"id": "default", "name": "One", `+hall+`}, {"id": "two", "name": "Two", `+hall+`}]}`))
	one := b.newUser(1280, 900)
	one.visit(s.URL)
	one.signIn()
	one.click("Hall, row A, seat 1")
	one.press("Hold this seat")
	one.waitText("is held for you")
	other := one.secondWindow()
	other.visit(s.URL)
	other.waitSeat("Hall, row A, seat 1", "held for you for ")

	s.Kill()
	other.press("Sign out")
	other.waitNotice("The server did not answer, so you may still be signed in.")
	if !eval[bool](other, `Object.keys(localStorage).some((k) => k.startsWith('seatlock:default:'))`) {
		t.Error("the seats of a user who is still signed in are forgotten")
	}
	s.start(strings.TrimPrefix(s.URL, "http://"))
	other.waitLight("live")
	other.waitSeat("Hall, row A, seat 1", "available")
	other.click("Hall, row A, seat 3")
	other.press("Hold this seat")
	other.waitText("is held for you")
	one.waitSeat("Hall, row A, seat 3", "held for you for ")
	one.click("Hall, row C, seat 1")
	one.waitSeat("Hall, row C, seat 1", "picked by you")
	other.press("Sign out")
	other.waitText("You are a guest.")
	other.waitSeat("Hall, row A, seat 3", "on hold for ")
	one.waitNotice("You are not signed in any more, so the seats that you had are not shown as yours.")
	one.waitText("You are a guest.")
	one.waitSeat("Hall, row A, seat 3", "on hold for ")
	one.waitSeat("Hall, row C, seat 1", "available")
	if kept := eval[string](one, `Object.entries(localStorage).join()`); strings.Contains(kept, "A3") {
		t.Errorf("the browser keeps %s", kept)
	}

	// The guest's picks in an event that the user did not open.
	other.visit(s.URL + "#event=two")
	other.click("Hall, row B, seat 2")
	other.waitSeat("Hall, row B, seat 2", "picked by you")
	other.visit(s.URL)
	other.signIn()
	other.press("Sign out")
	other.waitText("You are a guest.")
	other.visit(s.URL + "#event=two")
	if n := eval[int](other, `document.querySelector('seatlock-map').basket.picked.length`); n != 0 {
		t.Errorf("the next guest has picked %d seats, want none", n)
	}
}

// TestOldLocksDoNotKeepAGuest checks that a guest can sign in whatever the browser
// remembers of expired locks, other events and booked seats.
func TestOldLocksDoNotKeepAGuest(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serveSignIn(t)
	remember := func(w *window, event, seat, end string) {
		t.Helper()
		eval[any](w, `fetch('session').then((r) => r.json()).then(({userId}) => { localStorage['seatlock:`+event+`:' + userId] = JSON.stringify({locked: [['`+seat+`', `+end+`]], bought: []}); })`)
	}
	const later = "Date.now() + 1e6"
	t.Run("locks that are over", func(t *testing.T) {
		w := b.newUser(1280, 900)
		w.visit(s.URL)
		w.waitText("You are a guest.")
		remember(w, "past", "X1", "Date.now() - 1000")
		w.signIn()
	})
	t.Run("locks that the server does not know", func(t *testing.T) {
		w := b.newUser(1280, 900)
		w.visit(s.URL)
		w.click("row A, seat 1")
		w.press("Hold this seat")
		w.waitText("is held for you")
		remember(w, "past", "X1", later)
		remember(w, "default-2", "X1", later)
		w.press("Sign in")
		w.press("Give back and sign in")
		w.waitText("You are signed in.")
		s.waitSeat("A1", "available")
	})
	t.Run("a seat that is booked", func(t *testing.T) {
		w := b.newUser(1280, 900)
		w.visit(s.URL)
		w.click("row C, seat 1")
		w.click("row C, seat 2")
		w.press("Hold 2 seats")
		w.waitText("are held for you")
		eval[any](w, `fetch('confirm', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"seatId":"C1"}'}).then(() => null)`)
		s.waitSeat("C1", "booked")
		w.press("Sign in")
		w.press("Give back and sign in")
		w.waitText("You are signed in.")
		s.waitSeat("C2", "available")
	})
}

// TestSessionEnds checks that the page becomes a guest's page, and says so, once the session
// of a signed-in user is over, and that the guest can lock.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serveSignIn(t)
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.signIn()
	w.click("row A, seat 1")
	s.restart(s.endSessions)
	w.waitLight("live")
	w.press("Hold this seat")
	w.waitNotice("You are not signed in any more, so the seats that you had are not shown as yours. Nothing was held.")
	w.waitText("You are a guest.")
	w.waitFor("one can sign in", `look.byId('signin').checkVisibility() && !look.byId('signout').checkVisibility()`)
	w.waitSeat("row A, seat 1", "picked by you")
	w.press("Hold this seat")
	w.waitText("is held for you")
}

// TestPrivateSessionEnds checks that, with -private, the page gets a new session by itself
// once the old one is over, or lets the user sign in.
func TestPrivateSessionEnds(t *testing.T) {
	t.Parallel()
	t.Run("of a guest", func(t *testing.T) {
		b, s := needBrowser(t), serveSignIn(t, "-private")
		w := b.newUser(1280, 900)
		w.visit(s.URL)
		w.signIn()
		s.restart(s.endSessions)
		w.waitNotice("You are not signed in any more, so")
		w.waitText("You are a guest.")
		w.waitLight("live")
	})
	t.Run("of a user", func(t *testing.T) {
		b, s := needBrowser(t), serveSignIn(t, "-private", "-sessions=false")
		w := b.newUser(1280, 900)
		w.do(navigate(s.URL))
		w.signIn()
		s.restart(s.endSessions)
		w.waitNotice("You are not signed in any more. Sign in again to see the seats.")
		w.press("Sign in")
		w.waitText("You are signed in.")
	})
}

// TestGuestSessionEnds checks the same for a guest where nobody can sign in: no message says
// that the page only shows the seats.
func TestGuestSessionEnds(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-sessions", "-confirm-by", "buyer")
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.click("row A, seat 1")
	s.restart(func() {}) // without a key, sessions end with the program
	w.waitLight("live")
	w.press("Hold this seat")
	w.waitNotice("Your session has ended. You are a new guest, so the seats that you had are not shown as yours. Nothing was held.")
	w.press("Hold this seat")
	w.waitText("is held for you")
}

// TestTooManyGuests checks that visitors at an address with too many new guests can see the
// seats and sign in, and become guests at their first lock once there is room.
func TestTooManyGuests(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serveSignIn(t, "-guests", "1")
	b.newUser(1280, 900).visit(s.URL)
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.waitLight("live")
	w.click("row A, seat 1")
	w.press("Hold this seat")
	w.waitNotice("Very many people in your network are choosing seats just now, so you cannot hold any yet. Try again in a minute, or sign in.")
	w.waitSeat("row A, seat 1", "picked by you")
	user := b.newUser(1280, 900)
	user.visit(s.URL)
	user.signIn()
	s.restart(func() {}) // forgets the guests
	w.waitLight("live")
	w.press("Hold this seat")
	w.waitSeat("row A, seat 1", "held for you for ")
	w.waitText("You are a guest.")
}
