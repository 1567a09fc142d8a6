package boot

import (
	"seatlock/functions/access"
	"seatlock/functions/access/session"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

// A gate is the policy, and what makes guests.
type gate struct {
	policy access.Policy
	desk   *session.Desk // nil if there are no guests
}

// openGate returns the policy behind a gateway that verifies tokens, or that leaves all to
// the functions because there are guests. It has none of the limits that count calls, locks
// or guests: every copy of a function would count for itself.
func openGate(s settings.GatewayAccess) (*gate, error) {
	g := &gate{policy: access.Policy{
		Gateway:       true,
		BackendKeys:   s.BackendKeys,
		OperatorKeys:  s.OperatorKeys,
		BackendClaim:  access.ParseClaim(s.BackendClaim),
		OperatorClaim: access.ParseClaim(s.OperatorClaim),
		ConfirmBy:     access.ParseConfirmBy(s.ConfirmBy),
	}}
	if !s.Sessions {
		return g, nil
	}
	sealer, err := session.NewSealer(s.SessionKeys...)
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(sealer, session.Options{Guests: true})
	if err != nil {
		return nil, err
	}
	g.policy.Sessions = sessions
	g.desk = &session.Desk{Policy: &g.policy, Sessions: sessions}
	return g, nil
}

// handler returns next with the calls about sessions, if there are guests.
func (g *gate) handler(next telemetry.Handler) telemetry.Handler {
	if g.desk == nil {
		return next
	}
	return g.desk.Handler(next)
}
