/* SPDX-License-Identifier: MIT */
/* A larshm-fetcher of the test's own: an instance that no other test has, a configuration file, a log. */
#ifndef TESTS_SUPPORT_FETCHER_H
#define TESTS_SUPPORT_FETCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/counters.h"
#include "shm/latency.h"
#include "shm/layout.h"
#include "shm/names.h"
#include "shm/route_key.h"
#include "shm/top_routes.h"
#include "tests/support/process.h"

/* What the configuration file will say. */
struct fetcher_config {
    const char *host;
    unsigned port;
    const char *servers;                                  /* in place of both; NULL: these */
    unsigned update_timeout, empty_hold, report_interval; /* s; all others ms, or per second */
    unsigned max_drop;                                    /* percent */
    unsigned reporter_port;                               /* of a report service; 0: none */
    unsigned poll_interval_ms, request_timeout_ms, connect_timeout_ms;
    unsigned reconnect_min_ms, reconnect_max_ms;
    unsigned requests_per_second, resubscribe_per_second;
    unsigned probe_interval_ms, frame_timeout_ms;
    const char *max_bytes;
    const char *snapshot; /* snapshot_path, or another one; "": none */
    unsigned grace_ms;
    const char *more; /* lines for section [shm], or sections of their own */
};

struct fetcher {
    char home[32]; /* a directory; holds its files */
    char config_path[64], log_path[64], admin_path[64], snapshot_path[64];
    char instance[INSTANCE_MAX + 1];
    struct object_names names;
    struct fetcher_config config;
    struct process process;
};

/* A name and a quick configuration that no silence, only a test, makes the fetcher act upon. */
void fetcher_init(struct fetcher *fetcher, unsigned port);
/* Ends the fetcher and removes its objects and files. */
void fetcher_dispose(struct fetcher *fetcher);

/* Writes the configuration file: the struct, or any text. */
void fetcher_configure(const struct fetcher *fetcher);
void fetcher_configure_text(const struct fetcher *fetcher, const char *text);

/* Starts larshm-fetcher on the configuration file as it is. */
void fetcher_launch(struct fetcher *fetcher);
/* Writes the file, starts, and waits until routes are being served. */
void fetcher_start(struct fetcher *fetcher);
/* SIGTERM; the exit status must be 0. */
void fetcher_stop(struct fetcher *fetcher);

/* A number from the routes object; 0 while there is none. */
uint64_t fetcher_counter(const struct fetcher *fetcher, enum shm_counter counter);
/* The route is marked as one whose empty answer is held down. */
bool fetcher_shows_held(const struct fetcher *fetcher, struct route_key key);
/* Which routes object has the name now; 0: none. */
uint64_t fetcher_generation(const struct fetcher *fetcher);

/* How long the directory took to answer; nothing: there is no routes object. */
struct latency fetcher_latency(const struct fetcher *fetcher);

/* The routes that are used most, most first. Returns how many. */
size_t fetcher_top_routes(const struct fetcher *fetcher, struct route_use out[static TOP_ROUTES]);

/* The server of the directory that is in use, as the routes object says; "": there is none. */
void fetcher_directory(const struct fetcher *fetcher, char out[static DIRECTORY_NAME]);

/* The number of the control object; 0: there is no routes object. */
uint64_t fetcher_control(const struct fetcher *fetcher);

#endif
