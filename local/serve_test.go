package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/settings"
)

// certify writes a certificate for 127.0.0.1 with the serial number and returns
// a pool that trusts it.
func certify(t *testing.T, certFile, keyFile string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(read)
	return pool
}

// TestHTTPS checks that with a certificate the runner serves HTTPS and HTTP/2,
// and refuses old TLS.
func TestHTTPS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := certify(t, certFile, keyFile, 1)
	url, _, _ := serving(t, "-tls-cert", certFile, "-tls-key", keyFile)
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Fatalf("the runner logs the address %s", url)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	t.Cleanup(client.CloseIdleConnections)
	resp, err := client.Get(url + "/seats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		t.Errorf("the answer is %s over %s, want 200 over HTTP/2", resp.Status, resp.Proto)
	}
	old := &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), old); err == nil {
		c.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

// TestCertificateIsRenewed checks that a new certificate is used without a
// restart, and a half-written one is not.
func TestCertificateIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := settings.Server{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
		write := func(serial int64, at time.Time) {
			certify(t, s.CertFile, s.KeyFile, serial)
			if err := os.Chtimes(s.CertFile, at, at); err != nil {
				t.Fatal(err)
			}
		}
		write(1, time.Now())
		c, err := openCertificate(s, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		wantSerial := func(serial int64) {
			t.Helper()
			got, err := c.get(nil)
			if err != nil {
				t.Fatal(err)
			}
			if leaf, err := x509.ParseCertificate(got.Certificate[0]); err != nil || leaf.SerialNumber.Int64() != serial {
				t.Errorf("the certificate has the serial number %v, %v, want %d", leaf.SerialNumber, err, serial)
			}
		}
		wantSerial(1)
		write(2, time.Now().Add(time.Second))
		wantSerial(1) // the file is checked every checkInterval
		time.Sleep(checkInterval)
		wantSerial(2)
		if err := os.WriteFile(s.CertFile, []byte("half of"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(checkInterval)
		wantSerial(2)
		write(3, time.Now().Add(time.Minute))
		time.Sleep(checkInterval)
		wantSerial(3)
	})
}

// TestOrigins checks that pages of the named origins may call, and no others.
func TestOrigins(t *testing.T) {
	url, _, _ := serving(t, "-cors-origin", "https://shop.example", "-cors-origin", "https://box.example")
	ask := func(method, path, origin string, header ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	for origin, allowed := range map[string]string{"https://shop.example": "https://shop.example", "https://box.example": "https://box.example", "https://evil.example": "", "null": ""} {
		simple := ask("GET", "/seats", origin)
		if got := simple.Header.Get("Access-Control-Allow-Origin"); got != allowed || simple.StatusCode != 200 {
			t.Errorf("%s is allowed %q, want %q (%s)", origin, got, allowed, simple.Status)
		}
		if vary := simple.Header.Values("Vary"); !strings.Contains(strings.Join(vary, ","), "Origin") {
			t.Errorf("Vary is %q, want Origin in it", vary)
		}
		preflight := ask("OPTIONS", "/lock", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
		if got := preflight.Header.Get("Access-Control-Allow-Origin"); got != allowed {
			t.Errorf("the preflight of %s is allowed %q, want %q", origin, got, allowed)
		}
		if allowed != "" && preflight.Header.Get("Access-Control-Allow-Methods") != "POST" {
			t.Errorf("the preflight of %s: %v", origin, preflight.Header)
		}
		if preflight.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("the preflight allows credentials")
		}
	}
	plain, _, _ := serving(t)
	url = plain
	if got := ask("GET", "/seats", "https://shop.example").Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("without -cors-origin %s may call", got)
	}
}

// TestStartWarns checks that a server that other machines can reach warns if nobody
// signs in.
func TestStartWarns(t *testing.T) {
	key := variables{"AUTH_BACKEND_KEY": strings.Repeat("k", 32)}
	for _, c := range []struct {
		addr string
		env  variables
		warn bool
	}{{"0.0.0.0:0", nil, true}, {"0.0.0.0:0", key, false}, {"127.0.0.1:0", nil, false}, {"localhost:0", nil, false}} {
		_, out, stop := servingWith(t, c.env, "-addr", c.addr)
		stop()
		if warned := strings.Contains(out.String(), "level=WARN msg=\"everybody who can connect"); warned != c.warn {
			t.Errorf("on %s with %v the log warns: %v, want %v\n%s", c.addr, c.env, warned, c.warn, out)
		}
	}
}

// TestStartSaysWhoUsersAre checks that the start-up line says how users are
// identified.
func TestStartSaysWhoUsersAre(t *testing.T) {
	_, out, _ := serving(t)
	if !strings.Contains(out.String(), "unchecked: use only behind your own back end") {
		t.Errorf("the log: %s", out)
	}
	key := strings.Repeat("k", 32)
	url, out, _ := servingWith(t, variables{"AUTH_BACKEND_KEY": key})
	if !strings.Contains(out.String(), "named by the back end with the key") || strings.Contains(out.String(), key) {
		t.Errorf("the log: %s", out)
	}
	if status, _, body := call(t, url+"/lock", "A1", "ann"); status != 401 {
		t.Errorf("a lock without the key: %d %s, want 401", status, body)
	}
}
