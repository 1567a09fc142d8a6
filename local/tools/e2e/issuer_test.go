package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"seatlock/lockstore/storetest/faults"
)

// serveIssuer builds and starts an issuer with a login form.
func serveIssuer(t *testing.T) *faults.Server {
	t.Helper()
	program := filepath.Join(t.TempDir(), "issuer")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "issuer", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the issuer: %v\n%s", err, out)
	}
	s, err := faults.Serve(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// fill types a text into the field with the id.
func (w *window) fill(id, text string) {
	w.t.Helper()
	w.waitFor("there is a field "+id, `look.byId(`+quoted(id)+`)`)
	eval[chromedp.Void](w, `look.byId(`+quoted(id)+`).select()`)
	w.keys(text)
}

// TestSignInWithAForm checks that a user signs in with the login form of a separate issuer
// that insists on PKCE, even after a wrong password, and then locks and confirms the seats
// picked before, as the issuer's user.
func TestSignInWithAForm(t *testing.T) {
	t.Parallel()
	b, issuer := needBrowser(t), serveIssuer(t)
	s := serve(t, "-sessions", "-confirm-by", "buyer", "-auth-issuer", issuer.URL, "-auth-audience", "api", "-auth-client", "seatlock")
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.waitText("You are a guest.")
	w.click("row A, seat 1")
	w.press("Sign in")
	for _, password := range []string{"guessed", "verysecure"} {
		w.fill("username", "test-user2")
		w.fill("password", password)
		w.press("Login")
		if password == "guessed" {
			w.waitText("username or password wrong")
		}
	}
	w.waitText("You are signed in.")
	if user := eval[string](w, `fetch('session').then((r) => r.json()).then((s) => s.userId)`); user != "id2" {
		t.Errorf("the user is %q, want the issuer's, id2", user)
	}
	w.waitSeat("row A, seat 1", "picked by you")
	w.press("Hold this seat")
	w.waitText("is held for you")
	w.press("Buy")
	w.waitText("Booked: ")
	s.waitSeat("A1", "booked")
	w.press("Sign out")
	w.waitText("You are a guest.")
	w.waitSeat("row A, seat 1", "booked")
}
