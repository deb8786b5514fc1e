/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "reader/include/larshm/larshm.h"
#include "shm/status.h"

/* The public codes are those of shm/, by number. */
#define SAME(name) static_assert((int)LARSHM_##name == (int)SHM_##name, #name)
SAME(OK);
SAME(OVERLOAD);
SAME(SYSTEM_ERROR);
SAME(NOEXIST);
SAME(PENDING);
SAME(FULL);
SAME(STALE);
SAME(TIMEOUT);
SAME(NO_OBJECT);
SAME(NO_PERMISSION);
SAME(FOREIGN);
SAME(UNSAFE);
SAME(SHORT);
SAME(NOT_LARSHM);
SAME(LAYOUT);
SAME(CORRUPT);
SAME(BAD_ARGUMENT);
SAME(CUT_OFF);
SAME(END);
SAME(OVERRUN);

const char *larshm_strerror(int code)
{
    switch (code) {
    case LARSHM_OK:
        return "success";
    case LARSHM_OVERLOAD:
        return "every host of the route is ejected or drained: `larshm get` shows why";
    case LARSHM_SYSTEM_ERROR:
        return "the system refused: see errno";
    case LARSHM_NOEXIST:
        return "the directory has no such route: add it there, or check modid and cmdid";
    case LARSHM_PENDING:
        return "requested, not cached yet: try again in a moment, or use larshm_wait_route()";
    case LARSHM_FULL:
        return "no room for another route or host: `larshm show` says which limit to raise";
    case LARSHM_STALE:
        return "the view was held for longer than grace_ms and its memory was reused: discard it and read "
               "again";
    case LARSHM_TIMEOUT:
        return "timed out: is the fetcher running and connected? see `larshm show`";
    case LARSHM_NO_OBJECT:
        return "no routes object: is larshm-fetcher running for this instance?";
    case LARSHM_NO_PERMISSION:
        return "no permission to request routes: join the group that owns the control object";
    case LARSHM_FOREIGN:
        return "the owner of the routes object, or of its directory, is not trusted: list the uid of larshm-fetcher in "
               "LARSHM_TRUST_UID or /etc/larshm/trust, or use a directory of its own, see larshm(7)";
    case LARSHM_UNSAFE:
        return "the routes object can be written by others: remove it and restart the fetcher";
    case LARSHM_SHORT:
        return "the routes object is truncated: restart the fetcher to recreate it";
    case LARSHM_NOT_LARSHM:
        return "not a routes object: restart the fetcher to recreate it";
    case LARSHM_LAYOUT:
        return "the routes object has another layout: use the same version of library and fetcher";
    case LARSHM_CORRUPT:
        return "the routes object is damaged: see `larshm check`, restart the fetcher to recreate it";
    case LARSHM_BAD_ARGUMENT:
        return "an argument is out of range: an instance is 1 to 32 letters, digits, '-' or '_', LARSHM_DIRECTORY an "
               "absolute path, LARSHM_TRUST_UID and /etc/larshm/trust list 1 to 16 uids, tried hosts are 8 at most";
    case LARSHM_CUT_OFF:
        return "this process cannot open its fetcher's newer objects: cached routes are served as they were; larshm_info() "
               "says why, close and open again where that can help";
    case LARSHM_END:
        return "the end of the list";
    case LARSHM_OVERRUN:
        return "more has changed than is remembered: look at all routes that you use, and go on from here";
    default:
        return "unknown code";
    }
}
