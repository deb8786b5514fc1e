/* SPDX-License-Identifier: MIT */
#include "conf/number.h"
#include "tools/larshm/qps.h"

#include <inttypes.h>
#include <larshm/larshm.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/common/grid.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

enum {
    LINES_MAX = 16 /* with more threads than that, a summary takes the place of their lines */
};

static uint64_t rate(const struct qps_result *result, uint64_t calls)
{
    return result->ms ? calls * 1000 / result->ms : 0;
}

static struct qps_thread sum_of(const struct qps_result *result)
{
    struct qps_thread sum = {0};
    for (uint32_t i = 0; i < result->count; i++) {
        const struct qps_thread *thread = &result->threads[i];
        sum.calls += thread->calls;
        sum.overloaded += thread->overloaded;
        sum.failed += thread->failed;
        if (thread->failed)
            sum.failure = thread->failure;
    }
    return sum;
}

static void add_row(struct grid *grid, const struct qps_result *result, const char *name, uint64_t calls)
{
    grid_row(grid, (const char *[]){name, text_count(rate(result, calls)).is}, NULL);
}

static void add_threads(struct grid *grid, const struct qps_result *result)
{
    for (uint32_t i = 0; i < result->count; i++) {
        char number[16];
        snprintf(number, sizeof(number), "%" PRIu32, i + 1);
        add_row(grid, result, number, result->threads[i].calls);
    }
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int add_summary(struct grid *grid, const struct qps_result *result)
{
    uint64_t *calls = calloc(result->count, sizeof(*calls));
    if (!calls)
        return -1;
    for (uint32_t i = 0; i < result->count; i++)
        calls[i] = result->threads[i].calls;
    qsort(calls, result->count, sizeof(*calls), by_number);
    add_row(grid, result, "min", calls[0]);
    add_row(grid, result, "median", calls[result->count / 2]);
    add_row(grid, result, "max", calls[result->count - 1]);
    free(calls);
    return 0;
}

static int print_text(const struct qps_result *result, const struct qps_thread *sum)
{
    static const struct grid_column columns[] = {{"THREAD", GRID_RIGHT}, {"CALLS/S", GRID_RIGHT}};
    struct grid *grid = grid_new(columns, sizeof(columns) / sizeof(*columns));
    if (result->count <= LINES_MAX) {
        add_threads(grid, result);
    } else if (add_summary(grid, result) != 0) {
        grid_free(grid);
        return say_no_memory();
    }
    add_row(grid, result, "all", sum->calls);
    printf("route %" PRIu32 "/%" PRIu32 ", %" PRIu32 " thread%s, %s\n", result->key.modid, result->key.cmdid,
           result->count, number_plural(result->count), text_span(result->ms).is);
    int code = grid_print(grid) == 0 ? EXIT_SUCCESS : say_no_memory();
    if (code == EXIT_SUCCESS && sum->overloaded)
        printf("%s of %s were answered with OVERLOAD\n", text_count(sum->overloaded).is,
               text_count(sum->calls).is);
    return code;
}

static json_t *json_threads(const struct qps_result *result)
{
    json_t *threads = json_array();
    for (uint32_t i = 0; threads && i < result->count; i++) {
        uint64_t calls = result->threads[i].calls;
        json_t *thread = json_pack("{s:I, s:I, s:I}", "calls", json_number(calls), "ms",
                                   json_number(result->ms), "calls_per_s", json_number(rate(result, calls)));
        if (json_array_append_new(threads, thread) != 0) {
            json_decref(threads);
            threads = NULL;
        }
    }
    return threads;
}

static int print_json(const struct common *common, const struct qps_result *result,
                      const struct qps_thread *sum)
{
    return json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "version", JSON_VERSION,
                                "instance", common->instance, "modid", (json_int_t)result->key.modid, "cmdid",
                                (json_int_t)result->key.cmdid, "ms", json_number(result->ms), "calls",
                                json_number(sum->calls), "overloaded", json_number(sum->overloaded), "failed",
                                json_number(sum->failed), "calls_per_s",
                                json_number(rate(result, sum->calls)), "threads", json_threads(result)));
}

int qps_show(const struct common *common, const struct qps_result *result)
{
    struct qps_thread sum = sum_of(result);
    if (sum.failed == sum.calls)
        return fail_lookup(common, result->key, sum.failure);
    if (sum.failed)
        say("%" PRIu64 " of %" PRIu64 " call%s got no host: %s", sum.failed, sum.calls,
            number_plural(sum.calls), larshm_strerror(sum.failure));
    return common->json ? print_json(common, result, &sum) : print_text(result, &sum);
}
