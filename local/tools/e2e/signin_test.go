package e2e

import (
	"strings"
	"testing"

	"github.com/oauth2-proxy/mockoidc"
)

// TestGuestSession checks that the page locks and confirms as a guest whom the server
// made, the same one in two windows, and that no script can read the cookie.
func TestGuestSession(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-sessions", "-confirm-by", "buyer")
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.waitText("You are a guest.")
	if status := s.post("lock", "ann", "A1"); status != 401 {
		t.Errorf("a userId is believed: %d", status)
	}
	w.click("row A, seat 1")
	w.press("Hold this seat")
	w.waitText("is held for you")
	if cookies := eval[string](w, `document.cookie`); cookies != "" {
		t.Errorf("a script sees the cookies %s", cookies)
	}
	other := w.secondWindow()
	other.visit(s.URL)
	other.waitSeat("row A, seat 1", "held for you for ")
	other.press("Buy")
	w.waitSeat("row A, seat 1", "booked by you")
}

// TestSignInOnThePage checks that a guest is told what happens to the lock, that the picks
// outlast the sign-in, and that the signed-in user can lock them.
func TestSignInOnThePage(t *testing.T) {
	t.Parallel()
	issuer, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { issuer.Shutdown() })
	b := needBrowser(t)
	s := serveWith(t, []string{"AUTH_CLIENT_SECRET=" + issuer.Config().ClientSecret}, "-sessions", "-confirm-by", "buyer", "-auth-issuer", issuer.Issuer(), "-auth-audience", "api", "-auth-client", issuer.Config().ClientID)
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.waitText("You are a guest.")
	w.click("row A, seat 1")
	w.press("Hold this seat")
	w.waitText("is held for you")
	w.click("row B, seat 2")
	w.press("Sign in")
	w.waitText("You have seats as a guest")
	w.press("Stay a guest")
	w.waitSeat("row A, seat 1", "held for you for ")
	w.press("Sign in")
	w.press("Give back and sign in")
	w.waitText("You are signed in.")
	s.waitSeat("A1", "available")
	w.waitSeat("row A, seat 1", "picked by you")
	w.waitSeat("row B, seat 2", "picked by you")
	w.press("Hold 2 seats")
	w.waitText("are held for you")
	w.press("Buy")
	w.waitText("Booked: ")
	w.axe("signed in")
	w.press("Sign out")
	w.waitText("You are a guest.")
	w.waitSeat("row A, seat 1", "booked")
}

// TestSignInIsNeeded checks what the page says where callers must sign in, both if users can
// sign in on the page and if only programs can. It must never show a buyer how a program
// sends a token.
func TestSignInIsNeeded(t *testing.T) {
	t.Parallel()
	issuer, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { issuer.Shutdown() })
	tokens := []string{"-confirm-by", "buyer", "-auth-issuer", issuer.Issuer(), "-auth-audience", "api"}
	t.Run("private, and programs alone sign in", func(t *testing.T) {
		s := serve(t, append(tokens, "-private")...)
		w := needBrowser(t).newUser(1280, 900)
		w.do(navigate(s.URL))
		w.waitText("The seats are not shown to everybody here.")
	})
	t.Run("programs alone sign in", func(t *testing.T) {
		s := serve(t, tokens...)
		w := needBrowser(t).newUser(1280, 900)
		w.visit(s.URL)
		w.click("row A, seat 1")
		w.press("Hold this seat")
		w.waitText("This page only shows the seats.")
		if text := eval[string](w, `look.text`); strings.Contains(text, "Bearer") || strings.Contains(text, "token") {
			t.Errorf("the page says %s", text)
		}
	})
	t.Run("private, and the page signs in", func(t *testing.T) {
		s := serveWith(t, []string{"AUTH_CLIENT_SECRET=" + issuer.Config().ClientSecret}, append(tokens, "-private", "-auth-client", issuer.Config().ClientID)...)
		w := needBrowser(t).newUser(1280, 900)
		w.do(navigate(s.URL))
		w.waitText("Sign in to see the seats.")
		w.press("Sign in")
		w.waitText("You are signed in.")
		w.waitSeat("row A, seat 1", "available")
		w.click("row A, seat 1")
		w.press("Hold this seat")
		w.waitText("is held for you")
	})
}
