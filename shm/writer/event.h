/* SPDX-License-Identifier: MIT */
/*
 * What happened in the writer that people may want to know. The writer queues facts; the fetcher takes them and makes
 * the sentences. Plain data, one thread.
 */
#ifndef SHM_WRITER_EVENT_H
#define SHM_WRITER_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/names.h"

enum event_kind {
    EVENT_NONE,
    /* why an instance cannot be opened */
    EVENT_NO_MEMORY,
    EVENT_BAD_INSTANCE,   /* object: the instance's name */
    EVENT_RUNNING,        /* another fetcher has the lock; number: its pid */
    EVENT_LOCK_FAILED,    /* object: the lock; error */
    EVENT_LOCK_UNSAFE,    /* object: the lock, which others may open */
    EVENT_LOCK_FOREIGN,   /* object: the lock, of another user or no regular object */
    EVENT_LEFTOVERS,      /* objects of a dead fetcher cannot be removed; error */
    EVENT_OBJECT_FOREIGN, /* object: of another user or no regular object */
    EVENT_OBJECT_UNSAFE,  /* object: others may write to it */
    EVENT_OBJECT_FAILED,  /* object: cannot be opened; error */
    EVENT_NOT_PUT_ASIDE,  /* object: of another layout, and cannot get a second name; error */
    /* generations */
    EVENT_ADOPTED,          /* number: generation, routes, damaged routes that were left out */
    EVENT_PUT_ASIDE,        /* object: had another layout, and a second name; number: that layout */
    EVENT_RESTORED,         /* number: Unix time of the snapshot, routes, routes that found no room */
    EVENT_REPLACED_DAMAGED, /* object: was damaged */
    EVENT_NO_SPACE,         /* number: bytes needed, bytes available */
    EVENT_MEMORY_LIMIT,     /* number: bytes needed, bytes left to the control group */
    EVENT_HELD, /* number: replaced objects that programs hold, and their bytes: as many as they may */
    EVENT_GENERATION_FAILED, /* object: routes; error */
    EVENT_INSTALL_FAILED,    /* object: routes; error */
    EVENT_NOT_KEPT,          /* object: control, which is replaced and has no second name; error */
    EVENT_OBJECTS_RECREATED, /* object: routes, which had lost its name */
    EVENT_CONTROL_RECREATED, /* object: control, which a client had truncated or overwritten, or that had lost its name */
    EVENT_LOCK_RETAKEN, /* object: the lock, which had been removed */
    EVENT_LOCK_LOST,    /* object: the lock, which another fetcher has now; number: its pid */
    EVENT_LOCK_GONE,    /* object: the lock, which was removed and cannot be taken again; error */
    /* the hosts object */
    EVENT_HOSTS_FAILED,        /* object: hosts, cannot be created; error */
    EVENT_HOSTS_RECREATED,     /* object: hosts, which had been removed or replaced */
    EVENT_HOSTS_NOT_RECREATED, /* object: hosts, likewise, and it cannot be recreated; error */
    EVENT_KINDS,
};

struct event {
    enum event_kind kind;
    int error; /* errno */
    char object[OBJECT_NAME_MAX];
    uint64_t number[3];
};

/* A few events; when it is full the oldest is lost. Zeroed is empty. */
enum {
    EVENTS_MAX = 8
};
struct event_queue {
    struct event events[EVENTS_MAX];
    uint32_t taken, added;
};

/* An event about `object`, which may be NULL, with errno. */
struct event event_of(enum event_kind kind, const char *object);

/* Adds such an event. Returns it, so that numbers can be set. */
struct event *event_add(struct event_queue *queue, enum event_kind kind, const char *object);

/* Takes the oldest. False: there is none. */
bool event_take(struct event_queue *queue, struct event *out);

#endif
