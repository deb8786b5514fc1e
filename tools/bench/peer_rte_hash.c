/* SPDX-License-Identifier: MIT */
#include "tools/bench/peers.h"

#ifdef BENCH_DPDK

#include <err.h>
#include <limits.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/bench.h"

enum {
    BULK = 50, /* of 64 at most */
    SLOTS_LEAST = 8,
};

struct node {
    uint32_t count;
    struct host_addr hosts[];
};

static uint32_t hash(const void *key, uint32_t length, uint32_t seed)
{
    (void)length, (void)seed;
    return (uint32_t)route_key_hash(*(const struct route_key *)key, 0);
}

/* In place of memcmp(), which is slower. */
static int compare(const void *a, const void *b, size_t length)
{
    (void)length;
    return route_key_number(*(const struct route_key *)a) != route_key_number(*(const struct route_key *)b);
}

/* DPDK leaves an empty directory DPDK/PREFIX, even if it shares nothing. */
static void remove_directory(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", rte_eal_get_runtime_dir());
    rmdir(path);
    char *slash = strrchr(path, '/');
    if (slash && slash != path) {
        *slash = '\0';
        rmdir(path);
    }
}

/* Once in a process. It moves the thread to the processor of its first lcore, which is undone. */
static bool start_dpdk(void)
{
    static bool started;
    static char name[] = "larshm-bench", prefix_option[] = "--file-prefix", prefix[32],
                no_huge[] = "--no-huge", no_files[] = "--no-shconf", no_devices[] = "--no-pci",
                no_socket[] = "--no-telemetry", quiet[] = "--log-level=error", memory[] = "-m",
                megabytes[] = "1024", lcores_option[] = "--lcores", lcores[32];
    char *argv[] = {name,  prefix_option, prefix,    no_huge,       no_files, no_devices, no_socket,
                    quiet, memory,        megabytes, lcores_option, lcores,   NULL};
    cpu_set_t cpus;
    if (started)
        return true;
    snprintf(prefix, sizeof(prefix), "larshm-bench-%ld", (long)getpid());
    snprintf(lcores, sizeof(lcores), "0@%d", sched_getcpu());
    sched_getaffinity(0, sizeof(cpus), &cpus);
    started = rte_eal_init(sizeof(argv) / sizeof(*argv) - 1, argv) >= 0;
    sched_setaffinity(0, sizeof(cpus), &cpus);
    if (started)
        remove_directory();
    else
        warnx("DPDK does not start: %s", rte_strerror(rte_errno));
    return started;
}

static void pick(struct peer_rte_hash *peer, struct route_key key, const struct node *node, larshm_host *out)
{
    peer->phase += UINT32_C(0x9e3779b9);
    const struct host_addr *host = &node->hosts[(uint64_t)peer->phase * node->count >> 32];
    *out = (larshm_host){key.modid, key.cmdid, host->address, host->port};
}

static bool lookup(void *context, uint32_t route, larshm_host *out)
{
    struct peer_rte_hash *peer = context;
    const struct route_key key = fixture_key(route);
    void *found;
    if (rte_hash_lookup_with_hash_data(peer->table, &key, hash(&key, sizeof(key), 0), &found) < 0)
        return false;
    pick(peer, key, found, out);
    return true;
}

static bool fill(struct rte_hash *table, const struct fixture_shape *shape)
{
    for (uint32_t i = 0; i < shape->routes && !bench_stopped(); i++) {
        const struct route_key key = fixture_key(i);
        struct node *node = malloc(sizeof(*node) + shape->hosts * sizeof(*node->hosts));
        if (!node) {
            warnx("out of memory");
            return false;
        }
        node->count = shape->hosts;
        for (uint32_t host = 0; host < shape->hosts; host++)
            node->hosts[host] = fixture_host(i, host);
        if (rte_hash_add_key_data(table, &key, node) < 0) {
            free(node);
            warnx("rte_hash has no room for route %u", i);
            return false;
        }
    }
    return !bench_stopped();
}

