package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seatlock/functions/payment"
)

// An OrderReport records metrics of orders. The methods that record do nothing on a nil
// OrderReport.
type OrderReport struct {
	moves    *prometheus.CounterVec
	rebuilt  prometheus.Counter
	compared *prometheus.CounterVec
	last     atomic.Pointer[counted]

	state, oldest, late, age *prometheus.Desc
}

// counted is the last count of orders.
type counted struct {
	payment.Counts
	at time.Time
}

// Orders adds metrics of orders. It returns nil if m is nil.
func (m *Metrics) Orders() *OrderReport {
	if m == nil {
		return nil
	}
	r := &OrderReport{
		moves:    m.counter("seatlock_order_moves_total", "Moves of orders, by the state that they moved to.", "state"),
		compared: m.counter("seatlock_comparisons_total", "Comparisons of orders with the provider. One that was unfinished had too little time, or no answer.", "result"),
		rebuilt:  prometheus.NewCounter(prometheus.CounterOpts{Name: "seatlock_rebuilt_orders_total", Help: "Orders that the store had lost and the provider had not."}),
		state:    prometheus.NewDesc("seatlock_orders", "Orders by state, as they were counted last.", []string{"state"}, nil),
		oldest:   prometheus.NewDesc("seatlock_oldest_unsettled_order_seconds", "How long the longest-unsettled order has been unsettled; 0 if there is none. Orders that need a person do not count.", nil, nil),
		late:     prometheus.NewDesc("seatlock_most_overdue_order_seconds", "How long the most overdue order has been due; 0 if none is due.", nil, nil),
		age:      prometheus.NewDesc("seatlock_order_count_age_seconds", "How long ago the orders were counted last, by any program, or this one began to.", nil, nil),
	}
	for _, s := range payment.Stages() {
		r.moves.WithLabelValues(string(s))
	}
	for _, result := range ComparisonResults {
		r.compared.WithLabelValues(result)
	}
	none := payment.Counts{Orders: make(map[payment.Stage]int)}
	for _, s := range payment.Stages() {
		none.Orders[s] = 0
	}
	r.Counted(none)
	m.registry.MustRegister(r.rebuilt, r)
	return r
}

// Moved counts a move of an order.
func (r *OrderReport) Moved(_, to payment.Stage) {
	if r != nil {
		r.moves.WithLabelValues(string(to)).Inc()
	}
}

// Rebuilt counts an order that the store had lost.
func (r *OrderReport) Rebuilt() {
	if r != nil {
		r.rebuilt.Inc()
	}
}

// Compared counts a comparison of orders with the provider.
func (r *OrderReport) Compared(finished bool) {
	if r == nil {
		return
	}
	result := ComparisonResults[0]
	if !finished {
		result = ComparisonResults[1]
	}
	r.compared.WithLabelValues(result).Inc()
}

// ComparisonResults are the values of the label result of seatlock_comparisons_total.
var ComparisonResults = [...]string{"finished", "unfinished"}

// Counted records the latest count of orders.
func (r *OrderReport) Counted(c payment.Counts) { r.last.Store(&counted{c, time.Now().Add(-c.Age)}) }

// Describe implements [prometheus.Collector].
func (r *OrderReport) Describe(to chan<- *prometheus.Desc) {
	to <- r.state
	to <- r.oldest
	to <- r.late
	to <- r.age
}

// Collect implements [prometheus.Collector].
func (r *OrderReport) Collect(to chan<- prometheus.Metric) {
	c := r.last.Load()
	for stage, n := range c.Orders {
		to <- prometheus.MustNewConstMetric(r.state, prometheus.GaugeValue, float64(n), string(stage))
	}
	to <- prometheus.MustNewConstMetric(r.oldest, prometheus.GaugeValue, c.Oldest.Seconds())
	to <- prometheus.MustNewConstMetric(r.late, prometheus.GaugeValue, c.Late.Seconds())
	to <- prometheus.MustNewConstMetric(r.age, prometheus.GaugeValue, time.Since(c.at).Seconds())
}
