/* SPDX-License-Identifier: MIT */
/* Tests count routes and hosts: the number's upper half is the modid or the address, the lower one the cmdid or port. */
#ifndef TESTS_SUPPORT_KEYS_H
#define TESTS_SUPPORT_KEYS_H

#include "shm/host_addr.h"
#include "shm/route_key.h"

static inline struct route_key numbered_key(uint64_t number)
{
    return route_key((uint32_t)(number >> 32), (uint32_t)number);
}

static inline struct host_addr numbered_host(uint64_t number)
{
    return host_addr_from_word(number);
}

#endif
