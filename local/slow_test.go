package main

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSlowClients checks that a client is disconnected if it stops within the header or
// the body of a request, or does not read the answer.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	url, _, _ := serving(t, "-events", "events/arena.json")
	for name, begun := range map[string]string{
		"header": "POST /lock HTTP/1.1\r\nHost: localhost\r\n",
		"body":   "POST /lock HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"answer": strings.Repeat(getRequest("/seats"), 40), // more than the buffers in between hold
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := send(t, url, begun)
			if err := c.SetDeadline(time.Now().Add(45 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if name == "answer" {
				time.Sleep(12 * time.Second) // longer than an answer may take
			}
			if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "i/o timeout") {
				t.Errorf("the connection is still open: %v", err)
			}
		})
	}
}

// TestSlowloris checks that many clients that send ten bytes a second are all
// disconnected, and that other clients do not wait for them.
func TestSlowloris(t *testing.T) {
	t.Parallel()
	url, _, _ := serving(t)
	var all sync.WaitGroup
	for n := range 100 {
		begun := "GET /seats HTTP/1.1\r\nHost: localhost\r\nA: "
		if n%2 == 1 {
			begun = "POST /lock HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
		}
		c := send(t, url, begun)
		all.Go(func() {
			defer c.Close()
			for range 450 { // 45 s
				if _, err := io.WriteString(c, "a"); err != nil {
					return // disconnected
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Errorf("the client that sent %.20q is still connected", begun)
		})
	}
	get(t, url+"/seats")
	all.Wait()
	get(t, url+"/seats")
}
