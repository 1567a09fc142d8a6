// Package emf writes what came of requests as lines of CloudWatch's embedded
// metric format, of which CloudWatch makes metrics by itself: a function that
// is frozen between requests has nobody who could come and ask for them.
package emf

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatlock/functions/telemetry"
)

// A metric is a number that each line has.
type metric struct {
	name, unit string
	value      func(*telemetry.Outcome) float64
}

var metrics = []metric{
	{"Requests", "Count", func(*telemetry.Outcome) float64 { return 1 }},
	{"Duration", "Milliseconds", func(o *telemetry.Outcome) float64 { return milliseconds(o.Took) }},
	{"Seats", "Count", func(o *telemetry.Outcome) float64 { return float64(o.Seats) }},
	{"StoreCalls", "Count", func(o *telemetry.Outcome) float64 { return float64(o.Store.Calls) }},
	{"StoreFailures", "Count", func(o *telemetry.Outcome) float64 { return float64(o.Store.Failures) }},
	{"StoreDuration", "Milliseconds", func(o *telemetry.Outcome) float64 { return milliseconds(o.Store.Took) }},
}

// A directive has CloudWatch make metrics apart by the values of its dimensions,
// each of which is paid for: so those are kept apart by code alone of which that
// says something.
type directive struct {
	dimensions string // a JSON list of sets
	metrics    []string
}

var directives = []directive{
	{`[["Call","Code"]]`, []string{"Requests", "Seats"}},
	{`[["Code"]]`, []string{"Requests"}}, // for alarms, to which the call makes no difference
	{`[["Call"]]`, []string{"Duration", "StoreCalls", "StoreFailures", "StoreDuration"}},
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// describe is what CloudWatch needs to know to make the metrics.
func describe(namespace string) string {
	var all []string
	for _, d := range directives {
		var made []string
		for _, m := range metrics {
			if slices.Contains(d.metrics, m.name) {
				made = append(made, `{"Name":"`+m.name+`","Unit":"`+m.unit+`"}`)
			}
		}
		all = append(all, `{"Namespace":"`+namespace+`","Dimensions":`+d.dimensions+`,"Metrics":[`+strings.Join(made, ",")+"]}")
	}
	return "[" + strings.Join(all, ",") + "]"
}

// Report returns a Report that writes a line a request, whole and at once. The
// namespace must be one that CloudWatch accepts: see functions/settings.
func Report(w io.Writer, namespace string) telemetry.Report {
	head := `,"CloudWatchMetrics":` + describe(namespace) + "}"
	return func(ctx context.Context, o *telemetry.Outcome) {
		line := make([]byte, 0, 1024)
		line = append(line, `{"_aws":{"Timestamp":`...)
		line = strconv.AppendInt(line, time.Now().UnixMilli(), 10)
		line = append(line, head...)
		// All of it is of characters that JSON takes as they are.
		for _, text := range [...]struct{ name, value string }{
			{"Call", o.Call}, {"Code", o.Code}, {"event", string(o.Event)}, {"request", telemetry.ID(ctx)},
		} {
			line = append(line, `,"`+text.name+`":"`...)
			line = append(line, text.value...)
			line = append(line, '"')
		}
		for _, m := range metrics {
			line = append(line, `,"`+m.name+`":`...)
			line = strconv.AppendFloat(line, m.value(o), 'f', -1, 64)
		}
		line = append(line, `,"bytes":`...)
		line = strconv.AppendInt(line, o.Bytes, 10)
		_, _ = w.Write(append(line, "}\n"...)) // there is nobody else to tell
	}
}
