/* SPDX-License-Identifier: MIT */
/* A private instance for a test: a name that no other test has, a writer, and nothing left behind. */
#ifndef TESTS_SUPPORT_INSTANCE_H
#define TESTS_SUPPORT_INSTANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/control.h"
#include "shm/names.h"
#include "shm/region.h"
#include "shm/routes.h"
#include "shm/table.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/writer.h"

struct instance {
    char name[INSTANCE_MAX + 1];
    struct object_names names;
    struct writer_options options;
    struct writer *writer;
    struct event event; /* why a start failed, and what instance_next_event() took */
};

/* cmocka set-up and tear-down: *state is a struct instance whose writer is open, with small limits. */
int instance_setup(void **state);
int instance_teardown(void **state);

/* The kind of the writer's next event; EVENT_NONE: there is none. */
enum event_kind instance_next_event(struct instance *instance);

/* Stops and starts the writer; a start that fails fails the test. */
void instance_stop(struct instance *instance);
void instance_start(struct instance *instance);

/*
 * Hosts that anyone can check: host i of generation `round` of a route. The address is 10.x.y.z from a hash of
 * (key, round); the port follows from the address, the key and i: (hash ^ i * 257) folded to 1 .. 65535.
 */
void self_checking_hosts(uint64_t key, uint32_t round, uint32_t count, struct host_addr *out);
/* True if `host` is host i of some round of the route, and *round is the same as that of earlier hosts
 * (UINT32_MAX: not known yet). */
_Bool self_checking_holds(uint64_t key, uint32_t i, struct host_addr host, uint32_t *round);

struct host_addr table_host(const struct table *table, uint32_t i);

/* Publishes `count` self-checking hosts of `round`; the test fails if that does not succeed. */
void instance_put(struct instance *instance, uint64_t key, uint32_t round, uint32_t count, uint32_t ttl_s);

/* Publishes the keys 1 .. keys, key % 9 hosts each; they are there, and the is-valid walk finds nothing wrong. */
void instance_put_keys(struct instance *instance, uint32_t keys, uint32_t round);
void instance_expect_keys(const struct instance *instance, uint32_t keys, uint32_t round);

/* Publishes `count` hosts that differ only in their ports: 1 .. count. */
void instance_put_ports(struct instance *instance, struct route_key key, uint32_t count);

/* What readers see of a route: how many hosts are out of rotation, and which of the first 32. */
void instance_expect_rotation(const struct instance *instance, uint64_t key, uint64_t states,
                              uint32_t ejected);

/* The writer's once-in-a-while work, as if it were `now`. */
void instance_heartbeat(struct instance *instance, uint64_t now);

/* What clients demanded since the last collection; at most KEYS_MAX of them are kept, all are counted. */
enum {
    KEYS_MAX = 64
};
struct keys {
    uint64_t key[KEYS_MAX];
    uint32_t count;
};
struct keys instance_flagged(struct instance *instance);
struct keys instance_missed(struct instance *instance);

/* How many routes objects of the instance this process has mapped as a reader, named or not any more. */
uint32_t instance_reader_mappings(const struct instance *instance);

/* Likewise of its hosts object. */
uint32_t instance_hosts_mappings(const struct instance *instance);

/* How many objects in shared memory have the instance's names. */
uint32_t instance_objects(const struct instance *instance);

/* Makes a new generation with the same routes, as growth does. */
void instance_renew(struct instance *instance);

/* The fetcher falls silent, its objects are removed by hand, and another one makes others: no doorbell tells of that. */
void instance_replace_by_hand(struct instance *instance);

/* Opens the object read-only (or not), trusting only this user. */
enum shm_status instance_map(const struct instance *instance, bool writable, struct region *region,
                             struct routes *routes);

/* A judge for writer_set_judge(): adds the successes to the uint64_t at `context`. */
bool instance_add_up(void *context, const struct call_report *report);

/* Maps the control object of the current generation, as a client that may demand routes. */
void instance_map_control(const struct instance *instance, struct region *region, struct control *control);

#endif
