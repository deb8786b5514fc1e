/* SPDX-License-Identifier: MIT */
/* A process of several threads that looks routes up and believes nothing. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "reader/include/larshm/larshm.h"
#include "tests/support/child.h"
#include "tests/torture/results.h"
#include "tests/torture/torture.h"

enum {
    CHILD_SECONDS = 20,
    HOT = 33, /* routes that half of the lookups go to, long ones among them */
};

struct worker {
    struct torture *torture;
    larshm *routes;
    uint64_t random;
    uint64_t rounds;        /* lookups until this thread ends */
    larshm_route open[HOT]; /* where a bit of `opened` is set */
    uint64_t opened;
};

static uint64_t draw(struct worker *worker)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return worker->random;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* One host: of this route, and of the round that the hosts before it had (UINT32_MAX: none before). */
static bool host_fits(struct torture *torture, uint32_t k, uint32_t i, in_addr_t addr, in_port_t port,
                      uint32_t *round)
{
    uint32_t address = ntohl(addr), seen = address & 0xfff;
    if (address == POISON_ADDRESS) {
        atomic_fetch_add(&torture->poisoned, 1);
        return false;
    }
    if (*round == UINT32_MAX)
        *round = seen;
    uint32_t offset = ntohs(port) - self_checking_base(k, seen);
    return seen == *round && address == self_checking_address(k, seen) &&
           (i == UINT32_MAX ? offset < self_checking_count(k, seen) : offset == i);
}

/* To a quarter of all hosts calls fail, so that states change all the time. */
static void report(struct worker *worker, const larshm_host *host)
{
    bool fails = hash_word(host->addr, host->port) % 4 == 0 && draw(worker) % 4;
    int code = larshm_report_timed(worker->routes, host, fails, (uint32_t)(draw(worker) % 1000));
    if (code != LARSHM_OK && code != LARSHM_FULL)
        atomic_fetch_add(&worker->torture->lost, 1);
}

/* A call to a calm route. A reader killed in the middle may have recorded it or not. */
static void call_calm(struct worker *worker)
{
    larshm_host host;
    uint32_t cmdid = 1 + (uint32_t)(draw(worker) % CALM_ROUTES);
    if (larshm_get_host(worker->routes, CALM_MODID, cmdid, &host) != LARSHM_OK)
        return;
    atomic_fetch_add(&worker->torture->begun, 1);
    if (larshm_report(worker->routes, &host, draw(worker) % 64 == 0) == LARSHM_OK)
        atomic_fetch_add(&worker->torture->recorded, 1);
    else
        atomic_fetch_sub(&worker->torture->begun, 1);
}

/* Of a hot route, in half of the cases, by a larshm_route that may have been opened long ago. */
static int pick(struct worker *worker, uint32_t k, larshm_host *host)
{
    if (k >= HOT || draw(worker) % 2)
        return larshm_get_host(worker->routes, TORTURE_MODID, k, host);
    if (!(worker->opened >> k & 1))
        larshm_route_open(worker->routes, TORTURE_MODID, k, &worker->open[k]);
    worker->opened |= UINT64_C(1) << k;
    return larshm_route_pick(&worker->open[k], host);
}

/* No host at all while all are overloaded is an answer, too. */
static int try_host(struct worker *worker, uint32_t k)
{
    larshm_host host;
    uint32_t round = UINT32_MAX;
    int code = pick(worker, k, &host);
    if (code == LARSHM_OK && !host_fits(worker->torture, k, UINT32_MAX, host.addr, host.port, &round))
        atomic_fetch_add(&worker->torture->torn, 1);
    if (code == LARSHM_OK)
        report(worker, &host);
    return code == LARSHM_OVERLOAD ? LARSHM_OK : code;
}

/* Many routes at once, this one among them. */
static int try_batch(struct worker *worker, uint32_t k, uint32_t routes)
{
    enum {
        BATCH = 40 /* of which some stages of the lookup are under way at a time */
    };
    larshm_host hosts[BATCH];
    int codes[BATCH];
    uint32_t first = k > BATCH / 2 ? k - BATCH / 2 : 0;
    for (uint32_t i = 0; i < BATCH; i++)
        hosts[i] = (larshm_host){.modid = TORTURE_MODID, .cmdid = first + i < routes ? first + i : k};
    larshm_get_host_batch(worker->routes, hosts, codes, BATCH);
    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t round = UINT32_MAX;
        if (codes[i] == LARSHM_OK &&
            !host_fits(worker->torture, hosts[i].cmdid, UINT32_MAX, hosts[i].addr, hosts[i].port, &round))
            atomic_fetch_add(&worker->torture->torn, 1);
    }
    int code = codes[k - first];
    return code == LARSHM_OVERLOAD ? LARSHM_OK : code;
}

