package boltstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// sellerEnv makes this program a seller: it sells the seats of the file that the
// variable names until it is killed, and prints what it sold.
const sellerEnv = "BOLTSTORE_TEST_SELLER"

func TestMain(m *testing.M) {
	if disk, is := os.LookupEnv(tryEnv); is {
		fmt.Print(tryOn(disk, os.Args[1]))
		os.Exit(0)
	}
	path, is := os.LookupEnv(sellerEnv)
	if !is {
		os.Exit(m.Run())
	}
	go func() { // until the test has ended
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	if err := sell(path, os.Args[1]); err != nil {
		fmt.Println("failed", strings.ReplaceAll(err.Error(), "\n", " / "))
		os.Exit(1)
	}
}

// command returns the command that runs this program with a variable in its environment, until
// the test ends. A test that starts processes must not be parallel: until a new process
// runs its program, it holds the locks of all files that this one has open.
func command(t *testing.T, env, arg string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], arg)
	// The race detector waits for a second before a process ends.
	cmd.Env = append(os.Environ(), env, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	return cmd
}

// sellerSeats is the number of seats that a seller has.
const sellerSeats = 20_000

func sellerEvent() (*lockstore.Event, error) {
	seats := make([]lockstore.SeatID, sellerSeats)
	for i := range seats {
		seats[i] = lockstore.SeatID(fmt.Sprint("A", i))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return nil, err
	}
	return lockstore.NewEvent("sale", layout, time.Hour, 0)
}

// sell locks and confirms two seats at a time, in many goroutines, and writes an order for
// them. It prints "locked", "booked" and "ordered" with the seats, "refused" with the error
// of a call that did nothing, and "unknown" with the seats of a call that may have done
// something. The mode is what happens to its disk, or "again": then it first repeats each
// confirm.
func sell(path, mode string) error {
	s, err := boltstore.Open(path)
	if err != nil {
		return err
	}
	ev, err := sellerEvent()
	if err != nil {
		return err
	}
	snap, err := s.List(context.Background(), ev, "")
	if err != nil {
		return err
	}
	taken := make(map[int]lockstore.Status)
	for _, seat := range snap.Seats {
		taken[int(seat.Position)] = seat.Status
	}
	fmt.Println("open", len(snap.Seats))
	if mode == "again" {
		if err := confirmAgain(s, ev, taken); err != nil {
			return err
		}
	}
	if mode == "full" {
		go fillAndEmpty(path)
	}
	var fail sync.Once
	failSoon := func() {
		time.AfterFunc(rand.N(20*time.Millisecond), func() {
			if err := failSyncs(); err != nil {
				fmt.Println("failed", err)
			}
		})
	}
	var out sync.Mutex
	say := func(words ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(words...)
	}
	var all sync.WaitGroup
	for b := range buyers {
		all.Go(func() {
			for at := 2 * b; at+1 < sellerSeats; at += 2 * buyers {
				seats, user := ev.Seats[at:at+2], buyer(at)
				if _, taken := taken[at]; taken {
					continue
				}
				for _, step := range sale(s, ev, user, seats) {
					for {
						err := step.do()
						if err == nil {
							say(step.done, seats[0], seats[1])
							if mode == "failing" && step.done == "booked" {
								fail.Do(failSoon)
							}
							break
						}
						if errors.Is(err, lockstore.ErrOutcomeUnknown) {
							say("unknown", seats[0], seats[1])
							return
						}
						say("refused", err)
						if mode == "failing" || !errors.Is(err, lockstore.ErrUnavailable) {
							return
						}
						time.Sleep(time.Millisecond)
					}
				}
			}
		})
	}
	all.Wait()
	fmt.Println("closed")
	return nil
}

// A step is a call of a sale, and the word for it once it has succeeded.
type step struct {
	done string
	do   func() error
}

// sale returns the calls that sell two seats.
func sale(s *boltstore.Store, ev *lockstore.Event, user lockstore.UserID, seats []lockstore.SeatID) []step {
	op := func(op lockstore.Op) func() error {
		return func() error {
			_, err := s.Do(context.Background(), ev, op)
			return err
		}
	}
	return []step{
		{"locked", op(lockstore.Lock(user, seats...))},
		{"booked", op(lockstore.Confirm(user, seats...))},
		{"ordered", func() error {
			_, err := s.Put(context.Background(), orderOf(ev, seats[0]))
			return err
		}},
	}
}

// orderOf returns the order of two seats.
func orderOf(ev *lockstore.Event, first lockstore.SeatID) lockstore.Order {
	return lockstore.Order{ID: lockstore.OrderID(first), Event: ev.ID, Due: time.UnixMilli(1), Body: []byte(first)}
}

const buyers = 16

// buyer returns the user who buys the seat at a position.
func buyer(at int) lockstore.UserID { return lockstore.UserID(fmt.Sprint("buyer", at/2%buyers)) }

// confirmAgain confirms what is booked, which changes nothing. It prints "booked" with
// the seats, and "repeated" at the end.
func confirmAgain(s *boltstore.Store, ev *lockstore.Event, taken map[int]lockstore.Status) error {
	for at := 0; at+1 < sellerSeats; at += 2 {
		if taken[at] != lockstore.Booked {
			continue
		}
		seats := ev.Seats[at : at+2]
		if _, err := s.Do(context.Background(), ev, lockstore.Confirm(buyer(at), seats...)); err != nil {
			return err
		}
		fmt.Println("booked", seats[0], seats[1])
	}
	fmt.Println("repeated")
	return nil
}

// fillAndEmpty sets and removes a limit on the size of files, which has the effect of a full
// disk, again and again.
func fillAndEmpty(path string) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("failed", err)
		return
	}
	for {
		info, err := os.Stat(path)
		if err != nil {
			fmt.Println("failed", err)
			return
		}
		sizes := []uint64{0, 4096, uint64(info.Size()), uint64(info.Size()) + rand.Uint64N(1<<16)}
		full := limit
		full.Cur = sizes[rand.IntN(len(sizes))]
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
			fmt.Println("failed", err)
			return
		}
		fmt.Println("full", full.Cur)
		time.Sleep(rand.N(20 * time.Millisecond))
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println("failed", err)
			return
		}
		time.Sleep(rand.N(20 * time.Millisecond))
	}
}

// A sellerOutput is the lines that sellers printed, by their first words.
type sellerOutput map[string][]string

// add adds a line and returns its first word.
func (o sellerOutput) add(line string) string {
	word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	o[word] = append(o[word], rest)
	return word
}

// runSeller runs a seller until it ends. If kill is not 0, the seller is killed that long
// after it has opened the file.
func runSeller(t *testing.T, path, mode string, kill time.Duration) sellerOutput {
	t.Helper()
	return runCommand(t, command(t, sellerEnv+"="+path, mode), "open", kill)
}

// runCommand runs a command that becomes a seller until it ends. If kill is not 0, the
// seller is killed that long after it has printed a line with the word.
func runCommand(t *testing.T, cmd *exec.Cmd, word string, kill time.Duration) sellerOutput {
	t.Helper()
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	said := make(sellerOutput)
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line without an end was not printed
		}
		if said.add(line) == word && len(said[word]) == 1 && kill > 0 {
			defer time.AfterFunc(kill, func() { _ = cmd.Process.Kill() }).Stop()
		}
	}
	_ = cmd.Wait() // it was killed
	for _, why := range said["failed"] {
		t.Error("the seller failed:", why)
	}
	return said
}