bool peer_rte_hash_open(struct peer_rte_hash *peer, const struct fixture *fixture)
{
    uint32_t routes = fixture->shape.routes;
    const struct rte_hash_parameters parameters = {
        .name = "larshm-bench",
        .entries = routes < SLOTS_LEAST ? SLOTS_LEAST : routes + routes / 4,
        .key_len = sizeof(struct route_key),
        .hash_func = hash,
        .extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
    };
    *peer = (struct peer_rte_hash){.workload.fixture = fixture};
    if (!start_dpdk())
        return false;
    peer->table = rte_hash_create(&parameters);
    if (!peer->table) {
        warnx("rte_hash: %s", rte_strerror(rte_errno));
        return false;
    }
    rte_hash_set_cmp_func(peer->table, compare);
    return fill(peer->table, &fixture->shape);
}

void peer_rte_hash_close(struct peer_rte_hash *peer)
{
    const void *key;
    void *node;
    uint32_t at = 0;
    while (peer->table && rte_hash_iterate(peer->table, &key, &node, &at) >= 0)
        free(node);
    rte_hash_free(peer->table);
    *peer = (struct peer_rte_hash){.table = NULL};
}

bool peer_rte_hash_check(void *peer)
{
    return workload_check(&((struct peer_rte_hash *)peer)->workload, lookup, peer);
}

bool peer_rte_hash_run(void *peer, uint32_t calls)
{
    return workload_run(&((struct peer_rte_hash *)peer)->workload, calls, lookup, peer);
}

/* The next BULK routes of the sequence. */
static bool lookup_bulk(struct peer_rte_hash *peer, larshm_host hosts[static BULK])
{
    struct workload *workload = &peer->workload;
    struct route_key keys[BULK];
    const void *pointers[BULK];
    void *nodes[BULK];
    uint64_t hits = 0;
    for (int i = 0; i < BULK; i++) {
        keys[i] = fixture_key(workload->fixture->sequence[workload->at++ & SEQUENCE_MASK]);
        pointers[i] = &keys[i];
    }
    if (rte_hash_lookup_bulk_data(peer->table, pointers, BULK, &hits, nodes) != BULK)
        return false;
    for (int i = 0; i < BULK; i++)
        pick(peer, keys[i], nodes[i], &hosts[i]);
    return true;
}

bool peer_rte_hash_bulk_check(void *context)
{
    struct peer_rte_hash peer = *(const struct peer_rte_hash *)context;
    const struct fixture *fixture = peer.workload.fixture;
    larshm_host hosts[BULK];
    for (uint32_t i = 0; i < SEQUENCE_LENGTH; i += BULK) {
        uint32_t at = peer.workload.at;
        if (!lookup_bulk(&peer, hosts))
            return false;
        for (uint32_t k = 0; k < BULK; k++)
            if (!fixture_owns(fixture->sequence[(at + k) & SEQUENCE_MASK], fixture->shape.hosts, &hosts[k]))
                return false;
    }
    return true;
}

bool peer_rte_hash_bulk_run(void *context, uint32_t calls)
{
    struct peer_rte_hash *peer = context;
    larshm_host hosts[BULK];
    bool found = true;
    for (uint32_t i = 0; i < calls && found; i += BULK) {
        found = lookup_bulk(peer, hosts);
        for (int k = 0; k < BULK; k++)
            peer->workload.sum += hosts[k].addr + hosts[k].port;
    }
    return found;
}

#else /* benchmarks without names, which are not run */

bool peer_rte_hash_open(struct peer_rte_hash *peer, const struct fixture *fixture)
{
    *peer = (struct peer_rte_hash){.workload.fixture = fixture};
    return true;
}

void peer_rte_hash_close(struct peer_rte_hash *peer)
{
    (void)peer;
}

bool peer_rte_hash_check(void *peer)
{
    (void)peer;
    return true;
}

bool peer_rte_hash_run(void *peer, uint32_t calls)
{
    (void)peer, (void)calls;
    return true;
}

bool peer_rte_hash_bulk_check(void *peer)
{
    return peer_rte_hash_check(peer);
}

bool peer_rte_hash_bulk_run(void *peer, uint32_t calls)
{
    return peer_rte_hash_run(peer, calls);
}

#endif
