package emf

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"seatlock/functions/payment"
)

// Orders writes how many orders there are: a line for each state, and one with how long
// the oldest one is unsettled and how late the latest one is.
func Orders(w io.Writer, namespace string, c payment.Counts) {
	var out []byte
	line := func(dimension, value, metrics string, members ...string) {
		out = append(out, `{"_aws":{"Timestamp":`...)
		out = strconv.AppendInt(out, time.Now().UnixMilli(), 10)
		out = append(out, `,"CloudWatchMetrics":[{"Namespace":"`+namespace+`","Dimensions":[["`+dimension+`"]],"Metrics":[`+metrics+`]}]},"`+dimension+`":"`+value+`"`...)
		for _, m := range members {
			out = append(out, ","+m...)
		}
		out = append(out, "}\n"...)
	}
	for _, stage := range payment.Stages() {
		line("State", string(stage), `{"Name":"Orders","Unit":"Count"}`, fmt.Sprintf(`"Orders":%d`, c.Orders[stage]))
	}
	line("Call", "settle", `{"Name":"OldestUnsettled","Unit":"Milliseconds"},{"Name":"MostOverdue","Unit":"Milliseconds"}`,
		fmt.Sprintf(`"OldestUnsettled":%d`, c.Oldest.Milliseconds()), fmt.Sprintf(`"MostOverdue":%d`, c.Late.Milliseconds()))
	_, _ = w.Write(out) // an error could only be reported the same way
}
