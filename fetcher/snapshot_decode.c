/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_decode.h"

#include <endian.h>
#include <string.h>

#include "fetcher/checksum.h"
#include "fetcher/snapshot_format.h"

/* What is left of the bytes. One that ends too early is bad from then on, and gives zeros. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static void take(struct cursor *cursor, void *out, size_t size)
{
    if (cursor->bad || size > cursor->left) {
        cursor->bad = true;
        memset(out, 0, size);
        return;
    }
    memcpy(out, cursor->at, size);
    cursor->at += size;
    cursor->left -= size;
}

static uint64_t take64(struct cursor *cursor)
{
    uint64_t value;
    take(cursor, &value, sizeof(value));
    return le64toh(value);
}

static uint32_t take32(struct cursor *cursor)
{
    uint32_t value;
    take(cursor, &value, sizeof(value));
    return le32toh(value);
}

static uint16_t take16(struct cursor *cursor)
{
    uint16_t value;
    take(cursor, &value, sizeof(value));
    return le16toh(value);
}

static uint8_t take8(struct cursor *cursor)
{
    uint8_t value;
    take(cursor, &value, sizeof(value));
    return value;
}

static struct route_key take_key(struct cursor *cursor)
{
    uint32_t modid = take32(cursor);
    return route_key(modid, take32(cursor));
}

static uint64_t passed(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

/* Never 0, which is none. */
static uint64_t tick_of(const struct snapshot_decoder *decoder, uint64_t unix_ms)
{
    uint64_t age = passed(unix_ms, decoder->written), since = passed(decoder->written, decoder->unix_ms);
    if (unix_ms == 0)
        return 0;
    return age < decoder->now && since < decoder->now - age ? decoder->now - age - since : 1;
}

/* Of `count` hosts: nothing beyond them. */
static bool states_are_valid(const uint64_t *states, uint32_t count)
{
    uint32_t used = count % STATES_IN_WORD;
    return used == 0 || states[count / STATES_IN_WORD] >> 4 * used == 0;
}

static bool hosts_are_valid(const struct host_addr *hosts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!hosts[i].address || !hosts[i].port ||
            (i > 0 && host_addr_order(hosts[i - 1]) >= host_addr_order(hosts[i])))
            return false;
    return true;
}

/* Where less than ttl_s has passed since the fetch, the route is expired all the same. */
static uint32_t expired_ttl(uint32_t ttl_s, uint64_t age_ms)
{
    return age_ms / 1000 < ttl_s ? (uint32_t)(age_ms / 1000) : ttl_s;
}

static bool take_route(struct snapshot_decoder *decoder, struct cursor *cursor, struct restored_route *out)
{
    struct route_key key = take_key(cursor);
    uint64_t fetched = tick_of(decoder, take64(cursor));
    uint32_t ttl_s = take16(cursor), count = take16(cursor);
    bool limited = take16(cursor) != 0;
    if (route_key_is_none(key) || count == 0 || count > HOSTS_MAX || fetched == 0)
        return false;
    for (uint32_t word = 0; limited && word < STATE_WORDS(count); word++)
        decoder->states[word] = take64(cursor);
    for (uint32_t i = 0; i < count; i++)
        take(cursor, &decoder->addresses[i].address, sizeof(decoder->addresses[i].address));
    for (uint32_t i = 0; i < count; i++)
        take(cursor, &decoder->addresses[i].port, sizeof(decoder->addresses[i].port));
    *out = (struct restored_route){.key = key,
                                   .hosts = decoder->addresses,
                                   .states = limited ? decoder->states : NULL,
                                   .count = count,
                                   .ttl_s = expired_ttl(ttl_s, passed(fetched, decoder->now)),
                                   .fetched = fetched};
    return !cursor->bad && (!limited || states_are_valid(decoder->states, count)) &&
           hosts_are_valid(decoder->addresses, count);
}

