package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"seatlock/functions/booking"
	"seatlock/lockstore"
)

const (
	// issuerTime bounds how long a request waits for the issuer.
	issuerTime = 2 * time.Second

	// issuerPause is the least time between two questions to the issuer: tokens
	// made up by somebody must not become a storm there.
	issuerPause = time.Second

	// skew is by how much the issuer's clock and this one's may differ.
	skew = 30 * time.Second
)

// algorithms are those of which the issuer alone has the key to sign.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// A SignIn checks bearer tokens of one OpenID Connect issuer: JSON Web Tokens,
// for one audience. It asks the issuer for its keys when it needs them, keeps
// them, and asks again when a token names one it has not seen. An issuer that is
// away makes it fail for tokens whose key it has not got, and for no longer than
// it is away.
type SignIn struct {
	issuer, audience string
	log              *slog.Logger
	client           *http.Client

	asking   chan struct{} // held by whoever asks the issuer where its keys are
	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the issuer has said where its keys are
}

// NewSignIn makes a SignIn. It asks nobody anything yet.
func NewSignIn(issuer, audience string, log *slog.Logger) *SignIn {
	return &SignIn{
		issuer:   issuer,
		audience: audience,
		log:      log,
		client:   &http.Client{Timeout: issuerTime, Transport: &paced{limit: rate.NewLimiter(rate.Every(issuerPause), 2)}},
		asking:   make(chan struct{}, 1),
	}
}

// Greet asks the issuer where its keys are, so that a wrong setting shows at
// the start.
func (s *SignIn) Greet(ctx context.Context) error {
	_, err := s.ready(ctx)
	return err
}

// user returns whose token it is.
func (s *SignIn) user(ctx context.Context, token string) (lockstore.UserID, error) {
	ctx, cancel := context.WithTimeout(ctx, issuerTime)
	defer cancel()
	verifier, err := s.ready(ctx)
	if err != nil {
		return "", s.away(err)
	}
	var fetched error
	t, err := verifier.Verify(context.WithValue(ctx, fetchedKey{}, &fetched), token)
	if fetched != nil {
		return "", s.away(fetched)
	}
	if err != nil {
		s.log.DebugContext(ctx, "a token is refused", "error", err)
		return "", errBadToken
	}
	user := lockstore.UserID(t.Subject)
	if err := user.Check(); err != nil {
		// What is wrong with it would name somebody.
		s.log.DebugContext(ctx, "a token's subject cannot be a user", "bytes", len(t.Subject))
		return "", errBadToken
	}
	return user, nil
}

// away is the answer when the issuer cannot be asked.
func (s *SignIn) away(err error) error {
	return booking.Refuse(fmt.Errorf("%w by the keys of %s: %w", booking.ErrSignInAway, s.issuer, err), time.Second, "Tokens cannot be checked at the moment. Nothing was changed. Try again.")
}

// ready returns the verifier, and asks the issuer for what it needs if that has
// not been done yet.
func (s *SignIn) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	if v := s.have(); v != nil {
		return v, nil
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if v := s.have(); v != nil {
		return v, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, s.client), s.issuer)
	if err != nil {
		return nil, err
	}
	var where struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&where); err != nil {
		return nil, err
	}
	if where.Keys == "" {
		return nil, fmt.Errorf("%s does not say where its keys are (jwks_uri)", s.issuer)
	}
	v := oidc.NewVerifier(s.issuer, &keySet{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), s.client), where.Keys)}, &oidc.Config{
		ClientID:             s.audience,
		SupportedSigningAlgs: algorithms,
		Now:                  func() time.Time { return time.Now().Add(-skew) },
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verifier = v
	return v, nil
}

func (s *SignIn) have() *oidc.IDTokenVerifier {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verifier
}

// fetchedKey is where a context has room for why keys could not be fetched.
type fetchedKey struct{}

// keySet is the issuer's keys. That they could not be fetched is no fault of
// the token's, which the verifier does not tell apart, so it goes beside it.
type keySet struct{ remote *oidc.RemoteKeySet }

func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, token)
	// Of its errors only those of fetching wrap another.
	if errors.Unwrap(err) != nil && !errors.Is(err, errAsked) {
		if into, ok := ctx.Value(fetchedKey{}).(*error); ok {
			*into = err
		}
	}
	return payload, err
}

// paced makes requests to the issuer, and not too many. One that comes too
// soon ends as the one before it did, or with errAsked if that was answered.
type paced struct {
	limit *rate.Limiter

	mu   sync.Mutex
	last error
}

func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if !p.limit.Allow() {
		p.mu.Lock()
		defer p.mu.Unlock()
		return nil, cmp.Or(p.last, errAsked)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = err
	return resp, err
}

// errAsked is why the issuer is not asked again already.
var errAsked = errors.New("the issuer has just been asked")
