package e2e

import (
	"net/http"
	"testing"
	"time"
)

// A trickle passes an answer on one byte at a time at first.
type trickle struct {
	http.ResponseWriter
	bytes int           // that are to arrive alone
	pause time.Duration // after each of them
}

func (s *trickle) Write(b []byte) (int, error) {
	flush := http.NewResponseController(s.ResponseWriter).Flush
	for n := range b {
		if s.bytes == 0 {
			rest, err := s.ResponseWriter.Write(b[n:])
			return n + rest, err
		}
		s.bytes--
		if _, err := s.ResponseWriter.Write(b[n : n+1]); err != nil {
			return n, err
		}
		if err := flush(); err != nil {
			return n, err
		}
		time.Sleep(s.pause)
	}
	return len(b), nil
}

// TestWaitsWhileBytesArrive checks that the page waits for an answer that takes
// longer than its patience but keeps arriving, and asks for it once.
func TestWaitsWhileBytesArrive(t *testing.T) {
	b, s := needBrowser(t), serve(t)
	p := newProxy(t, s)
	p.slowList.Store(true)
	w := b.newUser(1280, 900)
	w.visit(p.url)
	w.waitLight("live")
	if n := p.lists.Load(); n != 1 {
		t.Errorf("the page asked for %d full lists, want one", n)
	}
}
