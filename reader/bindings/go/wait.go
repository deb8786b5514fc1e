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
	wakeMs   = 1 // how long the first lookup of a wait blocks a thread: it wakes the fetcher, which mostly answers within that
	wakers   = 8 // threads that do so at a time
	shortest = time.Millisecond
	longest  = 20 * time.Millisecond // between two lookups of a wait
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
	for pause := shortest; ; pause = longer(pause) {
		code, err := h.look(modid, cmdid, 0)
		if err != nil {
			return err
		}
		if code != ErrTimeout && code != ErrFull && code != ErrCutOff { // others would stay
			return code.err()
		}
		select {
		case <-ctx.Done():
			return because{code, ctx.Err()}
		case <-time.After(pause):
		}
	}
}

func longer(pause time.Duration) time.Duration {
	if pause *= 2; pause > longest {
		return longest
	}
	return pause
}

// wakeFetcher looks the route up in a way that blocks for a moment.
func (h *Handle) wakeFetcher(modid, cmdid uint32) {
	select {
	case waking <- struct{}{}:
		h.look(modid, cmdid, wakeMs)
		<-waking
	default:
	}
}

func (h *Handle) look(modid, cmdid uint32, ms C.int) (Code, error) {
	if !h.begin() {
		return 0, ErrClosed
	}
	code := C.larshm_go_wait_route(h.c, C.uint32_t(modid), C.uint32_t(cmdid), ms)
	h.end()
	return Code(code), nil
}
