/* SPDX-License-Identifier: MIT */
/*
 * Looks up the name of each of several servers, one after the other: one that leads nowhere would otherwise be seen when
 * those before it have failed.
 */
#ifndef FETCHER_NAME_CHECK_H
#define FETCHER_NAME_CHECK_H

#include "fetcher/name_lookup.h"
#include "fetcher/servers.h"

/* Zero-initialise. */
struct name_check {
    uv_loop_t *loop;
    struct servers *servers;
    struct name_lookup *lookup; /* NULL: none is under way */
    struct config_peer peer;    /* whose name is looked up */
    unsigned next;              /* of the servers */
};

/* At the start, and when there may be others: begins again. `servers` may change meanwhile. The log names those that lead
 * nowhere, and the servers get that for their last error; not the one in use, of which the connection says it. */
void name_check_start(struct name_check *check, uv_loop_t *loop, struct servers *servers);

void name_check_stop(struct name_check *check);

#endif
