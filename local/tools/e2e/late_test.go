package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestUserIsSaidLate checks that a map loads its event only once if the shop sets the user
// after the element exists.
func TestUserIsSaidLate(t *testing.T) {
	t.Parallel()
	b := needBrowser(t)
	var s *server
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Shop</title><seatlock-map event="default"></seatlock-map>
			<script>const map = document.querySelector('seatlock-map'); // which asks for its event in a microtask
				customElements.whenDefined('seatlock-map').then(() => {}).then(() => { map.user = 'ann'; });</script>
			<script type="module" src="%s/embed/v1.js"></script>`, s.URL)
	}))
	t.Cleanup(shop.Close)
	s = serve(t, "-cors-origin", shop.URL)
	w := b.newUser(1280, 1000)
	w.visit(shop.URL)
	if user, n := eval[string](w, `map.user`), eval[int](w, `performance.getEntriesByType('resource').filter(({name}) => name.includes('/events?')).length`); user != "ann" || n != 1 {
		t.Errorf("the map of %q asks for its event %d times, want once", user, n)
	}
}
