/* SPDX-License-Identifier: MIT */
#include "tools/bench/watcher.h"

#include <err.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "tools/bench/child.h"
#include "tools/bench/stamp.h"
#include "tools/bench/world.h"

enum {
    LOOK_US = 100,
    LOOKS = 10 * 1000 * 1000 / LOOK_US,
};

#define NOTHING UINT32_MAX /* no table was seen yet */

struct watcher_page {
    _Alignas(CACHE_LINE) _Atomic uint32_t seen; /* released after `ns` */
    _Atomic uint64_t ns;
};

static void watch(const struct bench *bench, void *context)
{
    const struct watcher *watcher = context;
    struct watcher_page *page = watcher->page;
    uint32_t last = NOTHING;
    larshm *reader;
    larshm_host host;
    (void)bench;
    if (larshm_open(&reader, watcher->instance) != LARSHM_OK)
        return;
    for (;;) {
        if (larshm_get_host(reader, world_modid(0), world_cmdid(0), &host) != LARSHM_OK)
            continue;
        uint32_t number = (ntohs(host.port) - (uint32_t)WORLD_PORT) / WATCHER_HOSTS;
        if (number == last)
            continue;
        store_relaxed(&page->ns, clock_ns());
        store_release(&page->seen, number);
        last = number;
    }
}

bool watcher_open(struct watcher *watcher, const struct bench *bench, const char *instance)
{
    *watcher = (struct watcher){.instance = instance};
    void *page =
        mmap(NULL, sizeof(*watcher->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        warn("memory for a watcher");
        return false;
    }
    watcher->page = page;
    store_relaxed(&watcher->page->seen, NOTHING);
    watcher->child = child_start(bench, watch, watcher);
    return watcher->child > 0;
}

void watcher_close(struct watcher *watcher)
{
    child_end(watcher->child);
    if (watcher->page)
        munmap(watcher->page, sizeof(*watcher->page));
    *watcher = (struct watcher){0};
}

bool watcher_await(const struct watcher *watcher, uint32_t number, uint64_t *ns)
{
    for (int i = 0; i < LOOKS && !bench_stopped(); i++) {
        /* Pairs with the release in watch(): `ns` belongs to that table. */
        if (load_acquire(&watcher->page->seen) == number) {
            *ns = load_relaxed(&watcher->page->ns);
            return true;
        }
        usleep(LOOK_US);
    }
    if (!bench_stopped())
        warnx("a table that was published is not seen by another process");
    return false;
}
