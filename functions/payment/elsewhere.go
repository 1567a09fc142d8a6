package payment

// Elsewhere returns the provider of a process that changes orders and calls no provider,
// such as one that releases the seats of an order. Other processes, which have the real
// one, go on with what it has changed: it is due at once. Checkout and Work are not for
// such a process.
func Elsewhere() Provider { return elsewhere{} }

type elsewhere struct{ Provider }

// Name implements [Provider].
func (elsewhere) Name() string { return "elsewhere" }
