// Package emf writes outcomes of requests in CloudWatch's embedded metric format.
// CloudWatch makes metrics from these log lines. They cannot be collected from a Lambda
// function, since it is frozen between requests.
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

// A metric is a number in each line.
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

// A directive makes one metric for each combination of the values of its dimensions.
// Each metric costs money, so it has only useful dimensions.
type directive struct {
	dimensions string // a JSON list of sets of names
	metrics    []string
}

var directives = []directive{
	{`[["Call","Code"]]`, []string{"Requests", "Seats"}},
	{`[["Code"]]`, []string{"Requests"}}, // for alarms on all calls together
	{`[["Call"]]`, []string{"Duration", "StoreCalls", "StoreFailures", "StoreDuration"}},
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// describe returns the directives in the form that CloudWatch reads.
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

// Report returns a Report that writes one line for each request, in a single Write. The
// namespace must be one that CloudWatch accepts: see functions/settings.
func Report(w io.Writer, namespace string) telemetry.Report {
	head := `,"CloudWatchMetrics":` + describe(namespace) + "}"
	return func(ctx context.Context, o *telemetry.Outcome) {
		line := make([]byte, 0, 1024)
		line = append(line, `{"_aws":{"Timestamp":`...)
		line = strconv.AppendInt(line, time.Now().UnixMilli(), 10)
		line = append(line, head...)
		// JSON needs no escapes in any of these values.
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
		_, _ = w.Write(append(line, "}\n"...)) // the only place to report an error would be the same log
	}
}
