/* SPDX-License-Identifier: MIT */
/*
 * An admin command to the fetcher: pin a host, drain it, or let its calls decide again. It goes through the
 * hosts object, which only the fetcher's own user and root may write to: clients cannot send commands. For tools.
 */
#ifndef SHM_ORDER_H
#define SHM_ORDER_H

#include "shm/host_health.h"
#include "shm/layout.h"
#include "shm/region.h"
#include "shm/status.h"

struct order {
    struct route_key key;
    struct host_addr host;
    enum host_override override;
};

/* Distinguishes a complete command of the claim's owner from one that two processes have written into. */
static inline uint64_t order_check(const struct order *order, uint32_t number, uint64_t claimed)
{
    uint64_t check = route_key_hash(order->key, claimed);
    check = hash_word(host_addr_word(order->host), check);
    return hash_word((uint64_t)number << 32 | (uint32_t)order->override, check);
}

/*
 * Sends the command and waits until the fetcher has executed it: SHM_OK, and *result is its outcome.
 * SHM_NO_PERMISSION: this user may not. SHM_TIMEOUT: no fetcher took it within timeout_ms; one that
 * was only stopped does so when it goes on.
 */
enum shm_status order_give(const char *instance, const struct trust *trust, const struct order *order,
                           int timeout_ms, enum order_result *result);

#endif
