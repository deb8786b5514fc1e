/* SPDX-License-Identifier: MIT */
#include "reader/limited.h"
#include "reader/lookup.h"

/* Fills buf before it is known whether the table was replaced: the caller reads it only after success. */
static int get_route(larshm *h, struct route_key key, larshm_host *buf, enum larshm_host_state *states,
                     size_t cap, size_t *count)
{
    struct lookup lookup;
    int code = lookup_begin(h, key, &lookup);
    for (int round = 0; code == LARSHM_OK; round++) {
        const struct table *table = &lookup.table;
        for (uint32_t i = 0; i < table->count && i < cap; i++)
            buf[i] = (larshm_host){
                .modid = key.modid,
                .cmdid = key.cmdid,
                .addr = load_relaxed(&table->s_addresses[i]),
                .port = load_relaxed(&table->s_ports[i]),
            };
        const struct limited hosts = limited_hosts(lookup.mapping, table->s_block, table->count);
        for (uint32_t i = 0; states && i < table->count && i < cap; i++)
            states[i] = limited_state(limited_share(&hosts, i));
        if (table_intact(table)) {
            *count = table->count;
            break;
        }
        code = round < TABLE_RETRIES ? lookup_again(&lookup, key) : LARSHM_CORRUPT;
    }
    lookup_end();
    return code;
}

int larshm_get_route(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *buf, size_t cap, size_t *count)
{
    return get_route(h, route_key(modid, cmdid), buf, NULL, cap, count);
}

int larshm_get_route_states(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *buf,
                            enum larshm_host_state *states, size_t cap, size_t *count)
{
    return get_route(h, route_key(modid, cmdid), buf, states, cap, count);
}
