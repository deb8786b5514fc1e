/* SPDX-License-Identifier: MIT */
/* The hosts object. A part of layout.h, which draws it. */
#ifndef SHM_LAYOUT_HOSTS_H
#define SHM_LAYOUT_HOSTS_H

#ifndef SHM_LAYOUT_H
#error "include shm/layout.h"
#endif

/*
 * A host's health in one route, as its call results say: the fetcher works on it, the inspection tool prints it. Times are
 * ticks; in a record they count from the boot, see host_entry_pack(). Names and rules are those of Lars.
 */
enum host_state {
    HOST_IN_ROTATION,
    HOST_EJECTED,
};

/* An operator's override; it comes before call results. */
enum host_override {
    OVERRIDE_NONE,
    OVERRIDE_PINNED,  /* in rotation, whatever its call results */
    OVERRIDE_DRAINED, /* out of rotation: neither picked nor probed */
};

/* Why `state` is what it is. Rates are parts of 10,000: 1400 is 14 %. */
enum health_reason {
    REASON_BIRTH,      /* no change yet */
    REASON_ERR_RATE,   /* ejected: `value` is verr / (vsucc + verr), above `limit` */
    REASON_ERR_STREAK, /* ejected: `value` failures in a row, `limit` are allowed */
    REASON_WINDOW,     /* ejected: `value` is rerr / (rsucc + rerr) of one window, `limit` or more */
    REASON_GOOD_WINDOW, /* in rotation: it was spared; `value` is rerr / (rsucc + rerr) of one window, `limit` or less */
    REASON_SUCC_RATE,   /* in rotation: `value` is vsucc / (vsucc + verr), above `limit` */
    REASON_SUCC_STREAK, /* in rotation: `value` successes in a row, `limit` are enough */
    REASON_TIMEOUT,     /* in rotation: it was ejected for `limit` seconds */
    REASONS,
};
static_assert(REASONS == 8, "a fetcher of 0.1 leaves records with other reasons out, and their overrides");

struct host_health {
    uint64_t total_succ, total_err; /* calls, ever: results that clients reported */
    uint64_t since;                 /* when `state` began */
    uint64_t window; /* in rotation: when the counts below began, for idle_timeout; ejected: when that ends */
    uint32_t vsucc, verr; /* for judging; with what the host was credited or charged when it changed state */
    uint32_t rsucc, rerr; /* calls; these go to the report service */
    uint32_t contin_succ, contin_err;
    uint32_t value, limit; /* of the reason */
    uint8_t state;         /* enum host_state */
    uint8_t override;      /* enum host_override */
    uint8_t reason;        /* enum health_reason */
    uint8_t pad0;          /* 0 or, from a fetcher of 0.1, 1 */
    uint16_t badness;      /* of an ejected host: the share of failures with which it was, parts of 10,000 */
    uint16_t level;        /* ejections in a row, the current one included, when `state` began */
};
static_assert(sizeof(struct host_health) == 72, "host_health has no other padding");

/* In rotation although its results would eject it, for the reason that is stored: max_ejected others are out. */
static inline bool host_health_is_spared(const struct host_health *health)
{
    return health->state == HOST_IN_ROTATION &&
           (health->reason == REASON_ERR_RATE || health->reason == REASON_ERR_STREAK ||
            health->reason == REASON_WINDOW);
}

/* What a record holds. */
struct host_entry {
    struct host_health health;
    /* How far the fetcher has read the host's call cell: which control object, which cell. The next one goes on there. */
    uint64_t generation, counts, extra;
    uint32_t cell;
    uint32_t left_s; /* when the host left its route, as a tick in seconds; 0: it has not */
    /* Of a route: the host whose totals it has absorbed, while that host's record may still have them; 0: none. */
    uint64_t absorbed;
};
static_assert(sizeof(struct host_entry) == HOST_WORDS * sizeof(uint64_t), "host_record.halves");

struct hosts_header {
    struct object_id id;
    uint32_t record_count;
    _Atomic uint32_t used; /* records from here on were never used */
};

struct host_record {
    _Atomic uint64_t key;  /* ~key; 0: free */
    _Atomic uint64_t host; /* host_addr_word(); 0: the route itself */
    _Atomic uint64_t version;
    _Atomic uint64_t halves[2][HOST_WORDS]; /* struct host_entry, see host_records.h */
};

static_assert(sizeof(struct hosts_header) == 40, "hosts_header");
static_assert(sizeof(struct host_record) == 248, "host_record");

#endif
