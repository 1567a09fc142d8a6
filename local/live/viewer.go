package live

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/booking"
)

const (
	// tick is how often a viewer is looked at. Each time it has until twice that
	// for what is being written to it: who takes longer is stuck. (A deadline for
	// each message would cost a fifth of what it costs to send one.)
	tick = 10 * time.Second

	// late is how old a message may be when a viewer begins to take it. So what is
	// kept for the slow is bounded: no more than is told while one is found to be
	// stuck, and that once for all of them.
	late = 15 * time.Second

	// Every few ticks a viewer is asked whether it is still there, and has
	// pongTime to answer.
	pingTicks = 3
	pongTime  = 10 * time.Second

	// farewellTime is for a close frame and the answer to it.
	farewellTime = 5 * time.Second

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
	ws   *websocket.Conn
	wire net.Conn // below ws: deadlines are set here, which costs less than a context for each message

	life context.Context // ends, with the reason, when there is no more to show
	end  context.CancelCauseFunc
	run  sync.WaitGroup
}

// show shows the list, and then what comes after the place in the line, until
// the viewer goes, or has to, or the context ends. The connection is closed when
// it returns.
func (v *viewer) show(ctx context.Context, l *booking.List, at *place) {
	v.life, v.end = context.WithCancelCause(context.Background())
	defer context.AfterFunc(ctx, func() { v.end(errAway) })()
	v.ws.SetReadLimit(most)
	v.moreTime()
	v.run.Go(v.listen) // until the farewell
	err := v.whole(l)
	if err == nil {
		v.moreTime()
		err = v.along(at, l.Moment)
	}
	v.end(err) // the first reason counts
	v.farewell()
	v.run.Wait()
}

// cut ends the connection, whatever is going on.
func (v *viewer) cut() { v.wire.Close() }

// listen reads what a viewer sends until the connection is closed. It goes on
// during a farewell, of which it hears the answer.
func (v *viewer) listen() {
	for {
		_, r, err := v.ws.Reader(context.Background())
		if err != nil {
			v.end(errGone)
			return
		}
		v.end(errTalks)
		if _, err := io.Copy(io.Discard, r); err != nil {
			return // more than it may say, or nothing more
		}
	}
}

// whole writes a list that may be large, without another copy of it.
func (v *viewer) whole(l *booking.List) error {
	w, err := v.ws.Writer(context.Background(), websocket.MessageText)
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
func (v *viewer) along(at *place, moment uint64) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for ticks := 1; ; {
		select {
		case <-v.life.Done():
			return nil // somebody else has said why
		case <-ticker.C:
			v.moreTime()
			if ticks%pingTicks == 0 {
				v.run.Go(v.ping) // the next message does not wait for the answer
			}
			ticks++
			continue
		case <-at.more:
		}
		at = at.next
		if m := at.message; m.moment > moment {
			if time.Since(m.made) > late {
				return errSlow
			}
			if err := v.ws.Write(context.Background(), websocket.MessageText, m.bytes()); err != nil {
				return err
			}
		}
		at.take()
	}
}

// moreTime bounds what is written from now on.
func (v *viewer) moreTime() {
	v.wire.SetWriteDeadline(time.Now().Add(2 * tick)) // fails where the write will
}

// ping asks whether the viewer is there, and ends its life if not.
func (v *viewer) ping() {
	ctx, cancel := context.WithTimeout(v.life, pongTime)
	defer cancel()
	if v.ws.Ping(ctx) != nil {
		v.end(errGone)
	}
}

// farewell closes the connection and says why, if the other side takes that in
// time. Its answer is waited for no longer either, whatever it is.
func (v *viewer) farewell() {
	v.wire.SetDeadline(time.Now().Add(farewellTime)) // fails where the rest does
	switch reason := context.Cause(v.life); {
	case errors.Is(reason, errTalks):
		v.ws.Close(websocket.StatusPolicyViolation, "nothing is expected from you")
	case errors.Is(reason, errSlow):
		v.ws.Close(websocket.StatusTryAgainLater, "you are too slow; go on with since")
	case errors.Is(reason, errAway):
		v.ws.Close(websocket.StatusGoingAway, "the server is going away")
	}
	v.ws.CloseNow()
}
