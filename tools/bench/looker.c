/* SPDX-License-Identifier: MIT */
#include "tools/bench/looker.h"

#include <err.h>
#include <sys/mman.h>

#include "shm/atomic.h"
#include "tools/bench/child.h"
#include "tools/bench/world.h"

struct looker_page {
    _Atomic uint64_t done, failed;
};

static void look(const struct bench *bench, void *context)
{
    const struct looker *looker = context;
    uint64_t random = 0;
    (void)bench;
    for (;;) {
        uint32_t route = (uint32_t)((next_random(&random) >> 32) * looker->routes >> 32);
        larshm_host host;
        if (larshm_get_host(looker->reader, world_modid(route), world_cmdid(route), &host) != LARSHM_OK ||
            !world_owns(route, looker->hosts, &host))
            add_relaxed(&looker->page->failed, 1);
        add_relaxed(&looker->page->done, 1);
    }
}

bool looker_open(struct looker *looker, const struct bench *bench, larshm *reader, uint32_t routes,
                 uint32_t hosts)
{
    *looker = (struct looker){.reader = reader, .routes = routes, .hosts = hosts};
    void *page = mmap(NULL, sizeof(*looker->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        warn("memory for lookups");
        return false;
    }
    looker->page = page;
    looker->child = child_start(bench, look, looker);
    return looker->child > 0;
}

void looker_close(struct looker *looker)
{
    child_end(looker->child);
    if (looker->page)
        munmap(looker->page, sizeof(*looker->page));
    *looker = (struct looker){0};
}

uint64_t looker_done(const struct looker *looker)
{
    return load_relaxed(&looker->page->done);
}

uint64_t looker_failed(const struct looker *looker)
{
    return load_relaxed(&looker->page->failed);
}
