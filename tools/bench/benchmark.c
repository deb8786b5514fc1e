/* SPDX-License-Identifier: MIT */
#include "tools/bench/benchmark.h"

#include <err.h>
#include <string.h>

#include "tools/bench/timing.h"

enum {
    WARM_NS = 10 * 1000000,
    ROUND_NS = 20 * 1000000,
    BATCHES_MAX = 512,
    BENCHMARKS_MAX = 16,
};

double benchmark_round(const struct benchmark *benchmark)
{
    double batches[BATCHES_MAX];
    size_t count = 0;
    uint64_t begun = clock_ns(), now;
    if (benchmark->settle)
        benchmark->settle(benchmark->context);
    do
        if (!benchmark->run(benchmark->context, benchmark->batch))
            return 0;
    while (clock_ns() - begun < WARM_NS);
    begun = clock_ns();
    do {
        uint64_t start = clock_ns();
        if (!benchmark->run(benchmark->context, benchmark->batch))
            return 0;
        now = clock_ns();
        batches[count++] = (double)(now - start) / benchmark->batch;
    } while (now - begun < ROUND_NS && count < BATCHES_MAX);
    sort_values(batches, count);
    return batches[count / 2];
}

static bool check_all(struct bench *bench, const char *suite, const struct benchmark *benchmarks,
                      size_t count)
{
    for (size_t i = 0; i < count && !bench_stopped(); i++) {
        if (!benchmarks[i].name)
            continue;
        bench_progress(bench, "%s: checking %s", suite, benchmarks[i].name);
        if (!benchmarks[i].check(benchmarks[i].context)) {
            warnx("%s: %s gave a wrong result, so its time means nothing", suite, benchmarks[i].name);
            return false;
        }
    }
    return !bench_stopped();
}

static const struct figure *find(struct figure *const *figures, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (figures[i] && strcmp(figures[i]->name, name) == 0)
            return figures[i];
    return NULL;
}

static bool add_figures(struct bench *bench, const char *suite, const struct parameter *parameters,
                        const struct benchmark *benchmarks, size_t count, struct figure **figures)
{
    for (size_t i = 0; i < count; i++) {
        struct figure like = {
            .suite = suite,
            .name = benchmarks[i].name,
            .unit = "ns",
            .target = {.at_most = benchmarks[i].at_most, .at_least = benchmarks[i].at_least}};
        memcpy(like.parameters, parameters, sizeof(like.parameters));
        figures[i] = like.name ? figures_add(&bench->figures, &like) : NULL;
        if (like.name && !figures[i])
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (figures[i])
            figures[i]->peer = find(figures, count, benchmarks[i].peer);
    return true;
}

static bool run_rounds(struct bench *bench, const char *suite, const struct benchmark *benchmarks,
                       size_t count, struct figure **figures)
{
    char label[LABEL_MAX];
    for (uint32_t round = 0; round < bench->rounds; round++)
        for (size_t i = 0; i < count; i++) {
            if (!figures[i])
                continue;
            if (bench_stopped())
                return false;
            figure_parameters(figures[i], label);
            bench_progress(bench, "%s %s: round %u of %u", suite, label, round + 1, bench->rounds);
            double value = benchmark_round(&benchmarks[i]);
            if (value <= 0) {
                if (!bench_stopped())
                    warnx("%s: a call of %s failed while it was timed", suite, benchmarks[i].name);
                return false;
            }
            figure_sample(figures[i], value);
        }
    return true;
}

static bool any_is_wide(struct figure *const *figures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (figures[i] && figure_spread(figures[i]) > figure_spread_most)
            return true;
    return false;
}

bool benchmarks_run(struct bench *bench, const char *suite,
                    const struct parameter parameters[static PARAMETERS_MAX + 1],
                    const struct benchmark *benchmarks, size_t count)
{
    struct figure *figures[BENCHMARKS_MAX];
    if (count > BENCHMARKS_MAX || !check_all(bench, suite, benchmarks, count) ||
        !add_figures(bench, suite, parameters, benchmarks, count, figures))
        return false;
    if (!run_rounds(bench, suite, benchmarks, count, figures))
        return false;
    if (!any_is_wide(figures, count))
        return true;
    for (size_t i = 0; i < count; i++)
        if (figures[i])
            figure_reset(figures[i]);
    return run_rounds(bench, suite, benchmarks, count, figures);
}
