package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// callers is how many connections or goroutines call at the same time.
const callers = 64

// rounds is how often the two sides of a comparison take turns, and round is the
// length of a turn.
const (
	rounds = 9
	round  = 400 * time.Millisecond
)

// A comparison has the medians of both sides and of the rounds' ratios.
type comparison struct{ base, ours, ratio float64 }

// sideBySide measures the two sides in turns, so that the machine's other load affects
// both.
func sideBySide(base, ours func() (float64, error)) (comparison, error) {
	var bases, all, ratios []float64
	for i := range rounds + 1 {
		b, err := base()
		if err != nil {
			return comparison{}, err
		}
		o, err := ours()
		if err != nil {
			return comparison{}, err
		}
		if i > 0 { // the first round warms up
			bases, all, ratios = append(bases, b), append(all, o), append(ratios, o/b)
		}
	}
	return comparison{median(bases), median(all), median(ratios)}, nil
}

// atLeast returns the result of comparing rates. Their ratio must reach the goal.
func (c comparison) atLeast(goal float64) result {
	return result{perSecond(c.base), perSecond(c.ours), fmt.Sprintf("%.2f", c.ratio), c.ratio >= goal}
}

// atMost returns the result of comparing times. Their ratio must not exceed the goal.
func (c comparison) atMost(goal float64, unit func(ns float64) string) result {
	return result{unit(c.base), unit(c.ours), fmt.Sprintf("%.2f", c.ratio), c.ratio <= goal}
}

// parallel runs n workers for d and returns how many turns a second they took
// together. The turns are numbered 0, 1, 2 … across all workers. A worker takes
// turns until there are no more, and the first error stops all workers.
func parallel(ctx context.Context, n int, d time.Duration, work func(worker int, turns iter.Seq[int]) error) (perSecond float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var begun, made atomic.Int64
	var once sync.Once
	var failed error
	var all sync.WaitGroup
	start := time.Now()
	for worker := range n {
		all.Go(func() {
			err := work(worker, func(yield func(int) bool) {
				for ctx.Err() == nil && yield(int(begun.Add(1)-1)) {
					made.Add(1)
				}
			})
			if err != nil {
				once.Do(func() { failed = err })
				cancel()
			}
		})
	}
	all.Wait()
	return float64(made.Load()) / time.Since(start).Seconds(), failed
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func quantile(v []time.Duration, q float64) time.Duration {
	slices.Sort(v)
	return v[int(q*float64(len(v)-1))]
}

func perSecond(v float64) string    { return fmt.Sprintf("%.0f/s", v) }
func nanos(ns float64) string       { return fmt.Sprintf("%.0f ns", ns) }
func micros(ns float64) string      { return fmt.Sprintf("%.1f µs", ns/1e3) }
func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1e3) }
