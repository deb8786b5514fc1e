/* SPDX-License-Identifier: MIT */
/* Suites "threads" and "processes": what 1, 2, ... of them look up in a second, as many as there are processors. */
#include "tools/bench/crew.h"

enum {
    ROUTES = 1000,
    HOSTS = 4,
    STEPS_MAX = 16,
};

static const double twice = 1.9; /* what two processes do at least, of one's */

/* 1, 2, 4, ... and all of them. */
static uint32_t plan_steps(const struct bench *bench, uint32_t steps[static STEPS_MAX])
{
    uint32_t count = 0, most = bench_cpus(bench);
    if (most > CREW_MAX)
        most = CREW_MAX;
    for (uint32_t step = 1; step < most && count < STEPS_MAX - 1; step *= 2)
        steps[count++] = step;
    steps[count++] = most;
    return count;
}

static bool measure(struct bench *bench, const char *suite, bool processes, const struct world *world)
{
    uint32_t steps[STEPS_MAX], count = plan_steps(bench, steps);
    struct figure *figures[STEPS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        const struct figure like = {
            .suite = suite,
            .name = "get_host",
            .unit = "M/s",
            .parameters = {{suite, steps[i]}, {"routes", world->shape.routes}},
            .peer = i ? figures[0] : NULL,
            .target = {.at_least = processes && steps[i] == 2 ? twice : 0},
        };
        if (!(figures[i] = figures_add(&bench->figures, &like)))
            return false;
    }
    for (uint32_t round = 0; round < bench->rounds; round++)
        for (uint32_t i = 0; i < count; i++) {
            double rate;
            bench_progress(bench, "%s: %u: round %u of %u", suite, steps[i], round + 1, bench->rounds);
            if (bench_stopped() || !crew_run(bench, world, processes, steps[i], &rate))
                return false;
            figure_sample(figures[i], rate / 1e6);
        }
    return true;
}

static bool scale(struct bench *bench, const char *suite, bool processes)
{
    const struct world_shape shape = {
        .routes = bench_routes(bench, ROUTES), .hosts = HOSTS, .ttl_s = NEVER_S};
    struct world world;
    bool done = world_open(&world, &shape) && measure(bench, suite, processes, &world);
    world_close(&world);
    return done;
}

bool suite_threads(struct bench *bench)
{
    return scale(bench, "threads", false);
}

bool suite_processes(struct bench *bench)
{
    return scale(bench, "processes", true);
}
