package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"seatlock/functions/settings"
)

// checkInterval is how often, at most, a certificate's file is checked for changes.
const checkInterval = 10 * time.Second

// A certificate is a TLS certificate that is loaded again when its file changes.
// Certificates are renewed every few weeks, and a restart would lose seats that are kept
// in memory.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	checked time.Time
	changed time.Time // modification time of the file that was loaded
	loaded  *tls.Certificate
}

// openCertificate loads the certificate. It returns nil if none is configured.
func openCertificate(s settings.Server, log *slog.Logger) (*certificate, error) {
	if s.CertFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: s.CertFile, keyFile: s.KeyFile, log: log}
	if err := c.refresh(); err != nil {
		return nil, fmt.Errorf("cannot serve HTTPS with -tls-cert %s and -tls-key %s: %w", s.CertFile, s.KeyFile, err)
	}
	return c, nil
}

// get is the GetCertificate of a [tls.Config]. If the files cannot be loaded, it returns
// the previous certificate, because they may be half written.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= checkInterval {
		if err := c.refresh(); err != nil {
			c.log.Warn("the new certificate cannot be read; the old one stays in use", "error", err)
		}
	}
	return c.loaded, nil
}

// refresh loads the files if they have changed.
func (c *certificate) refresh() error {
	c.checked = time.Now()
	info, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(c.changed) {
		return nil
	}
	loaded, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.loaded, c.changed = &loaded, info.ModTime()
	return nil
}
