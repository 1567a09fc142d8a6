package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rs/cors"

	"seatlock/functions/access"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

// listen listens on the address and returns its URL.
func listen(s settings.Server, proxies access.Proxies, log *slog.Logger) (net.Listener, string, error) {
	certificate, err := openCertificate(s, log)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return nil, "", fmt.Errorf("cannot serve on %s (-addr chooses another): %w", s.Addr, err)
	}
	l = limitConnections(l, s, proxies, log)
	if certificate == nil {
		return l, "http://" + l.Addr().String(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: certificate.get}
	return tls.NewListener(l, config), "https://" + l.Addr().String(), nil
}

// headers adds the headers that browsers need to every answer, and allows calls from pages
// of the configured origins.
func headers(s settings.Server, next http.Handler) http.Handler {
	if len(s.Origins) > 0 {
		next = cors.New(cors.Options{
			AllowedOrigins: s.Origins,
			AllowedMethods: []string{"GET", "HEAD", "POST"},
			AllowedHeaders: []string{"Authorization", "Content-Type", "If-None-Match", "X-Request-Id"},
			ExposedHeaders: []string{"ETag", "Retry-After", "X-Request-Id"},
			MaxAge:         int((time.Hour).Seconds()),
		}).Handler(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = noSniff
		// Browsers heed the other headers only in documents, which lists of seats are not.
		// Lists are the most frequent answers, and with more than eight headers, net/http
		// spends more time on its map of headers than on the list.
		if r.URL.Path != "/seats" {
			h["Referrer-Policy"] = noReferrer
			h["Content-Security-Policy"] = noFrame
		}
		next.ServeHTTP(w, r)
	})
}

// Headers of answers. The page replaces the policy with its own.
var (
	noSniff    = []string{"nosniff"}     // browsers must not guess another content type
	noReferrer = []string{"no-referrer"} // other sites must not learn the address
	noFrame    = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// streams limits the concurrent requests of one HTTP/2 connection. A browser opens the
// page with half as many. Each response that the client has not read takes memory.
const streams = 64

// An ending is what else must be done when the server stops, in this order.
type ending struct {
	unready func()                // tells load balancers to send requests elsewhere
	sockets func(context.Context) // disconnects viewers once no new ones can connect; nil if there are none
}

// serve answers on l until the context ends. Then it reports that it is not ready, keeps
// serving for -drain-delay, stops accepting requests, answers those under way while the
// sockets are closed, and returns, all within -drain.
func serve(ctx context.Context, s settings.Server, l net.Listener, h http.Handler, e ending, log *slog.Logger) error {
	srv := &http.Server{
		Handler: h,
		// A client that is slow to send or to read must not hold a goroutine.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withConnection,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streams},
		ErrorLog:          telemetry.ServerLog(log),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()

	select {
	case err := <-ended:
		return fmt.Errorf("the server stopped unexpectedly: %w", err)
	case <-ctx.Done():
	}
	e.unready()
	// The context has ended, but requests under way get time to finish.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Drain)
	defer cancel()
	if s.DrainDelay > 0 {
		log.Info("no longer ready: still serving for a while", "delay", s.DrainDelay)
		select {
		case err := <-ended:
			return fmt.Errorf("the server stopped unexpectedly: %w", err)
		case <-time.After(s.DrainDelay):
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
		return errors.Join(fmt.Errorf("requests were still under way after %v: %w", s.Drain, err), srv.Close())
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("stopped")
	return nil
}
