// SPDX-License-Identifier: MIT

package larshm

/*
#include "glue.h"
*/
import "C"

import (
	"math"
	"time"
)

// Report reports the outcome of a call to a host: 0 is a success, anything else a failure. The fetcher sums up the reports of all
// programs of the machine and ejects failing hosts for all of them. It does not wait.
//
// ErrCutOff, ErrLayout: the result would be lost, since this process is cut off. ErrNoPermission: this user may not report.
// ErrFull: no room for another host just now, the result is not taken; keep reporting. ErrBadArgument: the host has no address
// or port, or there can be no such route. ErrClosed.
func (h *Handle) Report(host Host, retcode int32) error {
	return h.report(host, retcode, 0)
}

// ReportTimed is Report for a call that took so long, in whole milliseconds: where the fetcher's configuration sets slow_call_ms, a
// failure counts once for each slow_call_ms that it took.
func (h *Handle) ReportTimed(host Host, retcode int32, took time.Duration) error {
	return h.report(host, retcode, reportable(took))
}

func (h *Handle) report(host Host, retcode int32, ms uint32) error {
	if !h.begin() {
		return ErrClosed
	}
	code := C.larshm_go_report(h.c, C.uint32_t(host.Modid), C.uint32_t(host.Cmdid), C.in_addr_t(host.addr),
		C.in_port_t(host.port), C.int(retcode), C.uint32_t(ms))
	h.end()
	return Code(code).err()
}

func reportable(took time.Duration) uint32 {
	ms := took.Milliseconds()
	if ms < 0 {
		return 0
	}
	if ms > math.MaxUint32 {
		return math.MaxUint32
	}
	return uint32(ms)
}
