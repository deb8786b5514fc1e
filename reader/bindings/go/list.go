// SPDX-License-Identifier: MIT

package larshm

/*
#include "glue.h"
*/
import "C"

import (
	"fmt"
	"time"
	"unsafe"
)

// HostState says whether GetHost picks a host. A later library may return others.
type HostState uint32

const (
	InRotation HostState = C.LARSHM_HOST_IN_ROTATION // also one that has come back, and gets a part of its share
	Ejected    HostState = C.LARSHM_HOST_EJECTED     // only as a probe: calls to it have failed
	Drained    HostState = C.LARSHM_HOST_DRAINED     // never: an operator has taken it out of rotation
)

func (s HostState) String() string {
	return nameOf(uint32(s), "in rotation", "ejected", "drained")
}

// HostReason is why a host was ejected, or is in rotation: larshm.conf(5) has the rules. Rates are parts of 10,000. A later library
// may return others.
type HostReason uint32

const (
	ReasonBirth      HostReason = C.LARSHM_REASON_BIRTH       // in rotation: nothing has happened yet
	ReasonErrRate    HostReason = C.LARSHM_REASON_ERR_RATE    // Value is the rate of failures, above Limit
	ReasonErrStreak  HostReason = C.LARSHM_REASON_ERR_STREAK  // Value failures in a row, Limit are allowed
	ReasonWindow     HostReason = C.LARSHM_REASON_WINDOW      // the rate of failures in a window, Limit or more
	ReasonGoodWindow HostReason = C.LARSHM_REASON_GOOD_WINDOW // recovered: the rate of failures in a window
	ReasonSuccRate   HostReason = C.LARSHM_REASON_SUCC_RATE   // recovered: the rate of successes, above Limit
	ReasonSuccStreak HostReason = C.LARSHM_REASON_SUCC_STREAK // recovered: Value successes in a row
	ReasonTimeout    HostReason = C.LARSHM_REASON_TIMEOUT     // back: it was ejected for Limit seconds
)

func (r HostReason) String() string {
	return nameOf(uint32(r), "nothing yet", "rate of failures", "failures in a row", "failures in a window",
		"few failures in a window", "rate of successes", "successes in a row", "end of the ejection")
}

// HostOverride is what an operator has decided of a host. A later library may return others.
type HostOverride uint32

const (
	OverrideNone    HostOverride = C.LARSHM_OVERRIDE_NONE
	OverridePinned  HostOverride = C.LARSHM_OVERRIDE_PINNED  // in rotation, however calls to it go
	OverrideDrained HostOverride = C.LARSHM_OVERRIDE_DRAINED // out of rotation, and not probed
)

func (o HostOverride) String() string {
	return nameOf(uint32(o), "none", "pinned", "drained")
}

func nameOf(value uint32, names ...string) string {
	if value < uint32(len(names)) {
		return names[value]
	}
	return fmt.Sprint(value)
}

// HostInfo is a host of a route, its state, and the fetcher's record of it.
type HostInfo struct {
	Host  Host
	State HostState
	Share uint32 // of its even share of picks, in eighths: 1 to 7 after it has come back, 0 out of rotation
	// Known: what follows is from the fetcher's record, and zero where no result of a call was reported. Otherwise this user may
	// not read the records, or there are none.
	Known           bool
	Reason          HostReason
	Value, Limit    uint32 // of the reason
	Override        HostOverride
	WindowSuccesses uint32 // reported since the window began, see larshm.conf(5)
	WindowFailures  uint32
	Ejections       uint32        // in a row, with this one; 0: it is not ejected
	Successes       uint64        // reported by all programs of the machine, ever
	Failures        uint64        // likewise
	ReasonAge       time.Duration // since the host was ejected or came back for this reason
	EjectedLeft     time.Duration // until the ejection ends, at the latest; 0: it is not ejected
}

// Hosts returns all hosts of a route with the fetcher's records of them. It makes some system calls, and reads through the records
// of all hosts of the machine, a few nanoseconds for each; [Handle.GetRoute] does neither.
//
// ErrStale: the route changed, and this took too long: call again. ErrPending, ErrNoExist, ErrFull, ErrNoPermission, ErrCutOff,
// ErrLayout, ErrCorrupt, ErrClosed: as for GetHost.
func (h *Handle) Hosts(modid, cmdid uint32) ([]HostInfo, error) {
	if !h.begin() {
		return nil, ErrClosed
	}
	defer h.end()
	for room := C.size_t(16); ; {
		found := make([]C.larshm_host_info, room)
		var count C.size_t
		code := C.larshm_go_hosts(h.c, C.uint32_t(modid), C.uint32_t(cmdid), &found[0], room, &count)
		if code != C.LARSHM_OK {
			return nil, Code(code)
		}
		if count <= room {
			infos := make([]HostInfo, count)
			for i := range infos {
				infos[i] = hostInfo(&found[i])
			}
			return infos, nil
		}
		room = count
	}
}

func hostInfo(info *C.larshm_host_info) HostInfo {
	return HostInfo{
		Host:            *(*Host)(unsafe.Pointer(&info.host)),
		State:           HostState(info.state),
		Share:           uint32(info.share),
		Known:           info.known != 0,
		Reason:          HostReason(info.reason),
		Value:           uint32(info.value),
		Limit:           uint32(info.limit),
		Override:        HostOverride(info.override),
		WindowSuccesses: uint32(info.window_successes),
		WindowFailures:  uint32(info.window_failures),
		Ejections:       uint32(info.ejections),
		Successes:       uint64(info.successes),
		Failures:        uint64(info.failures),
		ReasonAge:       milliseconds(uint64(info.reason_age_ms)),
		EjectedLeft:     milliseconds(uint64(info.ejected_left_ms)),
	}
}

// Routes calls visit for each route that is cached on this machine, also for those that the directory says do not exist, in no
// particular order, until it returns false. The list is that of its beginning; a route that comes later may be left out. It
// requests nothing. visit may call all methods, Close too.
//
// ErrClosed: before the first.
func (h *Handle) Routes(visit func(modid, cmdid uint32) bool) error {
	if !h.begin() {
		return ErrClosed
	}
	defer h.end()
	var list C.larshm_routes
	if code := C.larshm_go_routes_begin(h.c, &list); code != C.LARSHM_OK {
		return Code(code)
	}
	defer C.larshm_go_routes_end(h.c, &list)
	var keys [256][2]C.uint32_t
	for {
		count := C.larshm_go_routes_next(&list, &keys[0], C.size_t(len(keys)))
		if count == 0 {
			return nil
		}
		for _, key := range keys[:count] {
			if !visit(uint32(key[0]), uint32(key[1])) {
				return nil
			}
		}
	}
}
