/* SPDX-License-Identifier: MIT */
#include "reader/limited.h"
#include "reader/lookup.h"
#include "reader/silence.h"
#include "reader/sized.h"
#include "shm/index.h"

static void about_fetcher(struct mapping *mapping, larshm_route_info *info)
{
    const struct routes_header *s_header = mapping->routes.s_header;
    info->fetcher_silent_ms = silence_ms(mapping);
    info->fetcher_alive =
        info->fetcher_silent_ms < SILENT_MS && load_relaxed(&s_header->fetcher_state) == FETCHER_RUNNING;
    info->connected = load_relaxed(&s_header->connection) == CONNECTION_UP &&
                      load_relaxed(&s_header->counters[COUNTER_unanswered]) == 0;
    info->can_ask = mapping->can_demand;
    info->cut_off = lookup_cut_off(mapping) == LARSHM_OK ? LARSHM_OK : load_relaxed(&mapping->cut_off);
}

static void count_out(const struct mapping *mapping, const struct table *table, larshm_route_info *info)
{
    bool over = lookup_ejections_over(mapping, info->fetcher_silent_ms);
    info->ejected = info->drained = 0;
    for (uint32_t at = 0; table->limited && at < table->count; at++) {
        uint32_t share = share_in(load_relaxed(&table->s_states[at / STATES_IN_WORD]), at);
        info->drained += share == SHARE_DRAINED;
        info->ejected += share_is_ejected(share) && !over;
    }
}

static int about_route(struct mapping *mapping, struct route_key key, larshm_route_info *info)
{
    uint32_t slot = index_find(&mapping->routes, key);
    struct table table;
    if (route_key_is_none(key))
        return LARSHM_NOEXIST;
    if (slot == SLOT_NONE)
        return LARSHM_PENDING;
    for (int round = 0; round < TABLE_RETRIES; round++) {
        enum shm_status status = table_begin(&mapping->routes, slot, key, &table);
        if (status != SHM_OK)
            return (int)status;
        uint64_t now = silence_fetcher_tick(mapping);
        uint64_t fetched = table_fetched(&table);
        info->version = ref_version(table.ref);
        info->age_ms = now > fetched ? now - fetched : 0;
        info->update_timeout_s = table_update_timeout(&mapping->routes, &table);
        info->hosts = table.count;
        count_out(mapping, &table, info);
        info->spared = (load_relaxed(&table.s_block->marks) & MARK_SPARED) != 0;
        info->pulling = (table.expires & EXPIRES_PULLING) != 0;
        info->snapshot_unix_ms = table_snapshot(&mapping->routes, &table);
        info->expired = now > (table.expires & ~EXPIRES_PULLING);
        if (table_intact(&table))
            return table.count ? LARSHM_OK : LARSHM_NOEXIST;
    }
    return LARSHM_CORRUPT;
}

int larshm_info_sized(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route_info *info, size_t size)
{
    if (size < INFO_SIZE_MIN)
        return LARSHM_BAD_ARGUMENT;
    larshm_route_info found = {0};
    struct mapping *mapping = lookup_enter(h);
    about_fetcher(mapping, &found);
    int code = about_route(mapping, route_key(modid, cmdid), &found);
    lookup_end();
    if (code == LARSHM_OK || code == LARSHM_NOEXIST || code == LARSHM_PENDING)
        fill_sized(info, size, &found, sizeof(found));
    return code;
}

/* The function that programs built with 0.1 call, where larshm_info() was not yet inline. */
__attribute__((visibility("default"))) int info_0_1(larshm *h, uint32_t modid, uint32_t cmdid,
                                                    larshm_route_info *info) __asm__("larshm_info");

int info_0_1(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route_info *info)
{
    return larshm_info_sized(h, modid, cmdid, info, INFO_SIZE_MIN);
}
