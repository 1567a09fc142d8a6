package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// on starts a call with those terms and returns once the call waits or has ended.
func (b *backend) on(work int, group any, keys ...batch.Key) <-chan outcome {
	ended := make(chan outcome, 1)
	go func() {
		answer, err := b.DoOn(context.Background(), work, batch.Terms{Weight: 1, Group: group, Keys: keys})
		ended <- outcome{answer, err, time.Now()}
	}()
	synctest.Wait()
	return ended
}

// TestGroups checks that the calls of a batch are of one group, and that the group
// that has waited longest goes first.
func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{MaxWeight: 100})
		for work, group := range []string{"a", "b", "a", "b", "c"} {
			b.on(work, group)
		}
		close(b.reply)
		b.want(t, []int{0}, []int{1, 3}, []int{2}, []int{4})
	})
}

// TestKeysUnderWay checks that a call is not sent while a batch under way has one of
// its keys, that others overtake it, and that the first to wait gets its keys next.
func TestKeysUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{MaxWeight: 100, Parallel: 2, MaxPerKey: 9})
		b.on(0, nil, 1)
		b.on(1, nil, 1, 2)
		b.want(t, []int{0})
		b.on(2, nil, 2) // a key that is reserved for call 1
		b.want(t, []int{0})
		b.on(3, nil, 3)
		b.want(t, []int{0}, []int{3})
		close(b.reply)
		b.want(t, []int{0}, []int{3}, []int{1, 2})
	})
}

// TestCrowdOfOneKey checks that calls that share a key leave room for others.
func TestCrowdOfOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{MaxWeight: 4, MaxPerKey: 2})
		for work := range 6 {
			b.on(work, nil, 1)
		}
		b.on(6, nil, 2)
		b.on(7, nil, 3)
		close(b.reply)
		b.want(t, []int{0}, []int{1, 2, 6, 7}, []int{3, 4}, []int{5})
	})
}

// TestLateBatch checks that a batch that takes long makes room for the next, but that
// no more than MaxLate batches do.
func TestLateBatch(t *testing.T) {
	eitherSender(t, func(t *testing.T, callerSends bool) {
		b := newBackend(batch.Options{CallerSends: callerSends, MaxWeight: 100, Late: 20 * time.Millisecond, MaxLate: 2})
		calls := []<-chan outcome{b.on(0, nil), b.on(1, nil)}
		time.Sleep(19 * time.Millisecond)
		b.want(t, []int{0})
		time.Sleep(time.Millisecond)
		b.want(t, []int{0}, []int{1})
		calls = append(calls, b.on(2, nil))
		time.Sleep(20 * time.Millisecond)
		b.want(t, []int{0}, []int{1}, []int{2})
		calls = append(calls, b.on(3, nil))
		time.Sleep(100 * time.Millisecond)
		b.want(t, []int{0}, []int{1}, []int{2})
		close(b.reply)
		for work, call := range calls {
			wantAnswer(t, call, 2*work)
		}
		b.want(t, []int{0}, []int{1}, []int{2}, []int{3})
		b.Close()
	})
}

