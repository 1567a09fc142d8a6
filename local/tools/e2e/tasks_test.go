package e2e

import (
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
// took: that does not depend on what else the machine does.
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

// recordTasks records the tasks of the page until the returned function is called.
func (w *window) recordTasks() (stop func() tasks) {
	w.t.Helper()
	const mark = "recorded"
	type thread struct{ PID, TID int }
	var mu sync.Mutex
	var page thread
	all := map[thread]tasks{}
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
				var e struct {
					thread
					Name string
					TDur int // microseconds of processor time
				}
				if json.Unmarshal(value, &e) != nil {
					continue // not an event of a thread
				}
				switch e.Name {
				case mark:
					page = e.thread
				case "RunTask":
					all[e.thread] = append(all[e.thread], time.Duration(e.TDur)*time.Microsecond)
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
	eval[any](w, `void performance.mark(`+quoted(mark)+`)`)
	return func() tasks {
		w.t.Helper()
		defer cancel()
		call(w, tracing.End, cdp.Empty{})
		select {
		case <-complete:
		case <-time.After(time.Minute):
			w.t.Fatal("the browser does not finish its recording")
		}
		mu.Lock()
		defer mu.Unlock()
		if len(all[page]) == 0 {
			w.t.Fatal("the recording has no tasks of the page")
		}
		return all[page]
	}
}
