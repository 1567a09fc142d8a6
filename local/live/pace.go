package live

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const (
	// longestTurn is the longest time that a viewer has its turn. A viewer that takes longer
	// waits for the network, which takes no processor time.
	longestTurn = 20 * time.Millisecond

	// longestDelay is the longest time that a viewer waits for its turn. After a little more
	// the page would call GET /seats, which costs as much as the first list.
	longestDelay = 2 * time.Second
)

// A pace makes viewers take turns with their first lists. Thousands connect together
// after they were disconnected together. They get half of the processors, so that locks
// do not wait for all of them. A pace is safe for concurrent use.
type pace struct{ turns chan struct{} } // one element for each turn in progress

func newPace() pace { return pace{make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))} }

// begin waits for the viewer's turn, and returns a function that ends it, which may be
// called twice. If a context ends first, it returns that context's error.
func (p pace) begin(request, hub context.Context) (end func(), err error) {
	late := time.NewTimer(longestDelay)
	defer late.Stop()
	select {
	case p.turns <- struct{}{}:
	case <-late.C:
		return func() {}, nil
	case <-request.Done():
		return nil, request.Err()
	case <-hub.Done():
		return nil, hub.Err()
	}
	end = sync.OnceFunc(func() { <-p.turns })
	time.AfterFunc(longestTurn, end)
	return end, nil
}
