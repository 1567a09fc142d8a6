package pgstore_test

import (
	"context"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

// TestFrozenClientHoldsNobodyUp checks that a client that stops reading in the
// middle of a list holds up neither lists nor confirms, and that the database gives
// its connection up.
func TestFrozenClientHoldsNobodyUp(t *testing.T) {
	s, url := newStore(t)
	ev := storetest.Event(t, "event", 900*time.Millisecond, 0, storetest.Seats(150_000)...)
	ctl := admin(t, url)
	mustList(t, s, ev, "")
	mustExec(t, ctl, bookSQL, string(ev.ID), 1000, len(ev.Seats)-1)

	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	frozen := make(chan struct{})
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				// As over a network: the segments of loopback would let the server send it all.
				_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1448)
				_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10)
			})
		}}
		c, err := d.DialContext(ctx, network, addr)
		return &freezing{Conn: c, limit: 64 << 10, ended: frozen}, err
	}
	client, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, ev, lockstore.Lock(ann, "A1")) // without a number yet
	var reading sync.WaitGroup
	t.Cleanup(reading.Wait)
	t.Cleanup(func() { close(frozen) })
	reading.Go(func() {
		_, _ = client.Exec(context.Background(), "CALL seatlock.do_list($1, $2, 0, -1, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)", string(ev.ID), ev.Fingerprint())
	})
	eventually(t, ctl, "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'ClientWrite'", client.PgConn().PID())

	for i := range 3 {
		seat := ev.Seats[i+1]
		mustDo(t, s, ev, lockstore.Lock(ben, seat))
		var snap lockstore.Snapshot
		err := history.Repeat(t.Context(), func() (err error) { // on a busy machine, so long a list takes more than a call may
			snap, err = s.List(t.Context(), ev, "")
			return err
		})
		if err != nil || len(snap.Seats) < len(ev.Seats)-1000 {
			t.Errorf("the list has %d seats, %v", len(snap.Seats), err)
		}
		confirmInTime(t, s, ev, ev.Seats[i+11])
	}
	eventually(t, ctl, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $1", client.PgConn().PID())
}

// A freezing is a connection that reads nothing after so many bytes, and stays so until
// the channel is closed.
type freezing struct {
	net.Conn
	limit int
	ended <-chan struct{}
}

func (f *freezing) Read(b []byte) (int, error) {
	if f.limit <= 0 {
		<-f.ended
		f.Conn.Close()
		return 0, net.ErrClosed
	}
	n, err := f.Conn.Read(b[:min(len(b), f.limit)])
	f.limit -= n
	return n, err
}
