/* SPDX-License-Identifier: MIT */
/*
 * larshm: look up Lars routes in shared memory. No syscall, no lock, no round trip.
 *
 * A route is named by (modid, cmdid) and leads to hosts. A fetcher daemon keeps the hosts of
 * every route that a process of this machine has looked up in a shared-memory object. This
 * library reads it in place. larshm(3) and a manual page for each function say more.
 *
 * Threads: one handle serves all threads of a process. No function needs a lock of the
 * caller's, except larshm_close(). No function is a cancellation point, except larshm_open_wait().
 * A thread that is in a call must not be cancelled asynchronously
 * (PTHREAD_CANCEL_ASYNCHRONOUS).
 *
 * Signals: handlers may call all functions but those that open, close and wait, and
 * larshm_change_fd(). A handler must not wait for another thread's call, nor jump out of a call
 * that it interrupted.
 *
 * Fork: a handle works in the child, too; for its events see larshm_change_fd(). A child that is
 * forked while another thread of the parent ends, or in a handler of a signal that interrupted a
 * call, must leave by exec or _exit(); larshm(7) says why, and what else it may do.
 *
 * Blocking: only larshm_open_wait(), larshm_wait_route() and larshm_wait_change() block.
 * larshm_open(), larshm_hosts_begin() and larshm_change_fd() make system calls, and larshm_close()
 * waits until the thread of the latter has ended. All other functions take a bounded number of
 * steps. They make system calls only when the fetcher has replaced its objects or is silent, while
 * its control object is missing, and in a thread's very first calls. The call that follows the
 * fetcher to a new object waits for calls that other threads are in.
 *
 * Units: addresses and ports are in network byte order, as struct sockaddr_in wants them; all
 * other numbers are in host byte order. Names that end in _ms are milliseconds, in _s seconds.
 *
 * Memory: what a parameter points to belongs to the caller, and the library keeps no pointer to
 * it after the call. What the library returns says whose it is.
 *
 * Errors: functions that return int return 0 or one of the codes below; larshm_strerror() says
 * what to do about it. Only LARSHM_SYSTEM_ERROR leaves a reason in errno. On failure outputs
 * are untouched, unless a function says otherwise. Each function lists the codes that it
 * returns.
 *
 * The library never logs, never exits, installs no signal handler and touches no state but its
 * own. It starts no thread but that of larshm_change_fd(), which blocks all signals.
 *
 * Versions: programs work with later libraries of the same soname. larshm_view, larshm_route_info
 * and larshm_host_info may get more members at their end: larshm_route_begin(), larshm_info() and
 * larshm_hosts_next() tell the library how many the caller has. Other structs never grow.
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
#define LARSHM_VERSION_NUMBER                                                                     \
    (LARSHM_VERSION_MAJOR * 10000 + LARSHM_VERSION_MINOR * 100 + LARSHM_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * 0 to 3 have the numbers and the meaning they have in Lars. Later versions may add codes:
 * treat one that you do not know as a failure.
 */
enum larshm_status {
    LARSHM_OK = 0,
    LARSHM_OVERLOAD = 1,      /* every host of the route is ejected or drained */
    LARSHM_SYSTEM_ERROR = 2,  /* the system refused; see errno */
    LARSHM_NOEXIST = 3,       /* the directory says that there is no such route */
    LARSHM_PENDING = 4,       /* first lookup: requested, not cached yet; try again */
    LARSHM_FULL = 5,          /* not cached, and a limit keeps new routes out */
    LARSHM_STALE = 6,         /* the view was held too long: discard what was read */
    LARSHM_TIMEOUT = 7,       /* timed out */
    LARSHM_NO_OBJECT = 8,     /* no routes object: no fetcher has run for this instance */
    LARSHM_NO_PERMISSION = 9, /* this user may not read, request (not cached), or report */
    LARSHM_FOREIGN = 10,      /* the owner of the object, or of its directory, is not trusted */
    LARSHM_UNSAFE = 11,       /* the object can be written by others */
    LARSHM_SHORT = 12,        /* the object is smaller than it should be */
    LARSHM_NOT_LARSHM = 13,   /* not a larshm object */
    LARSHM_LAYOUT = 14,       /* library and fetcher are of different versions */
    LARSHM_CORRUPT = 15,      /* the object's contents are damaged */
    LARSHM_BAD_ARGUMENT = 16, /* an argument is out of range */
    LARSHM_CUT_OFF = 17,      /* the fetcher's newer objects cannot be opened, see larshm_info() */
    LARSHM_END = 18,          /* the end of a list */
    LARSHM_OVERRUN = 19       /* more has changed than is remembered: look at all routes */
};

