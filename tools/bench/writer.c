/* SPDX-License-Identifier: MIT */
/*
 * Suite "writer": single lookups while another process publishes. Each lookup is between two stamps. Their own cost is a
 * figure too, and part of all others.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/publisher.h"
#include "tools/bench/timing.h"

enum {
    ROUTES = 1000,
    HOSTS = 4,
    CALLS = 1 << 20, /* of a round */
    BINS = 1 << 16,  /* of one step of the stamp each; the last one is for all that took longer */
    SETTLE_US = 50000,
    GROW_US = 2500000, /* longer than grace_ms: the writer has its size by then */
    RATES = 3,
    SHARES = 3,
};

static const char suite[] = "writer";
static const uint32_t rates[RATES] = {0, 1000, 10000};
static const struct {
    const char *name;
    double share;
} shares[SHARES] = {{"get_host p50", 0.5}, {"get_host p99", 0.99}, {"get_host p99.9", 0.999}};

struct setup {
    struct publisher publisher;
    larshm *reader;
    uint32_t *bins; /* [BINS] */
    double unit;    /* nanoseconds of a step */
    uint64_t random;
    struct figure *stamp, *figures[RATES][SHARES];
};

static double percentile_of(const struct setup *setup, double share)
{
    uint64_t rank = (uint64_t)(share * CALLS), seen = 0;
    uint32_t bin = 0;
    while (bin < BINS - 1 && (seen += setup->bins[bin]) <= rank)
        bin++;
    return bin * setup->unit;
}

static void count_step(struct setup *setup, uint64_t steps)
{
    setup->bins[steps < BINS ? steps : BINS - 1]++;
}

static void stamps_alone(struct setup *setup)
{
    memset(setup->bins, 0, BINS * sizeof(*setup->bins));
    for (int i = 0; i < CALLS; i++) {
        uint64_t begun = stamp();
        count_step(setup, stamp() - begun);
    }
}

static bool lookups(struct setup *setup)
{
    memset(setup->bins, 0, BINS * sizeof(*setup->bins));
    for (int i = 0; i < CALLS; i++) {
        uint32_t route = random_below(&setup->random, setup->publisher.shape.routes);
        larshm_host host;
        uint64_t begun = stamp();
        int code = larshm_get_host(setup->reader, fixture_modid(route), fixture_cmdid(route), &host);
        count_step(setup, stamp() - begun);
        /* Every other table has its hosts one port higher. */
        if (code != LARSHM_OK || !fixture_owns(route, HOSTS + 1, &host)) {
            warnx("%s: a lookup gave a wrong result, so its time means nothing", suite);
            return false;
        }
    }
    return true;
}

static bool measure(struct bench *bench, struct setup *setup)
{
    for (uint32_t round = 0; round < bench->rounds; round++) {
        stamps_alone(setup);
        figure_sample(setup->stamp, percentile_of(setup, 0.5));
        for (int rate = 0; rate < RATES; rate++) {
            bench_progress(bench, "%s: %u publishes a second: round %u of %u", suite, rates[rate], round + 1,
                           bench->rounds);
            publisher_set(&setup->publisher, rates[rate]);
            usleep(SETTLE_US);
            if (bench_stopped() || !lookups(setup))
                return false;
            if (rates[rate] && publisher_done(&setup->publisher) == 0) {
                warnx("%s: the publisher does not publish", suite);
                return false;
            }
            for (int share = 0; share < SHARES; share++)
                figure_sample(setup->figures[rate][share], percentile_of(setup, shares[share].share));
        }
    }
    return true;
}

static bool add_figures(struct bench *bench, struct setup *setup)
{
    const struct figure clock = {.suite = suite, .name = "stamp " STAMP_CLOCK " p50", .unit = "ns"};
    setup->stamp = figures_add(&bench->figures, &clock);
    for (int rate = 0; rate < RATES; rate++)
        for (int share = 0; share < SHARES; share++) {
            bool judged = share == SHARES - 1 && rate == RATES - 1;
            const struct figure like = {
                .suite = suite,
                .name = shares[share].name,
                .unit = "ns",
                .parameters = {{"routes", setup->publisher.shape.routes},
                               {"publishes_per_second", rates[rate]}},
                .peer = rate ? setup->figures[0][share] : NULL,
                .target = {.at_most = judged ? 2 : 0},
            };
            if (!(setup->figures[rate][share] = figures_add(&bench->figures, &like)))
                return false;
        }
    return setup->stamp != NULL;
}

static bool set_up(const struct bench *bench, struct setup *setup)
{
    const struct fixture_shape shape = {
        .routes = bench_routes(bench, ROUTES), .hosts = HOSTS, .ttl_s = NEVER_S};
    *setup = (struct setup){.unit = stamp_unit(), .bins = malloc(BINS * sizeof(*setup->bins))};
    if (!setup->bins) {
        warnx("out of memory");
        return false;
    }
    if (!publisher_open(&setup->publisher, bench, &shape))
        return false;
    int code = larshm_open(&setup->reader, setup->publisher.instance);
    if (code != LARSHM_OK)
        warnx("%s: %s", setup->publisher.instance, larshm_strerror(code));
    return code == LARSHM_OK;
}

bool suite_writer(struct bench *bench)
{
    struct setup setup;
    bool done = set_up(bench, &setup) && add_figures(bench, &setup);
    if (done) {
        bench_progress(bench, "%s: the publisher grows to its size", suite);
        publisher_set(&setup.publisher, rates[RATES - 1]);
        usleep(GROW_US);
        done = measure(bench, &setup);
    }
    larshm_close(setup.reader);
    publisher_close(&setup.publisher);
    free(setup.bins);
    return done;
}
