/* SPDX-License-Identifier: MIT */
#include "shm/host_records.h"

#include <string.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/object_id.h"

enum {
    READ_TRIES = 100 /* each but the last needs two concurrent commits of this record */
};

uint64_t host_records_size(uint32_t record_count)
{
    return HEADER_BYTES + record_count * (uint64_t)sizeof(struct host_record);
}

enum shm_status host_records_attach(const struct region *region, struct host_records *out)
{
    struct hosts_header *s_header = region->s_base;
    enum shm_status status = object_id_check(&s_header->id, HOSTS_MAGIC, HEADER_BYTES, region, LAYOUT_OWN);
    if (status != SHM_OK)
        return status;
    uint32_t count = s_header->record_count;
    if (s_header->id.size != host_records_size(count))
        return SHM_CORRUPT;
    *out =
        (struct host_records){s_header, (struct host_record *)((char *)region->s_base + HEADER_BYTES), count};
    return SHM_OK;
}

uint32_t host_records_used(const struct host_records *hosts)
{
    /* Pairs with the releases in writer/host_store.c: records below are complete. */
    uint32_t used = load_acquire(&hosts->s_header->used);
    return used < hosts->record_count ? used : hosts->record_count;
}

/* Relaxed, both: host_records_read() has the orders. */
bool host_records_is_of(const struct host_records *hosts, uint32_t number, struct route_key key,
                        struct host_addr *host)
{
    const struct host_record *s_record = &hosts->s_records[number];
    if (load_relaxed(&s_record->key) != route_key_word(key))
        return false;
    *host = host_addr_from_word(load_relaxed(&s_record->host));
    return true;
}

static uint64_t moved(uint64_t tick, uint64_t by)
{
    return tick ? tick + by : 0;
}

/* Unsigned: what goes below 0 comes back. */
static void move_ticks(struct host_entry *entry, bool to_boot)
{
    uint64_t by = to_boot ? -TICK_ORIGIN : TICK_ORIGIN;
    entry->health.since = moved(entry->health.since, by);
    entry->health.window = moved(entry->health.window, by);
    entry->left_s = entry->left_s ? entry->left_s + (to_boot ? -TICK_ORIGIN_S : TICK_ORIGIN_S) : 0;
}

void host_entry_pack(const struct host_entry *entry, uint64_t words[static HOST_WORDS])
{
    struct host_entry packed = *entry;
    move_ticks(&packed, true);
    memcpy(words, &packed, sizeof(packed));
}

bool host_records_read(const struct host_records *hosts, uint32_t number, struct route_key *key,
                       struct host_addr *host, struct host_entry *out)
{
    const struct host_record *s_record = &hosts->s_records[number];
    for (int i = 0; i < READ_TRIES; i++) {
        uint64_t words[HOST_WORDS];
        /* Pairs with the release in writer/host_store.c commit(): the half that this version is in is complete. */
        uint64_t version = load_acquire(&s_record->version);
        uint64_t route = load_relaxed(&s_record->key), named = load_relaxed(&s_record->host);
        for (int word = 0; word < HOST_WORDS; word++)
            words[word] = load_relaxed(&s_record->halves[version % 2][word]);
        /* Pairs with the release fence in commit(): had we read a word of version + 2, we would see version + 1. And
         * with the release of the key in publish_record(): with a new name comes the new version. */
        fence_acquire();
        if (load_relaxed(&s_record->version) != version)
            continue;
        if (route == 0)
            return false;
        *key = route_key_from_word(route);
        *host = host_addr_from_word(named);
        memcpy(out, words, sizeof(words));
        move_ticks(out, false);
        /* A fetcher of 0.1 had ejected it for two windows of few calls. */
        if (out->health.state == HOST_EJECTED && out->health.reason == REASON_GOOD_WINDOW)
            out->health.reason = REASON_WINDOW;
        return true;
    }
    return false;
}
