/* SPDX-License-Identifier: MIT */
/*
 * The hosts of a route, with what the fetcher's records say of each. A view of the route, and a mapping of the hosts object, which
 * has no index: the records are read through once, at the beginning.
 */
#include <sys/mman.h>

#include "reader/limited.h"
#include "reader/mapping.h"
#include "reader/silence.h"
#include "reader/sized.h"
#include "reader/uncancelled.h"
#include "shm/host_records.h"

static_assert(sizeof(larshm_hosts) == 64, "part of the ABI");

#define SAME(name) static_assert((int)LARSHM_##name == (int)name, #name)
SAME(REASON_BIRTH);
SAME(REASON_ERR_RATE);
SAME(REASON_ERR_STREAK);
SAME(REASON_WINDOW);
SAME(REASON_GOOD_WINDOW);
SAME(REASON_SUCC_RATE);
SAME(REASON_SUCC_STREAK);
SAME(REASON_TIMEOUT);
static_assert(REASONS == 8, "larshm.h names all");
SAME(OVERRIDE_NONE);
SAME(OVERRIDE_PINNED);
SAME(OVERRIDE_DRAINED);

static struct host_addr host_of(const struct block *s_block, uint32_t count, uint32_t at)
{
    return (struct host_addr){load_relaxed(&block_addresses(s_block, count)[at]),
                              load_relaxed(&block_ports(s_block, count)[at])};
}

/* The records of a route. By mmap(), since a handler of a signal may have interrupted malloc(). */
struct records {
    struct region region;
    struct host_records object;
    uint32_t place[]; /* of each host of the route: the number of its record, and 1; 0: it has none */
};

static size_t records_bytes(size_t count)
{
    return sizeof(struct records) + count * sizeof(uint32_t);
}

static void records_close(struct records *records, size_t count)
{
    region_close(&records->region);
    munmap(records, records_bytes(count));
}

static enum shm_status open_in(int directory, const char *name, struct trust trust, struct records *records)
{
    trust.unsafe_mode = 0022;
    enum shm_status status = region_open_at(directory, name, false, &trust, HEADER_BYTES, &records->region);
    return status == SHM_OK ? host_records_attach(&records->region, &records->object) : status;
}

/* False: it is not there, or cannot be trusted. */
static bool open_object(const larshm *h, const struct mapping *mapping, struct records *records)
{
    struct place_visit visit;
    if (place_enter_home(&h->place, h->names.routes, &mapping->routes_region, &visit) != SHM_OK)
        return false;
    enum shm_status status = open_in(visit.directory, h->names.hosts, visit.trust, records);
    return place_leave(&h->place, &visit) && status == SHM_OK;
}

/* Hosts of a table are in order; relaxed, for of one that is replaced meanwhile none is yielded. `count`: the route does not have the
 * host. */
static uint32_t find_host(const struct block *s_block, uint32_t count, struct host_addr host)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct host_addr at = host_of(s_block, count, middle);
        if (host_addr_equal(at, host))
            return middle;
        if (host_addr_order(at) < host_addr_order(host))
            low = middle + 1;
        else
            high = middle;
    }
    return count;
}

static void find_records(struct records *records, const struct block *s_block, uint32_t count,
                         struct route_key key)
{
    uint32_t used = host_records_used(&records->object);
    for (uint32_t number = 0; number < used; number++) {
        struct host_addr host;
        if (!host_records_is_of(&records->object, number, key, &host))
            continue;
        uint32_t at = find_host(s_block, count, host);
        if (at < count)
            records->place[at] = number + 1;
    }
}

/* NULL: there is no memory, or no object that may be read. */
static struct records *records_open(const larshm *h, const larshm_view *view, struct route_key key)
{
    struct records *records =
        mmap(NULL, records_bytes(view->count), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (records == MAP_FAILED)
        return NULL;
    if (!open_object(h, view->private_mapping, records)) {
        records_close(records, view->count);
        return NULL;
    }
    find_records(records, view->private_block, (uint32_t)view->count, key);
    return records;
}

int larshm_hosts_begin(larshm *h, uint32_t modid, uint32_t cmdid, larshm_hosts *hosts)
{
    larshm_view view;
    int code = larshm_route_begin_sized(h, modid, cmdid, &view, sizeof(view));
    if (code != LARSHM_OK)
        return code;
    struct uncancelled before = uncancelled_begin();
    *hosts = (larshm_hosts){
        .private_mapping = view.private_mapping,
        .private_block = view.private_block,
        .private_ref = view.private_ref,
        .private_records = records_open(h, &view, route_key(modid, cmdid)),
        .private_count = (uint32_t)view.count,
    };
    uncancelled_end(before);
    return LARSHM_OK;
}

static void fill_from_record(const larshm_hosts *hosts, uint32_t at, larshm_host_info *info)
{
    const struct records *records = hosts->private_records;
    const struct route_key key = {info->host.modid, info->host.cmdid};
    const struct host_addr host = {info->host.addr, info->host.port};
    struct route_key found_key;
    struct host_addr found;
    struct host_entry entry;
    info->known = records != NULL;
    /* It may have become another host's since. */
    if (!records || records->place[at] == 0 ||
        !host_records_read(&records->object, records->place[at] - 1, &found_key, &found, &entry) ||
        !route_key_equal(found_key, key) || !host_addr_equal(found, host))
        return;
    const struct host_health *health = &entry.health;
    uint64_t now = silence_fetcher_tick(hosts->private_mapping);
    info->reason = health->reason;
    info->override = health->override;
    info->value = health->value;
    info->limit = health->limit;
    info->window_successes = health->rsucc;
    info->window_failures = health->rerr;
    info->successes = health->total_succ;
    info->failures = health->total_err;
    info->reason_age_ms = host_health_age_ms(health, now);
    info->ejected_left_ms = host_health_ejected_left_ms(health, now);
    info->ejections = health->state == HOST_EJECTED ? health->level : 0;
}

int larshm_hosts_next_sized(larshm_hosts *hosts, larshm_host_info *info, size_t size)
{
    const struct block *s_block = hosts->private_block;
    const uint32_t at = hosts->private_next, count = hosts->private_count;
    if (size < HOST_INFO_SIZE_MIN)
        return LARSHM_BAD_ARGUMENT;
    if (at >= count)
        return LARSHM_END;
    struct mapping *mapping = hosts->private_mapping;
    const struct limited limited = limited_hosts(mapping, s_block, count);
    const uint32_t share = limited_share(&limited, at);
    const struct route_key key = route_key_from_number(load_relaxed(&s_block->key));
    const struct host_addr host = host_of(s_block, count, at);
    larshm_host_info found = {
        .host = {key.modid, key.cmdid, host.address, host.port},
        .state = (uint32_t)limited_state(share),
        .share = share == SHARE_FULL     ? SHARE_EIGHTHS
                 : share < SHARE_EJECTED ? share
                                         : 0,
    };
    if (!block_intact(s_block, hosts->private_ref))
        return LARSHM_STALE;
    fill_from_record(hosts, at, &found);
    hosts->private_next++;
    fill_sized(info, size, &found, sizeof(found));
    return LARSHM_OK;
}

void larshm_hosts_end(larshm *h, larshm_hosts *hosts)
{
    struct mapping *mapping = hosts->private_mapping;
    struct records *records = hosts->private_records;
    if (records)
        records_close(records, hosts->private_count);
    *hosts = (larshm_hosts){0};
    if (mapping)
        mapping_unpin(h, mapping);
}
