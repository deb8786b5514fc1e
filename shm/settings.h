/* SPDX-License-Identifier: MIT */
/*
 * Configuration that the fetcher publishes, for readers and for people: a part of the layout. It is copied as one, so a
 * new setting is a line here, one where the fetcher fills it in, and the code that obeys it.
 *
 *      X(name)      ends in its unit
 *
 * New ones are appended, so that a setting keeps its place: that needs no other layout, so 0, which is what a fetcher
 * leaves that does not know a setting, must mean what readers do without it.
 */
#ifndef SHM_SETTINGS_H
#define SHM_SETTINGS_H

#include <stdint.h>

#include "shm/atomic.h"

/* clang-format off */
#define SHM_SETTINGS(X)                                                                                       \
    X(update_timeout_s)         /* a route older than this is refreshed when it is looked up */               \
    X(poll_interval_ms)         /* how often the fetcher collects what clients demand and report */           \
    X(grace_ms)                 /* how long a replaced table stays unchanged */                               \
    X(probe_num)                /* by Lars' rules: picks of hosts in rotation between two probes */           \
    X(slow_call_ms)             /* a failure counts once for each of these that it took; 0: once */           \
    X(max_overload_timeout_s)   /* the longest ejection; all are void if the fetcher is dead for longer */    \
    X(eject_probe_interval_ms)  /* an ejected host is probed once in this time; 0: never */                   \
    X(lars_rules)               /* 1: hosts are picked as by Lars' agent */
/* clang-format on */

struct settings {
#define X(name) uint32_t name;
    SHM_SETTINGS(X)
#undef X
};

/* As they stand in the routes object. Writer: the fetcher. */
struct published_settings {
#define X(name) _Atomic uint32_t name;
    SHM_SETTINGS(X)
#undef X
};

/* Relaxed: each setting stands alone; one seen late is obeyed late. */
static inline void settings_publish(struct published_settings *s_to, const struct settings *from)
{
#define X(name) store_relaxed(&s_to->name, from->name);
    SHM_SETTINGS(X)
#undef X
}

static inline struct settings settings_read(const struct published_settings *s_from)
{
    struct settings settings;
#define X(name) settings.name = load_relaxed(&s_from->name);
    SHM_SETTINGS(X)
#undef X
    return settings;
}

#endif
