/* SPDX-License-Identifier: MIT */
#include "shm/writer/event.h"

#include <errno.h>
#include <stdio.h>

struct event event_of(enum event_kind kind, const char *object)
{
    struct event event = {.kind = kind, .error = errno};
    snprintf(event.object, sizeof(event.object), "%s", object ? object : "");
    return event;
}

struct event *event_add(struct event_queue *queue, enum event_kind kind, const char *object)
{
    struct event *event = &queue->events[queue->added++ % EVENTS_MAX];
    *event = event_of(kind, object);
    if (queue->added - queue->taken > EVENTS_MAX)
        queue->taken = queue->added - EVENTS_MAX;
    return event;
}

bool event_take(struct event_queue *queue, struct event *out)
{
    if (queue->taken == queue->added)
        return false;
    *out = queue->events[queue->taken++ % EVENTS_MAX];
    return true;
}
