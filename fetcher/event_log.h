/* SPDX-License-Identifier: MIT */
/* The writer's events as log lines, which name the remedy if there is one. */
#ifndef FETCHER_EVENT_LOG_H
#define FETCHER_EVENT_LOG_H

#include "shm/writer/writer.h"

enum {
    EVENT_TEXT_MAX = 320
};

/* The event as a sentence. */
void event_text(const struct event *event, char out[static EVENT_TEXT_MAX]);

/* Logs what has kept the fetcher from starting. */
void event_log_failure(const struct event *event);

/* Logs an event, at most one of each kind a second. */
void event_log(const struct event *event);

/* Logs what the writer has queued. */
void event_log_all(struct writer *writer);

#endif