/* The open routes of an instance; opaque. One for each process and instance is enough. */
typedef struct larshm larshm;

/*
 * A picked host. Plain data: copy and keep it as long as you like. It never grows, because
 * programs and library share arrays of it: it is what names a host. What else there is to know
 * of a host, other functions will return.
 */
typedef struct larshm_host {
    uint32_t modid;
    uint32_t cmdid;
    in_addr_t addr; /* network byte order */
    in_port_t port; /* network byte order */
} larshm_host;

/*
 * A route's hosts, in place. addr[i] and port[i] are host i. The struct is the caller's; the
 * arrays belong to the library, and must not be written. They are readable until
 * larshm_route_end(), and unchanged for at least grace_ms (2 seconds, unless the fetcher's
 * configuration says otherwise) after the directory changed the route. What is read after that
 * may belong to another route: larshm_route_end() reports it. Later versions append members.
 */
typedef struct larshm_view {
    size_t count;
    const in_addr_t *addr; /* network byte order */
    const in_port_t *port; /* network byte order */
    uint64_t version;      /* grows with each change of the route's hosts */
    void *private_mapping;
    const void *private_block;
    uint64_t private_ref;
    const uint64_t *private_states; /* see larshm_view_state() */
} larshm_view;

/*
 * A route that larshm_route_open() has opened. The struct is the caller's, its members are the
 * library's. It holds nothing: there is nothing to close, and it may be copied. It never grows.
 */
typedef struct larshm_route {
    larshm *private_handle;
    uint64_t private_key;
    uint64_t private_ref;
    uint32_t private_position;
    uint32_t private_step;
} larshm_route;

/* Whether larshm_get_host() picks a host. Later versions may add values. */
enum larshm_host_state {
    LARSHM_HOST_IN_ROTATION = 0, /* also one that has come back, and gets a part of its share */
    LARSHM_HOST_EJECTED = 1, /* only as a probe: calls to it have failed, see larshm_report() */
    LARSHM_HOST_DRAINED = 2  /* never: an operator has taken it out of rotation */
};

/* What larshm_info() says. Later versions append members. */
typedef struct larshm_route_info {
    uint64_t version;           /* grows with each change of the route's hosts */
    uint64_t age_ms;            /* since the directory last confirmed the hosts */
    uint32_t update_timeout_s;  /* it expires at this age, or up to 30 percent earlier */
    uint32_t hosts;             /* how many; 0: the directory says that there is no such route */
    uint64_t fetcher_silent_ms; /* since the fetcher's last sign of life: 10 ms, 100 if idle */
    uint8_t pulling;            /* 1: a request to the directory is under way */
    uint8_t expired;            /* 1: a lookup makes the fetcher refresh it */
    uint8_t fetcher_alive;      /* 1: its last sign of life is less than 3 seconds old */
    uint8_t connected;          /* 1: it was connected to the directory then, which answered */
    uint8_t can_ask;     /* 1: this process may request routes from the fetcher, and report */
    uint8_t reserved[3]; /* 0 */
    /* 0: this process follows its fetcher. Otherwise it is cut off: the fetcher's newer objects
     * cannot be opened, and this is the code of that failure. Cached routes are served as they
     * were. */
    int32_t cut_off;
    uint32_t ejected; /* hosts that are out of rotation, since calls to them have failed */
    uint32_t drained; /* hosts that an operator has taken out of rotation */
    /* 1: calls to a further host fail, and it stays in rotation, since as many are ejected as may
     * be: [loadbalance] max_ejected. */
    uint32_t spared;
    /* Unix time in milliseconds of the snapshot that the hosts are from: the machine was rebooted,
     * and the directory has not confirmed them since. 0: it has. */
    uint64_t snapshot_unix_ms;
} larshm_route_info;

