package live

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const (
	// longestTurn is how long a viewer has its turn at most. One that takes longer waits
	// for the network, and takes no processor time meanwhile.
	longestTurn = 20 * time.Millisecond

	// longestDelay is how long a viewer waits for its turn at most. A page that has waited
	// a little longer asks GET /seats, which costs as much as its first list here.
	longestDelay = 2 * time.Second
)

// A pace makes viewers take turns with their first lists. Thousands come together
// when they were disconnected together. They get half of the processors, so that locks
// do not wait for all of them. It is safe for concurrent use.
type pace struct{ turns chan struct{} } // holds an element for each turn

func newPace() pace { return pace{make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))} }

// begin waits for the viewer's turn, and returns the function that ends it, which may be
// called twice. The error is that of the context that ends before.
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
