package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// layoutText is the value of the event's layout key: its revision and
// fingerprint, and then its seats, each on a line.
func layoutText(ev *lockstore.Event) string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(ev.Revision) + " " + ev.Fingerprint())
	for _, seat := range ev.Seats {
		b.WriteString("\n" + string(seat))
	}
	return b.String()
}

// headLen is more than the first line of a layout can have.
const headLen = 100

// A stored is what Redis has of an event.
type stored struct {
	text     string // of the map key
	head     string // the first line of the layout, with its end
	revision int    // in the head
	fixed    bool   // a seat was changed
	log      bool   // there is a log
}

// look reads what Redis has of the event.
func (s *Store) look(ctx context.Context, ev *lockstore.Event) (stored, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	pipe := s.redis.TxPipeline()
	text := pipe.Get(ctx, mapKey(ev))
	left := pipe.PTTL(ctx, mapKey(ev))
	head := pipe.GetRange(ctx, layoutKey(ev), 0, headLen-1)
	view := pipe.Exists(ctx, viewKey(ev))
	log := pipe.XLen(ctx, logKey(ev))
	exec(ctx, pipe)
	if err := errors.Join(left.Err(), head.Err(), view.Err(), log.Err()); err != nil {
		return stored{}, unavailable(err)
	}
	if err := text.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return stored{}, unavailable(err)
	}
	found := stored{text: text.Val(), fixed: view.Val() == 1, log: log.Val() > 0 && left.Val() > 0}
	if line, _, whole := strings.Cut(head.Val(), "\n"); whole {
		number, _, _ := strings.Cut(line, " ")
		revision, err := strconv.Atoi(number)
		if err == nil {
			found.head, found.revision = line+"\n", revision
		}
	}
	return found, nil
}

// admitTime bounds an admission. It may take longer than a call: all seats of the old
// layout are read.
const admitTime = 30 * time.Second

// An admission is under way until done is closed.
type admission struct {
	done chan struct{}
	err  error
}

// admissions are those under way, by the event's map key and text, so that the many
// calls that find an event changed do not all send its layout.
type admissions struct {
	mu    sync.Mutex
	under map[string]*admission
}

// admit makes Redis have the event with its layout, or returns why it must not. The
// event may be new, incomplete because somebody deleted a key, of format 2, or of a
// lower revision.
//
// If the caller's context ends first, the admission goes on for the next caller. It ends
// after admitTime, and at once when the client is closed.
func (s *Store) admit(ctx context.Context, ev *lockstore.Event) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	name := mapKey(ev) + mapText(ev) + strconv.Itoa(ev.Revision)
	a, mine := s.admissions.join(name)
	if mine {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), admitTime)
		go func() {
			defer cancel()
			if a.err = s.admitAlone(bounded, ev); a.err == nil {
				s.recorded.add(ev)
			}
			s.admissions.leave(name, a)
		}()
	}
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

// join returns the admission of that name, and reports whether it is a new one, which the
// caller must carry out and leave.
func (as *admissions) join(name string) (a *admission, mine bool) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if a := as.under[name]; a != nil {
		return a, false
	}
	if as.under == nil {
		as.under = make(map[string]*admission)
	}
	a = &admission{done: make(chan struct{})}
	as.under[name] = a
	return a, true
}

func (as *admissions) leave(name string, a *admission) {
	as.mu.Lock()
	defer as.mu.Unlock()
	delete(as.under, name)
	close(a.done)
}

// A layout that changes while it is read is read again, up to mostRounds times and
// after a pause each time.
const (
	mostRounds = 20
	roundPause = 20 * time.Millisecond
)

// pause waits before another round. It returns the error of a context that ends first.
func pause(ctx context.Context) error {
	select {
	case <-time.After(roundPause):
		return nil
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

// tooBusy is the error of an event that changed in each of many rounds.
func tooBusy(ev *lockstore.Event) error {
	return fmt.Errorf("%w: event %s changes too fast for a new layout", lockstore.ErrUnavailable, ev.ID)
}

func (s *Store) admitAlone(ctx context.Context, ev *lockstore.Event) error {
	busy := tooBusy(ev)
	for round := range mostRounds {
		if round > 0 {
			if err := pause(ctx); err != nil {
				return err
			}
		}
		found, err := s.look(ctx, ev)
		if err != nil {
			return err
		}
		switch {
		case found.text == mapText(ev) && found.head != "" && found.log && found.revision >= ev.Revision:
			return nil
		case found.text == "" || found.text == mapText(ev) || found.text == format2Text(ev):
			answer, err := s.eval(ctx, openScript, []any{mapKey(ev), layoutKey(ev), logKey(ev)}, mapText(ev), format2Text(ev), newNonce(), layoutText(ev))
			if err != nil {
				return err
			}
			if _, other := answer.(string); !other {
				return nil
			}
		case found.gives(ev):
			if done, err := s.replace(ctx, ev, found); done || err != nil {
				return err
			}
		case found.text == migrating+ev.Fingerprint(): // of a Rebuild, which ends soon or was interrupted
			busy = refused(ev, found.text)
		default:
			return refused(ev, found.text)
		}
	}
	return busy
}

// gives reports whether the event's layout, which differs from the stored one, may replace
// it.
func (found *stored) gives(ev *lockstore.Event) bool {
	if !strings.HasPrefix(found.text, format) || found.head == "" {
		return false
	}
	return ev.Revision > found.revision || ev.Revision == found.revision && !found.fixed
}
