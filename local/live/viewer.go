package live

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/booking"
)

const (
	// firstTime bounds how long a viewer takes for the first list, which may be a
	// whole house.
	firstTime = 10 * time.Second

	// late is how old a message may be when a viewer begins to take it, and
	// writeTime how long it may take for it. So what is kept for the slow is
	// bounded: no more than was told in that time, and that once for all of them.
	late      = 15 * time.Second
	writeTime = 5 * time.Second

	// Every pingTime a viewer is asked whether it is still there, and has
	// pongTime to answer.
	pingTime = 30 * time.Second
	pongTime = 10 * time.Second

	// most is the largest message that is read of a viewer, who has nothing to say.
	most = 1 << 10
)

// Why a viewer is let go.
var (
	errGone  = errors.New("live: the viewer has gone")
	errAway  = errors.New("live: the server is going away")
	errSlow  = errors.New("live: the viewer is too slow")
	errTalks = errors.New("live: the viewer talks")
)

// A viewer is one connection. It is written to by whoever shows it something,
// and read from by a goroutine, since pongs and farewells come that way.
type viewer struct {
	conn *websocket.Conn

	// life ends, with the reason, when there is no more to show. The wire ends
	// after the farewell.
	life context.Context
	end  context.CancelCauseFunc
	wire context.Context
	cut  context.CancelFunc
	run  sync.WaitGroup
}

// newViewer makes a viewer whose connection is cut when the context ends.
func newViewer(ctx context.Context, conn *websocket.Conn) *viewer {
	v := &viewer{conn: conn}
	v.life, v.end = context.WithCancelCause(context.Background())
	v.wire, v.cut = context.WithCancel(ctx)
	conn.SetReadLimit(most)
	v.run.Go(v.listen) // until the connection is closed, which show sees to
	return v
}

// listen reads what a viewer sends until the connection is closed. It goes on
// during a farewell, of which it hears the answer.
func (v *viewer) listen() {
	for {
		_, r, err := v.conn.Reader(v.wire)
		if err != nil {
			v.end(errGone)
			return
		}
		v.end(errTalks)
		if _, err := io.Copy(io.Discard, r); err != nil {
			return // more than it may say
		}
	}
}

// show shows the list, and then what comes after the place in the line, until
// the viewer goes, or has to, or the context ends. The connection is closed when
// it returns.
func (v *viewer) show(ctx context.Context, l *booking.List, place *message) {
	stop := context.AfterFunc(ctx, func() { v.end(errAway) })
	defer stop()
	err := v.whole(l)
	if err == nil {
		err = v.along(place, l.Moment)
	}
	v.end(err) // the first reason counts
	v.farewell()
}

// whole writes a list that may be large, without another copy of it.
func (v *viewer) whole(l *booking.List) error {
	ctx, cancel := context.WithTimeout(v.wire, firstTime)
	defer cancel()
	w, err := v.conn.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	if _, err := l.WriteTo(w); err != nil {
		return err
	}
	return w.Close()
}

// along writes what comes after the place in the line and is newer than the
// moment, which the viewer knows. It returns why it ended.
func (v *viewer) along(place *message, moment uint64) error {
	ping := time.NewTicker(pingTime)
	defer ping.Stop()
	for {
		select {
		case <-v.life.Done():
			return nil // somebody else has said why
		case <-ping.C:
			v.run.Go(v.ping) // the next message does not wait for the answer
			continue
		case <-place.more:
		}
		place = place.next
		if place.moment <= moment {
			continue
		}
		if time.Since(place.made) > late {
			return errSlow
		}
		if err := v.write(place.bytes()); err != nil {
			return err
		}
	}
}

func (v *viewer) write(body []byte) error {
	ctx, cancel := context.WithTimeout(v.wire, writeTime)
	defer cancel()
	return v.conn.Write(ctx, websocket.MessageText, body)
}

// ping asks whether the viewer is there, and ends its life if not.
func (v *viewer) ping() {
	ctx, cancel := context.WithTimeout(v.life, pongTime)
	defer cancel()
	if v.conn.Ping(ctx) != nil {
		v.end(errGone)
	}
}

// farewell closes the connection and says why. The other side has some seconds
// to take that.
func (v *viewer) farewell() {
	switch reason := context.Cause(v.life); {
	case errors.Is(reason, errTalks):
		v.conn.Close(websocket.StatusPolicyViolation, "nothing is expected from you")
	case errors.Is(reason, errSlow):
		v.conn.Close(websocket.StatusTryAgainLater, "you are too slow; go on with since")
	case errors.Is(reason, errAway):
		v.conn.Close(websocket.StatusGoingAway, "the server is going away")
	default:
		v.conn.CloseNow()
	}
	v.cut()
	v.run.Wait()
}