/*
 * A list that larshm_routes_begin() has begun, of all routes. The struct is the caller's, its
 * members are the library's. One thread at a time may use it. It never grows.
 */
typedef struct larshm_routes {
    void *private_mapping;
    uint64_t private_later[2];
    uint32_t private_slot;
    uint32_t private_unused;
} larshm_routes;

/* Likewise of the hosts of a route, by larshm_hosts_begin(). It never grows. */
typedef struct larshm_hosts {
    void *private_mapping;
    const void *private_block;
    void *private_records;
    uint64_t private_ref;
    uint64_t private_later[3];
    uint32_t private_count;
    uint32_t private_next;
} larshm_hosts;

/*
 * Why a host was ejected, or is in rotation: larshm.conf(5) has the rules. Rates are parts of
 * 10,000: 1400 is 14 percent. Later versions may add values.
 */
enum larshm_host_reason {
    LARSHM_REASON_BIRTH = 0,       /* in rotation: nothing has happened yet */
    LARSHM_REASON_ERR_RATE = 1,    /* `value` is the rate of failures, above `limit` */
    LARSHM_REASON_ERR_STREAK = 2,  /* `value` failures in a row, `limit` are allowed */
    LARSHM_REASON_WINDOW = 3,      /* the rate of failures in a window, `limit` or more */
    LARSHM_REASON_GOOD_WINDOW = 4, /* recovered: the rate of failures in a window */
    LARSHM_REASON_SUCC_RATE = 5,   /* recovered: the rate of successes, above `limit` */
    LARSHM_REASON_SUCC_STREAK = 6, /* recovered: `value` successes in a row */
    LARSHM_REASON_TIMEOUT = 7      /* back: it was ejected for `limit` seconds */
};

/* What an operator has decided of a host. Later versions may add values. */
enum larshm_host_override {
    LARSHM_OVERRIDE_NONE = 0,
    LARSHM_OVERRIDE_PINNED = 1, /* in rotation, however calls to it go */
    LARSHM_OVERRIDE_DRAINED = 2 /* out of rotation, and not probed */
};

/* What larshm_hosts_next() says of a host. Later versions append members. */
typedef struct larshm_host_info {
    larshm_host host;
    uint32_t state; /* enum larshm_host_state */
    /* Of its even share of picks, in eighths: 8 is all of it, 1 to 7 that it has come back a
     * moment ago, 0 that it is out of rotation. */
    uint32_t share;
    /* 1: what follows is from the fetcher's record of the host. All 0: it has none, for no result
     * of a call to it has been reported, or kept. 0: this user may not read the records, or there
     * are none; all that follows is 0. */
    uint32_t known;
    uint32_t reason;           /* enum larshm_host_reason */
    uint32_t override;         /* enum larshm_host_override */
    uint32_t value;            /* of the reason */
    uint32_t limit;            /* of the reason */
    uint32_t window_successes; /* results reported since the window began, see larshm.conf(5) */
    uint32_t window_failures;
    uint32_t ejections; /* in a row, with this one; 0: it is not ejected */
    uint64_t successes; /* results reported by all programs of the machine, ever */
    uint64_t failures;
    uint64_t reason_age_ms;   /* since the host was ejected or came back for this reason */
    uint64_t ejected_left_ms; /* until the ejection ends, at the latest; 0: it is not ejected */
} larshm_host_info;

/* The version of the library that is loaded, as LARSHM_VERSION. The text is static. */
const char *larshm_version(void);

