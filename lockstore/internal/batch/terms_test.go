package batch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

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
