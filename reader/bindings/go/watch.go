// SPDX-License-Identifier: MIT

package larshm

/*
#include "glue.h"
*/
import "C"

import (
	"os"
	"sync"
	"syscall"
)

// watch tells all goroutines that wait for changes of an instance of each change. It holds no handle, so one that is not used any
// more is collected, and closed.
type watch struct {
	file  *os.File // a duplicate of the library's descriptor, on which a goroutine waits without a thread
	mutex sync.Mutex
	next  chan struct{} // closed by the next change
}

// changed is closed by the next change.
func (w *watch) changed() <-chan struct{} {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.next
}

func (w *watch) run() {
	var count [8]byte
	for {
		if _, err := w.file.Read(count[:]); err != nil {
			return // closed
		}
		w.mutex.Lock()
		close(w.next)
		w.next = make(chan struct{})
		w.mutex.Unlock()
	}
}

// startWatch returns the handle's watch, which the first call starts.
func (h *Handle) startWatch() (*watch, error) {
	if !h.begin() {
		return nil, ErrClosed
	}
	defer h.end()
	h.watching.Lock()
	defer h.watching.Unlock()
	if h.watch != nil {
		return h.watch, nil
	}
	var fd C.int
	code, errno := C.larshm_go_change_fd(h.c, &fd)
	if code != C.LARSHM_OK {
		return nil, because{Code(code), errno}
	}
	own, _, failure := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if failure != 0 {
		return nil, because{ErrSystem, failure}
	}
	h.watch = &watch{file: os.NewFile(own, "larshm changes"), next: make(chan struct{})}
	go h.watch.run()
	return h.watch, nil
}

// stopWatch is for a handle that is closing: startWatch fails from now on.
func (h *Handle) stopWatch() {
	h.watching.Lock()
	defer h.watching.Unlock()
	if h.watch != nil {
		h.watch.file.Close()
	}
}
