/* SPDX-License-Identifier: MIT */
/*
 * A fetcher starts over whatever object of its own it finds, and takes over every route that clients were served
 * from it, host for host; each key that it shows then is served. Input: as for routes_image, without later changes.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/check.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/names.h"
#include "shm/table.h"
#include "shm/writer/writer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"

static _Alignas(CACHE_LINE) char image[IMAGE_BYTES];
static char instance[INSTANCE_MAX + 1];
static struct object_names names;

static void remove_objects(void)
{
    shm_unlink(names.routes);
    shm_unlink(names.control);
    shm_unlink(names.lock);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    image_make(image);
    snprintf(instance, sizeof(instance), "fuzz-%ld", (long)getpid());
    DEMAND(object_names(instance, &names) == SHM_OK);
    return atexit(remove_objects);
}

static bool served(const struct routes *routes, struct route_key key, struct table *table)
{
    uint32_t slot = index_find(routes, key);
    return slot != SLOT_NONE && table_begin(routes, slot, key, table) == SHM_OK;
}

static void compare(const struct routes *old, const struct routes *adopted, struct route_key key,
                    uint64_t now)
{
    static struct host_addr before[HOSTS_MAX], after[HOSTS_MAX];
    struct table from, to;
    if (!served(old, key, &from) || (from.count == 0 && (from.expires & ~EXPIRES_PULLING) <= now))
        return;
    DEMAND(served(adopted, key, &to));
    DEMAND(to.count == from.count && to.ttl_s == from.ttl_s);
    table_hosts(&from, before);
    table_hosts(&to, after);
    for (uint32_t i = 0; i < to.count; i++)
        DEMAND(before[i].address == after[i].address && before[i].port == after[i].port);
}

static struct route_key key_at(const struct routes *routes, uint32_t slot)
{
    return route_key_from_word(load_relaxed(&routes_slot(routes, slot)->key));
}

static void check_adopted(const struct region *found)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct routes old, adopted;
    struct check_report report;
    struct table table;
    bool valid = true;
    DEMAND(region_open(names.routes, false, &self, 0, &region) == SHM_OK);
    DEMAND(routes_attach(&region, &adopted) == SHM_OK);
    if (routes_attach(found, &old) == SHM_OK) {
        valid = check_routes(&old, &report) == SHM_OK;
        for (uint32_t slot = 0; slot < routes_slot_count(&old); slot++)
            compare(&old, &adopted, key_at(&old, slot), clock_tick());
    }
    for (uint32_t slot = 0; slot < routes_slot_count(&adopted); slot++)
        DEMAND(route_key_is_none(key_at(&adopted, slot)) || served(&adopted, key_at(&adopted, slot), &table));
    DEMAND(!valid || check_routes(&adopted, &report) == SHM_OK);
    region_close(&region);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct writer_options options = {
        .instance = instance, .max_bytes = 1 << 20, .max_unknown = 100, .group = ""};
    struct input input = {data, size};
    size_t bytes = input_number(&input, 2) % IMAGE_BYTES;
    struct region found;
    struct writer *writer;
    struct event failure;
    if (bytes == 0)
        bytes = IMAGE_BYTES;
    DEMAND(region_create(names.routes, bytes, 0644, (gid_t)-1, &found) == SHM_OK);
    memcpy(found.s_base, image, bytes);
    while (input_patch(&input, found.s_base, bytes))
        continue;
    if (writer_open(&writer, &options, &failure) != SHM_OK)
        fuzz_broken(__FILE__, __LINE__, "writer_open");
    check_adopted(&found);
    writer_close(writer);
    region_close(&found);
    remove_objects();
    return 0;
}
