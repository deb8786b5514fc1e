/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/thread.h"

int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host)
{
    struct lookup lookup;
    int code = lookup_begin(h, modid, cmdid, &lookup);
    for (int round = 0; code == LARSHM_OK; round++) {
        uint32_t at = thread_pick(lookup.table.count);
        larshm_host picked = {
            .modid = modid,
            .cmdid = cmdid,
            .addr = load_relaxed(&lookup.table.s_addresses[at]),
            .port = load_relaxed(&lookup.table.s_ports[at]),
        };
        if (table_intact(&lookup.table)) {
            *host = picked;
            break;
        }
        code = round < TABLE_RETRIES ? lookup_again(&lookup, route_key(modid, cmdid)) : LARSHM_CORRUPT;
    }
    lookup_end();
    return code;
}
