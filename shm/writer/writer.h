/* SPDX-License-Identifier: MIT */
/*
 * The fetcher's side of an instance: the lock, the current generation, and retired ones not drained yet. A route is
 * found by its key, once, and named by a struct route_ref from then on, until a new generation is made. One thread.
 * Nothing here waits for a client.
 */
#ifndef SHM_WRITER_WRITER_H
#define SHM_WRITER_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/host_addr.h"
#include "shm/layout.h"
#include "shm/status.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/event.h"
#include "shm/writer/route_ref.h"
#include "shm/writer/route_source.h"

struct writer;

struct writer_options {
    const char *instance;
    uint64_t max_bytes;                  /* of the routes object */
    uint32_t max_unknown;                /* keys without hosts that are remembered at one time */
    const char *group;                   /* who may request routes; "": the fetcher's own group */
    struct settings settings;            /* published; grace_ms of a running fetcher stays */
    const struct route_source *restored; /* of an instance without a routes object; NULL: none */
    const char *snapshot; /* for people: its path, or why there is none; NULL: nothing is said */
    bool snapshot_off;    /* there is none */
};

/*
 * Takes the lock, adopts every route of the existing object, and installs a new generation. On failure existing
 * objects are untouched, and *failure says what is wrong.
 */
enum shm_status writer_open(struct writer **out, const struct writer_options *options, struct event *failure);

/* Takes the oldest event that was not taken yet. False: there is none. */
bool writer_next_event(struct writer *writer, struct event *out);

/* Marks the fetcher as stopped and releases everything; the objects stay and are served. NULL is fine. */
void writer_close(struct writer *writer);

/* At each poll: stores the tick that lookups compare with, and rings. */
void writer_heartbeat(struct writer *writer, uint64_t now);

/* Rings for waiting clients, if anything was published since the last time. */
void writer_ring(struct writer *writer);

/* The word that clients knock at, see knock.h. Of the current control object: another one may take its place. */
_Atomic uint32_t *writer_knock(const struct writer *writer);

/*
 * About once a second: collects the lookup counts, drops generations that have drained, and creates a new one if
 * the names no longer lead to the current one. SHM_RUNNING: the lock was removed and another fetcher has it now, so
 * this one must end.
 */
enum shm_status writer_maintain(struct writer *writer, uint64_t now);

/*
 * Called again and again while it returns true: it does a part of what takes long. A larger generation is built, which may be
 * installed then; and the memory of what was replaced is given back.
 */
bool writer_grow_on(struct writer *writer, uint64_t now);

/* True if a client has truncated the control object (see sigbus.h). Those that write to it die of that, so they are
 * made to leave it: call writer_maintain(), it creates another. */
bool writer_leave_cut_control(struct writer *writer);

/* False: since writer_forget_dropped(), no new generation has left out this key. True: one may have. */
bool writer_may_have_dropped(const struct writer *writer, struct route_key key);
void writer_forget_dropped(struct writer *writer);

/* Finds a route, or where it would go: the one probe of the index that an answer costs. */
struct route_ref writer_find(const struct writer *writer, struct route_key key);

/* How many slots there are in this generation; the route of one. False: it has none. */
uint32_t writer_slot_count(const struct writer *writer);
bool writer_route_at(const struct writer *writer, uint32_t slot, struct route_ref *out);

/* The route of the first slot in use from *slot on, which becomes the one after it. False: there is none. */
bool writer_next_route(const struct writer *writer, uint32_t *slot, struct route_ref *out);

/* Likewise, of the slots before `end`, for those who may look at so many at a time. */
bool writer_next_route_before(const struct writer *writer, uint32_t *slot, uint32_t end,
                              struct route_ref *out);

/*
 * Publishes an answer: the hosts of the route, sorted and without duplicates; none: no such route. NEW afterwards.
 * If the table has changed, *changed is true, and `states` are those of its hosts (NULL: all in rotation). May make
 * a generation; *route is of the newest one afterwards. SHM_FULL: a limit was reached. SHM_NO_SPACE: shared memory
 * is full. An answer for a cached route that finds no room is SHM_OK all the same: the old table stays for now, and
 * writer_next_late() publishes the newest answer.
 */
enum shm_status writer_put(struct writer *writer, struct route_ref *route, const struct host_addr *hosts,
                           uint32_t count, const uint64_t *states, uint32_t ttl_s, uint64_t now,
                           bool *changed);

/*
 * Publishes an answer that found no room when it came, if there is room now; may make a generation, one a second.
 * *out is its route. Called until it returns false: no more for now.
 */
bool writer_next_late(struct writer *writer, uint64_t now, struct route_ref *out);

/* Sets what host number `at` of a route gets of its even share: enum host_share, or eighths. */
void writer_set_share(struct writer *writer, const struct route_ref *route, uint32_t at, uint32_t share);

/* Shows that an answer is held back, as hold_mark() says, or with 0 that it is no more; the next writer_put() ends it.
 * Nothing for an unknown route. */
void writer_set_held(struct writer *writer, const struct route_ref *route, uint16_t mark);

