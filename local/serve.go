package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/rs/cors"
	"github.com/urfave/cli/v3"
	"golang.org/x/net/netutil"
)

// serverSettings are the flags about how requests come in, checked.
type serverSettings struct {
	certFile, keyFile string
	origins           []string
	connections       int
	drain, drainDelay time.Duration
}

var serverFlags = []cli.Flag{
	&cli.StringFlag{Name: "tls-cert", Usage: "serve HTTPS with the certificate (and those of its issuers) in `FILE`; it is read anew when it changes", Sources: cli.EnvVars("TLS_CERT")},
	&cli.StringFlag{Name: "tls-key", Usage: "the private key of -tls-cert, in `FILE`", Sources: cli.EnvVars("TLS_KEY")},
	&cli.StringSliceFlag{Name: "cors-origin", Usage: "let web pages of `ORIGIN`, such as https://shop.example, call; may be given several times", Sources: cli.EnvVars("CORS_ORIGIN")},
	&cli.IntFlag{Name: "max-connections", Value: 20000, Usage: "the most connections at a time, as `NUMBER`; more wait", Sources: cli.EnvVars("MAX_CONNECTIONS")},
	&cli.DurationFlag{Name: "drain", Value: 10 * time.Second, Usage: "how long requests under way may take once this stops, as `DURATION`", Sources: cli.EnvVars("DRAIN")},
	&cli.DurationFlag{Name: "drain-delay", Usage: "of -drain, how long to go on serving as before while /readyz has load balancers send requests elsewhere, as `DURATION`", Sources: cli.EnvVars("DRAIN_DELAY")},
}

func settleServer(c *cli.Command) (serverSettings, error) {
	s := serverSettings{
		certFile:    c.String("tls-cert"),
		keyFile:     c.String("tls-key"),
		origins:     c.StringSlice("cors-origin"),
		connections: c.Int("max-connections"),
		drain:       c.Duration("drain"),
		drainDelay:  c.Duration("drain-delay"),
	}
	switch {
	case (s.certFile == "") != (s.keyFile == ""):
		return s, usage("-tls-cert and -tls-key: give both or neither")
	case s.connections < 1:
		return s, usage("-max-connections %d: it is a number of connections, at least 1", s.connections)
	case s.drain < 0:
		return s, usage("-drain %v: it is a time, or 0 to wait for nothing", s.drain)
	case s.drainDelay < 0 || s.drainDelay > 0 && s.drainDelay >= s.drain:
		return s, usage("-drain-delay %v: it is a part of -drain, which is %v", s.drainDelay, s.drain)
	}
	for _, o := range s.origins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Host == "" || o != u.Scheme+"://"+u.Host) {
			return s, usage("-cors-origin %s: it is a scheme and a host, such as https://shop.example, or * for all", o)
		}
	}
	return s, nil
}

// listen takes the address, and returns where that is.
func (s serverSettings) listen(addr string, log *slog.Logger) (net.Listener, string, error) {
	certificate, err := s.certificate(log)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", fmt.Errorf("cannot serve on %s (-addr chooses another): %w", addr, err)
	}
	l = netutil.LimitListener(l, s.connections)
	if certificate == nil {
		return l, "http://" + l.Addr().String(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: certificate.get}
	return tls.NewListener(l, config), "https://" + l.Addr().String(), nil
}

// headers adds what every answer has, and lets the pages of other origins in.
func (s serverSettings) headers(next http.Handler) http.Handler {
	if len(s.origins) > 0 {
		next = cors.New(cors.Options{
			AllowedOrigins: s.origins,
			AllowedMethods: []string{"GET", "HEAD", "POST"},
			AllowedHeaders: []string{"Authorization", "Content-Type", "If-None-Match", "X-Request-Id"},
			ExposedHeaders: []string{"ETag", "Retry-After", "X-Request-Id"},
			MaxAge:         int((time.Hour).Seconds()),
		}).Handler(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = noSniff
		h["Referrer-Policy"] = noReferrer
		h["Content-Security-Policy"] = noFrame
		next.ServeHTTP(w, r)
	})
}

// What every answer tells browsers; the page has a policy of its own.
var (
	noSniff    = []string{"nosniff"}     // do not take it for something else
	noReferrer = []string{"no-referrer"} // tell nobody where one was
	noFrame    = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// An ending is what others do when the server stops, in this order.
type ending struct {
	unready func()                // has load balancers send requests elsewhere
	sockets func(context.Context) // sends away who stays connected, once nobody new can come in; nil if nobody does
}

// serve answers on l until the context ends. Then it says that it is not ready,
// goes on for -drain-delay, takes no new requests, answers those under way while
// the sockets are sent away, and returns: all that within -drain.
func (s serverSettings) serve(ctx context.Context, l net.Listener, h http.Handler, e ending, log *slog.Logger) error {
	srv := &http.Server{
		Handler: h,
		// A client that sends or takes its time must not keep a goroutine.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()

	select {
	case err := <-ended:
		return fmt.Errorf("the server ended by itself: %w", err)
	case <-ctx.Done():
	}
	e.unready()
	// The context has ended; what is under way gets time of its own.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
	defer cancel()
	if s.drainDelay > 0 {
		log.Info("not ready any more: going on for a while", "delay", s.drainDelay)
		select {
		case err := <-ended:
			return fmt.Errorf("the server ended by itself: %w", err)
		case <-time.After(s.drainDelay):
		}
	}
	log.Info("stopping: requests under way are answered, new ones refused")
	away := make(chan struct{})
	srv.RegisterOnShutdown(func() { // called when the listener is closed
		defer close(away)
		if e.sockets != nil {
			e.sockets(grace)
		}
	})
	err := srv.Shutdown(grace)
	<-away
	if err != nil {
		return errors.Join(fmt.Errorf("requests were still under way after %v: %w", s.drain, err), srv.Close())
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("stopped")
	return nil
}
