/* SPDX-License-Identifier: MIT */
/* What the writer says of itself in the header of the routes object. */
#include "shm/writer/writer_internal.h"

#include "shm/atomic.h"
#include "shm/directory_name.h"
#include "shm/latency.h"

uint64_t writer_counter(const struct writer *writer, enum shm_counter counter)
{
    return load_relaxed(&writer_header(writer)->counters[counter]);
}

/* One writer: a load and a store make an addition. */
void writer_gauge(struct writer *writer, enum shm_counter counter, uint64_t value)
{
    store_relaxed(&writer_header(writer)->counters[counter], value);
}

void writer_count(struct writer *writer, enum shm_counter counter, uint64_t more)
{
    writer_gauge(writer, counter, writer_counter(writer, counter) + more);
}

void writer_connection(struct writer *writer, enum connection_state state, uint64_t now)
{
    bool was_up = writer_connection_state(writer) == CONNECTION_UP;
    store_relaxed(&writer_header(writer)->connection, (uint32_t)state);
    if (was_up != (state == CONNECTION_UP))
        store_relaxed(&writer_header(writer)->connection_tick, now);
}

uint64_t writer_data_version(const struct writer *writer)
{
    return load_relaxed(&writer_header(writer)->data_version);
}

void writer_set_data_version(struct writer *writer, uint64_t version)
{
    store_relaxed(&writer_header(writer)->data_version, version);
}

void writer_set_snapshot_written(struct writer *writer, uint64_t unix_ms)
{
    store_relaxed(&writer_header(writer)->snapshot_written, unix_ms);
}

void writer_set_directory(struct writer *writer, const char *directory)
{
    directory_name_write(writer_header(writer), directory);
}

void writer_add_latency(struct writer *writer, uint64_t us)
{
    latency_add(writer_header(writer), us);
}

enum connection_state writer_connection_state(const struct writer *writer)
{
    return (enum connection_state)load_relaxed(&writer_header(writer)->connection);
}

bool writer_refusing(const struct writer *writer)
{
    return load_relaxed(&writer_header(writer)->refusing) != REFUSING_NOTHING;
}

void writer_reload(struct writer *writer, const struct writer_options *options)
{
    writer->max_unknown = options->max_unknown;
    settings_publish(&writer_header(writer)->settings, &options->settings);
}

uint64_t writer_control(const struct writer *writer)
{
    return writer->now.stats.number;
}

uint64_t writer_generation(const struct writer *writer)
{
    return writer->now.publisher.routes.generation;
}
