package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
)

// A trickle passes on each part of an answer in several pieces.
type trickle struct {
	http.ResponseWriter
	pieces int
	pause  time.Duration // after each piece
}

func (s *trickle) Write(b []byte) (int, error) {
	n := 0
	for piece := range s.pieces {
		end := len(b) * (piece + 1) / s.pieces
		if _, err := s.ResponseWriter.Write(b[n:end]); err != nil {
			return n, err
		}
		n = end
		if err := http.NewResponseController(s.ResponseWriter).Flush(); err != nil {
			return n, err
		}
		time.Sleep(s.pause)
	}
	return n, nil
}

// TestWaitsWhileBytesArrive checks that the page waits for an answer that takes
// longer than its patience, 10 seconds, but keeps arriving, and asks for it once.
func TestWaitsWhileBytesArrive(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t)
	p := newProxy(t, s)
	p.slowList.Store(true)
	w := b.newUser(1280, 900)
	w.hurry()
	w.visit(p.url)
	w.waitLight("live")
	if n := p.lists.Load(); n != 1 {
		t.Errorf("the page asked for %d full lists, want one", n)
	}
}

// TestArenaOnPhone checks that 50,000 seats open on a phone over a slow network, and
// how many bytes that takes. It only logs the durations, for the README, since they depend on
// what else the machine does.
func TestArenaOnPhone(t *testing.T) {
	b, s := needBrowser(t), serve(t, "-events", "../../events/arena.json")
	s.fillArena()
	for _, phone := range []struct {
		name     string
		kilobits float64
		slowdown float64
	}{
		{"1.6 Mbit/s and a processor 4 times slower", 1600, 4},
		{"600 kbit/s", 600, 1},
	} {
		w := b.newUser(360, 740)
		call(w, network.Enable, network.EnableParams{})
		call(w, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{
			{Latency: 150, DownloadThroughput: phone.kilobits * 1000 / 8, UploadThroughput: 750_000 / 8},
		}})
		call(w, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: phone.slowdown})
		unslowed := phone.slowdown == 1
		var recorded func(string) tasks
		if unslowed {
			recorded = w.recordTasks()
		}
		w.visit(s.URL)
		usable := eval[float64](w, `performance.getEntriesByName('seats-shown')[0].startTime`)
		bytes := eval[int](w, `performance.getEntries().reduce((sum, e) => sum + (e.transferSize ?? 0), 0)`)
		t.Logf("%s: usable %.1f s after the start of loading, %d KB", phone.name, usable/1000, bytes/1000)
		if unslowed { // what the first phone takes if nothing happens at the same time, assuming four round trips
			network, roundTrips, processor := float64(bytes)*8/1_600_000, 4*0.15, 4*recorded("seats-shown").sum().Seconds()
			t.Logf("at 1.6 Mbit/s and with a processor 4 times slower, one after the other: %.1f s of network, %.1f s of round trips, %.1f s of the main thread, together %.1f s", network, roundTrips, processor, network+roundTrips+processor)
		}
		if bytes > 400_000 {
			t.Errorf("%s: opening the arena took %d bytes, want at most 400,000", phone.name, bytes)
		}
	}
}
