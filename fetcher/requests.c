/* SPDX-License-Identifier: MIT */
#include "fetcher/requests.h"

#include <stdlib.h>

#define NONE UINT32_MAX

static uint32_t *head_of(struct requests *requests, struct route_key key)
{
    return &requests->heads[route_key_hash(key, 0) & (REQUESTS_HEADS - 1)];
}

static uint32_t find(const struct requests *requests, struct route_key key)
{
    uint32_t at = requests->heads[route_key_hash(key, 0) & (REQUESTS_HEADS - 1)];
    while (at != NONE && !route_key_equal(requests->table[at].key, key))
        at = requests->table[at].chain;
    return at;
}

static void append(struct requests *requests, uint32_t at)
{
    struct request *request = &requests->table[at];
    request->before = requests->last;
    request->after = NONE;
    *(requests->last == NONE ? &requests->first : &requests->table[requests->last].after) = at;
    requests->last = at;
    if (requests->timely == NONE)
        requests->timely = at;
    requests->count++;
    requests->bytes += request->bytes;
    requests->new_count += request->for_new;
    requests->new_bytes += request->for_new ? request->bytes : 0;
}

static void unlink_request(struct requests *requests, uint32_t at)
{
    const struct request *request = &requests->table[at];
    *(request->before == NONE ? &requests->first : &requests->table[request->before].after) = request->after;
    *(request->after == NONE ? &requests->last : &requests->table[request->after].before) = request->before;
    if (requests->timely == at)
        requests->timely = request->after;
    requests->count--;
    requests->bytes -= request->bytes;
    requests->new_count -= request->for_new;
    requests->new_bytes -= request->for_new ? request->bytes : 0;
}

static void forget(struct requests *requests, uint32_t at)
{
    uint32_t *link = head_of(requests, requests->table[at].key);
    while (*link != at)
        link = &requests->table[*link].chain;
    *link = requests->table[at].chain;
    unlink_request(requests, at);
    requests->table[at].chain = requests->unused;
    requests->unused = at;
}

struct requests *requests_new(void)
{
    struct requests *requests = malloc(sizeof(*requests));
    if (requests)
        requests_clear(requests);
    return requests;
}

void requests_delete(struct requests *requests)
{
    free(requests);
}

void requests_clear(struct requests *requests)
{
    for (uint32_t i = 0; i < REQUESTS_HEADS; i++)
        requests->heads[i] = NONE;
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        requests->table[i].chain = i + 1 < REQUESTS_MAX ? i + 1 : NONE;
    requests->unused = 0;
    requests->first = requests->last = requests->timely = NONE;
    requests->count = 0;
    requests->new_count = 0;
    requests->bytes = requests->new_bytes = requests->answered = 0;
}

bool requests_has(const struct requests *requests, struct route_key key)
{
    return find(requests, key) != NONE;
}

void requests_add(struct requests *requests, struct route_key key, uint32_t bytes, bool for_new,
                  struct request_time now)
{
    uint32_t at = requests->unused, *head = head_of(requests, key);
    struct request *request = &requests->table[at];
    requests->unused = request->chain;
    *request = (struct request){
        .key = key, .sent = now, .bytes = bytes & INT32_MAX, .for_new = for_new, .chain = *head};
    *head = at;
    append(requests, at);
}

bool requests_answered(struct requests *requests, struct route_key key, struct request_time *sent)
{
    uint32_t at = find(requests, key);
    if (at == NONE)
        return false;
    *sent = requests->table[at].sent;
    if (requests->answered < sent->tick)
        requests->answered = sent->tick;
    forget(requests, at);
    return true;
}

bool requests_time_out(struct requests *requests, uint64_t sent_before)
{
    if (requests->timely == NONE || requests->table[requests->timely].sent.tick > sent_before)
        return false;
    requests->timely = requests->table[requests->timely].after;
    return true;
}

bool requests_lost(struct requests *requests, uint64_t timeout, struct route_key *key)
{
    return requests->count && requests_oldest(requests) + timeout <= requests->answered &&
           requests_take(requests, key);
}

bool requests_take(struct requests *requests, struct route_key *key)
{
    uint32_t at = requests->first;
    if (at == NONE)
        return false;
    *key = requests->table[at].key;
    forget(requests, at);
    return true;
}

uint64_t requests_oldest(const struct requests *requests)
{
    return requests->table[requests->first].sent.tick;
}

uint64_t requests_youngest(const struct requests *requests)
{
    return requests->table[requests->last].sent.tick;
}
