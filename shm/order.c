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

struct attempt {
    const struct order *order;
    const char *name;
    struct region region;
    struct hosts_header *s_header;
    uint64_t deadline;
};

/* SHM_STALE: the object has lost its name, so that no fetcher looks at it any more. SHM_TIMEOUT: too late. */
static enum shm_status wait_a_little(const struct attempt *attempt)
{
    if (clock_tick() >= attempt->deadline)
        return SHM_TIMEOUT;
    if (!region_is_named(&attempt->region, attempt->name))
        return SHM_STALE;
    usleep(LOOK_US);
    return SHM_OK;
}

static enum shm_status claim(const struct attempt *attempt, uint64_t *claimed)
{
    _Atomic uint64_t *s_claimed = &attempt->s_header->claimed;
    enum shm_status status = SHM_OK;
    while (status == SHM_OK) {
        uint64_t now = clock_tick(), before = load_relaxed(s_claimed);
        if ((before == 0 || now > before + CLAIM_MS) && exchange_acq_rel(s_claimed, &before, now)) {
            *claimed = now;
            break;
        }
        status = wait_a_little(attempt);
    }
    return status;
}

static enum shm_status post(const struct attempt *attempt)
{
    struct hosts_header *s_header = attempt->s_header;
    uint32_t number = load_relaxed(&s_header->posted) + 1;
    enum shm_status status = SHM_OK;
    store_relaxed(&s_header->order_key, attempt->order->key);
    store_relaxed(&s_header->order_host, attempt->order->host);
    store_relaxed(&s_header->order_hold, (uint32_t)attempt->order->hold);
    /* Pairs with the acquire in ledger_order(). */
    store_release(&s_header->posted, number);
    /* Pairs with the release in ledger_answer(). */
    while (status == SHM_OK && load_acquire(&s_header->taken) != number)
        status = wait_a_little(attempt);
    return status;
}

/* In the object that has the name now. A claim that was overslept is somebody else's by now, and stays. */
static enum shm_status try_once(struct attempt *attempt, const struct trust *trust, enum order_result *result)
{
    struct hosts hosts;
    uint64_t claimed;
    enum shm_status status = region_open(attempt->name, true, trust, HEADER_BYTES, &attempt->region);
    if (status != SHM_OK)
        return status;
    status = hosts_attach(&attempt->region, &hosts);
    if (status == SHM_OK) {
        attempt->s_header = hosts.s_header;
        status = claim(attempt, &claimed);
    }
    if (status == SHM_OK)
        status = post(attempt);
    if (status == SHM_OK) {
        *result = (enum order_result)load_relaxed(&hosts.s_header->result);
        exchange_acq_rel(&hosts.s_header->claimed, &claimed, 0);
    }
    region_close(&attempt->region);
    return status;
}

/* Once more when the fetcher, or the next one, has made the object anew: an order that is given twice does no harm. */
enum shm_status order_give(const char *instance, const struct trust *trust, const struct order *order,
                           int timeout_ms, enum order_result *result)
{
    struct object_names names;
    enum shm_status status = object_names(instance, &names);
    if (status != SHM_OK)
        return status;
    struct attempt attempt = {
        .order = order, .name = names.hosts, .deadline = clock_tick() + (uint64_t)timeout_ms};
    do
        status = try_once(&attempt, trust, result);
    while (status == SHM_STALE);
    return status;
}
