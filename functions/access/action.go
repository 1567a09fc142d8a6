package access

// An Action is what a call does, as far as access is concerned.
type Action uint8

// The actions. Each role may do what the package's table says.
const (
	Look    Action = iota // read lists and events
	Buy                   // lock, extend, release, and read what one has: for oneself
	Confirm               // book what is locked
	Serve                 // what a back end may: book directly, other lock times, no seat limit
	Operate               // cancel, move, block, unblock, evict, roster, journal; book blocked seats
)

// actions are how refusals name what somebody may not do.
var actions = [...]string{
	Look:    "see the seats",
	Buy:     "change seats",
	Confirm: "confirm a booking",
	Serve:   "do this",
	Operate: "do this",
}

// ConfirmBy says who may confirm. Each value includes those after it, and operators
// always may.
type ConfirmBy uint8

// Who may confirm.
const (
	ConfirmByDefault ConfirmBy = iota // buyers in open mode, else the back end
	ConfirmByBuyer
	ConfirmByBackend
	ConfirmByPayment // no caller but an operator: a payment confirms
)

// A role is what a caller is. A later one may do all that an earlier one may.
type role uint8

const (
	stranger role = iota // nobody is known
	buyer                // a verified user
	backend
	operator
)