/*
 * Opens the routes of an instance. NULL means $LARSHM_INSTANCE, or "default" if that is not
 * set. Names are 1 to 32 letters, digits, '-' and '_'. The objects are in $LARSHM_DIRECTORY, or
 * in /dev/shm. Trusts root, the calling user, and the uids in $LARSHM_TRUST_UID, or in
 * /etc/larshm/trust, or else the user "larshm"; larshm(7) says more. Keeps one descriptor. The
 * fetcher need not be alive. No other thread may change the environment meanwhile. May wait for
 * the account database, where the objects belong neither to root nor to the caller. The file, or
 * the account, is read again before newer objects of another user are followed.
 *
 * 0: *out is a handle that the caller closes with larshm_close(). LARSHM_NO_OBJECT: the fetcher
 * has never run, try again later. LARSHM_SYSTEM_ERROR, LARSHM_NO_PERMISSION, LARSHM_FOREIGN,
 * LARSHM_UNSAFE, LARSHM_SHORT, LARSHM_NOT_LARSHM, LARSHM_LAYOUT, LARSHM_CORRUPT,
 * LARSHM_BAD_ARGUMENT: as above.
 */
int larshm_open(larshm **out, const char *instance);

/*
 * The same, and waits for the first fetcher of the instance: for programs that may start before
 * it, at boot. Blocks for at most timeout_ms; a negative value waits forever, 0 does not wait.
 * It looks every 20 ms. A signal does not end the wait.
 *
 * LARSHM_NO_OBJECT: no fetcher has run within that time. The other codes of larshm_open() come
 * at once.
 */
int larshm_open_wait(larshm **out, const char *instance, int timeout_ms);

/* Closes the handle. No other thread may be in a call or hold a view of it. NULL is fine. */
void larshm_close(larshm *h);

/*
 * Picks one host of a route, each in turn. Wait-free. Each thread goes round each route by itself,
 * so two picks of a route in a row are two hosts, where two are in rotation and none has just
 * come back, as far as the thread's memory of some thousand routes goes, see larshm(7). A few
 * picks are probes of an ejected host, to see whether it has recovered; one that has gets a
 * growing share. A route that is older than update_timeout is still answered at once, and
 * refreshed in the background (Lars' rule).
 *
 * 0: *host is filled in. LARSHM_PENDING: the route was unknown on this machine; the fetcher
 * requests it. LARSHM_OVERLOAD: calls to all its hosts fail, see larshm_report(),
 * or an operator has drained them.
 * LARSHM_CUT_OFF, LARSHM_LAYOUT: not cached, and this process cannot request it.
 * LARSHM_NOEXIST, LARSHM_FULL, LARSHM_NO_PERMISSION, LARSHM_CORRUPT: as above.
 */
int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host);

/*
 * For a caller that picks from the same route again and again: prepares *route for
 * larshm_route_pick(), and looks the route up, as larshm_get_host() does, without a pick. Whatever
 * the code is, *route is open, until larshm_close(h): pick from no other. Wait-free.
 *
 * 0: it has hosts. LARSHM_PENDING, LARSHM_NOEXIST, LARSHM_FULL, LARSHM_NO_PERMISSION,
 * LARSHM_CUT_OFF, LARSHM_LAYOUT, LARSHM_CORRUPT: as for larshm_get_host().
 */
int larshm_route_open(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route *route);

/*
 * Picks a host as larshm_get_host() does, in about half the time, for the route need not be
 * searched. Each larshm_route goes round the hosts by itself, so each thread should have its own.
 * If threads share one, picks are right, but slower and less even. Wait-free.
 *
 * The codes are those of larshm_get_host().
 */
int larshm_route_pick(larshm_route *route, larshm_host *host);

/*
 * Picks a host for another attempt, after calls to the `count` hosts in `tried` have failed, 8 at
 * most: one in rotation that is not among them, or any in rotation if there is no other. All of
 * these get a pick equally often, but for hosts that have just come back, which get fewer. Of the
 * tried ones only addr and port are looked at; `host` may be one of them. Never a probe while a
 * host is in rotation. With `count` 0 it is larshm_get_host(), probes included. Wait-free.
 *
 * LARSHM_BAD_ARGUMENT: more than 8. The other codes are those of larshm_get_host().
 */
