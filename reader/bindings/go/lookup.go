// SPDX-License-Identifier: MIT

package larshm

/*
#include "glue.h"
*/
import "C"

import (
	"math"
	"time"
	"unsafe"
)

// GetHostBatch picks a host for each of many routes, in one call of C: hosts[i] names a route by Modid and Cmdid and gets its
// host, and codes[i] becomes OK or the code of the error that GetHost would have returned. It returns how many are OK. The same
// slices serve batch after batch.
//
// ErrBadArgument: the slices differ in length. ErrClosed. Nothing was picked then, and the slices are as they were.
func (h *Handle) GetHostBatch(hosts []Host, codes []Code) (found int, err error) {
	if len(hosts) != len(codes) {
		return 0, ErrBadArgument
	}
	if !h.begin() {
		return 0, ErrClosed
	}
	if len(hosts) > 0 {
		found = int(C.larshm_go_get_host_batch(h.c, (*C.larshm_host)(unsafe.Pointer(&hosts[0])),
			(*C.int)(unsafe.Pointer(&codes[0])), C.size_t(len(hosts))))
	}
	h.end()
	return found, nil
}

// GetHost picks a host of a route, each in turn, and now and then an ejected one as a probe. It does not wait.
//
// ErrPending: the route was unknown on this machine; the fetcher requests it, see [Handle.WaitRoute]. ErrOverload: calls to all
// its hosts fail, or an operator has drained them. ErrNoExist, ErrFull, ErrNoPermission, ErrCutOff, ErrLayout, ErrCorrupt,
// ErrClosed.
func (h *Handle) GetHost(modid, cmdid uint32) (Host, error) {
	if !h.begin() {
		return Host{}, ErrClosed
	}
	pick := C.larshm_go_get_host(h.c, C.uint32_t(modid), C.uint32_t(cmdid))
	h.end()
	return picked(modid, cmdid, pick)
}

// GetHostExcept picks a host for another attempt, after calls to the hosts in tried have failed: one in rotation that is not
// among them, or any in rotation if there is no other. Without any tried it is GetHost.
//
// ErrBadArgument: more than 8 are tried. The others are those of GetHost.
func (h *Handle) GetHostExcept(modid, cmdid uint32, tried []Host) (Host, error) {
	if len(tried) == 0 {
		return h.GetHost(modid, cmdid)
	}
	if !h.begin() {
		return Host{}, ErrClosed
	}
	pick := C.larshm_go_get_host_except(h.c, C.uint32_t(modid), C.uint32_t(cmdid),
		(*C.larshm_host)(unsafe.Pointer(&tried[0])), C.size_t(len(tried)))
	h.end()
	return picked(modid, cmdid, pick)
}

// picked takes apart what larshm_go_pick() has put together.
func picked(modid, cmdid uint32, pick C.uint64_t) (Host, error) {
	if code := Code(pick >> 48); code != OK {
		return Host{}, code
	}
	return Host{Modid: modid, Cmdid: cmdid, addr: uint32(pick), port: uint16(pick >> 32)}, nil
}

// GetRoute returns all hosts of a route, and the state of each as GetHost acts on it.
//
// ErrPending, ErrNoExist, ErrFull, ErrNoPermission, ErrCutOff, ErrLayout, ErrCorrupt, ErrClosed: as for GetHost.
func (h *Handle) GetRoute(modid, cmdid uint32) ([]Host, []HostState, error) {
	if !h.begin() {
		return nil, nil, ErrClosed
	}
	defer h.end()
	for room := C.size_t(16); ; {
		hosts, states := make([]Host, room), make([]HostState, room)
		var count C.size_t
		code := C.larshm_go_get_route_states(h.c, C.uint32_t(modid), C.uint32_t(cmdid),
			(*C.larshm_host)(unsafe.Pointer(&hosts[0])), (*C.enum_larshm_host_state)(unsafe.Pointer(&states[0])), room, &count)
		if code != C.LARSHM_OK {
			return nil, nil, Code(code)
		}
		if count <= room {
			return hosts[:count], states[:count], nil
		}
		room = count
	}
}

// RouteInfo is what is known of a route and its fetcher.
type RouteInfo struct {
	Version       uint64        // grows with each change of the route's hosts
	Age           time.Duration // since the directory last confirmed the hosts
	UpdateTimeout time.Duration // it expires at this age, or up to 30 percent earlier
	Hosts         int           // how many; 0: the directory says that there is no such route
	Ejected       int           // of these, out of rotation since calls to them have failed
	Drained       int           // of these, taken out of rotation by an operator
	Spared        bool          // calls to a further host fail, and it stays in rotation: as many are ejected as may be
	Pulling       bool          // a request to the directory is under way
	Expired       bool          // a lookup makes the fetcher refresh it
	FetcherSilent time.Duration // since the fetcher's last sign of life
	FetcherAlive  bool          // its last sign of life is less than 3 seconds old
	Connected     bool          // it was connected to the directory then, which answered
	CanRequest    bool          // this process may request routes from the fetcher, and report
	CutOff        error         // why the fetcher's newer objects cannot be opened; nil: this process follows its fetcher
	Snapshot      time.Time     // the hosts are from a snapshot of this time, and not confirmed since; zero: they are
}

// Info returns the age of a route and the state of its fetcher. It requests nothing.
//
// ErrNoExist: the directory says that there is no such route; the result is complete. ErrPending: not cached; what is about the
// fetcher is filled in. ErrCorrupt, ErrClosed.
func (h *Handle) Info(modid, cmdid uint32) (RouteInfo, error) {
	if !h.begin() {
		return RouteInfo{}, ErrClosed
	}
	var info C.larshm_route_info
	code := C.larshm_go_info(h.c, C.uint32_t(modid), C.uint32_t(cmdid), &info)
	h.end()
	result := RouteInfo{
		Version:       uint64(info.version),
		Age:           milliseconds(uint64(info.age_ms)),
		UpdateTimeout: time.Duration(info.update_timeout_s) * time.Second,
		Hosts:         int(info.hosts),
		Ejected:       int(info.ejected),
		Drained:       int(info.drained),
		Spared:        info.spared != 0,
		Pulling:       info.pulling != 0,
		Expired:       info.expired != 0,
		FetcherSilent: milliseconds(uint64(info.fetcher_silent_ms)),
		FetcherAlive:  info.fetcher_alive != 0,
		Connected:     info.connected != 0,
		CanRequest:    info.can_ask != 0,
		CutOff:        Code(info.cut_off).err(),
	}
	if ms := uint64(info.snapshot_unix_ms); ms != 0 && ms <= math.MaxInt64 {
		result.Snapshot = time.UnixMilli(int64(ms))
	}
	return result, Code(code).err()
}

// milliseconds is the longest duration where ms is longer: it comes from shared memory.
func milliseconds(ms uint64) time.Duration {
	if ms > uint64(math.MaxInt64/time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
