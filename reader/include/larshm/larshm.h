/* SPDX-License-Identifier: MIT */
/*
 * larshm: look up Lars routes in shared memory. No syscall, no lock, no round trip.
 *
 * A route is named by (modid, cmdid) and leads to hosts. A fetcher daemon keeps the hosts of every route that a process
 * of this machine has looked up in a shared-memory object; this library reads it in place.
 *
 * Threads: one handle serves all threads of a process. Fork: a handle works in the child, too. Signals: not
 * async-signal-safe. Blocking: only larshm_wait_route() blocks; a thread's very first call may wait for other threads
 * that make theirs, or that fork. The library never logs, never exits, installs no signal handler and touches no state
 * but its own.
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

/* The version of this header, and as a number: 0.2.0 is 200, 1.2.3 is 10203. */
#define LARSHM_VERSION_MAJOR 0
#define LARSHM_VERSION_MINOR 2
#define LARSHM_VERSION_PATCH 0
#define LARSHM_VERSION       "0.2.0"
#define LARSHM_VERSION_NUMBER                                                                                \
    (LARSHM_VERSION_MAJOR * 10000 + LARSHM_VERSION_MINOR * 100 + LARSHM_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The version of the library that is loaded, as LARSHM_VERSION. The text is static. */
const char *larshm_version(void);

/* 0 to 3 have the numbers and the meaning they have in Lars. */
enum larshm_status {
    LARSHM_OK = 0,
    LARSHM_OVERLOAD = 1,
    LARSHM_SYSTEM_ERROR = 2, /* the system refused; see errno */
    LARSHM_NOEXIST = 3,      /* the directory says that there is no such route */
    LARSHM_PENDING = 4,   /* first lookup of this route: requested, not cached yet; try again in a moment */
    LARSHM_FULL = 5,      /* not cached, and a limit keeps new routes out; known routes are served */
    LARSHM_STALE = 6,     /* larshm_route_end(): the view was held too long, discard what was read */
    LARSHM_TIMEOUT = 7,   /* larshm_wait_route(): timed out */
    LARSHM_NO_OBJECT = 8, /* no routes object: no fetcher has run for this instance */
    LARSHM_NO_PERMISSION =
        9, /* not cached, and this user may not request it (group of the control object), or may not read */
    LARSHM_FOREIGN = 10,    /* the object's owner is not trusted */
    LARSHM_UNSAFE = 11,     /* the object can be written by others */
    LARSHM_SHORT = 12,      /* the object is smaller than it should be */
    LARSHM_NOT_LARSHM = 13, /* not a larshm object */
    LARSHM_LAYOUT = 14,     /* library and fetcher are of different versions */
    LARSHM_CORRUPT = 15,    /* the object's contents are damaged */
    LARSHM_BAD_ARGUMENT = 16,
};

/* One per process and instance; opaque. */
typedef struct larshm larshm;

/*
 * A picked host. Plain data: copy and keep it as you like. It never grows, because programs and library share arrays of
 * it: it is what names a host. What else there is to know of a host, other functions will return.
 */
typedef struct larshm_host {
    uint32_t modid;
    uint32_t cmdid;
    in_addr_t addr; /* network byte order */
    in_port_t port; /* network byte order */
} larshm_host;

/*
 * A route's hosts, in place. addr[i] and port[i] are host i, in network byte order. The memory belongs to the
 * library; it is readable until larshm_route_end(), and unchanged for at least grace_ms (default 2 s) after the
 * directory changed the route. What is read after that may belong to another table: larshm_route_end() reports it. Later
 * versions append members; larshm_route_begin() says how large it is.
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

/* Later versions append members; larshm_info() says how large it is. */
typedef struct larshm_route_info {
    uint64_t version;           /* grows with each change of the route's hosts */
    uint64_t age_ms;            /* since the directory last confirmed the hosts */
    uint32_t update_timeout_s;  /* older than this, a lookup makes the fetcher refresh it */
    uint32_t hosts;             /* 0: the directory says that there is no such route */
    uint64_t fetcher_silent_ms; /* since the fetcher's last sign of life: some 10 ms normally */
    uint8_t pulling;            /* 1: a request to the directory is under way */
    uint8_t expired;            /* 1: older than update_timeout */
    uint8_t fetcher_alive;      /* 1: its last sign of life is less than 3 seconds old */
    uint8_t connected;          /* 1: it was connected to the directory then */
    uint8_t can_ask;            /* 1: this process may request routes from the fetcher */
    uint8_t reserved[3];        /* 0 */
} larshm_route_info;

/*
 * Opens the routes of an instance. NULL means $LARSHM_INSTANCE, or "default" if that is not set. Names are 1 to 32
 * letters, digits, '-' and '_'. Trusts objects owned by root, the calling user or the user "larshm". On success *out is
 * a handle that the caller closes with larshm_close().
 * LARSHM_NO_OBJECT means that the fetcher has never run: try again later. The fetcher need not be alive.
 */
int larshm_open(larshm **out, const char *instance);

/* Closes the handle. No other thread may be in a call or hold a view of it. NULL is fine. */
void larshm_close(larshm *h);

/*
 * Picks one host of a route, each in turn. Wait-free. 0: *host is filled in. LARSHM_OVERLOAD: calls to all its hosts
 * fail (larshm_report()). A few picks are probes of an ejected host, to see whether it has recovered, instead of
 * LARSHM_OVERLOAD or of a host in rotation. LARSHM_PENDING: the route was unknown on this machine; the fetcher requests
 * it. A route that is older than update_timeout is still answered at once, and refreshed in the background (Lars' rule).
 */
int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host);