int larshm_get_host_except(larshm *h, uint32_t modid, uint32_t cmdid, const larshm_host *tried,
                           size_t count, larshm_host *host);

/*
 * Picks a host for each of `count` routes, as larshm_get_host() does one by one, and faster
 * where there are so many routes that they do not fit into the processor's caches. hosts[i]
 * names a route (modid, cmdid) and gets its host; codes[i] is what larshm_get_host() would have
 * returned. Returns how many of them are 0.
 */
size_t larshm_get_host_batch(larshm *h, larshm_host *hosts, int *codes, size_t count);

/* The name of larshm_get_host_batch() in 0.1: the same function. */
size_t larshm_get_hosts(larshm *h, larshm_host *hosts, int *codes, size_t count);

/*
 * Copies up to `cap` hosts of a route into buf, which may be NULL if `cap` is 0. Wait-free.
 *
 * 0: *count is how many hosts the route has, which may be more than `cap`. LARSHM_PENDING,
 * LARSHM_NOEXIST, LARSHM_FULL, LARSHM_NO_PERMISSION, LARSHM_CUT_OFF, LARSHM_LAYOUT,
 * LARSHM_CORRUPT: as for larshm_get_host(); buf may have been written to.
 */
int larshm_get_route(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *buf, size_t cap,
                     size_t *count);

/*
 * Likewise, and states[i] becomes the state of the host in buf[i], as larshm_get_host() acts on
 * it. `states` may be NULL if `cap` is 0.
 */
int larshm_get_route_states(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *buf,
                            enum larshm_host_state *states, size_t cap, size_t *count);

/*
 * Shows a route's hosts in place. Wait-free. A thread may hold several views; a view blocks
 * nothing.
 *
 * 0: the view is valid until larshm_route_end(), which must follow, in any thread.
 * LARSHM_PENDING, LARSHM_NOEXIST, LARSHM_FULL, LARSHM_NO_PERMISSION, LARSHM_CUT_OFF,
 * LARSHM_LAYOUT, LARSHM_CORRUPT: as for larshm_get_host(); there is no view to end.
 */
static __inline__ int larshm_route_begin(larshm *h, uint32_t modid, uint32_t cmdid,
                                         larshm_view *view);

/*
 * The same for a caller whose larshm_view has `size` bytes. Members that the library does not
 * know become 0. LARSHM_BAD_ARGUMENT: smaller than that of 0.1.
 */
int larshm_route_begin_sized(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view,
                             size_t size);

/*
 * The state of host `i` of an open view, now: it may change while the view is open. As the
 * fetcher has left it: where none has been alive for as long as an ejection may last,
 * larshm_get_host() picks ejected hosts, too. Wait-free.
 */
static __inline__ enum larshm_host_state larshm_view_state(const larshm_view *view, size_t i);

/*
 * Ends a view and clears it. After a fork, parent and child each end theirs. Wait-free.
 *
 * 0: all that was read through it was one table. LARSHM_STALE: it was held too long, read
 * again.
 */
int larshm_route_end(larshm *h, larshm_view *view);

/*
 * Reports the outcome of a call to the host: 0 is a success, anything else a failure (Lars'
 * report). `host` is one that larshm_get_host() returned, now or long ago, or any other with
 * modid, cmdid, addr and port set. Wait-free. The fetcher sums up the reports of
 * all processes of the machine and ejects failing hosts for all of them. A host that the route
 * does not have is ignored, and counted.
 *
 * 0: it will be counted once, also by a later fetcher. LARSHM_CUT_OFF, LARSHM_LAYOUT: it would
 * not be, since this process is cut off. LARSHM_NO_PERMISSION: this user may not report.
 * LARSHM_FULL: no room for another host just now, the result is not taken; keep reporting later
 * calls. LARSHM_BAD_ARGUMENT: addr or port is 0, or there can be no such route.
 */
int larshm_report(larshm *h, const larshm_host *host, int retcode);

