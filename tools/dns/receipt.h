/* SPDX-License-Identifier: MIT */
/*
 * What a peer has received, by what its kernel has acknowledged. Positions in the stream of what was sent to it count
 * modulo 2^32; no peer has as many bytes outstanding.
 */
#ifndef TOOLS_DNS_RECEIPT_H
#define TOOLS_DNS_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether all before `at` has arrived, of a stream that is at `position` with `backlog` bytes outstanding. */
static inline bool receipt_reached(uint32_t at, uint32_t position, size_t backlog)
{
    return (uint32_t)(position - at) >= backlog;
}

/* The newest version that the peer has all of. Zero-initialise. */
struct receipt {
    uint64_t version; /* where `known` */
    uint64_t awaited; /* version that the peer has when `at` has arrived, where `awaiting` */
    uint32_t at;
    bool known, awaiting;
};

/* All of `version` ends at `position`. One at a time is awaited, so that one arrives, however many follow. */
static inline void receipt_await(struct receipt *receipt, uint64_t version, uint32_t position)
{
    if (receipt->awaiting)
        return;
    receipt->awaited = version;
    receipt->at = position;
    receipt->awaiting = true;
}

static inline void receipt_update(struct receipt *receipt, uint32_t position, size_t backlog)
{
    if (!receipt->awaiting || !receipt_reached(receipt->at, position, backlog))
        return;
    receipt->version = receipt->awaited;
    receipt->known = true;
    receipt->awaiting = false;
}

#endif
