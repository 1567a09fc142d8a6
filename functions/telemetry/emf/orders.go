package emf

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"seatlock/functions/payment"
)

// maxAge is the age from which counts are no longer written. CloudWatch treats what is
// written as current, and its alarm reports when nothing is.
const maxAge = 5 * time.Minute

// Orders writes the number of orders: one line for each state, and one with the age of
// the oldest unsettled order and the delay of the latest one. It writes nothing if they
// were counted more than five minutes ago.
func Orders(w io.Writer, namespace string, c payment.Counts) {
	if c.Age > maxAge {
		return
	}
	var out []byte
	for _, stage := range payment.Stages() {
		out = appendLine(out, namespace, "State", string(stage), `{"Name":"Orders","Unit":"Count"}`, fmt.Sprintf(`"Orders":%d`, c.Orders[stage]))
	}
	out = appendLine(out, namespace, "Call", "settle", `{"Name":"OldestUnsettled","Unit":"Milliseconds"},{"Name":"MostOverdue","Unit":"Milliseconds"}`,
		fmt.Sprintf(`"OldestUnsettled":%d`, c.Oldest.Milliseconds()), fmt.Sprintf(`"MostOverdue":%d`, c.Late.Milliseconds()))
	_, _ = w.Write(out) // the only place to report an error would be the same log
}

// Compared writes whether a comparison of orders with the provider was finished.
func Compared(w io.Writer, namespace string, finished bool) {
	unfinished := `"UnfinishedComparisons":1`
	if finished {
		unfinished = `"UnfinishedComparisons":0`
	}
	_, _ = w.Write(appendLine(nil, namespace, "Call", "settle", `{"Name":"UnfinishedComparisons","Unit":"Count"}`, unfinished))
}

// appendLine appends a line with metrics of one dimension, and their values.
func appendLine(out []byte, namespace, dimension, value, metrics string, members ...string) []byte {
	out = append(out, `{"_aws":{"Timestamp":`...)
	out = strconv.AppendInt(out, time.Now().UnixMilli(), 10)
	out = append(out, `,"CloudWatchMetrics":[{"Namespace":"`+namespace+`","Dimensions":[["`+dimension+`"]],"Metrics":[`+metrics+`]}]},"`+dimension+`":"`+value+`"`...)
	for _, m := range members {
		out = append(out, ","+m...)
	}
	return append(out, "}\n"...)
}
