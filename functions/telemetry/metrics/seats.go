package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seatlock/functions/seatlist"
	"seatlock/lockstore"
)

// seatTime bounds how long counting seats takes. Prometheus gives up on the whole
// scrape after 10 seconds by default.
const seatTime = 2 * time.Second

// seats counts the seats of each event when Prometheus asks. It leaves out events that
// the store does not answer for in time, and reports their number.
type seats struct {
	ids   func() []lockstore.EventID
	count func(context.Context, lockstore.EventID) (seatlist.Counts, error)

	state, missing *prometheus.Desc
}

// Seats adds metrics of the seats of the events that ids returns. They call count for
// each event whenever Prometheus asks.
func (m *Metrics) Seats(ids func() []lockstore.EventID, count func(context.Context, lockstore.EventID) (seatlist.Counts, error)) {
	m.registry.MustRegister(&seats{
		ids:     ids,
		count:   count,
		state:   prometheus.NewDesc("seatlock_seats", "Seats by event and state: available, locked, booked, blocked.", []string{"event", "state"}, nil),
		missing: prometheus.NewDesc("seatlock_uncounted_events", "Events missing in seatlock_seats because the store did not answer in time.", nil, nil),
	})
}

// Describe implements [prometheus.Collector].
func (s *seats) Describe(to chan<- *prometheus.Desc) {
	to <- s.state
	to <- s.missing
}

// Collect implements [prometheus.Collector].
func (s *seats) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), seatTime)
	defer cancel()
	missing := 0
	for _, id := range s.ids() {
		if ctx.Err() != nil {
			missing++
			continue
		}
		n, err := s.count(ctx, id)
		if err != nil {
			missing++
			continue
		}
		send := func(state lockstore.Status, n int) {
			to <- prometheus.MustNewConstMetric(s.state, prometheus.GaugeValue, float64(n), string(id), state.String())
		}
		send(lockstore.Available, n.Available)
		send(lockstore.Locked, n.Locked)
		send(lockstore.Booked, n.Booked)
		send(lockstore.Blocked, n.Blocked)
	}
	to <- prometheus.MustNewConstMetric(s.missing, prometheus.GaugeValue, float64(missing))
}
