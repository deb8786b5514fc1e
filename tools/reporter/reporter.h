/* SPDX-License-Identifier: MIT */
/*
 * The report service's rules: each result of each ReportStatusRequest is stored, soon and together with others, or a newer
 * one in its place; no report is ever answered. What does not decode is skipped and counted, and nothing else is lost. The
 * database is written to in another thread, and never keeps the loop waiting. While it cannot be written, results are
 * kept and the write is tried again.
 */
#ifndef TOOLS_REPORTER_REPORTER_H
#define TOOLS_REPORTER_REPORTER_H

#include <uv.h>

#include "tools/common/server.h"
#include "tools/reporter/status_store.h"

struct reporter;

/* Returns 0, or libuv's negative error. The store is the caller's, and the reporter's alone until reporter_finish(). */
int reporter_start(struct reporter **out, uv_loop_t *loop, struct status_store *store);

/* For the server. */
struct server_handler reporter_handler(struct reporter *reporter);

/* Ends the work on the loop; what is being written ends first. */
void reporter_stop(struct reporter *reporter);

/* Writes what is still kept and says what was done. Returns 0, or -1 when results are lost, which is logged. */
int reporter_finish(struct reporter *reporter);

/* After the loop has ended, without connections. */
void reporter_free(struct reporter *reporter);

#endif
