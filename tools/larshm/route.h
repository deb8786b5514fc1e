/* SPDX-License-Identifier: MIT */
/* One route as the tool shows it: a copy of its table, and what the table's times mean now. */
#ifndef TOOLS_LARSHM_ROUTE_H
#define TOOLS_LARSHM_ROUTE_H

#include <stdbool.h>

#include "shm/host_addr.h"
#include "shm/routes.h"
#include "shm/status.h"
#include "tools/common/tint.h"
#include "tools/larshm/text.h"

enum route_condition {
    ROUTE_IS_NEW,     /* has hosts, younger than update_timeout */
    ROUTE_IS_PULLING, /* has hosts, a request is on its way */
    ROUTE_IS_EXPIRED, /* has hosts, older than update_timeout */
    ROUTE_IS_HELD,    /* has hosts, an answer that takes too many away is held back */
    ROUTE_IS_NONE,    /* the directory says that there is no such route */
    ROUTE_CONDITIONS,
};

/* "new", "pulling", "expired", "held", "none". */
extern const char *const route_condition_names[ROUTE_CONDITIONS];

/* A warning where it is expired or held. */
enum tint route_tint(enum route_condition condition);

/* Why a route is held: for scripts, and as the end of "the directory's last answer ...". */
const char *route_hold_name(unsigned reason);
const char *route_hold_text(unsigned reason);

/* The key that has it held, as " ([fetcher] KEY)"; "": none. */
const char *route_hold_key(unsigned reason);

struct route {
    struct route_key key;
    uint64_t version;
    uint64_t age_ms; /* since the directory last confirmed the hosts */
    enum route_condition condition;
    unsigned hold_reason;      /* enum hold_reason, or one of a later version; of a held route */
    uint64_t hold_left_ms;     /* until the hold ends; stands still with the fetcher */
    uint64_t snapshot_unix_ms; /* of the snapshot that it is from, not confirmed since; 0: none */
    bool spared;               /* a host fails and stays in rotation, since max_ejected others are out */
    uint32_t update_timeout_s;
    uint32_t host_count;
    struct host_addr *hosts;                 /* room for HOSTS_MAX */
    uint64_t states[STATE_WORDS(HOSTS_MAX)]; /* as readers see it; see shm/layout.h */
};

/* What host number `at` gets of its even share of picks: enum host_share. */
uint32_t route_host_share(const struct route *route, uint32_t at);

/* It is out of rotation; and, as drained, not even probed. */
bool route_host_out(const struct route *route, uint32_t at);
bool route_host_drained(const struct route *route, uint32_t at);

/* How many hosts are out of rotation. */
uint32_t route_count_out(const struct route *route);

/* The index of a host in the route; host_count: it has no such host. */
uint32_t route_find_host(const struct route *route, struct host_addr host);

/*
 * Reads the table of slot `slot`, which holds `key`, as of tick `now`, into *route, whose `hosts` the caller has
 * set. SHM_CORRUPT: no writer leaves a slot like this; *route means nothing then.
 */
enum shm_status route_read(const struct routes *routes, uint32_t slot, struct route_key key, uint64_t now,
                           struct route *route);

/*
 * Reads one route of an instance as it is now; requests nothing. SHM_PENDING: it is not cached. On success the
 * caller frees out->hosts.
 */
enum shm_status route_load(const char *instance, struct route_key key, struct route *out);

/* As many hosts as fit on a line: "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 ... 12 in all". */
struct text route_first_hosts(const struct route *route);

/* Returns 0, or anything else to end the walk with that. */
typedef int route_fn(void *context, const struct route *route);

/*
 * Calls `each` for every route, in the order of modid and cmdid, and adds the damaged slots to *damaged.
 * Returns 0, what `each` returned, or -1 when memory ran out. Ends in bounded time whatever the object holds.
 */
int route_walk(const struct routes *routes, route_fn *each, void *context, unsigned long *damaged);

/* The same in no order, which takes a fraction of the time of many routes: for sums. */
int route_walk_unsorted(const struct routes *routes, route_fn *each, void *context, unsigned long *damaged);

#endif