/*
 * Picks a host for each of `count` routes, as larshm_get_host() does one by one, and faster where there are so many
 * routes that they do not fit into the processor's caches. hosts[i] names a route (modid, cmdid) and gets its host;
 * codes[i] is what larshm_get_host() would have returned. Returns how many of them are 0.
 */
size_t larshm_get_host_batch(larshm *h, larshm_host *hosts, int *codes, size_t count);

/* The name of larshm_get_host_batch() in 0.1: the same function. */
size_t larshm_get_hosts(larshm *h, larshm_host *hosts, int *codes, size_t count);

/* Copies up to `cap` hosts into buf; *count is how many the route has, which may be more. Wait-free. */
int larshm_get_route(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *buf, size_t cap, size_t *count);

/*
 * Shows a route's hosts in place. 0: the view is valid until larshm_route_end(), which must follow, in any thread;
 * a thread may hold several. Any other code: there is no view to end.
 */
static __inline__ int larshm_route_begin(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view);

/* The same for a caller whose larshm_view has `size` bytes. Members that the library does not know become 0. */
int larshm_route_begin_sized(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view, size_t size);

/* Ends a view. 0: all that was read through it was one table. LARSHM_STALE: it was held too long, read again. */
int larshm_route_end(larshm *h, larshm_view *view);

/*
 * Reports the outcome of a call to the host: 0 is a success, anything else a failure (Lars' report). `host` is one that
 * larshm_get_host() returned, now or long ago, or any other with modid, cmdid, addr and port set. Wait-free, no syscall.
 * The fetcher sums up the reports of all processes of the machine and ejects failing hosts for all of them.
 * LARSHM_NO_PERMISSION: this user may not report. LARSHM_FULL: no room for another host just now, the result is lost;
 * keep reporting later calls. A host that the route does not have is ignored, and counted.
 */
int larshm_report(larshm *h, const larshm_host *host, int retcode);

/* Likewise, for a call that took `duration_ms`. Where the fetcher's configuration sets slow_call_ms, a failure counts
 * once for each slow_call_ms that it took, so that a host that hangs is ejected although it seldom fails. */
int larshm_report_timed(larshm *h, const larshm_host *host, int retcode, uint32_t duration_ms);

/*
 * Looks a route up and waits until the directory has answered for it: Lars' reg_init. Blocks for at most timeout_ms;
 * a negative value waits forever. 0: it has hosts. LARSHM_NOEXIST: the directory says that there is no such
 * route. LARSHM_TIMEOUT: no answer in time.
 */
int larshm_wait_route(larshm *h, uint32_t modid, uint32_t cmdid, int timeout_ms);

/*
 * The age of a route and the state of its fetcher. Requests nothing. The fetcher may be dead. 0: the route has hosts.
 * LARSHM_NOEXIST: the directory says that there is no such route. LARSHM_PENDING: not cached; the fields about the
 * fetcher are filled in all the same.
 */
static __inline__ int larshm_info(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route_info *info);

/* The same for a caller whose larshm_route_info has `size` bytes. Members that the library does not know become 0. */
int larshm_info_sized(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route_info *info, size_t size);

/* The meaning of a code and what to do next. The text is static. */
const char *larshm_strerror(int code);

static __inline__ int larshm_route_begin(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view)
{
    return larshm_route_begin_sized(h, modid, cmdid, view, sizeof(*view));
}

static __inline__ int larshm_info(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route_info *info)
{
    return larshm_info_sized(h, modid, cmdid, info, sizeof(*info));
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
