/* SPDX-License-Identifier: MIT */
/* All about an instance, read once: what `larshm show` shows. */
#ifndef TOOLS_LARSHM_FACTS_H
#define TOOLS_LARSHM_FACTS_H

#include <stdbool.h>

#include "shm/control.h"
#include "shm/counters.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/route.h"

enum {
    FETCHER_SILENT_MS = 3000, /* silent for so long, it is not alive: as for larshm_info() */
    HOLD_REASONS = HOLD_UNCONFIRMED + 1,
    AGE_BUCKETS = 11, /* the last one has no upper bound */
};

extern const uint32_t age_bounds_s[AGE_BUCKETS - 1];

enum fetcher_life {
    FETCHER_IS_ALIVE,
    FETCHER_IS_SILENT,
    FETCHER_HAS_STOPPED, /* cleanly */
    FETCHER_LIVES,
};

struct facts {
    uint64_t generation; /* also when it was made: Unix time in milliseconds */
    uint64_t object_bytes, max_bytes;
    uint64_t hosts_bytes;   /* of the hosts object; 0: it cannot be read */
    uint64_t control_bytes; /* of the control object, which not every user may read; 0: there is none */

    enum fetcher_life fetcher;
    uint32_t pid;
    uint64_t since_unix_ms; /* started, or stopped */
    uint64_t silent_ms;

    char directory[DIRECTORY_NAME];
    enum connection_state connection; /* NONE where the fetcher is not alive */
    uint64_t connection_age_ms;       /* there since its last sign of life */
    uint64_t data_version;            /* the highest that a directory has told; 0: none has */

    uint64_t routes[ROUTE_CONDITIONS];
    uint64_t held[HOLD_REASONS];         /* by enum hold_reason; HOLD_NONE: of a later version */
    uint64_t ages[AGE_BUCKETS], ages_ms; /* since the directory last confirmed it; the sum of them */
    uint64_t restored, snapshot_unix_ms; /* routes that are from a snapshot, not confirmed since; which */
    char snapshot[SNAPSHOT_TEXT];        /* its path, or why there is none; "": the fetcher does not say */
    bool snapshot_off;
    uint64_t written_unix_ms; /* the last one; 0: none so far */
    unsigned long damaged;
    uint64_t without_host; /* routes with hosts, none of which is in rotation */
    struct route_key first_without_host;
    uint64_t spared; /* routes with a host that fails and is not ejected, since max_ejected others are */
    struct route_key first_spared;

    uint64_t slots, slots_used;
    uint64_t units, units_live, units_retired, units_free;

    enum refusing refusing;
    bool hosts_full;      /* no room for records of more hosts */
    bool may_not_request; /* this user, who has no right to write to the control object */
    struct settings settings;

    bool uncollected_known;
    struct lookup_counts uncollected; /* that no fetcher has collected yet; zero if not known */
    uint64_t counters[COUNTER_COUNT];
};

/* As JSON has them: "alive", "silent", "stopped"; "none", "connecting", "up", "waiting"; "nothing", "max_bytes",
 * "max_unknown", "no_space", "memory_limit". */
extern const char hosts_full_text[];
extern const char *const fetcher_life_names[FETCHER_LIVES];
extern const char *const connection_names[];
extern const char *const refusing_names[];

/* What a limit that is reached keeps out, and what to do; "none reached". */
bool limit_reached(const struct facts *facts);
struct text limit_text(const struct facts *facts);

enum fetcher_life fetcher_life(const struct routes_header *s_header, uint64_t now);

/* Returns 0, or -1 when memory ran out. Values that no fetcher writes are read as the first of their kind. */
int facts_read(const struct instance *instance, struct facts *out);

/* The same without a look at each route: what is counted from routes stays 0. */
void facts_read_header(const struct instance *instance, struct facts *out);

/* Lookups since the instance's objects were first made, those that no fetcher has collected yet included. */
struct lookup_counts facts_lookups(const struct facts *facts);

#endif