/*
 * Likewise, for a call that took `duration_ms`. Where the fetcher's configuration sets
 * slow_call_ms, a failure counts once for each slow_call_ms that it took, so that a host that
 * hangs is ejected although it seldom fails.
 */
int larshm_report_timed(larshm *h, const larshm_host *host, int retcode, uint32_t duration_ms);

/*
 * Looks a route up and waits until the directory has answered for it: Lars' reg_init. Blocks
 * for at most timeout_ms; a negative value waits forever, 0 does not wait. A signal does not
 * end the wait.
 *
 * 0: it has hosts. LARSHM_NOEXIST: the directory says that there is no such route.
 * LARSHM_TIMEOUT: no answer within that time; the route stays requested. LARSHM_FULL,
 * LARSHM_NO_PERMISSION, LARSHM_CUT_OFF, LARSHM_LAYOUT, LARSHM_CORRUPT: as for
 * larshm_get_host().
 */
int larshm_wait_route(larshm *h, uint32_t modid, uint32_t cmdid, int timeout_ms);

/*
 * Lists the routes that have changed, one at each call. A change is a first answer for a route
 * (hosts, or that there is no such route), an answer with other hosts, or a host that is taken out
 * of rotation (ejected, drained) or comes back. A route may be listed more than once. *since is a
 * position among the changes of the instance: 0 at first, later what the call before has left
 * there. It may be used with any handle of the instance. Wait-free.
 *
 * 0: *modid and *cmdid name the route that has changed next, and *since moves behind it.
 * LARSHM_END: no more so far, wait. LARSHM_OVERRUN: *since is 0, or changes were missed, some
 * 4,000 are remembered; *since is behind the newest one now: look at all routes, then go on.
 */
int larshm_next_change(larshm *h, uint64_t *since, uint32_t *modid, uint32_t *cmdid);

/*
 * Waits until something has changed behind *since, which becomes the newest position: to list what
 * has changed, pass a copy of the position that larshm_next_change() has. Blocks for at most
 * timeout_ms; a negative value waits forever, 0 does not wait. A signal does not end the wait.
 *
 * 0: something has changed, at once if *since is 0. LARSHM_TIMEOUT: nothing has within that time.
 */
int larshm_wait_change(larshm *h, uint64_t *since, int timeout_ms);

/*
 * Gives a descriptor for poll(), epoll and event loops, which becomes readable when something has
 * changed, or the fetcher has replaced its objects: then read its 8 bytes, and look. It is
 * nonblocking and closed by exec; each call gives the same one. It is the reading end of a pipe
 * that belongs to the library until larshm_close(): never close it. The first call starts a thread
 * that sleeps until there is a change. The child of a fork has no such thread: it calls this
 * again, for a descriptor of its own, and leaves the other one, which it shares with its parent,
 * alone.
 *
 * 0: *fd is the descriptor. LARSHM_SYSTEM_ERROR: as above, try again later; errno EBADF: the
 * program has closed it.
 */
int larshm_change_fd(larshm *h, int *fd);

/*
 * The age of a route and the state of its fetcher, which may be dead. Requests nothing.
 * Wait-free.
 *
 * 0: the route has hosts. LARSHM_NOEXIST: the directory says that there is no such route; *info
 * is filled in. LARSHM_PENDING: not cached; the members about the fetcher are filled in, those
 * about the route are 0. LARSHM_CORRUPT: as above.
 */
static __inline__ int larshm_info(larshm *h, uint32_t modid, uint32_t cmdid,
                                  larshm_route_info *info);

/*
 * The same for a caller whose larshm_route_info has `size` bytes. Members that the library does
 * not know become 0. LARSHM_BAD_ARGUMENT: smaller than that of 0.1.
 */
int larshm_info_sized(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route_info *info,
                      size_t size);

/*
 * Lists all routes that are cached on this machine, also those that the directory says do not
 * exist, which larshm_info() tells apart. In no particular order. Requests nothing. The list is
 * that of its beginning; a route that comes later may be left out. It keeps its memory mapped, and
 * blocks nothing.
 *
 * 0: *all is a list until larshm_routes_end(), which must follow, in any thread.
 */
