/* SPDX-License-Identifier: MIT */
#include "shm/order.h"

#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/hosts.h"
#include "shm/names.h"

enum {
    LOOK_US = 1000,
    CLAIM_MS = 5000, /* an operator that has claimed for longer is gone */
};

static bool claim(struct hosts_header *s_header, uint64_t deadline)
{
    for (uint64_t now = clock_tick(); now < deadline; now = clock_tick()) {
        uint64_t claimed = load_relaxed(&s_header->claimed);
        if ((claimed == 0 || now > claimed + CLAIM_MS) && exchange_acq_rel(&s_header->claimed, &claimed, now))
            return true;
        usleep(LOOK_US);
    }
    return false;
}

/* False: nobody took it in time. */
static bool post(struct hosts_header *s_header, const struct order *order, uint64_t deadline)
{
    uint32_t number = load_relaxed(&s_header->posted) + 1;
    store_relaxed(&s_header->order_key, order->key);
    store_relaxed(&s_header->order_host, order->host);
    store_relaxed(&s_header->order_hold, (uint32_t)order->hold);
    /* Pairs with the acquire in ledger_order(). */
    store_release(&s_header->posted, number);
    /* Pairs with the release in ledger_answer(). */
    while (load_acquire(&s_header->taken) != number) {
        if (clock_tick() >= deadline)
            return false;
        usleep(LOOK_US);
    }
    return true;
}

enum shm_status order_give(const char *instance, const struct trust *trust, const struct order *order,
                           int timeout_ms, enum order_result *result)
{
    uint64_t deadline = clock_tick() + (uint64_t)timeout_ms;
    struct object_names names;
    struct region region;
    struct hosts hosts;
    enum shm_status status = object_names(instance, &names);
    if (status == SHM_OK)
        status = region_open(names.hosts, true, trust, HEADER_BYTES, &region);
    if (status != SHM_OK)
        return status;
    status = hosts_attach(&region, &hosts);
    if (status == SHM_OK) {
        struct hosts_header *s_header = hosts.s_header;
        if (!claim(s_header, deadline) || !post(s_header, order, deadline))
            status = SHM_TIMEOUT;
        else
            *result = (enum order_result)load_relaxed(&s_header->result);
        if (status == SHM_OK)
            store_release(&s_header->claimed, 0);
    }
    region_close(&region);
    return status;
}