/* Shows that a host of the route fails and is not ejected, since max_ejected others are. Nothing for an unknown route. */
void writer_set_spared(struct writer *writer, const struct route_ref *route, bool spared);

/* NEW -> PULLING -> NEW. Nothing for an unknown route. */
void writer_set_pulling(struct writer *writer, const struct route_ref *route);
void writer_set_new(struct writer *writer, const struct route_ref *route);

/*
 * The route leaves: the next generation is without it, and until then it is served. Its postponed answer is dropped. False,
 * and nothing is done: a generation is being built, see writer_end_growth(), or there is no memory.
 */
bool writer_leave(struct writer *writer, const struct route_ref *route);
bool writer_is_leaving(const struct writer *writer, uint32_t slot);

/* It stays after all. */
void writer_stay(struct writer *writer, uint32_t slot);

/* Has a generation made for what leaves, by writer_maintain(): in how many milliseconds at the earliest. Otherwise that is
 * done where the object becomes half as large. */
uint64_t writer_leave_soon(struct writer *writer, uint64_t now);

/* Ends at once what writer_grow_on() does in parts. */
void writer_end_growth(struct writer *writer, uint64_t now);

/*
 * Keeps a number for each slot, 0 at first, which goes with the route to the next generation; or no more. False: not now,
 * or no memory. It may also be lost for lack of memory.
 */
bool writer_keep_uses(struct writer *writer, bool wanted);
bool writer_has_uses(const struct writer *writer);
uint32_t writer_use(const struct writer *writer, uint32_t slot);
void writer_set_use(struct writer *writer, uint32_t slot, uint32_t use);

/* The table of a route that is NEW expires now, so that the next lookup sets its flag. */
void writer_expire(struct writer *writer, const struct route_ref *route, uint64_t now);

/*
 * What clients demanded: slots whose flag is set, and keys that they missed; see flag_round_next() and
 * miss_round_next(). A round ends when the caller has enough; what it did not yield stays. In between nothing may be
 * published.
 */
struct flag_round writer_flags_begin(const struct writer *writer);
void writer_flags_end(struct writer *writer, struct flag_round *round);
struct miss_round writer_misses_begin(const struct writer *writer);
void writer_misses_end(struct writer *writer, struct miss_round *round);

/* At each poll: which routes were looked up. writer_maintain() publishes those that are looked up most. */
void writer_collect_uses(struct writer *writer);

/*
 * Sets the judge of what clients reported: called for each host of each route, it keeps the report and returns
 * whether the host exists; it must not publish. Called by writer_collect_calls(); before a new generation is
 * complete, so that what it changes is in that one; and here, where fetchers that died have left more control objects than
 * one fetcher keeps (G10).
 */
void writer_set_judge(struct writer *writer, bool (*judge)(void *context, const struct call_report *report),
                      void *context);

/* Collects what clients reported, of `budget` hosts at most. Then makes room for more, if hosts that exist, of
 * which the caller knows `hosts`, use half of the room, or if there was none for some: that may make a generation. */
void writer_collect_calls(struct writer *writer, uint32_t budget, uint32_t hosts, uint64_t now);

/* The host of this cell of this control object has changed its state: resets its streaks. */
void writer_reset_runs(struct writer *writer, uint64_t control, uint32_t cell);

/*
 * While there is no room for records of more hosts, clients' results are taken only for hosts of which something
 * was kept in this control object, or that were named in it: the caller names those that have a record.
 */
void writer_set_hosts_full(struct writer *writer, bool full);
void writer_name_host(struct writer *writer, struct route_key key, struct host_addr host);

/* How much the fetcher before this one had kept of a cell of the control object of this number. Call it before
 * anything is collected. */
void writer_resume_calls(struct writer *writer, uint64_t control, struct route_key key, uint32_t cell,
                         uint64_t counts, uint64_t extra);

/* The number of the current control object. */
uint64_t writer_control(const struct writer *writer);

/* The generation of the current routes object. */
uint64_t writer_generation(const struct writer *writer);

/* Facts for people. */
void writer_count(struct writer *writer, enum shm_counter counter, uint64_t more);
void writer_gauge(struct writer *writer, enum shm_counter counter, uint64_t value);
uint64_t writer_counter(const struct writer *writer, enum shm_counter counter);
void writer_connection(struct writer *writer, enum connection_state state, uint64_t now);
enum connection_state writer_connection_state(const struct writer *writer);
bool writer_refusing(const struct writer *writer);

/* The highest version of its routes that a directory has told, also to fetchers before this one; 0: none has. */
uint64_t writer_data_version(const struct writer *writer);
void writer_set_data_version(struct writer *writer, uint64_t version);

/* For people: a snapshot was written, as of this Unix time in milliseconds. */
void writer_set_snapshot_written(struct writer *writer, uint64_t unix_ms);

/* For people: a request was answered after so many microseconds. */
void writer_add_latency(struct writer *writer, uint64_t us);

/* "host:port" of the server of the directory that is used now, for people. */
void writer_set_directory(struct writer *writer, const char *directory);

/* Applies the options that may change while the fetcher runs: max_unknown, and those for people and readers. */
void writer_reload(struct writer *writer, const struct writer_options *options);

#endif
