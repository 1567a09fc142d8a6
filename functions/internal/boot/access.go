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
	desk   session.Desk
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
	g.desk.Policy = &g.policy
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
	g.policy.Sessions, g.desk.Sessions = sessions, sessions
	return g, nil
}

// handler returns next with the calls about sessions.
func (g *gate) handler(next telemetry.Handler) telemetry.Handler { return g.desk.Handler(next) }
