/* SPDX-License-Identifier: MIT */
/*
 * Requests that were sent to the directory and not answered yet. Waiting ones keep their route PULLING; one whose
 * deadline has passed is late: its route is NEW again, but an answer is still accepted. A fixed table, so that no number
 * of clients makes it grow.
 */
#ifndef FETCHER_REQUESTS_H
#define FETCHER_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/route_key.h"

enum {
    REQUESTS_MAX = 65536,
    REQUESTS_HEADS = 65536, /* a power of two */
};

struct request {
    struct route_key key;
    uint64_t sent;  /* tick */
    uint32_t bytes; /* that its answer is expected to have */
    uint32_t chain; /* next in its hash chain */
    uint32_t before, after;
    bool late;
};

/* Requests in the order they were sent. */
struct request_queue {
    uint32_t first, last, count;
};

struct requests {
    struct request table[REQUESTS_MAX];
    uint32_t heads[REQUESTS_HEADS];
    uint32_t unused; /* chain of free entries */
    struct request_queue waiting, late;
    uint64_t waiting_bytes; /* of the answers to waiting ones */
};

struct requests *requests_new(void);
void requests_delete(struct requests *requests);

/* How many more can be added. */
uint32_t requests_room(const struct requests *requests);

/* True if a request for the key is waiting. */
bool requests_waiting(const struct requests *requests, struct route_key key);

/* Records a request sent at `now`, to an answer of about so many bytes; replaces a late one for the same key. Needs
 * room. */
void requests_add(struct requests *requests, struct route_key key, uint32_t bytes, uint64_t now);

/* An answer: forgets the request. False if there was none. */
bool requests_answered(struct requests *requests, struct route_key key);

/* Makes the oldest waiting request late if it was sent at `sent_before` or earlier; *key is its route. */
bool requests_time_out(struct requests *requests, uint64_t sent_before, struct route_key *key);

/* Forgets late requests that were sent at `sent_before` or earlier. */
void requests_forget_late(struct requests *requests, uint64_t sent_before);

/* Removes one request, any; false when there is none. *waiting: its route is PULLING. */
bool requests_take(struct requests *requests, struct route_key *key, bool *waiting);

#endif
