/* SPDX-License-Identifier: MIT */
#include "tools/bench/loading.h"

#include <err.h>
#include <unistd.h>

#include "tools/bench/fixture.h"
#include "tools/bench/timing.h"

enum {
    WINDOW = 8192, /* routes that are requested and not cached yet */
    PAUSE_US = 1000,
    STALLED_S = 20, /* without another route */
};

/* Looks up the waiting routes once; *count is how many are still missing. False: an answer is wrong. */
static bool look_up_waiting(const struct loading *loading, const char *suite, uint32_t *waiting,
                            uint32_t *count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t route = waiting[i];
        larshm_host host;
        int code =
            loading->library->get_host(loading->reader, fixture_modid(route), fixture_cmdid(route), &host);
        if (code == LARSHM_PENDING || code == LARSHM_FULL) {
            waiting[left++] = route;
        } else if (loading->hosts ? code != LARSHM_OK || !fixture_owns(route, loading->hosts, &host)
                                  : code != LARSHM_NOEXIST) {
            warnx("%s: wrong hosts in a route: %s", suite, larshm_strerror(code));
            return false;
        }
    }
    *count = left;
    return true;
}

/* Pauses when no route has come. */
bool loading_run(const struct loading *loading, const struct bench *bench, const char *suite, double *seconds)
{
    uint32_t waiting[WINDOW], count = 0, next = 0, routes = loading->routes;
    uint64_t begun = clock_ns(), progress = begun;
    while (next < routes || count > 0) {
        while (count < WINDOW && next < routes)
            waiting[count++] = loading->first + next++;
        uint32_t before = count;
        if (bench_stopped() || !look_up_waiting(loading, suite, waiting, &count))
            return false;
        uint64_t now = clock_ns();
        if (count < before) {
            progress = now;
            continue;
        }
        if (now - progress > STALLED_S * UINT64_C(1000000000)) {
            warnx("%s: only %u of %u routes came", suite, next - count, routes);
            return false;
        }
        bench_progress(bench, "%s: %u of %u routes", suite, next - count, routes);
        usleep(PAUSE_US);
    }
    *seconds = (double)(clock_ns() - begun) / 1e9;
    return true;
}
