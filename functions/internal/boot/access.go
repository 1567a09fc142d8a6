package boot

import (
	"seatlock/functions/access"
	"seatlock/functions/access/session"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

// A gate is the access policy, and the desk that makes guests.
type gate struct {
	policy access.Policy
	desk   session.Desk
}

// openGate returns the policy of a function. Either the gateway in front verifies
// tokens, or it passes everything because there are guests. The policy does not limit
// calls, locks or guests, because every copy of a function would count for itself.
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

// handler adds the calls about sessions to next.
func (g *gate) handler(next telemetry.Handler) telemetry.Handler { return g.desk.Handler(next) }
