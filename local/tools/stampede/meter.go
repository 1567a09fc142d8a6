package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"seatlock/functions/client"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// A meter takes down how long every call took and what came of it.
type meter struct {
	mu    sync.Mutex
	calls map[history.Call]*timing
}

type timing struct {
	took     *hdrhistogram.Histogram // in microseconds
	outcomes map[string]int
}

// The slowest call that is told from slower ones, and how exactly times are kept.
const (
	slowest = time.Minute
	digits  = 3
)

func newMeter() *meter { return &meter{calls: make(map[history.Call]*timing)} }

func (m *meter) note(op history.Op, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.calls[op.Call]
	if t == nil {
		t = &timing{hdrhistogram.New(1, slowest.Microseconds(), digits), make(map[string]int)}
		m.calls[op.Call] = t
	}
	_ = t.took.RecordValue(min(max(took, time.Microsecond), slowest).Microseconds()) // it is in range
	t.outcomes[outcome(op)]++
}

// outcome names what came of a call in the words of the API.
func outcome(op history.Op) string {
	switch op.Outcome {
	case history.Done:
		return "ok"
	case history.Refused:
		return string(op.Conflict.Reason)
	}
	if p, ok := errors.AsType[*client.Problem](op.Cause); ok {
		return p.Code
	}
	if errors.Is(op.Cause, lockstore.ErrUnavailable) {
		return "no connection"
	}
	if op.Outcome == history.Unknown {
		return "no answer"
	}
	return string(op.Outcome)
}

// line is how it is going.
func (m *meter) line(since time.Duration) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls, locked, booked := int64(0), 0, 0
	for call, t := range m.calls {
		calls += t.took.TotalCount()
		switch call {
		case history.Lock:
			locked = t.outcomes["ok"]
		case history.Confirm:
			booked = t.outcomes["ok"]
		}
	}
	return fmt.Sprintf("%.0f calls/s, %d locked, %d booked; buyers", float64(calls)/max(since.Seconds(), 0.001), locked, booked)
}

// report sums up.
func (m *meter) report(took time.Duration) report {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := report{Seconds: took.Seconds()}
	for _, call := range []history.Call{history.List, history.Lock, history.Confirm, history.Release} {
		t := m.calls[call]
		if t == nil {
			continue
		}
		at := func(quantile float64) float64 { return float64(t.took.ValueAtQuantile(quantile)) / 1000 }
		r.Calls = append(r.Calls, callReport{
			Call: string(call), Count: t.took.TotalCount(), Outcomes: t.outcomes,
			P50: at(50), P95: at(95), P99: at(99), Max: float64(t.took.Max()) / 1000,
			Bars: bars(t.took),
		})
		r.PerSecond += float64(t.took.TotalCount()) / took.Seconds()
	}
	return r
}

// barBounds are the ends of the bars of a small histogram, in microseconds: each
// is twice the one before.
var barBounds = []int64{250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 1_024_000}

// bars draws how the times are spread: a bar for those up to 0.25 ms, up to 0.5
// ms, and so on to a second, and one for the rest.
func bars(h *hdrhistogram.Histogram) string {
	counts := make([]int64, len(barBounds)+1)
	for _, bar := range h.Distribution() {
		i := 0
		for i < len(barBounds) && bar.From > barBounds[i] {
			i++
		}
		counts[i] += bar.Count
	}
	var b strings.Builder
	for _, n := range counts {
		levels := []rune(" ▁▂▃▄▅▆▇█")
		level := 0
		if n > 0 {
			level = 1 + int(7*float64(n)/float64(h.TotalCount()))
		}
		b.WriteRune(levels[level])
	}
	return b.String()
}
