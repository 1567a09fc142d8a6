package payment

import (
	"strings"
	"testing"
	"time"
)

// TestClockThatWasSet checks that what is known of the store's clock is not used once
// somebody has set the clock of this process, until the store has answered again. A test
// cannot set that clock, so it changes what the clock showed before.
func TestClockThatWasSet(t *testing.T) {
	const ahead = 10 * time.Minute // the store's clock
	for by, want := range map[time.Duration]bool{0: true, 300 * time.Millisecond: true, -time.Hour: false, time.Hour: false} {
		var c clock
		c.learn(time.Now().Add(ahead), time.Now())
		s := *c.last.Load()
		s.wall = s.wall.Add(-by)
		c.last.Store(&s)
		if c.known() != want || c.fresh() != want {
			t.Errorf("set by %v: the time is known: %v, fresh: %v; want %v", by, c.known(), c.fresh(), want)
		}
		c.learn(time.Now().Add(ahead), time.Now())
		if off := time.Until(c.now()) - ahead; !c.fresh() || off.Abs() > time.Minute {
			t.Errorf("set by %v: after an answer the time is fresh: %v, and wrong by %v", by, c.fresh(), off)
		}
	}
}

// TestClockThatIsSetDuringACall checks that the time between a question and the store's
// answer counts.
func TestClockThatIsSetDuringACall(t *testing.T) {
	var c clock
	asked := time.Now()
	time.Sleep(time.Millisecond)
	c.learn(asked, asked)
	if s := c.last.Load(); s.at != asked || s.wall != asked.Round(0) {
		t.Errorf("the clock is compared with its readings at %v and %v, want %v, when the store was asked", s.at, s.wall, asked)
	}
}

// TestPauseOfAFrozenProcess checks that time counts in which the process did not run, which
// only the wall clock shows.
func TestPauseOfAFrozenProcess(t *testing.T) {
	var p pauseTime
	p.begin(time.Hour)
	frozen := *p.end.Load()
	frozen.wall = frozen.wall.Add(-time.Hour)
	if p.end.Store(&frozen); !p.over() {
		t.Error("a pause of an hour is not over, although the process was frozen for an hour")
	}
}

// TestPauseIsNotOnTheWallClock checks that setting the clock of this process back makes no
// pause longer.
func TestPauseIsNotOnTheWallClock(t *testing.T) {
	var p pauseTime
	if !p.over() {
		t.Error("a pause that was never begun is not over")
	}
	if p.begin(time.Hour); p.over() || !strings.Contains(p.end.Load().at.String(), " m=") {
		t.Errorf("a pause of an hour is over, or ends at %v, which the monotonic clock does not show", p.end.Load().at)
	}
	if p.begin(0); !p.over() {
		t.Error("a pause of nothing is not over")
	}
}
