package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// A meter records how long each call took and how it ended.
type meter struct {
	mu    sync.Mutex
	calls map[string]*timing // by history.Call.Name
}

type timing struct {
	took     []time.Duration
	outcomes map[string]int
}

func newMeter() *meter { return &meter{calls: make(map[string]*timing)} }

func (m *meter) note(c history.Call, took time.Duration) { m.noteAs(c.Name(), outcome(c), took) }

// noteAs records a call under a name.
func (m *meter) noteAs(name, outcome string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.calls[name]
	if t == nil {
		t = &timing{outcomes: make(map[string]int)}
		m.calls[name] = t
	}
	t.took = append(t.took, took)
	t.outcomes[outcome]++
}

// outcome names how a call ended, as the API does.
func outcome(c history.Call) string {
	switch c.Outcome {
	case history.Done:
		return "ok"
	case history.Refused:
		return string(c.Conflict.Reason)
	}
	if p, ok := errors.AsType[*client.Problem](c.Cause); ok {
		return p.Code
	}
	if errors.Is(c.Cause, lockstore.ErrUnavailable) {
		return "no connection"
	}
	if c.Outcome == history.Unknown {
		return "no answer"
	}
	return string(c.Outcome)
}

// line describes the calls so far.
func (m *meter) line(since time.Duration) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls := 0
	ok := make(map[string]int)
	for name, t := range m.calls {
		calls += len(t.took)
		ok[name] = t.outcomes["ok"]
	}
	return fmt.Sprintf("%.0f calls/s, %d locked, %d booked", float64(calls)/max(since.Seconds(), 0.001),
		ok[lockstore.KindLock.String()]+ok[pickName], ok[lockstore.KindConfirm.String()])
}

// report returns the report of all calls.
func (m *meter) report(took time.Duration) report {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := report{Seconds: took.Seconds()}
	names := []string{string(history.List), pickName}
	for _, k := range lockstore.Kinds() {
		names = append(names, k.String())
	}
	for _, name := range names {
		t := m.calls[name]
		if t == nil {
			continue
		}
		slices.Sort(t.took)
		n := len(t.took)
		at := func(quantile float64) float64 { return t.took[int(quantile*float64(n-1))].Seconds() * 1000 }
		r.Calls = append(r.Calls, callReport{
			Call: name, Count: n, Outcomes: t.outcomes,
			P50: at(0.50), P95: at(0.95), P99: at(0.99), Max: at(1),
			Bars: bars(t.took),
		})
		r.PerSecond += float64(n) / took.Seconds()
	}
	return r
}

// barCount is the number of bars. The first counts calls of up to 0.25 ms, each further
// one calls of up to twice as long, and the last all calls of more than a second.
const barCount = 14

// bars draws how the times are distributed.
func bars(times []time.Duration) string {
	var counts [barCount]int
	for _, took := range times {
		i := 0
		for i < barCount-1 && took > 250*time.Microsecond<<i {
			i++
		}
		counts[i]++
	}
	levels := []rune(" ▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, n := range counts {
		level := 0
		if n > 0 {
			level = 1 + 7*n/len(times)
		}
		b.WriteRune(levels[level])
	}
	return b.String()
}
