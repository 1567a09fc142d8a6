package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seatlock/functions/booking"
	"seatlock/lockstore"
)

// seatTime bounds how long counting seats takes. Prometheus gives up on
// everything after ten seconds, unless told otherwise.
const seatTime = 2 * time.Second

// seats are counted when somebody looks, by the list of each event. Those of
// events that the store did not tell of in time are left out, and how many those
// are is told.
type seats struct {
	ids   []lockstore.EventID
	count func(context.Context, lockstore.EventID) (booking.Counts, error)

	state, missing *prometheus.Desc
}

// Seats has the seats of the events counted by count, such as [booking.API.Count].
func (m *Metrics) Seats(ids []lockstore.EventID, count func(context.Context, lockstore.EventID) (booking.Counts, error)) {
	m.registry.MustRegister(&seats{
		ids:     ids,
		count:   count,
		state:   prometheus.NewDesc("seatlock_seats", "Seats by event and state: available, locked, booked.", []string{"event", "state"}, nil),
		missing: prometheus.NewDesc("seatlock_uncounted_events", "Events that seatlock_seats lacks, since the store did not tell of them in time.", nil, nil),
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
	for _, id := range s.ids {
		if ctx.Err() != nil {
			missing++
			continue
		}
		n, err := s.count(ctx, id)
		if err != nil {
			missing++
			continue
		}
		tell := func(state lockstore.Status, n int) {
			to <- prometheus.MustNewConstMetric(s.state, prometheus.GaugeValue, float64(n), string(id), string(state))
		}
		tell(lockstore.Available, n.Available)
		tell(lockstore.Locked, n.Locked)
		tell(lockstore.Booked, n.Booked)
	}
	to <- prometheus.MustNewConstMetric(s.missing, prometheus.GaugeValue, float64(missing))
}
