/* SPDX-License-Identifier: MIT */
/*
 * Keeps a snapshot of routes and hosts in a file: when anything has changed, every snapshot_interval, and at a clean stop.
 * The loop collects it in steps of a few milliseconds, and a thread writes it, so neither waits for the disk.
 */
#ifndef FETCHER_SNAPSHOT_H
#define FETCHER_SNAPSHOT_H

#include <uv.h>

#include "conf/config.h"
#include "fetcher/balance.h"
#include "shm/writer/writer.h"

struct snapshot;

/* `path` "": nothing is written. `config` is read at each step and may change in between. NULL: no memory. */
struct snapshot *snapshot_new(uv_loop_t *loop, struct writer *writer, struct balance *balance,
                              const struct config *config, const char *instance, const char *path);

/* About once a second. NULL is fine, here and below. */
void snapshot_maintain(struct snapshot *snapshot, uint64_t now);

/* Closes what the loop runs: its last iterations follow. */
void snapshot_stop(struct snapshot *snapshot);

/* The fetcher has stopped cleanly, and all results are collected: writes the last one, if anything has changed. Waits for
 * the disk. */
void snapshot_write_last(struct snapshot *snapshot);

/* Waits for one that is being written. */
void snapshot_delete(struct snapshot *snapshot);

#endif
