/* SPDX-License-Identifier: MIT */
#include "shm/order.h"

#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/host_records.h"
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
    uint64_t claimed;
};

/*
 * SHM_STALE, here and below: not this time. The object has lost its name, so that no fetcher looks at it any more; or
 * this operator has slept for longer than a claim lasts, and another one has it. SHM_TIMEOUT: too late.
 */
static enum shm_status wait_a_little(const struct attempt *attempt)
{
    if (clock_tick() >= attempt->deadline)
        return SHM_TIMEOUT;
    if (!region_is_named(&attempt->region, attempt->name))
        return SHM_STALE;
    usleep(LOOK_US);
    return SHM_OK;
}

static enum shm_status claim(struct attempt *attempt)
{
    _Atomic uint64_t *s_claimed = &attempt->s_header->claimed;
    enum shm_status status = SHM_OK;
    while (status == SHM_OK) {
        /* Pairs with the next operator's: what one has stored in the mailbox is done before the other begins. */
        uint64_t now = clock_tick(), before = load_relaxed(s_claimed);
        if ((before == 0 || now > before + CLAIM_MS) && exchange_acq_rel(s_claimed, &before, now)) {
            attempt->claimed = now;
            break;
        }
        status = wait_a_little(attempt);
    }
    return status;
}

static enum shm_status post(const struct attempt *attempt)
{
    struct hosts_header *s_header = attempt->s_header;
    uint32_t before = load_relaxed(&s_header->posted), number = before + 1;
    uint64_t check = order_check(attempt->order, number, attempt->claimed);
    enum shm_status status = SHM_OK;
    if (load_relaxed(&s_header->claimed) != attempt->claimed)
        return SHM_STALE;
    /* Asleep from here on, it still writes into the order of the next one: host_store_order() takes neither then. */
    store_relaxed(&s_header->order_check, check);
    store_relaxed(&s_header->order_key, route_key_word(attempt->order->key));
    store_relaxed(&s_header->order_host, host_addr_word(attempt->order->host));
    store_relaxed(&s_header->order_override, (uint32_t)attempt->order->override);
    /* Pairs with the acquire in host_store_order(). It fails when another process has posted meanwhile. */
    if (!exchange_acq_rel(&s_header->posted, &before, number))
        return SHM_STALE;
    /* Pairs with the release in host_store_answer(). */
    while (status == SHM_OK && load_acquire(&s_header->taken) != number) {
        bool whole = load_relaxed(&s_header->order_check) == check &&
                     load_relaxed(&s_header->claimed) == attempt->claimed;
        status = whole ? wait_a_little(attempt) : SHM_STALE;
    }
    return status;
}

/*
 * In the object that has the name now. An expired claim belongs to another process by now, and stays. After
 * SHM_TIMEOUT its own stays, too: the order may still be taken.
 */
static enum shm_status try_once(struct attempt *attempt, const struct trust *trust, enum order_result *result)
{
    struct host_records hosts;
    enum shm_status status = region_open(attempt->name, true, trust, HEADER_BYTES, &attempt->region);
    if (status != SHM_OK)
        return status;
    status = host_records_attach(&attempt->region, &hosts);
    if (status == SHM_OK) {
        attempt->s_header = hosts.s_header;
        status = claim(attempt);
    }
    if (status == SHM_OK) {
        status = post(attempt);
        if (status == SHM_OK)
            *result = (enum order_result)load_relaxed(&hosts.s_header->result);
        if (status != SHM_TIMEOUT)
            exchange_acq_rel(&hosts.s_header->claimed, &attempt->claimed, 0);
    }
    region_close(&attempt->region);
    return status;
}

/* Once more when the fetcher, or the next one, has recreated the object: a command that is given twice does no harm. */
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
