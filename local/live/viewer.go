package live

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/seatlist"
	"seatlock/functions/static"
)

const (
	// tick is how often the write deadline is moved. A deadline is two ticks away: a
	// viewer that takes longer to read a message is stuck. (A deadline for each
	// message would add a fifth to the cost of sending it.)
	tick = 10 * time.Second

	// maxAge is the maximum age of a message when it is written to a viewer. It bounds
	// the messages that are kept for slow viewers.
	maxAge = 15 * time.Second

	// A viewer gets a ping every pingTicks ticks, and has pongTime to answer it.
	pingTicks = 3
	pongTime  = 10 * time.Second

	// closeTime is the longest time for a close frame and the answer to it.
	closeTime = 5 * time.Second

	// maxMessage is the size in bytes of the largest message that is read from a viewer.
	// Viewers must not send any.
	maxMessage = 1 << 10
)

// The reasons for the end of a connection.
var (
	errGone     = errors.New("live: the viewer has gone")
	errStopping = errors.New("live: the server is stopping")
	errSlow     = errors.New("live: the viewer is too slow")
	errToken    = errors.New("live: the viewer's token has expired")
	errSent     = errors.New("live: the viewer sent a message")
)

// A viewer is one connection. The goroutine of show writes to it; another reads
// pongs and close frames.
type viewer struct {
	ws   *websocket.Conn
	conn net.Conn // below ws; a deadline here costs less than a context for each message

	deflate bool // the viewer accepts compressed messages

	ctx    context.Context // ends, with the reason, when the connection is to be closed
	cancel context.CancelCauseFunc
	run    sync.WaitGroup
}

// show writes the list, and then the messages after the entry, until the viewer leaves,
// sends something or is too slow, ctx ends, or the request's context reaches its deadline,
// which is the end of the viewer's token. It calls greeted when the list is written, and
// closes the connection at the end.
func (v *viewer) show(ctx, request context.Context, l *seatlist.List, last *entry, greeted func()) {
	v.ctx, v.cancel = context.WithCancelCause(context.Background())
	defer context.AfterFunc(request, func() {
		if errors.Is(request.Err(), context.DeadlineExceeded) {
			v.cancel(errToken)
		}
	})()
	defer context.AfterFunc(ctx, func() { v.cancel(errStopping) })()
	v.ws.SetReadLimit(maxMessage)
	v.moreTime()
	v.run.Go(v.listen)
	err := v.writeList(l)
	greeted()
	if err == nil {
		v.moreTime()
		err = v.writeMessages(last, l.Moment)
	}
	v.cancel(err) // keeps an earlier reason
	v.close()
	v.run.Wait()
}

// closeNow closes the connection without a close frame.
func (v *viewer) closeNow() { v.conn.Close() }

// listen reads from the connection until it is closed. During close it reads the
// answer to the close frame.
func (v *viewer) listen() {
	for {
		_, r, err := v.ws.Reader(context.Background())
		if err != nil {
			v.cancel(errGone)
			return
		}
		v.cancel(errSent)
		if _, err := io.Copy(io.Discard, r); err != nil {
			return // the message is too large, or the connection is closed
		}
	}
}

// writeList writes a list, which may be large, without copying it.
func (v *viewer) writeList(l *seatlist.List) error {
	if v.compresses(l) {
		return v.writeFrame(l)
	}
	w, err := v.ws.Writer(context.Background(), websocket.MessageText)
	if err != nil {
		return err
	}
	if _, err := l.WriteTo(w); err != nil {
		return err
	}
	return w.Close()
}

// write writes a message.
func (v *viewer) write(m *message) error {
	if v.compresses(m.List) {
		return v.writeFrame(m.List)
	}
	return v.ws.Write(context.Background(), websocket.MessageText, m.bytes())
}

// compresses reports whether to send the list to the viewer compressed.
func (v *viewer) compresses(l *seatlist.List) bool {
	return v.deflate && l.Len() >= static.Worthwhile
}

// writeMessages writes the messages after the entry that are newer than the moment of
// the viewer's list. It returns the reason why it stopped, or nil if v.ctx has ended.
func (v *viewer) writeMessages(at *entry, moment uint64) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for ticks := 1; ; {
		select {
		case <-v.ctx.Done():
			return nil
		case <-ticker.C:
			v.moreTime()
			if ticks%pingTicks == 0 {
				v.run.Go(v.ping) // messages must not wait for the pong
			}
			ticks++
			continue
		case <-at.more:
		}
		at = at.next
		if m := at.message; m.Moment > moment {
			if time.Since(m.made) > maxAge {
				return errSlow
			}
			if err := v.write(m); err != nil {
				return err
			}
		}
		at.take()
	}
}

// moreTime moves the write deadline to two ticks from now.
func (v *viewer) moreTime() {
	v.conn.SetWriteDeadline(time.Now().Add(2 * tick)) // if it fails, so will the write
}

// ping pings the viewer and ends the connection if there is no answer.
func (v *viewer) ping() {
	ctx, cancel := context.WithTimeout(v.ctx, pongTime)
	defer cancel()
	if v.ws.Ping(ctx) != nil {
		v.cancel(errGone)
	}
}

// close sends a close frame with the reason, waits for the answer, and closes the
// connection, all within closeTime.
func (v *viewer) close() {
	v.conn.SetDeadline(time.Now().Add(closeTime)) // if it fails, so will the rest
	switch reason := context.Cause(v.ctx); {
	case errors.Is(reason, errSent):
		v.ws.Close(websocket.StatusPolicyViolation, "viewers must not send messages")
	case errors.Is(reason, errToken):
		v.ws.Close(websocket.StatusPolicyViolation, "your token has expired; sign in again")
	case errors.Is(reason, errSlow):
		v.ws.Close(websocket.StatusTryAgainLater, "you are too slow; reconnect with since")
	case errors.Is(reason, errStopping):
		v.ws.Close(websocket.StatusGoingAway, "the server is stopping")
	}
	v.ws.CloseNow()
}
