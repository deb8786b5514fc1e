/* SPDX-License-Identifier: MIT */
/*
 * larshm: look up Lars routes in shared memory. No syscall, no lock, no round trip.
 *
 * A route is named by (modid, cmdid) and leads to hosts. A fetcher daemon keeps the hosts of every route that
 * somebody on this machine has asked for in a shared-memory object; this library reads it in place.
 *
 * Threads: one handle serves all threads of a process. Fork: a handle works on in the child. Signals: not
 * async-signal-safe. Blocking: only larshm_wait_route() blocks; a thread's very first call may wait for others that make
 * theirs, or that fork. The library never logs, never exits, installs no
 * signal handler and touches no state but its own.
 *
 * Addresses and ports are in network byte order, as struct sockaddr_in wants them. Every function returns 0 or one
 * of the codes below; larshm_strerror() says what to do about it. On failure outputs are untouched, unless said
 * otherwise.
 */
#ifndef LARSHM_H
#define LARSHM_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* 0 to 3 have the numbers and the meaning they have in Lars. */
enum larshm_status {
    LARSHM_OK = 0,
    LARSHM_OVERLOAD = 1,
    LARSHM_SYSTEM_ERROR = 2, /* the system refused; errno tells why */
    LARSHM_NOEXIST = 3,      /* the directory says that there is no such route */
    LARSHM_PENDING = 4,      /* first lookup of this route: asked for, not here yet; try again in a moment */
    LARSHM_FULL = 5,         /* not here, and a limit keeps new routes out; known routes are served */
    LARSHM_STALE = 6,        /* larshm_route_end(): the view was held too long, discard what was read */
    LARSHM_TIMEOUT = 7,      /* larshm_wait_route(): no answer in time */
    LARSHM_NO_OBJECT = 8,    /* no routes object: no fetcher has run for this instance */
    LARSHM_NO_PERMISSION =
        9, /* not here, and this user may not ask (group of the control object), or may not read */
    LARSHM_FOREIGN = 10,    /* the object belongs to a user who is not trusted */
    LARSHM_UNSAFE = 11,     /* the object can be written by others */
    LARSHM_SHORT = 12,      /* the object is smaller than it should be */
    LARSHM_NOT_LARSHM = 13, /* the object holds something else */
    LARSHM_LAYOUT = 14,     /* library and fetcher are of different versions */
    LARSHM_CORRUPT = 15,    /* the object's contents make no sense */
    LARSHM_BAD_ARGUMENT = 16,
};

/* One per process and instance; opaque. */
typedef struct larshm larshm;

/* A host that was picked. Plain data: copy and keep it as you like. */
typedef struct larshm_host {
    uint32_t modid;
    uint32_t cmdid;
    in_addr_t addr; /* network byte order */
    in_port_t port; /* network byte order */
} larshm_host;

/*
 * A route's hosts, in place. addr[i] and port[i] are host i, in network byte order. The memory belongs to the
 * library; it is readable until larshm_route_end(), and unchanged for at least grace_ms (default 2 s) after the
 * directory changed the route. What is read after that may belong to another table: larshm_route_end() says so.
 */
typedef struct larshm_view {
    size_t count;
    const in_addr_t *addr;
    const in_port_t *port;
    uint64_t version; /* grows with each change of the route's hosts */
    void *private_mapping;
    const void *private_block;
    uint64_t private_ref;
} larshm_view;

typedef struct larshm_route_info {
    uint64_t version;           /* grows with each change of the route's hosts */
    uint64_t age_ms;            /* since the directory last confirmed the hosts */
    uint32_t update_timeout_s;  /* older than this, a lookup makes the fetcher ask again */
    uint32_t hosts;             /* 0: the directory says that there is no such route */
    uint64_t fetcher_silent_ms; /* since the fetcher's last sign of life: some 10 ms while it is well */
    uint8_t pulling;            /* 1: the directory is being asked just now */
    uint8_t expired;            /* 1: older than update_timeout */
    uint8_t fetcher_alive;      /* 1: it gave a sign of life within the last 3 seconds */
    uint8_t connected;          /* 1: it had a connection to the directory then */
    uint8_t can_ask;            /* 1: this process may ask the fetcher for routes */
} larshm_route_info;

