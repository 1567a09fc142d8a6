package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

// limits are the rules that every request must obey before a call or a file of the page
// is looked up.
type limits struct {
	policy  access.Policy
	answers *answers
	home    bool // only programs on this machine can connect
	log     *slog.Logger
	lines   telemetry.Bound
}

// newLimits returns the limits of a server that listens on the address.
func newLimits(s settings.Server, p access.Policy, on net.Addr, log *slog.Logger) *limits {
	return &limits{policy: p, answers: newAnswers(s.Share), home: isLoopback(on), log: log}
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// handler returns next with the limits applied.
func (l *limits) handler(next telemetry.Handler) telemetry.Handler {
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		if err := l.check(r); err != nil {
			return l.refuse(w, r, err)
		}
		// Answers to POST are small, and those to HEAD have no body.
		if l.policy.Bytes == nil && r.Method != "GET" {
			return next(w, r)
		}
		a := &answer{ResponseWriter: w, limits: l, r: r}
		defer a.close()
		o := next(a, r)
		if a.refused {
			o.Code = string(problem.Overloaded)
		}
		return o
	}
}

// check returns the [*problem.Refusal] of a request that must not be served.
func (l *limits) check(r *http.Request) error {
	if !hasPlace(r) {
		return overloaded("The server has too many connections. Try again in a moment.")
	}
	if l.home && !l.isHome(r) {
		return problem.Refuse(problem.WrongHost, "This server answers only programs on its own machine, at localhost. Name a proxy in front of it with -trust-proxy.")
	}
	return l.policy.Admit(r)
}

// isHome reports whether the request's Host names this machine. A web page can make its
// own name resolve to 127.0.0.1 and then call a server there as if it were its own (DNS
// rebinding), but it cannot change the name in Host.
func (l *limits) isHome(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.Unmap().IsLoopback()
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && l.policy.Proxies.Contain(peer.Addr())
}

// refuse answers with the refusal. Telemetry logs refusals of status 4xx.
func (l *limits) refuse(w http.ResponseWriter, r *http.Request, err error) telemetry.Outcome {
	refusal := err.(*problem.Refusal)
	if refusal.Kind == problem.Overloaded {
		l.logOverload(r.Context(), refusal)
	}
	refusal.Write(w)
	return telemetry.Outcome{Code: string(refusal.Kind)}
}

func (l *limits) logOverload(ctx context.Context, refusal *problem.Refusal) {
	l.lines.Log(ctx, l.log, slog.LevelWarn, string(refusal.Kind), "request refused", slog.String("code", string(refusal.Kind)), slog.String("detail", refusal.Detail))
}

func overloaded(detail string) *problem.Refusal {
	return &problem.Refusal{Kind: problem.Overloaded, Wait: time.Second, Detail: detail}
}

// closing returns next, and makes the server close connections that must not be used
// again: spare connections, which others wait for, and connections after a chunked body.
// The request may also have a Content-Length, which net/http ignores; a proxy that goes by
// it would take the rest of the body for another client's request.
func closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 || !hasPlace(r) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
