// SPDX-License-Identifier: MIT

package larshm

/*
#include "glue.h"
*/
import "C"

import "context"

// Changes is a position among the changes of an instance. One goroutine uses it at a time. A program that keeps something of its
// own for each route follows them so:
//
//	for changes := h.Changes(); ; {
//		switch modid, cmdid, err := changes.Next(); {
//		case err == nil:
//			// look at the route
//		case errors.Is(err, larshm.ErrOverrun):
//			// look at all routes, see Handle.Routes
//		case errors.Is(err, larshm.ErrEnd):
//			err = changes.Wait(ctx)
//			...
//		}
//	}
type Changes struct {
	h     *Handle
	since uint64
}

// Changes begins at the first change, so that its first Next returns ErrOverrun.
func (h *Handle) Changes() *Changes {
	return &Changes{h: h}
}

// Next returns the route that changed next. A change is a first answer for a route, an answer with other hosts, or a host that is
// taken out of rotation or comes back. A route may come more than once. It does not wait.
//
// ErrEnd: no more so far, see Wait. ErrOverrun: this is the first call, or changes were missed, some 4,000 are remembered: look at
// all routes, and go on. ErrClosed.
func (c *Changes) Next() (modid, cmdid uint32, err error) {
	if !c.h.begin() {
		return 0, 0, ErrClosed
	}
	next := C.larshm_go_next_change(c.h.c, C.uint64_t(c.since))
	c.h.end()
	c.since = uint64(next.since)
	if next.code != C.LARSHM_OK {
		return 0, 0, Code(next.code)
	}
	return uint32(next.modid), uint32(next.cmdid), nil
}

// Wait waits until there is a change that Next has not returned, or ctx is done. It looks once if ctx is done already. The first
// Wait of a handle starts a thread of the library, which sleeps until there is a change.
//
// nil: there is one, or Next was never called. ErrTimeout, which wraps ctx.Err(). ErrSystem: no descriptor or thread was left.
// ErrClosed.
func (c *Changes) Wait(ctx context.Context) error {
	watch, err := c.h.startWatch()
	if err != nil {
		return err
	}
	for {
		changed := watch.changed() // first, so that no change is missed
		if !c.h.begin() {
			return ErrClosed
		}
		code := Code(C.larshm_go_wait_change(c.h.c, C.uint64_t(c.since)))
		c.h.end()
		if code != ErrTimeout {
			return code.err()
		}
		select {
		case <-ctx.Done():
			return because{code, ctx.Err()}
		case <-c.h.done:
			return ErrClosed
		case <-changed:
		}
	}
}
