package redisstore_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// TestACLUser checks that the rules in the README are enough for a store.
func TestACLUser(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, ok := strings.Cut(string(readme), "ACL SETUSER seatlock ")
	rules, _, _ = strings.Cut(rules, "\n")
	if !ok {
		t.Fatal("the README has no ACL SETUSER")
	}
	command := []any{"acl", "setuser", "seatlock"}
	for rule := range strings.FieldsSeq(strings.ReplaceAll(rules, "'", "")) {
		command = append(command, rule)
	}
	if err := admin(t, addr).Do(t.Context(), command...).Err(); err != nil {
		t.Fatal(err)
	}
	s, ev := onRedis(t, "redis://seatlock:secret@"+addr, redisstore.Options{}), newEvent(t)
	warnings, err := s.Check(t.Context())
	if err != nil || !strings.Contains(strings.Join(warnings, "\n"), "may not use INFO or CONFIG GET") {
		t.Errorf("Check: %v, %v, want a warning of what could not be checked", warnings, err)
	}
	old := mustList(t, s, ev, "").Version
	mustDo(t, s, ev, lockstore.Lock(ann, "A1", "A2"))
	if err := s.Wait(t.Context(), ev, old); err != nil {
		t.Error(err)
	}
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1"))
	mustDo(t, s, ev, lockstore.Release(ann, "A2"))
	mustList(t, s, ev, old)
	if _, err := s.Audit(t.Context(), ev); err != nil {
		t.Error(err)
	}
	if _, err := s.Rebuild(t.Context(), ev); err != nil {
		t.Error(err)
	}

	stranger := onRedis(t, "redis://seatlock:wrong@"+addr, redisstore.Options{})
	if _, err := stranger.Do(t.Context(), ev, lockstore.Lock(ann, "A3")); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Lock with a wrong password: %v", err)
	}
}

// TestTLS checks that rediss:// uses TLS, and trusts a certificate that no authority
// signed only with skip_verify.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	selfSigned(t, cert, key)
	port := faults.FreePort()
	server := redistest.New(t, "--port", "0", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")

	ev := newEvent(t)
	s := onRedis(t, "rediss://"+server.Addr+"?skip_verify=true", redisstore.Options{})
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	careful := onRedis(t, "rediss://"+server.Addr, redisstore.Options{})
	err := history.Repeat(t.Context(), func() error {
		_, err := careful.Do(t.Context(), ev, lockstore.Lock(ann, "A2"))
		return err
	}, context.DeadlineExceeded)
	if !errors.Is(err, lockstore.ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Lock with a certificate that no authority signed: %v", err)
	}
	plain := onRedis(t, "redis://"+server.Addr, redisstore.Options{})
	if _, err := plain.Do(t.Context(), ev, lockstore.Lock(ann, "A2")); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Lock without TLS: %v", err)
	}
}

func selfSigned(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert},
		keyFile:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
