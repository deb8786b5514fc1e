/* SPDX-License-Identifier: MIT */
/*
 * The fetcher's running totals and gauges, kept in the routes object so that any process may read them, also when the
 * fetcher is dead. Written by the fetcher only, relaxed, one word each: a reader may see one number newer than another.
 * Totals never reset within the life of an instance's objects: a new generation copies them.
 *
 *      X(name, description)      new ones are appended, so that a number keeps its place
 */
#ifndef SHM_COUNTERS_H
#define SHM_COUNTERS_H

/* clang-format off */
#define SHM_COUNTERS(X)                                                             \
    X(routes,            "routes with at least one host")                           \
    X(negative,          "keys that the directory says do not exist")               \
    X(pulling,           "requests under way at the directory")                     \
    X(publishes,         "host tables written")                                     \
    X(refreshes,         "answers that brought the same hosts")                     \
    X(requests,          "requests sent to the directory")                          \
    X(answers,           "answers and pushes received")                             \
    X(pushes,            "answers that were not requested")                         \
    X(timeouts,          "requests that were not answered in time")                 \
    X(connects,          "connections made to the directory")                       \
    X(connect_failures,  "connections that could not be made")                      \
    X(disconnects,       "connections that ended")                                  \
    X(bad_frames,        "connections closed for a frame of negative length")       \
    X(bad_answers,       "answers that could not be decoded")                       \
    X(unknown_messages,  "frames with an unknown message id")                       \
    X(unusable_hosts,    "hosts dropped from answers: no usable address or port")   \
    X(refused_full,      "tables refused: a limit is reached")                       \
    X(refused_unknown,   "unknown keys refused: max_unknown is reached")            \
    X(generations,       "routes objects created")                                  \
    X(units_live,        "64-byte units of published tables")                       \
    X(units_retired,     "64-byte units waiting for grace_ms to pass")              \
    X(lookups,           "lookups by clients")                                      \
    X(lookups_missed,    "lookups of keys that were not cached")                    \
    X(lookups_expired,   "lookups that found the table expired")  \
    X(reports,           "results of calls that clients reported")                  \
    X(reports_unknown,   "results for unknown routes or hosts: ignored")            \
    X(reports_refused,   "results lost for lack of a call cell")                    \
    X(ejections,         "times that a host was ejected")                           \
    X(overloaded,        "hosts that are ejected")                                  \
    X(held,              "routes whose last answer is held back")                   \
    X(results_sent,      "messages sent to the report service")                     \
    X(orders,            "overrides that operators have set or cleared")            \
    X(long_frames,       "frames skipped: longer than max_frame")                   \
    X(crowded_answers,   "answers refused: more hosts than a route can have")       \
    X(postponed,         "changes of cached routes that wait for room")             \
    X(rate_reached,      "1: requests_per_second is too low for the routes in use")\
    X(replaced_objects,  "replaced objects that programs still have open or mapped")\
    X(replaced_bytes,    "memory of these, in bytes")                               \
    X(replaced_reached,  "1: that is as much as programs may hold")                 \
    X(directory_reached, "1: the directory is too slow for the routes in use")      \
    X(snapshots,         "snapshots written")                                       \
    X(snapshot_failures, "snapshots that could not be written")                     \
    X(behind,            "1: no directory is as new as what was seen")              \
    X(unanswered,        "1: connected, but what is requested is not answered")      \
    X(unused,            "routes that left since no program had looked them up")    \
    X(cells_reached,     "1: results are refused for lack of room for more cells")
/* clang-format on */

enum {
    REPLACED_OBJECTS_MAX = 64 /* replaced_objects goes no further */
};

enum shm_counter {
#define X(name, description) COUNTER_##name,
    SHM_COUNTERS(X)
#undef X
    COUNTER_COUNT
};

/* A counter's name and description, for people and for JSON keys. */
struct shm_counter_text {
    const char *name, *description;
};
extern const struct shm_counter_text shm_counter_texts[COUNTER_COUNT];

#endif
