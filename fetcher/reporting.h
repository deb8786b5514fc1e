/* SPDX-License-Identifier: MIT */
/*
 * Sends call results to Lars' report service: each report_interval one message for each route with unreported results,
 * over a connection of its own, and at once one for each route with failures or changes of state. The rounds begin at a
 * place in the interval that is drawn from the machine's identity, so that those of a fleet are spread over it, also
 * after all have lost the service; only the very first round begins at once. Results are taken from the balance only
 * when there is room to send them: while the service is away they are summed there, not queued. The protocol has no
 * receipts: what is on its way when a connection ends may be lost, so the next one begins with every route again, with
 * its counts at that time. That does no harm: the service keeps the last report. Counts that were reset by then were
 * sent once.
 */
#ifndef FETCHER_REPORTING_H
#define FETCHER_REPORTING_H

#include <uv.h>

#include "conf/config.h"
#include "fetcher/balance.h"
#include "shm/writer/writer.h"

struct reporting;

/* `config` is read at each step and may change in between; `identity` is that of servers.h. Connects once there is
 * something to report. NULL: no memory. */
struct reporting *reporting_new(uv_loop_t *loop, struct writer *writer, struct balance *balance,
                                const struct config *config, uint64_t identity);

/* Every poll_interval_ms, after balance_poll(). */
void reporting_poll(struct reporting *reporting, uint64_t now);

/* See connection_look_up_again(). */
void reporting_look_up_again(struct reporting *reporting);

/* Closes the connection; the loop must run once more before it ends. */
void reporting_stop(struct reporting *reporting);

/* After reporting_stop(), or before the first poll. NULL is fine. */
void reporting_delete(struct reporting *reporting);

#endif
