package lockstore_test

import (
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) lockstore.LockStore { return new(lockstore.Memory) })
}
