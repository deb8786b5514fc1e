/* SPDX-License-Identifier: MIT */
/* A running larshm-reporter on a database of its own, and agents that report to it over real sockets. */
#ifndef TESTS_SUPPORT_REPORTER_H
#define TESTS_SUPPORT_REPORTER_H

#include <netinet/in.h>

#include "proto/frame.h"
#include "tests/support/database_file.h"
#include "tests/support/eventually.h"
#include "tests/support/process.h"

struct reporter_run {
    struct database_file file; /* of one on another database, only its folder and its log */
    char *db;                  /* the other database; NULL: there is none */
    struct process process;
    in_port_t port;
};

/* For cmocka; *state is a struct reporter_run. */
int reporter_setup(void **state);

/* Likewise on another database, which stays the caller's, as its name does. */
int reporter_setup_on(void **state, char *db);

/* Fails unless the service is still alive and stops cleanly. */
int reporter_teardown(void **state);

/* Starts the service once more, after it has ended; the log goes on. */
void reporter_restart(struct reporter_run *run);

/* One result as it is on the wire. */
struct wire_result {
    int32_t ip, port;
    uint32_t succ, err;
    bool overload;
};

enum {
    REPORTER_CALLER = 0x0A000001,
    REPORTER_TIME = 1700000000,
};

/* Makes the frame of a report by REPORTER_CALLER; returns its size. */
size_t reporter_frame(int32_t modid, int32_t cmdid, const struct wire_result *results, size_t count,
                      uint8_t out[static FRAME_MAX]);

int reporter_connect(const struct reporter_run *run);
void reporter_send(int fd, const void *data, size_t size);

/* Reports one result. */
void reporter_report(int fd, int32_t modid, int32_t cmdid, struct wire_result result);

#endif
