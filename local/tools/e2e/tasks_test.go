package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// frame is the time from one frame to the next at 60 frames a second.
const frame = time.Second / 60

// tasks are the tasks of a page's main thread, by the processor time that each of them
// took, which depends less on what else the machine does than the time on the clock.
type tasks []time.Duration

// longest returns the longest task.
func (ts tasks) longest() time.Duration { return slices.Max(append(ts, 0)) }

// frames returns how many frames a second the tasks leave of 60, on a processor that is so
// many times slower, if all of them are within d.
func (ts tasks) frames(d time.Duration, slower int) float64 {
	missed := 0
	for _, t := range ts {
		missed += int(t * time.Duration(slower) / frame)
	}
	return 60 - float64(missed)/d.Seconds()
}

// sum returns the processor time of all of them.
func (ts tasks) sum() (sum time.Duration) {
	for _, t := range ts {
		sum += t
	}
	return sum
}

// recordTasks records the tasks of the page until the returned function is called, which
// returns those that began before the page set the mark, or all of them if it is empty.
func (w *window) recordTasks() (stop func(before string) tasks) {
	w.t.Helper()
	const end = "recorded"
	type event struct {
		PID, TID int
		Name     string
		TS, TDur int // microseconds: when, and of processor time
	}
	var mu sync.Mutex
	var all []event
	complete := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(w.ctx)
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *tracing.EventTracingComplete:
			complete <- struct{}{}
		case *tracing.EventDataCollected:
			mu.Lock()
			defer mu.Unlock()
			for _, value := range ev.Value {
				var e event
				if json.Unmarshal(value, &e) == nil { // else it is not of a thread
					all = append(all, e)
				}
			}
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	call(w, tracing.Start, tracing.StartParams{TransferMode: tracing.StartTransferModeReportEvents, TraceConfig: &tracing.TraceConfig{
		IncludedCategories: []string{"disabled-by-default-devtools.timeline", "blink.user_timing"}, ExcludedCategories: []string{"*"},
	}})
	return func(before string) tasks {
		w.t.Helper()
		defer cancel()
		eval[any](w, `void performance.mark(`+quoted(end)+`)`)
		call(w, tracing.End, cdp.Empty{})
		select {
		case <-complete:
		case <-time.After(time.Minute):
			w.t.Fatal("the browser does not finish its recording")
		}
		mu.Lock()
		defer mu.Unlock()
		marked := func(name string) event {
			i := slices.IndexFunc(all, func(e event) bool { return e.Name == name })
			if i < 0 {
				w.t.Fatalf("the recording of the page has no mark %s", name)
			}
			return all[i]
		}
		last := marked(cmp.Or(before, end))
		var found tasks
		for _, e := range all {
			if e.Name == "RunTask" && e.PID == last.PID && e.TID == last.TID && e.TS < last.TS {
				found = append(found, time.Duration(e.TDur)*time.Microsecond)
			}
		}
		if found.sum() == 0 {
			w.t.Fatalf("the recording of the page has %d tasks and no processor time", len(found))
		}
		return found
	}
}
