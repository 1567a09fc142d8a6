package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"seatlock/functions/access"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

// reserve is the number of connections beyond -max-connections. They are for load
// balancers: a server without free places is alive, and must be able to say so.
const reserve = 100

// shareOf returns how many of all one address may have, which is always enough for a
// browser.
func shareOf(all, percent int) int64 {
	return int64(max(all*percent/100, 16))
}

// viewerPlaces returns the places of viewers. Viewers must leave connections for buyers.
func viewerPlaces(s settings.Server) *access.Places {
	all := min(s.Viewers, s.Connections/2)
	return access.NewPlaces(int64(all), shareOf(all, s.Share))
}

// connections is a listener that limits connections, in total and per address. It closes
// a connection from an address that already has its share. A connection beyond the total is
// spare: it serves only health checks until a place is free.
type connections struct {
	net.Listener
	open           chan struct{} // holds an element for each connection
	closed         chan struct{}
	close          sync.Once      // of closed
	proxies        access.Proxies // whose connections are those of many clients
	places, spares *access.Places
	log            *slog.Logger
	lines          telemetry.Bound
	gathered       sync.Pool // of *[]byte, with room for mostGathered bytes
}

func limitConnections(l net.Listener, s settings.Server, proxies access.Proxies, log *slog.Logger) *connections {
	return &connections{
		Listener: l,
		open:     make(chan struct{}, s.Connections+reserve),
		closed:   make(chan struct{}),
		proxies:  proxies,
		places:   access.NewPlaces(int64(s.Connections), shareOf(s.Connections, s.Share)),
		spares:   access.NewPlaces(reserve, reserve*int64(s.Share)/100+1),
		log:      log,
	}
}

// Accept returns the next connection that has a place. Beyond all of them, spare ones
// included, it waits until one is closed.
func (l *connections) Accept() (net.Conn, error) {
	for {
		select {
		case l.open <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.open
			return nil, err
		}
		addr := addrOf(c)
		counted := addr
		if l.proxies.Contain(addr) {
			counted = netip.Addr{}
		}
		err = l.places.Take(counted, 1)
		if err == nil {
			return &connection{Conn: c, of: l, addr: counted}, nil
		}
		if errors.Is(err, access.ErrFull) && l.spares.Take(counted, 1) == nil {
			return &connection{Conn: c, of: l, addr: counted, spare: true}, nil
		}
		c.Close()
		<-l.open
		l.lines.Log(context.Background(), l.log, slog.LevelWarn, "connection", "connection closed: its address has as many as it may have", slog.String("address", addr.String()))
	}
}

// Close closes the listener, and ends a call of Accept.
func (l *connections) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func addrOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

type connectionKey struct{}

// withConnection is the ConnContext of an [http.Server].
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok { // a tls.Conn
		c = over.NetConn()
	}
	if c, ok := c.(*connection); ok {
		return context.WithValue(ctx, connectionKey{}, c)
	}
	return ctx
}

// connectionOf returns the connection of a request, or nil if that is not known.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

// hasPlace reports whether the request's connection has a place.
func hasPlace(r *http.Request) bool {
	c := connectionOf(r)
	return c == nil || c.hasPlace()
}