// TestSendAgain checks that calls that are put back go before others, and by themselves
// if asked to, and that a call whose patience is over fails.
func TestSendAgain(t *testing.T) {
	eitherSender(t, func(t *testing.T, callerSends bool) {
		failed := errors.New("failed")
		var batches [][]int
		var q *batch.Queue[int, int]
		q = batch.New(batch.Options{
			Backend: "the backend", Parallel: 1, MaxWeight: 9, Patience: 950 * time.Millisecond, Bound: 3 * time.Second, MaxPerKey: 9, CallerSends: callerSends,
		}, func(calls []*batch.Call[int, int]) {
			var works []int
			for _, c := range calls {
				works = append(works, c.Work)
			}
			batches = append(batches, works)
			time.Sleep(200 * time.Millisecond)
			switch {
			case len(calls) > 1 || works[0] == 9:
				q.SendAgain(calls, true, failed)
			default:
				calls[0].Answer(2*works[0], nil)
			}
		})
		ended := make(map[int]chan outcome)
		for _, work := range []int{0, 1, 2, 9} {
			end := make(chan outcome, 1)
			ended[work] = end
			go func() {
				answer, err := q.DoOn(t.Context(), work, batch.Terms{Weight: 1, Keys: []batch.Key{batch.Key(work)}})
				end <- outcome{answer, err, time.Now()}
			}()
			synctest.Wait()
		}
		began := time.Now()
		wantAnswer(t, ended[0], 0)
		wantAnswer(t, ended[1], 2)
		wantAnswer(t, ended[2], 4)
		wantError(t, ended[9], failed, time.Second, began)
		if want := [][]int{{0}, {1, 2, 9}, {1}, {2}, {9}}; !slices.EqualFunc(batches, want, slices.Equal) {
			t.Errorf("the batches are %v, want %v", batches, want)
		}
	})
}

// TestSendAgainCountsFromTheCall checks that a call that was put back has only the rest of
// its patience, and of its bound, even if its caller has sent it first.
func TestSendAgainCountsFromTheCall(t *testing.T) {
	eitherSender(t, func(t *testing.T, callerSends bool) {
		const tooLong = 950 * time.Millisecond
		lasts := []time.Duration{590 * time.Millisecond, tooLong}
		var q *batch.Queue[int, int]
		q = batch.New(batch.Options{
			Backend: "the backend", Parallel: 1, MaxWeight: 9, Patience: 600 * time.Millisecond, Bound: 950 * time.Millisecond, CallerSends: callerSends,
		}, func(calls []*batch.Call[int, int]) {
			d := lasts[0]
			lasts = lasts[1:]
			time.Sleep(d)
			if d != tooLong {
				q.SendAgain(calls, false, lockstore.ErrUnavailable)
				return
			}
			for _, c := range calls {
				c.Answer(0, nil)
			}
		})
		began := time.Now()
		_, err := q.Do(t.Context(), 1, 1)
		if took := time.Since(began); !errors.Is(err, lockstore.ErrOutcomeUnknown) || took != 950*time.Millisecond {
			t.Errorf("the call ended after %v with %v, want %v after its bound", took, err, lockstore.ErrOutcomeUnknown)
		}
		q.Close()
	})
}

// TestSenderPanics checks that the queue goes on if a caller recovers from a panic of its
// own call: those that wait are sent, also with the same key.
func TestSenderPanics(t *testing.T) {
	for _, o := range []batch.Options{{}, {Late: time.Minute, MaxLate: 1}, {Late: time.Millisecond, MaxLate: 1}} {
		t.Run(fmt.Sprintf("Late=%v", o.Late), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o.Backend, o.Parallel, o.MaxWeight, o.MaxPerKey, o.CallerSends = "the backend", 1, 9, 9, true
				o.Patience, o.Bound = 10*time.Second, 10*time.Second
				q := batch.New(o, func(calls []*batch.Call[int, int]) {
					time.Sleep(time.Second)
					for _, c := range calls {
						if c.Work == 0 {
							panic("nobody can send 0")
						}
						c.Answer(2*c.Work, nil)
					}
				})
				terms := batch.Terms{Weight: 1, Keys: []batch.Key{1}}
				recovered := make(chan any, 1)
				go func() {
					defer func() { recovered <- recover() }()
					q.DoOn(context.Background(), 0, terms)
				}()
				synctest.Wait()
				for work := range 2 { // one waits meanwhile, one comes later
					if got, err := q.DoOn(context.Background(), work+1, terms); err != nil || got != 2*(work+1) {
						t.Errorf("call %d after a panic ended with %d, %v", work+1, got, err)
					}
				}
				if r := <-recovered; r == nil {
					t.Error("the caller did not see the panic")
				}
				q.Close()
			})
		})
	}
}
