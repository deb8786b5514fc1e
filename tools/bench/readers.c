/* SPDX-License-Identifier: MIT */
#include "tools/bench/readers.h"

#include <err.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "tools/bench/child.h"
#include "tools/bench/fixture.h"
#include "tools/bench/timing.h"

enum {
    POLL_US = 100,
    POLLS = 10 * 1000 * 1000 / POLL_US,
};

#define NO_TABLE UINT32_MAX /* none was seen yet */

struct reader_page {
    _Alignas(CACHE_LINE) _Atomic uint32_t table; /* seen last; released after `ns` */
    _Atomic uint64_t ns;
    _Alignas(CACHE_LINE) _Atomic uint64_t done;
    _Atomic uint64_t failed;
};

static bool start(struct reader *reader, const struct bench *bench,
                  void (*work)(const struct bench *, void *))
{
    reader->page = child_share(sizeof(*reader->page));
    if (!reader->page)
        return false;
    store_relaxed(&reader->page->table, NO_TABLE);
    reader->child = bench_fork(bench, work, reader);
    return reader->child > 0;
}

static void watch_tables(const struct bench *bench, void *context)
{
    const struct reader *reader = context;
    struct reader_page *page = reader->page;
    uint32_t last = NO_TABLE;
    larshm *handle;
    larshm_host host;
    (void)bench;
    if (larshm_open(&handle, reader->instance) != LARSHM_OK)
        return;
    for (;;) {
        if (larshm_get_host(handle, fixture_modid(0), fixture_cmdid(0), &host) != LARSHM_OK)
            continue;
        uint32_t number = (ntohs(host.port) - (uint32_t)FIXTURE_PORT) / TABLE_HOSTS;
        if (number == last)
            continue;
        store_relaxed(&page->ns, clock_ns());
        store_release(&page->table, number);
        last = number;
    }
}

bool reader_open_tables(struct reader *reader, const struct bench *bench, const char *instance)
{
    *reader = (struct reader){.instance = instance};
    return start(reader, bench, watch_tables);
}

bool reader_await(const struct reader *reader, uint32_t number, uint64_t *ns)
{
    for (int i = 0; i < POLLS && !bench_stopped(); i++) {
        /* Pairs with the release in watch_tables(): `ns` belongs to that table. */
        if (load_acquire(&reader->page->table) == number) {
            *ns = load_relaxed(&reader->page->ns);
            return true;
        }
        usleep(POLL_US);
    }
    if (!bench_stopped())
        warnx("another process does not see a published table");
    return false;
}

static void look_up_random(const struct bench *bench, void *context)
{
    const struct reader *reader = context;
    uint64_t random = 0;
    (void)bench;
    for (;;) {
        uint32_t route = random_below(&random, reader->routes);
        larshm_host host;
        if (larshm_get_host(reader->handle, fixture_modid(route), fixture_cmdid(route), &host) != LARSHM_OK ||
            !fixture_owns(route, reader->hosts, &host))
            add_relaxed(&reader->page->failed, 1);
        add_relaxed(&reader->page->done, 1);
    }
}

bool reader_open_random(struct reader *reader, const struct bench *bench, larshm *handle, uint32_t routes,
                        uint32_t hosts)
{
    *reader = (struct reader){.handle = handle, .routes = routes, .hosts = hosts};
    return start(reader, bench, look_up_random);
}

uint64_t reader_done(const struct reader *reader)
{
    return load_relaxed(&reader->page->done);
}

uint64_t reader_failed(const struct reader *reader)
{
    return load_relaxed(&reader->page->failed);
}

void reader_close(struct reader *reader)
{
    child_end(reader->child);
    child_unshare(reader->page, sizeof(*reader->page));
    *reader = (struct reader){0};
}
