// SPDX-License-Identifier: MIT

// Package larshm looks up Lars routes in shared memory.
//
// A route is named by two numbers, modid and cmdid, and leads to hosts. A fetcher daemon keeps the hosts of every route that a
// process of this machine has looked up in shared memory, where this package reads them through liblarshm. A lookup is one cgo
// call, some 70 ns, and most of that is cgo: look up many routes at once with [Handle.GetHostBatch].
//
// Goroutines: one Handle serves all of a program, and all its methods may be called at the same time, Close too. No method needs
// a goroutine to stay on its thread. liblarshm goes round the hosts of a route for each thread by itself: picks are even over
// the program, but two picks in a row of a goroutine that has changed its thread in between may be one host;
// [Handle.GetHostExcept] picks another one for sure. Only what takes a context blocks, and it occupies no thread for long.
//
// Errors are a [Code], wrap one, are [ErrClosed], or say that a context is done. Results next to an error are zero unless a
// method says otherwise.
//
// Units: durations are time.Duration, ports and addresses come from Host in Go's order.
//
// Memory: the package keeps nothing of what it is given, and what it returns is the caller's.
//
// Go programs do not fork without exec; a program that does so through C must use no Handle in the child.
package larshm

/*
#cgo pkg-config: larshm
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Handle is the open routes of an instance. One for each instance is enough. Make it with Open, and do not copy it.
type Handle struct {
	c     C.uintptr_t
	calls atomic.Int64  // in progress, 1 for the open handle, and the flags below
	done  chan struct{} // closed by Close

	watching sync.Mutex
	watch    *watch // there once a goroutine has waited for changes
}

const (
	closing = 1 << 62 // no further calls
	freed   = 1 << 61 // the last call has ended, and c is no more
)

// Open opens the routes of an instance; "" means $LARSHM_INSTANCE, or "default". The fetcher need not be alive. A handle that is
// not closed is closed by the garbage collector.
//
// ErrNoObject: the fetcher has never run, see [OpenWait]. ErrSystem, ErrNoPermission, ErrForeign, ErrUnsafe, ErrShort,
// ErrNotLarshm, ErrLayout, ErrCorrupt, ErrBadArgument: as their comments say.
func Open(instance string) (*Handle, error) {
	if strings.ContainsRune(instance, 0) {
		return nil, ErrBadArgument
	}
	var name *C.char
	if instance != "" {
		name = C.CString(instance)
		defer C.free(unsafe.Pointer(name))
	}
	opened, errno := C.larshm_go_open(name)
	if opened.code == C.LARSHM_SYSTEM_ERROR && errno != nil {
		return nil, because{ErrSystem, errno}
	}
	if opened.code != C.LARSHM_OK {
		return nil, Code(opened.code)
	}
	h := &Handle{c: opened.h, done: make(chan struct{})}
	h.calls.Store(1)
	runtime.SetFinalizer(h, (*Handle).Close)
	return h, nil
}

// openInterval is that of larshm_open_wait().
const openInterval = 20 * time.Millisecond

// OpenWait is Open for programs that may start before the first fetcher of the instance, at boot: it waits for it until ctx is
// done. The error is ErrNoObject and ctx.Err() then. Other errors come at once.
func OpenWait(ctx context.Context, instance string) (*Handle, error) {
	for {
		h, err := Open(instance)
		if !errors.Is(err, ErrNoObject) {
			return h, err
		}
		select {
		case <-ctx.Done():
			return nil, because{ErrNoObject, ctx.Err()}
		case <-time.After(openInterval):
		}
	}
}

// Close closes the handle. Waits on it end with ErrClosed, and so do later calls. It does not wait for calls of other goroutines:
// they end as if the handle were open, and the last of them frees it. ErrClosed: it was closed before.
func (h *Handle) Close() error {
	if !h.begin() {
		return ErrClosed
	}
	defer h.end()
	for {
		calls := h.calls.Load()
		if calls&closing != 0 {
			return ErrClosed
		}
		if h.calls.CompareAndSwap(calls, calls|closing) {
			break
		}
	}
	runtime.SetFinalizer(h, nil)
	close(h.done)
	h.stopWatch()
	h.end() // the open handle's own
	return nil
}

// begin begins a call, which keeps h.c valid until end. False: the handle is closed.
func (h *Handle) begin() bool {
	if h == nil || h.c == 0 {
		return false
	}
	if h.calls.Add(1)&closing != 0 {
		h.end()
		return false
	}
	return true
}

func (h *Handle) end() {
	if h.calls.Add(-1) == closing {
		h.free()
	}
}

// free frees the handle once: a call that begins meanwhile sees `closing`, and comes here when it ends.
func (h *Handle) free() {
	if h.calls.CompareAndSwap(closing, closing|freed) {
		C.larshm_go_close(h.c)
	}
}

// Version is the version of liblarshm.
func Version() string {
	return C.GoString(C.larshm_version())
}
