package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookAgain is how often at most a certificate's file is looked at.
const lookAgain = 10 * time.Second

// A certificate is that in a file, as the file is now: certificates are renewed
// every few weeks, and a restart for that would forget what memory keeps.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	changed time.Time // of the file that was read
	read    *tls.Certificate
}

// certificate reads the certificate, if there is to be one.
func (s serverSettings) certificate(log *slog.Logger) (*certificate, error) {
	if s.certFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: s.certFile, keyFile: s.keyFile, log: log}
	if err := c.refresh(); err != nil {
		return nil, fmt.Errorf("cannot serve HTTPS with -tls-cert %s and -tls-key %s: %w", s.certFile, s.keyFile, err)
	}
	return c, nil
}

// get is a tls.Config's GetCertificate. A file that cannot be read changes
// nothing: it may be half written.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= lookAgain {
		if err := c.refresh(); err != nil {
			c.log.Warn("the new certificate cannot be read; the old one is used", "error", err)
		}
	}
	return c.read, nil
}

// refresh reads the files if they have changed.
func (c *certificate) refresh() error {
	c.looked = time.Now()
	info, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(c.changed) {
		return nil
	}
	read, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.read, c.changed = &read, info.ModTime()
	return nil
}
