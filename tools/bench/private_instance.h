/* SPDX-License-Identifier: MIT */
/* Instances that one process has to itself: their names, their settings, and their end. */
#ifndef TOOLS_BENCH_PRIVATE_INSTANCE_H
#define TOOLS_BENCH_PRIVATE_INSTANCE_H

#include "shm/names.h"
#include "shm/writer/writer.h"

/* PREFIX-PID-NUMBER, a name that no other instance has. */
void private_instance_name(const char *prefix, char out[static INSTANCE_MAX + 1]);

/* Settings as a fetcher's defaults are, with room for `max_bytes`. They keep the pointer to the name. */
struct writer_options private_instance_options(const char *instance, uint64_t max_bytes);

/* Removes all objects of the instance, also those of writers that were killed. */
void private_instance_remove(const struct object_names *names);

/* How many objects it has. */
unsigned private_instance_objects(const struct object_names *names);

/* How many bytes they take. */
uint64_t private_instance_bytes(const struct object_names *names);

#endif
