/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_encode.h"

#include <endian.h>
#include <string.h>
#include <sys/mman.h>

#include "fetcher/checksum.h"
#include "fetcher/snapshot_format.h"
#include "shm/writer/memory_room.h"

enum {
    FIRST_CAPACITY = 1 << 16
};

static void put(struct snapshot_encoder *encoder, const void *bytes, size_t size)
{
    memcpy(encoder->bytes + encoder->size, bytes, size);
    encoder->size += size;
}

static void put64(struct snapshot_encoder *encoder, uint64_t value)
{
    value = htole64(value);
    put(encoder, &value, sizeof(value));
}

static void put32(struct snapshot_encoder *encoder, uint32_t value)
{
    value = htole32(value);
    put(encoder, &value, sizeof(value));
}

static void put16(struct snapshot_encoder *encoder, uint16_t value)
{
    value = htole16(value);
    put(encoder, &value, sizeof(value));
}

/* A copy that does not fit under the limit of the control group would get this process killed. */
static bool may_have(const struct snapshot_encoder *encoder, size_t capacity)
{
    return capacity <= encoder->most && memory_has_room(memory_room(""), capacity - encoder->capacity);
}

/* Not realloc(): that may copy, and the loop would wait for it. */
static uint8_t *grow(uint8_t *bytes, size_t before, size_t size)
{
    void *grown = bytes ? mremap(bytes, before, size, MREMAP_MAYMOVE)
                        : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return grown == MAP_FAILED ? NULL : grown;
}

/* Room for `more` bytes. False: there is none, and the snapshot has failed. */
static bool reserve(struct snapshot_encoder *encoder, size_t more)
{
    if (encoder->failed)
        return false;
    if (more <= encoder->capacity - encoder->size)
        return true;
    size_t capacity = encoder->capacity ? encoder->capacity : FIRST_CAPACITY;
    while (capacity < encoder->size + more)
        capacity *= 2;
    if (capacity > encoder->most && encoder->size + more <= encoder->most)
        capacity = encoder->most;
    uint8_t *bytes = may_have(encoder, capacity) ? grow(encoder->bytes, encoder->capacity, capacity) : NULL;
    if (!bytes) {
        encoder->failed = true;
        return false;
    }
    encoder->bytes = bytes;
    encoder->capacity = capacity;
    return true;
}

void snapshot_encode_begin(struct snapshot_encoder *encoder, uint64_t most, uint64_t unix_ms, uint64_t tick)
{
    *encoder = (struct snapshot_encoder){.bytes = encoder->bytes,
                                         .capacity = encoder->capacity,
                                         .most = most,
                                         .unix_ms = unix_ms,
                                         .tick = tick};
    if (reserve(encoder, SNAPSHOT_HEADER)) {
        memset(encoder->bytes, 0, SNAPSHOT_HEADER);
        encoder->size = SNAPSHOT_HEADER;
    }
}

/* Never 0, which is none. What came after the snapshot was begun is as old as the snapshot. */
static uint64_t unix_time(const struct snapshot_encoder *encoder, uint64_t tick)
{
    uint64_t age = tick < encoder->tick ? encoder->tick - tick : 0;
    if (tick == 0)
        return 0;
    return age < encoder->unix_ms ? encoder->unix_ms - age : 1;
}

void snapshot_encode_route(struct snapshot_encoder *encoder, const struct route_ref *route)
{
    const struct table *table = &route->table;
    uint32_t count = route_ref_count(route);
    if (count == 0 || !reserve(encoder, SNAPSHOT_ROUTE + 8 * STATE_WORDS(count) + 6 * count))
        return;
    struct table now = *table;
    now.expires = route_ref_expires(route);
    now.ttl_s = load_relaxed(&table->s_block->ttl_s);
    uint16_t limited = load_relaxed(&table->s_block->limited);
    put32(encoder, route->key.modid);
    put32(encoder, route->key.cmdid);
    put64(encoder, unix_time(encoder, table_fetched(&now)));
    put16(encoder, (uint16_t)now.ttl_s);
    put16(encoder, (uint16_t)count);
    put16(encoder, limited);
    for (uint32_t word = 0; limited && word < STATE_WORDS(count); word++)
        put64(encoder, load_relaxed(&table->s_states[word]));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t address = load_relaxed(&table->s_addresses[i]);
        put(encoder, &address, sizeof(address));
    }
    for (uint32_t i = 0; i < count; i++) {
        uint16_t port = load_relaxed(&table->s_ports[i]);
        put(encoder, &port, sizeof(port));
    }
    encoder->routes++;
}

/* Not how far its call cell was read: no control object outlives a reboot. */
static void put_health(struct snapshot_encoder *encoder, const struct host_entry *entry)
{
    const struct host_health *health = &entry->health;
    const uint32_t counts[] = {health->vsucc,       health->verr,       health->rsucc, health->rerr,
                               health->contin_succ, health->contin_err, health->value, health->limit};
    uint64_t left = UINT64_C(1000) * entry->left_s;
    put64(encoder, health->total_succ);
    put64(encoder, health->total_err);
    put64(encoder, unix_time(encoder, health->since));
    put64(encoder, unix_time(encoder, health->window));
    put64(encoder, unix_time(encoder, left));
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        put32(encoder, counts[i]);
    put16(encoder, health->badness);
    put16(encoder, health->level);
    put(encoder, &health->state, 1);
    put(encoder, &health->override, 1);
    put(encoder, &health->reason, 1);
}

void snapshot_encode_host(struct snapshot_encoder *encoder, struct route_key key, struct host_addr host,
                          const struct host_entry *entry)
{
    if (!reserve(encoder, SNAPSHOT_HOST))
        return;
    put32(encoder, key.modid);
    put32(encoder, key.cmdid);
    put(encoder, &host.address, sizeof(host.address));
    put(encoder, &host.port, sizeof(host.port));
    put_health(encoder, entry);
    encoder->hosts++;
}

bool snapshot_encode_end(struct snapshot_encoder *encoder, const char *instance, uint64_t data_version)
{
    size_t size = encoder->size;
    if (encoder->failed)
        return false;
    encoder->size = 0;
    put64(encoder, SNAPSHOT_MAGIC);
    put32(encoder, SNAPSHOT_VERSION);
    put32(encoder, 0);
    put64(encoder, size);
    put64(encoder, encoder->unix_ms);
    put64(encoder, encoder->routes);
    put64(encoder, encoder->hosts);
    put(encoder, instance, strnlen(instance, INSTANCE_MAX));
    encoder->size = SNAPSHOT_HEADER_1;
    put64(encoder, data_version);
    encoder->size = size;
    return true;
}

void snapshot_seal(uint8_t *bytes, size_t size)
{
    uint32_t checksum = htole32(crc32c(bytes + SNAPSHOT_CHECKED, size - SNAPSHOT_CHECKED));
    memcpy(bytes + SNAPSHOT_CHECKED - sizeof(checksum), &checksum, sizeof(checksum));
}

void snapshot_encode_free(struct snapshot_encoder *encoder)
{
    if (encoder->bytes)
        munmap(encoder->bytes, encoder->capacity);
    *encoder = (struct snapshot_encoder){0};
}
