package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	"seatlock/functions/access"
)

const (
	// largeAnswer is the smallest size in bytes of a large answer.
	largeAnswer = 64 << 10

	// answerMemory bounds the bytes of large answers under way: the answers, of which
	// identical ones count once, and readerMemory for each reader. Readers may be as
	// slow as they like within the time limit of an answer.
	answerMemory = 128 << 20

	// readerMemory is roughly the memory of a request under way: its goroutines,
	// buffers and connection.
	readerMemory = 32 << 10
)

// answers bounds the memory of large answers under way, in total and per address.
type answers struct {
	memory *access.Places // in bytes, for all addresses together
	shares *access.Places // in bytes, by address

	mu      sync.Mutex
	readers map[rendering]int
}

// A rendering identifies the bytes of an answer. Answers with the same rendering are
// identical, and are in memory once.
type rendering struct {
	path, tag, encoding string
	size                int64
}

func newAnswers(percent int) *answers {
	return &answers{
		memory:  access.NewPlaces(answerMemory, answerMemory),
		shares:  access.NewPlaces(1<<62, answerMemory*int64(percent)/100),
		readers: make(map[rendering]int),
	}
}

// begin reserves memory for an answer to the address. It returns a function that
// releases it, or false if there is not enough.
func (a *answers) begin(addr netip.Addr, of rendering) (end func(), ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := min(of.size, answerMemory/2) // so that a larger answer is possible at all
	own := int64(readerMemory)
	if a.readers[of] == 0 || of.tag == "" {
		own += size
	}
	if a.shares.Take(addr, own) != nil {
		return nil, false
	}
	if a.memory.Take(netip.Addr{}, own) != nil {
		a.shares.Release(addr, own)
		return nil, false
	}
	a.readers[of]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.shares.Release(addr, own)
		a.memory.Release(netip.Addr{}, readerMemory)
		if a.readers[of]--; a.readers[of] == 0 {
			delete(a.readers, of)
			a.memory.Release(netip.Addr{}, size)
		} else if of.tag == "" {
			a.memory.Release(netip.Addr{}, size)
		}
	}, true
}

// An answer is a ResponseWriter that refuses a large answer if there is no memory for
// it, and charges the client for the bytes.
type answer struct {
	http.ResponseWriter
	limits  *limits
	r       *http.Request
	begun   bool   // the status is written
	refused bool   // with another answer than the handler's
	size    int64  // of the body, if it is known when the answer begins; else 0
	end     func() // nil if the answer is not large

	gathers *connection // nil if it does not
}

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	if a.begun || status < 200 {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.begun = true
	h := a.Header()
	if status != http.StatusOK || h["Content-Length"] == nil || a.r.Method == "HEAD" {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.size, _ = strconv.ParseInt(h["Content-Length"][0], 10, 64)
	if a.size < largeAnswer {
		a.gather()
		a.ResponseWriter.WriteHeader(status)
		return
	}
	l := a.limits
	var ok bool
	a.end, ok = l.answers.begin(l.policy.Proxies.Client(a.r), rendering{a.r.URL.Path, h.Get("ETag"), h.Get("Content-Encoding"), a.size})
	if ok {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.refused = true
	for _, name := range []string{"Content-Length", "Content-Encoding", "ETag"} {
		h.Del(name)
	}
	refusal := overloaded("Too many large answers are on their way to slow readers. Try again in a moment.")
	l.logOverload(a.r.Context(), refusal)
	refusal.Write(a.ResponseWriter)
}

// Write writes part of the body. If the answer was refused, it discards it.
func (a *answer) Write(p []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	if a.refused {
		return len(p), nil
	}
	a.limits.policy.Charge(a.r, int64(len(p))) // before the client can see the end, and ask again
	return a.ResponseWriter.Write(p)
}

// ReadFrom writes a body. If its length is known, it is charged as a whole.
func (a *answer) ReadFrom(src io.Reader) (int64, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	if a.refused {
		return io.Copy(io.Discard, src)
	}
	if a.size == 0 {
		return io.Copy(struct{ io.Writer }{a}, src) // Write charges for it
	}
	a.limits.policy.Charge(a.r, a.size)
	return io.Copy(a.ResponseWriter, src)
}

// Hijack takes over the connection. What is written to it is charged as it is
// written, since a viewer may stay for days.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil && a.limits.policy.Bytes != nil {
		c = &charged{Conn: c, from: a}
		rw.Writer.Reset(c)
	}
	return c, rw, err
}

// Unwrap lets [http.ResponseController] find the methods of the server's writer.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// gather makes the connection send the answer in one piece, if it would be sent in two.
// A connection with TLS or HTTP/2 has its own pieces.
func (a *answer) gather() {
	const header = 512 // an estimate of the header's size
	if a.size+header <= httpBuffer || a.size+header > mostGathered || a.r.TLS != nil || a.r.ProtoMajor != 1 {
		return
	}
	if a.gathers = connectionOf(a.r); a.gathers != nil {
		a.gathers.gather()
	}
}

// close ends the answer.
func (a *answer) close() {
	if a.gathers != nil {
		// This only gathers the rest; send closes the connection on an error.
		_ = http.NewResponseController(a.ResponseWriter).Flush()
		a.gathers.send()
	}
	if a.end != nil {
		a.end()
	}
}

// charged is a viewer's connection.
type charged struct {
	net.Conn
	from *answer
}

// Write writes to the connection.
func (c *charged) Write(p []byte) (int, error) {
	c.from.limits.policy.Charge(c.from.r, int64(len(p)))
	return c.Conn.Write(p)
}