/*
 * Opens the routes of an instance. NULL means $LARSHM_INSTANCE, or "default" where that is not set. Names are 1 to
 * 32 letters, digits, '-' and '_'. Trusted are objects that belong to root, to the calling user or to the user
 * "larshm". On success *out is a handle that the caller gives back with larshm_close().
 * LARSHM_NO_OBJECT means that the fetcher has never run: try again later. The fetcher need not be alive.
 */
int larshm_open(larshm **out, const char *instance);

/* Gives the handle back. No other thread may be in a call or hold a view of it. NULL is fine. */
void larshm_close(larshm *h);

/*
 * Picks one host of a route, in turn. Wait-free. 0: *host is filled in. LARSHM_OVERLOAD: calls to all its hosts go
 * wrong (larshm_report()); now and then one of them is given all the same, to see whether it has recovered, and
 * likewise among good hosts. LARSHM_PENDING: the route was unknown on this machine; the fetcher has been asked for it. A route that is older than update_timeout is still answered at
 * once, and refreshed behind the caller's back (Lars' rule).
 */
int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host);

/*
 * Picks a host for each of `count` routes, as larshm_get_host() does one by one, and faster where there are so many
 * routes that they do not fit into the processor's caches. hosts[i] names a route (modid, cmdid) and gets its host;
 * codes[i] is what larshm_get_host() would have returned. Returns how many of them are 0.
 */
size_t larshm_get_hosts(larshm *h, larshm_host *hosts, int *codes, size_t count);

/* Copies up to `cap` hosts into buf; *count is how many the route has, which may be more. Wait-free. */
int larshm_get_route(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *buf, size_t cap, size_t *count);

/*
 * Shows a route's hosts in place. 0: the view is valid until larshm_route_end(), which must follow, in any thread;
 * a thread may hold several. Any other code: there is no view to end.
 */
int larshm_route_begin(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view);

/* Ends a view. 0: all that was read through it was one table. LARSHM_STALE: it was held too long, read again. */
int larshm_route_end(larshm *h, larshm_view *view);

/*
 * Tells how a call to the host went: 0 is a success, anything else a failure (Lars' report). `host` is one that
 * larshm_get_host() gave, now or long ago, or any other with modid, cmdid, addr and port set. Wait-free, no syscall.
 * The fetcher sums up what all processes of the machine tell and takes bad hosts out of the turn for all of them.
 * LARSHM_NO_PERMISSION: this user may not report. LARSHM_FULL: no room for another host just now, the result is lost;
 * report on with later calls. A host that the route does not have is ignored, and counted.
 */
int larshm_report(larshm *h, const larshm_host *host, int retcode);

/* Likewise, for a call that took `duration_ms`. Where the fetcher's configuration sets slow_call_ms, a failure counts
 * once for each slow_call_ms that it took, so that a host that hangs is left although it seldom fails. */
int larshm_report_timed(larshm *h, const larshm_host *host, int retcode, uint32_t duration_ms);

/*
 * Looks a route up and waits until the directory has answered for it: Lars' reg_init. Blocks for at most timeout_ms;
 * a negative value waits without end. 0: it has hosts. LARSHM_NOEXIST: the directory says that there is no such
 * route. LARSHM_TIMEOUT: no answer yet.
 */
int larshm_wait_route(larshm *h, uint32_t modid, uint32_t cmdid, int timeout_ms);

/*
 * How old a route is and who looks after it. Asks for nothing. The fetcher may be dead. 0: the route has hosts.
 * LARSHM_NOEXIST: the directory says that there is no such route. LARSHM_PENDING: not here; what is said about the
 * fetcher is filled in all the same.
 */
int larshm_info(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route_info *info);

/* What a code means and what to do next. The text is static. */
const char *larshm_strerror(int code);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
