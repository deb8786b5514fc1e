/* SPDX-License-Identifier: MIT */
/*
 * A process that reads a damaged hosts object, also while it is damaged further, stays inside of it. A fetcher that starts
 * over it takes over each record that could be read and can be, and works on. Input: the object's size (16 bits, 0:
 * whole), then changes to a valid object; half of them strike while it is read.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/writer/host_store.h"
#include "tests/fuzz/fuzz.h"

enum {
    MAX_BYTES = 1 << 20,
    ROUTES = 6,
    HOSTS = 5, /* of each, besides its own record */
};

static char instance[INSTANCE_MAX + 1];
static struct object_names names;
static void *image;
static size_t image_size;

static void remove_objects(void)
{
    shm_unlink(names.hosts);
}

static struct host_store *open_store(void)
{
    struct event failure;
    struct host_store *store;
    if (host_store_open(&store, instance, MAX_BYTES, &failure) != SHM_OK)
        fuzz_broken(__FILE__, __LINE__, "host_store_open");
    return store;
}

static struct region open_object(void)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    DEMAND(region_open(names.hosts, false, &self, HEADER_BYTES, &region) == SHM_OK);
    return region;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    snprintf(instance, sizeof(instance), "fuzz-%ld", (long)getpid());
    DEMAND(object_names(instance, &names) == SHM_OK);
    struct host_store *store = open_store();
    for (uint64_t i = 0; i < ROUTES * HOSTS; i++) {
        uint32_t number = host_store_add(store, route_key(0, (uint32_t)(i % ROUTES)),
                                         (struct host_addr){1, (uint16_t)(i + 1)});
        host_store_entry(store, number)->health.total_succ = i;
        host_store_commit(store, number);
    }
    struct region region = open_object();
    /* Enough for all of these records and a few more. */
    image_size = host_records_size(ROUTES * (HOSTS + 2));
    image = malloc(image_size);
    DEMAND(image && region.size > image_size);
    memcpy(image, region.s_base, image_size);
    struct hosts_header *header = image;
    header->id.size = image_size;
    header->record_count = ROUTES * (HOSTS + 2);
    region_close(&region);
    host_store_close(store);
    remove_objects();
    return atexit(remove_objects);
}

static void read_all(const struct host_records *hosts, struct input *input, struct region *region)
{
    struct route_key key;
    struct host_addr host;
    struct host_entry entry;
    DEMAND(host_records_used(hosts) <= hosts->record_count);
    for (uint32_t number = 0; number < host_records_used(hosts); number++) {
        DEMAND(!host_records_read(hosts, number, &key, &host, &entry) || !route_key_is_none(key));
        input_patch(input, region->s_base, region->size);
    }
}

/* In memory that is exactly as long as the object, so that an overrun is seen. */
static void check_reading(struct input input, size_t size)
{
    struct region region = {.size = size};
    struct host_records hosts;
    DEMAND(posix_memalign(&region.s_base, CACHE_LINE, size) == 0);
    memcpy(region.s_base, image, size);
    size_t later = input.size / 2;
    while (input.size > later && input_patch(&input, region.s_base, size))
        continue;
    if (host_records_attach(&region, &hosts) == SHM_OK)
        read_all(&hosts, &input, &region);
    free(region.s_base);
}

static void check_taken_over(struct host_store *store, const struct host_records *old)
{
    struct route_key key;
    struct host_addr host;
    struct host_entry entry;
    for (uint32_t i = 0; i < host_records_used(old); i++) {
        if (!host_records_read(old, i, &key, &host, &entry))
            continue;
        bool can_be = entry.health.state <= HOST_EJECTED && entry.health.override <= OVERRIDE_DRAINED &&
                      entry.health.reason < REASONS;
        DEMAND(!can_be || host_store_find(store, key, host) != HOST_STORE_NONE);
    }
}

/* Chains are whole, and no record is in none. */
static void check_chains(struct host_store *store)
{
    struct route_key key, found;
    struct host_addr host, found_host;
    uint32_t records = 0, chained = 0;
    for (uint32_t number = 0; number < host_store_used(store); number++) {
        if (!host_store_is(store, number, &key, &host))
            continue;
        records++;
        DEMAND(host_store_find(store, key, host) == number &&
               host_store_find(store, key, HOST_ADDR_NONE) != HOST_STORE_NONE);
        for (uint32_t next = number; host_addr_is_none(host) && next != HOST_STORE_NONE;
             next = host_store_next(store, next)) {
            DEMAND(host_store_is(store, next, &found, &found_host) && route_key_equal(found, key));
            DEMAND(++chained <= host_store_used(store));
        }
    }
    DEMAND(chained == records);
}

static void work(struct host_store *store)
{
    struct route_key key;
    struct host_addr host;
    for (uint64_t i = 0; i < 20; i++)
        DEMAND(host_store_add(store, route_key(0, (uint32_t)(i % 3)),
                              (struct host_addr){2, (uint16_t)(i + 1)}) != HOST_STORE_NONE);
    for (uint32_t number = 0; number < host_store_used(store); number++)
        if (host_store_is(store, number, &key, &host) && !host_addr_is_none(host))
            host_store_remove(store, number);
    check_chains(store);
}

static void check_adoption(struct input input, size_t size)
{
    struct region object;
    struct host_records old;
    DEMAND(region_create(names.hosts, size, 0644, (gid_t)-1, &object) == SHM_OK);
    memcpy(object.s_base, image, size);
    while (input_patch(&input, object.s_base, size))
        continue;
    struct host_store *store = open_store();
    if (host_records_attach(&object, &old) == SHM_OK)
        check_taken_over(store, &old);
    check_chains(store);
    work(store);
    host_store_close(store);
    region_close(&object);
    remove_objects();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    size_t bytes = input_number(&input, 2) % image_size;
    if (bytes == 0)
        bytes = image_size;
    check_reading(input, bytes);
    check_adoption(input, bytes);
    return 0;
}
