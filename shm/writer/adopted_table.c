/* SPDX-License-Identifier: MIT */
#include "shm/writer/adopted_table.h"

#include "shm/clock.h"

enum {
    HOSTS_IN_WORD =
        32 /* of the released layout: who is ejected in its lower half, who is drained in its upper one */
};

static uint32_t released_share(uint64_t word, uint32_t host)
{
    return word >> (32 + host % HOSTS_IN_WORD) & 1 ? SHARE_DRAINED
           : word >> host % HOSTS_IN_WORD & 1      ? SHARE_EJECTED
                                                   : SHARE_FULL;
}

/* Its ticks begin with the boot, and no table expires early. */
static uint64_t released_expiry(uint64_t expires, struct route_key key, uint32_t ttl_s)
{
    uint64_t pulling = expires & EXPIRES_PULLING, ttl_ms = ttl_s * UINT64_C(1000);
    return expiry_tick(key, (expires & ~EXPIRES_PULLING) + TICK_ORIGIN - ttl_ms, ttl_s) | pulling;
}

/* Of what comes before the hosts, only the width of the states differs. */
static enum shm_status released_table(const struct routes *source, uint32_t slot, struct route_key key,
                                      _Atomic uint64_t *states, struct table *out)
{
    const struct block *s_block;
    /* No fetcher writes to the object any more, so orders are those of table_begin(), and once is enough. */
    uint64_t ref = load_acquire(&routes_slot(source, slot)->ref);
    if (!table_block(source, ref, key, (uint64_t)source->arena_units * UNIT_BYTES, &s_block))
        return SHM_CORRUPT;
    uint32_t count = load_relaxed(&s_block->count);
    uint32_t words = (count + HOSTS_IN_WORD - 1) / HOSTS_IN_WORD;
    const _Atomic uint32_t *s_addresses =
        (const _Atomic uint32_t *)((uintptr_t)s_block + sizeof(struct block) + words * sizeof(uint64_t));
    const _Atomic uint16_t *s_ports = (const _Atomic uint16_t *)(s_addresses + count);
    if (count > HOSTS_MAX || (const void *)(s_ports + count) > source->s_end)
        return SHM_CORRUPT;
    for (uint32_t word = 0; states && word < STATE_WORDS(count); word++)
        store_relaxed(&states[word], 0);
    for (uint32_t host = 0; states && host < count; host++) {
        uint32_t share = released_share(load_relaxed(&s_block->states[host / HOSTS_IN_WORD]), host);
        _Atomic uint64_t *word = &states[host / STATES_IN_WORD];
        store_relaxed(word, load_relaxed(word) | share_bits(host, share));
    }
    uint32_t ttl_s = load_relaxed(&s_block->ttl_s);
    *out = (struct table){
        .s_block = s_block,
        .s_addresses = s_addresses,
        .s_ports = s_ports,
        .s_states = states,
        .ref = ref,
        .expires = released_expiry(load_relaxed(&s_block->expires), key, ttl_s),
        .count = count,
        .limited = load_relaxed(&s_block->limited),
        .ttl_s = ttl_s,
    };
    return SHM_OK;
}

enum shm_status adopted_table(const struct routes *source, uint32_t slot, struct route_key key,
                              _Atomic uint64_t *states, struct table *out)
{
    return source->s_header->id.layout_version == LAYOUT_VERSION
               ? table_begin(source, slot, key, out)
               : released_table(source, slot, key, states, out);
}
