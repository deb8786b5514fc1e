/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/pick.h"
#include "reader/thread.h"

int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host)
{
    struct lookup lookup;
    int code = lookup_begin(h, modid, cmdid, &lookup);
    for (int round = 0; code == LARSHM_OK; round++) {
        uint32_t at;
        larshm_host picked = {.modid = modid, .cmdid = cmdid};
        int found = pick_host(&lookup, &at);
        if (found == LARSHM_OK) {
            picked.addr = load_relaxed(&lookup.table.s_addresses[at]);
            picked.port = load_relaxed(&lookup.table.s_ports[at]);
        }
        if (table_intact(&lookup.table)) {
            code = found;
            if (found == LARSHM_OK)
                *host = picked;
            break;
        }
        code = round < TABLE_RETRIES ? lookup_again(&lookup, route_key(modid, cmdid)) : LARSHM_CORRUPT;
    }
    lookup_end();
    return code;
}