static int try_route(struct worker *worker, uint32_t k)
{
    larshm_host hosts[1024];
    size_t count = 0;
    uint32_t round = UINT32_MAX;
    int code = larshm_get_route(worker->routes, TORTURE_MODID, k, hosts, 1024, &count);
    bool whole = true;
    for (uint32_t i = 0; code == LARSHM_OK && i < count && whole; i++)
        whole = host_fits(worker->torture, k, i, hosts[i].addr, hosts[i].port, &round);
    if (code == LARSHM_OK && (!whole || count != self_checking_count(k, round)))
        atomic_fetch_add(&worker->torture->torn, 1);
    return code;
}

/* A view, sometimes kept for a while. What it showed counts if its end says that it stayed. */
static int try_view(struct worker *worker, uint32_t k)
{
    larshm_view view;
    uint32_t round = UINT32_MAX;
    int code = larshm_route_begin(worker->routes, TORTURE_MODID, k, &view);
    if (code != LARSHM_OK)
        return code;
    size_t count = view.count;
    bool whole = true;
    uint64_t poisoned = atomic_load(&worker->torture->poisoned);
    for (uint32_t i = 0; i < count && whole; i++) {
        if (i == count / 2 && draw(worker) % 64 == 0)
            usleep((useconds_t)(draw(worker) % 2000));
        whole = host_fits(worker->torture, k, i, view.addr[i], view.port[i], &round);
    }
    atomic_fetch_add(&worker->torture->views, 1);
    if (larshm_route_end(worker->routes, &view) == LARSHM_STALE) {
        atomic_fetch_add(&worker->torture->stale_views, 1);
        if (!whole) /* poison in a stale view is no fault */
            atomic_store(&worker->torture->poisoned, poisoned);
    } else if (!whole || count != self_checking_count(k, round)) {
        atomic_fetch_add(&worker->torture->torn, 1);
    }
    return LARSHM_OK;
}

static void look_up(struct worker *worker)
{
    struct torture *torture = worker->torture;
    uint32_t routes = atomic_load(&torture->routes);
    uint32_t k = (uint32_t)(draw(worker) % (draw(worker) % 2 ? HOT : routes));
    bool was_seen = atomic_load(&torture->seen[k]);
    uint64_t kind = draw(worker) % 8, start = now_ns();
    int code = kind < 3   ? try_host(worker, k)
               : kind < 4 ? try_batch(worker, k, routes)
               : kind < 6 ? try_route(worker, k)
                          : try_view(worker, k);
    uint64_t took = now_ns() - start, longest = atomic_load(&torture->longest_ns);
    while (kind < 6 && kind != 3 && took > longest &&
           !atomic_compare_exchange_weak(&torture->longest_ns, &longest, took))
        ;
    if (code == LARSHM_OK)
        atomic_store(&torture->seen[k], 1);
    else if (was_seen)
        atomic_fetch_add(&torture->lost, 1);
    atomic_fetch_add(&torture->lookups, 1);
    if (kind == 7)
        call_calm(worker);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    while (worker->rounds--)
        look_up(worker);
    return NULL;
}

/* A child with the parent's handle, at whatever moment the other threads are. It does not outlive us. */
static void fork_once(struct torture *torture, larshm *routes, uint64_t seed)
{
    pid_t child = fork();
    if (child == 0) {
        struct worker worker = {.torture = torture, .routes = routes, .random = seed, .rounds = 300};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(&worker);
        _exit(0);
    }
    atomic_fetch_add(&torture->forks, 1);
    if (child > 0 && !child_ends_well(child, CHILD_SECONDS))
        atomic_fetch_add(&torture->hung, 1);
}

void reader_run(struct torture *torture, const char *instance)
{
    larshm *routes = NULL;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    uint64_t seed = now_ns() ^ (uint64_t)getpid() << 32;
    while (larshm_open(&routes, instance) != LARSHM_OK)
        usleep(1000);
    for (;;) {
        for (int i = 0; i < THREADS; i++) {
            seed = hash_word(seed, (uint64_t)i + 1) | 1;
            workers[i] = (struct worker){
                .torture = torture, .routes = routes, .random = seed, .rounds = 2000 + seed % 20000};
            if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
                abort();
            atomic_fetch_add(&torture->threads, 1);
        }
        fork_once(torture, routes, seed);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
}
