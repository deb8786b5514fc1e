/* SPDX-License-Identifier: MIT */
/*
 * Whatever clients write to the control object, also while it is collected, a collection stays inside of it, reports
 * only slots, keys and hosts that can be, each at most once, and stops soon after it is asked to. Afterwards an honest
 * client is heard. Input: slots / 8 (16 bits), budget (8 bits), changes made before the collection (8 bits), then changes;
 * those that are left strike during it, one for each report.
 */
#include <string.h>

#include "shm/layout.h"
#include "shm/reader/call_stats.h"
#include "shm/reader/demand.h"
#include "shm/reader/use_sample.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/collect.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/keys.h"

struct collection {
    struct input *input;
    struct region region;
    uint32_t flag_cursor, miss_cursor;
    uint32_t slot_count, reports;
    uint64_t awaited; /* the honest client's slot, key or host */
    struct call_stats stats;
    bool heard;
};

enum {
    CALL_CELLS = 130
};

static void next(struct collection *collection, uint64_t reported)
{
    input_patch(collection->input, collection->region.s_base, collection->region.size);
    collection->heard |= reported == collection->awaited;
    collection->reports++;
}

static uint32_t take_flags(struct collection *collection, const struct control *control, uint32_t limit)
{
    uint32_t slot;
    struct flag_round round = flag_round_begin(&control->stale, collection->flag_cursor);
    collection->reports = 0;
    while (collection->reports < limit && flag_round_next(&round, &slot)) {
        DEMAND(slot < collection->slot_count);
        next(collection, slot);
    }
    collection->flag_cursor = flag_round_end(&round);
    return collection->reports;
}

static uint32_t take_misses(struct collection *collection, const struct control *control, uint32_t limit)
{
    struct route_key key;
    struct miss_round round = miss_round_begin(control, collection->miss_cursor);
    collection->reports = 0;
    while (collection->reports < limit && miss_round_next(&round, &key)) {
        DEMAND(!route_key_is_none(key));
        next(collection, route_key_number(key));
    }
    collection->miss_cursor = miss_round_end(&round);
    return collection->reports;
}

static bool reported(struct collection *collection, const struct call_report *report)
{
    DEMAND(!route_key_is_none(report->key) && report->cell < CALL_CELLS);
    DEMAND(!host_addr_is_none(report->host));
    DEMAND(report->batch.succ < UINT64_C(1) << CALL_SUCC_BITS);
    DEMAND(report->batch.err < UINT64_C(1) << (64 - CALL_SUCC_BITS));
    DEMAND(report->batch.succ + report->batch.err > 0);
    DEMAND(report->batch.err_run <= RUN_MAX);
    next(collection, host_addr_word(report->host));
    if (report->batch.err_run % 2)
        call_stats_reset_runs(&collection->stats, report->cell);
    return report->batch.succ % 2;
}

static uint32_t take_calls(struct collection *collection, uint32_t budget)
{
    struct call_report report;
    struct flag_round round = call_stats_begin(&collection->stats);
    collection->reports = 0;
    while (collection->reports < budget && call_stats_next(&collection->stats, &round, &report))
        call_stats_keep(&collection->stats, &report, reported(collection, &report));
    call_stats_end(&collection->stats, &round);
    return collection->reports;
}

static void check_noise(struct collection *collection, const struct control *control, uint32_t budget)
{
    take_calls(collection, budget);
    DEMAND(take_calls(collection, UINT32_MAX / 2) <= CALL_CELLS);
    DEMAND(collection->stats.known <= collection->stats.used &&
           call_stats_cells_needed(&collection->stats, UINT32_MAX) <= CALL_CELLS * 4);
    take_flags(collection, control, budget);
    /* Noise that goes on may set flags again; a round looks at each word once. */
    DEMAND(take_flags(collection, control, UINT32_MAX) <= collection->slot_count);
    take_misses(collection, control, budget + 1);
    DEMAND(take_misses(collection, control, UINT32_MAX) <= MISS_CELLS);

    struct route_use uses[USE_CELLS];
    size_t used = collect_uses(control, uses);
    DEMAND(used <= USE_CELLS);
    for (size_t i = 0; i < used; i++)
        DEMAND(!route_key_is_none(uses[i].key) && uses[i].lookups > 0);

    struct lookup_counts seen = control_lookups(control), taken = collect_lookups(control);
    DEMAND(memcmp(&seen, &taken, sizeof(seen)) == 0);
}

static void check_honest(struct collection *collection, const struct control *control)
{
    uint32_t slot = collection->slot_count / 3;
    collection->input->size = 0; /* no more noise */
    collection->heard = false;
    collection->awaited = slot;
    demand_refresh(control, slot);
    take_flags(collection, control, UINT32_MAX);
    DEMAND(collection->heard);

    collection->heard = false;
    collection->awaited = route_key_number(route_key(7, slot));
    for (int i = 0; i < 2; i++) { /* the first time its cells may be full, and are emptied */
        demand_route(control, route_key(7, slot));
        take_misses(collection, control, UINT32_MAX);
    }
    DEMAND(collection->heard);

    struct route_use uses[USE_CELLS];
    use_sample_add(control, slot, route_key(0, 7), 3, slot);
    DEMAND(collect_uses(control, uses) == 1);
    DEMAND(route_key_equal(uses[0].key, route_key(0, 7)) && uses[0].lookups == 3);

    collection->heard = false;
    const struct host_addr host = {slot, 80};
    collection->awaited = host_addr_word(host);
    bool recorded = true;
    for (int i = 0; i < 2; i++) { /* the first time it may complete a number that we have seen before */
        recorded = recorded && call_stats_record(control, route_key(0, 7), host, i, 1, 0) == SHM_OK;
        take_calls(collection, UINT32_MAX / 2);
    }
    DEMAND(collection->heard || !recorded);
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
    struct collection collection = {.input = &input, .region = region, .slot_count = slot_count};
    collection.stats = (struct call_stats){.control = control};
    call_stats_adopt(&collection.stats);
    call_stats_resume(&collection.stats, numbered_key(input_number(&input, 1)), budget, before, budget);
    check_noise(&collection, &control, budget);
    check_honest(&collection, &control);
    free(region.s_base);
    return 0;
}
