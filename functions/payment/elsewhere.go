package payment

// Elsewhere returns the provider of a process that changes orders but calls no
// provider, such as one that releases the seats of an order. An order that it has
// changed is due at once, and a process with the real provider continues it. Such a
// process must not use Checkout and Work.
func Elsewhere() Provider { return elsewhere{} }

type elsewhere struct{ Provider }

// Name implements [Provider].
func (elsewhere) Name() string { return "elsewhere" }
