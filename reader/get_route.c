/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"

/* Fills buf before it is known whether the table was replaced: the caller reads it only after success. */
int larshm_get_route(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *buf, size_t cap, size_t *count)
{
    struct lookup lookup;
    int code = lookup_begin(h, route_key(modid, cmdid), &lookup);
    for (int round = 0; code == LARSHM_OK; round++) {
        const struct table *table = &lookup.table;
        for (uint32_t i = 0; i < table->count && i < cap; i++)
            buf[i] = (larshm_host){
                .modid = modid,
                .cmdid = cmdid,
                .addr = load_relaxed(&table->s_addresses[i]),
                .port = load_relaxed(&table->s_ports[i]),
            };
        if (table_intact(table)) {
            *count = table->count;
            break;
        }
        code = round < TABLE_RETRIES ? lookup_again(&lookup, route_key(modid, cmdid)) : LARSHM_CORRUPT;
    }
    lookup_end();
    return code;
}
