/* SPDX-License-Identifier: MIT */
#include "fetcher/requests.h"

#include <stdlib.h>

#include "shm/layout.h"

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

static struct request_queue *queue_of(struct requests *requests, uint32_t at)
{
    return requests->table[at].late ? &requests->late : &requests->waiting;
}

static void append(struct requests *requests, uint32_t at)
{
    struct request_queue *queue = queue_of(requests, at);
    struct request *request = &requests->table[at];
    request->before = queue->last;
    request->after = NONE;
    if (queue->last == NONE)
        queue->first = at;
    else
        requests->table[queue->last].after = at;
    queue->last = at;
    queue->count++;
    if (!request->late)
        requests->waiting_bytes += request->bytes;
}

static void unlink_request(struct requests *requests, uint32_t at)
{
    struct request_queue *queue = queue_of(requests, at);
    const struct request *request = &requests->table[at];
    if (request->before == NONE)
        queue->first = request->after;
    else
        requests->table[request->before].after = request->after;
    if (request->after == NONE)
        queue->last = request->before;
    else
        requests->table[request->after].before = request->before;
    queue->count--;
    if (!request->late)
        requests->waiting_bytes -= request->bytes;
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
    if (!requests)
        return NULL;
    for (uint32_t i = 0; i < REQUESTS_HEADS; i++)
        requests->heads[i] = NONE;
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        requests->table[i].chain = i + 1 < REQUESTS_MAX ? i + 1 : NONE;
    requests->unused = 0;
    requests->waiting_bytes = 0;
    requests->waiting = requests->late = (struct request_queue){.first = NONE, .last = NONE};
    return requests;
}

void requests_delete(struct requests *requests)
{
    free(requests);
}

/* Late ones are evicted. */
uint32_t requests_room(const struct requests *requests)
{
    return REQUESTS_MAX - requests->waiting.count;
}

bool requests_waiting(const struct requests *requests, struct route_key key)
{
    uint32_t at = find(requests, key);
    return at != NONE && !requests->table[at].late;
}

void requests_add(struct requests *requests, struct route_key key, uint32_t bytes, uint64_t now)
{
    uint32_t at = find(requests, key);
    if (at != NONE)
        forget(requests, at);
    else if (requests->unused == NONE)
        forget(requests, requests->late.first);
    at = requests->unused;
    struct request *request = &requests->table[at];
    requests->unused = request->chain;
    uint32_t *head = head_of(requests, key);
    *request = (struct request){.key = key, .sent = now, .bytes = bytes, .chain = *head};
    *head = at;
    append(requests, at);
}

bool requests_answered(struct requests *requests, struct route_key key)
{
    uint32_t at = find(requests, key);
    if (at == NONE)
        return false;
    forget(requests, at);
    return true;
}

bool requests_time_out(struct requests *requests, uint64_t sent_before, struct route_key *key)
{
    uint32_t at = requests->waiting.first;
    if (at == NONE || requests->table[at].sent > sent_before)
        return false;
    *key = requests->table[at].key;
    unlink_request(requests, at);
    requests->table[at].late = true;
    append(requests, at);
    return true;
}

void requests_forget_late(struct requests *requests, uint64_t sent_before)
{
    while (requests->late.first != NONE && requests->table[requests->late.first].sent <= sent_before)
        forget(requests, requests->late.first);
}

bool requests_take(struct requests *requests, struct route_key *key, bool *waiting)
{
    *waiting = requests->waiting.first != NONE;
    uint32_t at = *waiting ? requests->waiting.first : requests->late.first;
    if (at == NONE)
        return false;
    *key = requests->table[at].key;
    forget(requests, at);
    return true;
}