int larshm_routes_begin(larshm *h, larshm_routes *all);

/*
 * The next route. A route whose memory is damaged is left out. The steps are as many as there is
 * room for routes, all calls of a list together.
 *
 * 0: *modid and *cmdid name it. LARSHM_END: that was all.
 */
int larshm_routes_next(larshm_routes *all, uint32_t *modid, uint32_t *cmdid);

/* Ends a list and clears it. After a fork, parent and child each end theirs. */
void larshm_routes_end(larshm *h, larshm_routes *all);

/*
 * Lists the hosts of a route with the fetcher's records of them. Makes some system calls, and
 * reads through the records of all hosts of the machine: 20 microseconds, and 30 ms where there
 * are a million. Does not block. larshm_get_route_states() does neither.
 *
 * 0: *hosts is a list until larshm_hosts_end(), which must follow, in any thread. LARSHM_PENDING,
 * LARSHM_NOEXIST, LARSHM_FULL, LARSHM_NO_PERMISSION, LARSHM_CUT_OFF, LARSHM_LAYOUT,
 * LARSHM_CORRUPT: as for larshm_get_host(); there is no list to end.
 */
int larshm_hosts_begin(larshm *h, uint32_t modid, uint32_t cmdid, larshm_hosts *hosts);

/*
 * The next host, as it is now. Wait-free.
 *
 * 0: *info is filled in. LARSHM_END: that was all. LARSHM_STALE: the list was held for longer than
 * grace_ms, and the route has changed: end it, and begin again.
 */
static __inline__ int larshm_hosts_next(larshm_hosts *hosts, larshm_host_info *info);

/*
 * The same for a caller whose larshm_host_info has `size` bytes. Members that the library does not
 * know become 0. LARSHM_BAD_ARGUMENT: smaller than that of 0.2.
 */
int larshm_hosts_next_sized(larshm_hosts *hosts, larshm_host_info *info, size_t size);

/* Ends a list and clears it. After a fork, parent and child each end theirs. */
void larshm_hosts_end(larshm *h, larshm_hosts *hosts);

/* Bytes of the longest host as text: "255.255.255.255:65535" and its NUL. */
#define LARSHM_HOST_TEXT 22

/*
 * Writes the host's address and port as text, such as "10.0.0.1:8080", and a NUL. Wait-free.
 *
 * LARSHM_BAD_ARGUMENT: these take more than `size` bytes; LARSHM_HOST_TEXT are always enough.
 */
int larshm_host_format(const larshm_host *host, char *text, size_t size);

/* Fills *address with the host's address and port, as connect() wants them. Wait-free. */
void larshm_host_sockaddr(const larshm_host *host, struct sockaddr_in *address);

/* The meaning of a code and what to do next, in English. Never NULL. The text is static. */
const char *larshm_strerror(int code);

static __inline__ int larshm_route_begin(larshm *h, uint32_t modid, uint32_t cmdid,
                                         larshm_view *view)
{
    return larshm_route_begin_sized(h, modid, cmdid, view, sizeof(*view));
}

static __inline__ enum larshm_host_state larshm_view_state(const larshm_view *view, size_t i)
{
    /* Four bits for each host: 0 to 7 are in rotation. A library that knows no states leaves 0. */
    unsigned bits = 0;
    if (view->private_states) {
        const volatile uint64_t *word = &view->private_states[i / 16];
        bits = (unsigned)(*word >> i % 16 * 4) & 15;
    }
    return bits < 8     ? LARSHM_HOST_IN_ROTATION
           : bits == 15 ? LARSHM_HOST_DRAINED
                        : LARSHM_HOST_EJECTED;
}

static __inline__ int larshm_hosts_next(larshm_hosts *hosts, larshm_host_info *info)
{
    return larshm_hosts_next_sized(hosts, info, sizeof(*info));
}

static __inline__ int larshm_info(larshm *h, uint32_t modid, uint32_t cmdid,
                                  larshm_route_info *info)
{
    return larshm_info_sized(h, modid, cmdid, info, sizeof(*info));
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
