/* SPDX-License-Identifier: MIT */
/*
 * Suite "writer": what single lookups take while another process publishes. Each lookup is between two stamps, whose
 * own cost is a figure, too, and part of all others.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/publisher.h"
#include "tools/bench/stamp.h"

enum {
    ROUTES = 1000,
    HOSTS = 4,
    CALLS = 1 << 20, /* of a round */
    BINS = 1 << 16,  /* of one step of the stamp each; the last one is for all that took longer */
    SETTLE_US = 50000,
    GROW_US = 2500000, /* longer than grace_ms: the writer has found its size by then */
    RATES = 3,
    SHARES = 3,
};

static const char suite[] = "writer";
static const uint32_t rates[RATES] = {0, 1000, 10000};
static const struct {
    const char *name;
    double share;
} shares[SHARES] = {{"get_host p50", 0.5}, {"get_host p99", 0.99}, {"get_host p99.9", 0.999}};

struct scene {
    struct publisher publisher;
    larshm *reader;
    uint32_t *bins; /* [BINS] */
    double unit;    /* nanoseconds of a step */
    uint64_t random;
    struct figure *stamp, *figures[RATES][SHARES];
};

static double percentile(const struct scene *scene, double share)
{
    uint64_t rank = (uint64_t)(share * CALLS), seen = 0;
    uint32_t bin = 0;
    while (bin < BINS - 1 && (seen += scene->bins[bin]) <= rank)
        bin++;
    return bin * scene->unit;
}

static void count_step(struct scene *scene, uint64_t steps)
{
    scene->bins[steps < BINS ? steps : BINS - 1]++;
}

static void stamps_alone(struct scene *scene)
{
    memset(scene->bins, 0, BINS * sizeof(*scene->bins));
    for (int i = 0; i < CALLS; i++) {
        uint64_t begun = stamp();
        count_step(scene, stamp() - begun);
    }
}

static bool lookups(struct scene *scene)
{
    memset(scene->bins, 0, BINS * sizeof(*scene->bins));
    for (int i = 0; i < CALLS; i++) {
        uint32_t route =
            (uint32_t)((next_random(&scene->random) >> 32) * scene->publisher.shape.routes >> 32);
        larshm_host host;
        uint64_t begun = stamp();
        int code = larshm_get_host(scene->reader, world_modid(route), world_cmdid(route), &host);
        count_step(scene, stamp() - begun);
        /* Every other table has its hosts one port higher. */
        if (code != LARSHM_OK || !world_owns(route, HOSTS + 1, &host)) {
            warnx("%s: a lookup gave a wrong result, so its time means nothing", suite);
            return false;
        }
    }
    return true;
}

static bool measure(struct bench *bench, struct scene *scene)
{
    for (uint32_t round = 0; round < bench->rounds; round++) {
        stamps_alone(scene);
        figure_sample(scene->stamp, percentile(scene, 0.5));
        for (int rate = 0; rate < RATES; rate++) {
            bench_progress(bench, "%s: %u publishes a second: round %u of %u", suite, rates[rate], round + 1,
                           bench->rounds);
            publisher_set(&scene->publisher, rates[rate]);
            usleep(SETTLE_US);
            if (bench_stopped() || !lookups(scene))
                return false;
            if (rates[rate] && publisher_done(&scene->publisher) == 0) {
                warnx("%s: the publisher does not publish", suite);
                return false;
            }
            for (int share = 0; share < SHARES; share++)
                figure_sample(scene->figures[rate][share], percentile(scene, shares[share].share));
        }
    }
    return true;
}

static bool add_figures(struct bench *bench, struct scene *scene)
{
    const struct figure clock = {.suite = suite, .name = "stamp " STAMP_CLOCK " p50", .unit = "ns"};
    scene->stamp = figures_add(&bench->figures, &clock);
    for (int rate = 0; rate < RATES; rate++)
        for (int share = 0; share < SHARES; share++) {
            bool judged = share == SHARES - 1 && rate == RATES - 1;
            const struct figure like = {
                .suite = suite,
                .name = shares[share].name,
                .unit = "ns",
                .parameters = {{"routes", scene->publisher.shape.routes},
                               {"publishes_per_second", rates[rate]}},
                .peer = rate ? scene->figures[0][share] : NULL,
                .target = {.at_most = judged ? 2 : 0},
            };
            if (!(scene->figures[rate][share] = figures_add(&bench->figures, &like)))
                return false;
        }
    return scene->stamp != NULL;
}

static bool open_scene(const struct bench *bench, struct scene *scene)
{
    const struct world_shape shape = {
        .routes = bench_routes(bench, ROUTES), .hosts = HOSTS, .ttl_s = NEVER_S};
    *scene = (struct scene){.unit = stamp_unit(), .bins = malloc(BINS * sizeof(*scene->bins))};
    if (!scene->bins) {
        warnx("out of memory");
        return false;
    }
    if (!publisher_open(&scene->publisher, bench, &shape))
        return false;
    int code = larshm_open(&scene->reader, scene->publisher.instance);
    if (code != LARSHM_OK)
        warnx("%s: %s", scene->publisher.instance, larshm_strerror(code));
    return code == LARSHM_OK;
}

bool suite_writer(struct bench *bench)
{
    struct scene scene;
    bool done = open_scene(bench, &scene) && add_figures(bench, &scene);
    if (done) {
        bench_progress(bench, "%s: the publisher finds its size", suite);
        publisher_set(&scene.publisher, rates[RATES - 1]);
        usleep(GROW_US);
        done = measure(bench, &scene);
    }
    larshm_close(scene.reader);
    publisher_close(&scene.publisher);
    free(scene.bins);
    return done;
}
