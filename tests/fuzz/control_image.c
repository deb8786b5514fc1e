/* SPDX-License-Identifier: MIT */
/*
 * Whatever clients write to the control object, also while it is harvested, a harvest stays inside of it, reports
 * only slots, keys and hosts that can be, each at most once, and stops soon after it is told to. Afterwards an honest
 * client is heard. Input: slots / 8 (16 bits), budget (8 bits), changes made before the harvest (8 bits), then changes;
 * those that are left strike during it, one for each report.
 */
#include <string.h>

#include "shm/reader/call_stats.h"
#include "shm/reader/demand.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/collect.h"
#include "tests/fuzz/fuzz.h"

struct harvest {
    struct input *input;
    struct region region;
    uint32_t flag_cursor, miss_cursor;
    uint32_t slot_count, reports, limit; /* after `limit` reports the harvest is told to stop */
    uint64_t awaited;                    /* the honest client's slot, key or host */
    struct call_stats stats;
    bool heard;
};

enum {
    AFTER_STOP = 63, /* flags are taken 64 at once, and then all reported */
    CALL_CELLS = 130,
};

static bool next(struct harvest *harvest, uint64_t reported)
{
    input_patch(harvest->input, harvest->region.s_base, harvest->region.size);
    harvest->heard |= reported == harvest->awaited;
    return ++harvest->reports < harvest->limit;
}

static bool flagged(void *context, uint32_t slot)
{
    struct harvest *harvest = context;
    DEMAND(slot < harvest->slot_count);
    DEMAND(harvest->reports < harvest->limit + AFTER_STOP);
    return next(harvest, slot);
}

static bool missed(void *context, uint64_t key)
{
    struct harvest *harvest = context;
    DEMAND(key != KEY_INVALID);
    DEMAND(harvest->reports < harvest->limit);
    return next(harvest, key);
}

static uint32_t take_flags(struct harvest *harvest, const struct control *control, uint32_t budget,
                           uint32_t limit)
{
    harvest->reports = 0;
    harvest->limit = limit;
    collect_flags(&control->stale, &harvest->flag_cursor, budget, flagged, harvest);
    return harvest->reports;
}

static uint32_t take_misses(struct harvest *harvest, const struct control *control, uint32_t limit)
{
    harvest->reports = 0;
    harvest->limit = limit;
    collect_misses(control, &harvest->miss_cursor, missed, harvest);
    return harvest->reports;
}

static bool reported(void *context, const struct call_report *report)
{
    struct harvest *harvest = context;
    DEMAND(report->key != KEY_INVALID && report->cell < CALL_CELLS);
    DEMAND(report->host != 0 &&
           report->host == host_word((uint32_t)(report->host >> 32), (uint16_t)report->host));
    DEMAND(report->batch.succ < UINT64_C(1) << CALL_SUCC_BITS);
    DEMAND(report->batch.err < UINT64_C(1) << (64 - CALL_SUCC_BITS));
    DEMAND(report->batch.succ + report->batch.err > 0);
    DEMAND(report->batch.err_run <= RUN_MAX);
    DEMAND(harvest->reports < harvest->limit + AFTER_STOP);
    next(harvest, report->host);
    if (report->batch.err_run % 2)
        call_stats_reset_runs(&harvest->stats, report->cell);
    return report->batch.succ % 2;
}

static uint32_t take_calls(struct harvest *harvest, uint32_t budget)
{
    harvest->reports = 0;
    harvest->limit = budget;
    call_stats_collect(&harvest->stats, budget, reported, harvest);
    return harvest->reports;
}

static void check_noise(struct harvest *harvest, const struct control *control, uint32_t budget)
{
    take_calls(harvest, budget);
    DEMAND(take_calls(harvest, UINT32_MAX / 2) <= CALL_CELLS);
    DEMAND(harvest->stats.known <= harvest->stats.used &&
           call_stats_cells_needed(&harvest->stats, UINT32_MAX) <= CALL_CELLS * 4);
    take_flags(harvest, control, budget, UINT32_MAX / 2);
    DEMAND(harvest->reports <= (budget ? budget + AFTER_STOP : 0));
    take_flags(harvest, control, UINT32_MAX, budget + 1);
    DEMAND(take_flags(harvest, control, UINT32_MAX, UINT32_MAX / 2) <= harvest->slot_count);
    take_misses(harvest, control, budget + 1);
    DEMAND(take_misses(harvest, control, UINT32_MAX) <= MISS_CELLS);

    struct lookup_counts seen = control_lookups(control), taken = collect_lookups(control);
    DEMAND(memcmp(&seen, &taken, sizeof(seen)) == 0);
}

static void check_honest(struct harvest *harvest, const struct control *control)
{
    uint32_t slot = harvest->slot_count / 3;
    harvest->input->size = 0; /* no more noise */
    harvest->heard = false;
    harvest->awaited = slot;
    demand_refresh(control, slot);
    take_flags(harvest, control, UINT32_MAX, UINT32_MAX / 2);
    DEMAND(harvest->heard);

    harvest->heard = false;
    harvest->awaited = route_key(7, slot);
    for (int i = 0; i < 2; i++) { /* the first time its cells may be full, and are emptied */
        demand_route(control, harvest->awaited);
        take_misses(harvest, control, UINT32_MAX);
    }
    DEMAND(harvest->heard);

    harvest->heard = false;
    harvest->awaited = host_word(slot, 80);
    bool told = true;
    for (int i = 0; i < 2; i++) { /* the first time it may complete a number that we have seen before */
        told = told && call_stats_record(control, 7, harvest->awaited, i, 1) == SHM_OK;
        take_calls(harvest, UINT32_MAX / 2);
    }
    DEMAND(harvest->heard || !told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint32_t slot_count = 8 * (uint32_t)input_number(&input, 2) + 4; /* up to two words of level 2 */
    uint32_t budget = (uint32_t)input_number(&input, 1), before = (uint32_t)input_number(&input, 1);
    const struct control_shape shape = {slot_count, CALL_CELLS, 0};
    struct region region = {.size = control_size(shape)};
    struct control control;
    DEMAND(posix_memalign(&region.s_base, CACHE_LINE, region.size) == 0);
    memset(region.s_base, 0, region.size);
    control_format(&region, shape, 1);
    DEMAND(control_attach(&region, shape, 1, &control) == SHM_OK);
    for (uint32_t i = 0; i < before; i++)
        input_patch(&input, region.s_base, region.size);
    struct harvest harvest = {.input = &input, .region = region, .slot_count = slot_count};
    harvest.stats = (struct call_stats){.control = control};
    call_stats_adopt(&harvest.stats);
    call_stats_resume(&harvest.stats, input_number(&input, 1), budget, before, budget);
    check_noise(&harvest, &control, budget);
    check_honest(&harvest, &control);
    free(region.s_base);
    return 0;
}
