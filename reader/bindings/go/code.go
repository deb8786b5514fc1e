// SPDX-License-Identifier: MIT

package larshm

/*
#include "glue.h"
*/
import "C"

import "errors"

// Code is the outcome of a call, with the numbers of enum larshm_status. All but OK are errors: functions of this package
// return them, or errors that wrap them, so errors.Is(err, larshm.ErrPending) tests for one. A later library may return
// others. It has the size of a C int, so that a []Code is what [Handle.GetHostBatch] fills in.
type Code int32

const (
	OK              Code = C.LARSHM_OK
	ErrOverload     Code = C.LARSHM_OVERLOAD      // every host of the route is ejected or drained
	ErrSystem       Code = C.LARSHM_SYSTEM_ERROR  // the system refused; errors.As finds the syscall.Errno
	ErrNoExist      Code = C.LARSHM_NOEXIST       // the directory says that there is no such route
	ErrPending      Code = C.LARSHM_PENDING       // first lookup: requested, not cached yet; see Handle.WaitRoute
	ErrFull         Code = C.LARSHM_FULL          // not cached, and a limit keeps new routes out
	ErrStale        Code = C.LARSHM_STALE         // read for too long: read again
	ErrTimeout      Code = C.LARSHM_TIMEOUT       // a wait has ended with its context, whose error is wrapped
	ErrNoObject     Code = C.LARSHM_NO_OBJECT     // no fetcher has run for this instance; see OpenWait
	ErrNoPermission Code = C.LARSHM_NO_PERMISSION // this user may not read, request (not cached), or report
	ErrForeign      Code = C.LARSHM_FOREIGN       // the owner of the object, or of its directory, is not trusted
	ErrUnsafe       Code = C.LARSHM_UNSAFE        // the object can be written by others
	ErrShort        Code = C.LARSHM_SHORT         // the object is smaller than it should be
	ErrNotLarshm    Code = C.LARSHM_NOT_LARSHM    // not a larshm object
	ErrLayout       Code = C.LARSHM_LAYOUT        // library and fetcher are of different versions
	ErrCorrupt      Code = C.LARSHM_CORRUPT       // the object's contents are damaged
	ErrBadArgument  Code = C.LARSHM_BAD_ARGUMENT  // an argument is out of range
	ErrCutOff       Code = C.LARSHM_CUT_OFF       // the fetcher's newer objects cannot be opened, see RouteInfo.CutOff
	ErrEnd          Code = C.LARSHM_END           // the end of a list
	ErrOverrun      Code = C.LARSHM_OVERRUN       // more has changed than is remembered: look at all routes
)

// ErrClosed: the handle is closed, nil, or was not made by Open.
var ErrClosed = errors.New("larshm: the handle is closed")

// Error says what the code means and what to do next.
func (c Code) Error() string {
	return "larshm: " + C.GoString(C.larshm_strerror(C.int(c)))
}

// err is nil for OK.
func (c Code) err() error {
	if c == OK {
		return nil
	}
	return c
}

// because is a code and what led to it: errors.Is finds both.
type because struct {
	code  Code
	cause error
}

func (e because) Error() string {
	return e.code.Error() + ": " + e.cause.Error()
}

func (e because) Is(target error) bool {
	return target == e.code
}

func (e because) Unwrap() error {
	return e.cause
}
