package access

// An Action is what a call does, for deciding who may make it.
type Action uint8

// The actions. The table in the package's tests says which role may do what.
const (
	Look    Action = iota // read lists and events
	Buy                   // lock, extend, release, and read what one has, for oneself
	Confirm               // book what is locked
	Serve                 // what only back ends may: book directly, other lock times, no seat limit
	Operate               // cancel, move, block, unblock, evict, roster, journal; book blocked seats
)

// ConfirmBy says who may confirm. Each value includes those after it, and operators
// always may.
type ConfirmBy uint8

// Who may confirm.
const (
	ConfirmByDefault ConfirmBy = iota // buyers in open mode, else the back end
	ConfirmByBuyer
	ConfirmByBackend
	ConfirmByPayment // only operators: a payment confirms
)

// A role is what a caller is. A later one may do all that an earlier one may.
type role uint8

const (
	stranger role = iota // not known
	buyer                // a verified user
	backend
	operator
)

// ParseConfirmBy returns the value that the text names: buyer, backend or payment. For
// any other text it returns the default.
func ParseConfirmBy(text string) ConfirmBy {
	return map[string]ConfirmBy{"buyer": ConfirmByBuyer, "backend": ConfirmByBackend, "payment": ConfirmByPayment}[text]
}
