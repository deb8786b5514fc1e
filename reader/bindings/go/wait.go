// SPDX-License-Identifier: MIT

package larshm

/*
#include "glue.h"
*/
import "C"

import (
	"context"
	"time"
)

const (
	wakeMs       = 1 // how long the first lookup of a wait blocks a thread: it wakes the fetcher, which mostly answers within that
	wakers       = 8 // threads that do so at a time
	waitInterval = 5 * time.Millisecond
)

var waking = make(chan struct{}, wakers)

// WaitRoute looks a route up and waits until the directory has answered for it, or ctx is done: once for each route, when the
// program starts. It looks once if ctx is done already.
//
// nil: the route has hosts. ErrNoExist: the directory says that there is no such route. ErrTimeout, which wraps ctx.Err(): no
// answer; the route stays requested. ErrFull and ErrCutOff, which wrap ctx.Err(): as for GetHost. ErrNoPermission, ErrLayout,
// ErrCorrupt, ErrClosed.
func (h *Handle) WaitRoute(ctx context.Context, modid, cmdid uint32) error {
	if ctx.Err() == nil {
		h.wakeFetcher(modid, cmdid)
	}
	return h.wait(ctx, func() (Code, error) { return h.lookAgain(modid, cmdid, 0) })
}

// wakeFetcher makes the first lookup of a wait one that blocks for a moment.
func (h *Handle) wakeFetcher(modid, cmdid uint32) {
	select {
	case waking <- struct{}{}:
		h.lookAgain(modid, cmdid, wakeMs)
		<-waking
	default:
	}
}

func (h *Handle) lookAgain(modid, cmdid uint32, ms C.int) (Code, error) {
	if !h.begin() {
		return 0, ErrClosed
	}
	code := C.larshm_go_wait_route(h.c, C.uint32_t(modid), C.uint32_t(cmdid), ms)
	h.end()
	return Code(code), nil
}

// wait calls look, which does not wait, until its code is one that later calls would return, too.
func (h *Handle) wait(ctx context.Context, look func() (Code, error)) error {
	for {
		code, err := look()
		if err != nil {
			return err
		}
		if code != ErrTimeout && code != ErrFull && code != ErrCutOff {
			return code.err()
		}
		select {
		case <-ctx.Done():
			return because{code, ctx.Err()}
		case <-h.done:
			return ErrClosed
		case <-time.After(waitInterval):
		}
	}
}