static bool take_host(const struct snapshot_decoder *decoder, struct cursor *cursor, struct route_key *key,
                      struct host_addr *host, struct host_entry *out)
{
    struct host_health *health = &out->health;
    uint32_t *const counts[] = {&health->vsucc,       &health->verr,       &health->rsucc, &health->rerr,
                                &health->contin_succ, &health->contin_err, &health->value, &health->limit};
    *out = (struct host_entry){0};
    *key = take_key(cursor);
    take(cursor, &host->address, sizeof(host->address));
    take(cursor, &host->port, sizeof(host->port));
    health->total_succ = take64(cursor);
    health->total_err = take64(cursor);
    health->since = tick_of(decoder, take64(cursor));
    health->window = tick_of(decoder, take64(cursor));
    out->left_s = (uint32_t)(tick_of(decoder, take64(cursor)) / 1000);
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        *counts[i] = take32(cursor);
    health->badness = take16(cursor);
    health->level = take16(cursor);
    health->state = take8(cursor);
    health->override = take8(cursor);
    health->reason = take8(cursor);
    bool named = host_addr_is_none(*host) || (host->address && host->port);
    return !cursor->bad && named && !route_key_is_none(*key) && health->state <= HOST_EJECTED &&
           health->override <= OVERRIDE_DRAINED && health->reason < REASONS;
}

static struct cursor cursor_at(const struct snapshot_decoder *decoder)
{
    return (struct cursor){.at = decoder->bytes + decoder->at, .left = decoder->size - decoder->at};
}

static void leave(struct snapshot_decoder *decoder, const struct cursor *cursor)
{
    decoder->at = decoder->size - cursor->left;
}

void snapshot_decode_rewind(struct snapshot_decoder *decoder)
{
    decoder->at = decoder->start;
    decoder->routes_left = decoder->routes;
    decoder->hosts_left = decoder->hosts;
}

bool snapshot_decode_route(struct snapshot_decoder *decoder, struct restored_route *out)
{
    struct cursor cursor = cursor_at(decoder);
    if (decoder->routes_left == 0 || !take_route(decoder, &cursor, out))
        return false;
    decoder->routes_left--;
    leave(decoder, &cursor);
    return true;
}

bool snapshot_decode_host(struct snapshot_decoder *decoder, struct route_key *key, struct host_addr *host,
                          struct host_entry *out)
{
    struct cursor cursor = cursor_at(decoder);
    if (decoder->routes_left > 0 || decoder->hosts_left == 0 || !take_host(decoder, &cursor, key, host, out))
        return false;
    decoder->hosts_left--;
    leave(decoder, &cursor);
    return true;
}

/* Each record is valid, and they end where the file does. */
static bool records_are_valid(struct snapshot_decoder *decoder)
{
    struct restored_route route;
    struct route_key key;
    struct host_addr host;
    struct host_entry entry;
    snapshot_decode_rewind(decoder);
    while (snapshot_decode_route(decoder, &route))
        decoder->units += block_units(route.count);
    while (snapshot_decode_host(decoder, &key, &host, &entry))
        continue;
    return decoder->routes_left == 0 && decoder->hosts_left == 0 && decoder->at == decoder->size;
}

const char *snapshot_decode_begin(struct snapshot_decoder *decoder, const uint8_t *bytes, size_t size,
                                  const char *instance, uint64_t unix_ms, uint64_t now)
{
    struct cursor cursor = {.at = bytes, .left = size};
    *decoder = (struct snapshot_decoder){.bytes = bytes, .size = size, .unix_ms = unix_ms, .now = now};
    if (take64(&cursor) != SNAPSHOT_MAGIC)
        return "is no snapshot";
    uint32_t version = take32(&cursor);
    if (version < 1 || version > SNAPSHOT_VERSION)
        return "is a snapshot of another version of larshm";
    uint32_t checksum = take32(&cursor);
    char name[SNAPSHOT_HEADER_1 - SNAPSHOT_INSTANCE];
    uint64_t whole = take64(&cursor);
    decoder->written = take64(&cursor);
    decoder->routes = take64(&cursor);
    decoder->hosts = take64(&cursor);
    take(&cursor, name, sizeof(name));
    if (version > 1)
        decoder->data_version = take64(&cursor);
    decoder->start = size - cursor.left;
    if (cursor.bad || whole != size || checksum != crc32c(bytes + SNAPSHOT_CHECKED, size - SNAPSHOT_CHECKED))
        return "is damaged";
    if (strncmp(name, instance, sizeof(name)) != 0)
        return "is a snapshot of another instance";
    snapshot_decode_rewind(decoder);
    if (!records_are_valid(decoder))
        return "is damaged";
    snapshot_decode_rewind(decoder);
    return NULL;
}
