// SPDX-License-Identifier: MIT

package larshm_test

import (
	"context"
	"os"
	"testing"
	"time"

	"larshm"
)

func TestWaitRouteWaitsForTheAnswer(t *testing.T) {
	h, _ := open(t, "answer 2 1 10.2.0.1:80", "answer 2 2")
	expect(t, h.WaitRoute(context.Background(), 2, 1), nil)
	expect(t, h.WaitRoute(context.Background(), 2, 2), larshm.ErrNoExist)
	host, err := h.GetHost(2, 1)
	if err != nil || host.String() != "10.2.0.1:80" {
		t.Error(host, err)
	}
}

func TestWaitRouteEndsWithItsContext(t *testing.T) {
	h, _ := open(t, route)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- h.WaitRoute(ctx, 9, 9) }()
	select {
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(20 * time.Millisecond):
	}
	cancel()
	err := <-ended
	expect(t, err, context.Canceled)
	expect(t, err, larshm.ErrTimeout)

	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	expect(t, h.WaitRoute(ctx, 9, 9), context.DeadlineExceeded)
	expect(t, h.WaitRoute(ctx, 1, 1), nil) // cached: no need to wait
}

func TestChangesListWhatChanged(t *testing.T) {
	h, i := open(t, route)
	changes := h.Changes()
	expect(t, changes.Wait(context.Background()), nil) // at first there is something
	_, _, err := changes.Next()
	expect(t, err, larshm.ErrOverrun)
	_, _, err = changes.Next()
	expect(t, err, larshm.ErrEnd)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err = changes.Wait(ctx)
	expect(t, err, larshm.ErrTimeout)
	expect(t, err, context.DeadlineExceeded)
	ended := make(chan error)
	go func() { ended <- changes.Wait(context.Background()) }()
	expect(t, i.do("route 4294967295 7 10.0.0.1:80"), nil)
	expect(t, <-ended, nil)
	expect(t, changes.Wait(context.Background()), nil) // Next has not returned it
	modid, cmdid, err := changes.Next()
	if modid != 4294967295 || cmdid != 7 || err != nil {
		t.Error(modid, cmdid, err)
	}
	_, _, err = changes.Next()
	expect(t, err, larshm.ErrEnd)
}

func TestWaitsOccupyFewThreads(t *testing.T) {
	const waits = 1000
	h, _ := open(t, route)
	ended := make(chan error, waits)
	for n := 0; n < waits/2; n++ {
		changes := h.Changes()
		changes.Next()
		go func() { ended <- changes.Wait(context.Background()) }()
		go func() { ended <- h.WaitRoute(context.Background(), 9, 9) }()
	}
	for n := 0; n < 50; n++ {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil || len(threads) > waits/10 {
			t.Fatal(len(threads), err)
		}
		time.Sleep(time.Millisecond)
	}
	h.Close()
	for n := 0; n < waits; n++ {
		expect(t, <-ended, larshm.ErrClosed)
	}
}

func TestOpenWaitWaitsForAFetcher(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := larshm.OpenWait(ctx, "no-fetcher-has-run-here")
	expect(t, err, larshm.ErrNoObject)
	expect(t, err, context.DeadlineExceeded)
	_, err = larshm.OpenWait(context.Background(), "no/name")
	expect(t, err, larshm.ErrBadArgument)
	_, i := open(t, route)
	h, err := larshm.OpenWait(context.Background(), i.name)
	expect(t, err, nil)
	h.Close()
}
