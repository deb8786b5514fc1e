/* SPDX-License-Identifier: MIT */
/*
 * Whoever reads a damaged hosts object, also while it is damaged further, stays inside of it. A fetcher that starts
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

static struct ledger *open_ledger(void)
{
    char note[WRITER_NOTE_MAX];
    struct ledger *ledger;
    if (ledger_open(&ledger, instance, MAX_BYTES, note) != SHM_OK)
        fuzz_broken(__FILE__, __LINE__, note);
    return ledger;
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
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < ROUTES * HOSTS; i++) {
        uint32_t number = ledger_add(ledger, i % ROUTES, host_word(1, (uint16_t)(i + 1)));
        ledger_entry(ledger, number)->standing.total_succ = i;
        ledger_commit(ledger, number);
    }
    struct region region = open_object();
    /* Enough for all of these records and a few more. */
    image_size = hosts_size(ROUTES * (HOSTS + 2));
    image = malloc(image_size);
    DEMAND(image && region.size > image_size);
    memcpy(image, region.s_base, image_size);
    struct hosts_header *header = image;
    header->id.size = image_size;
    header->record_count = ROUTES * (HOSTS + 2);
    region_close(&region);
    ledger_close(ledger);
    remove_objects();
    return atexit(remove_objects);
}

static void read_all(const struct hosts *hosts, struct input *input, struct region *region)
{
    uint64_t key, host;
    struct host_entry entry;
    DEMAND(hosts_used(hosts) <= hosts->record_count);
    for (uint32_t number = 0; number < hosts_used(hosts); number++) {
        DEMAND(!hosts_read(hosts, number, &key, &host, &entry) || key != KEY_INVALID);
        input_patch(input, region->s_base, region->size);
    }
}

/* In memory that is exactly as long as the object, so that an overrun is seen. */
static void check_reading(struct input input, size_t size)
{
    struct region region = {.size = size};
    struct hosts hosts;
    DEMAND(posix_memalign(&region.s_base, CACHE_LINE, size) == 0);
    memcpy(region.s_base, image, size);
    size_t later = input.size / 2;
    while (input.size > later && input_patch(&input, region.s_base, size))
        continue;
    if (hosts_attach(&region, &hosts) == SHM_OK)
        read_all(&hosts, &input, &region);
    free(region.s_base);
}

static void check_taken_over(struct ledger *ledger, const struct hosts *old)
{
    uint64_t key, host;
    struct host_entry entry;
    for (uint32_t i = 0; i < hosts_used(old); i++) {
        if (!hosts_read(old, i, &key, &host, &entry))
            continue;
        bool can_be = entry.standing.state <= STANDING_OVERLOADED && entry.standing.hold <= HOLD_DRAINED &&
                      entry.standing.reason < REASONS && entry.standing.bad_window <= 1;
        DEMAND(!can_be || ledger_find(ledger, key, host) != LEDGER_NONE);
    }
}

/* Chains are whole, and no record is in none. */
static void check_chains(struct ledger *ledger)
{
    uint64_t key, host, found, found_host;
    uint32_t records = 0, chained = 0;
    for (uint32_t number = 0; number < ledger_used(ledger); number++) {
        if (!ledger_is(ledger, number, &key, &host))
            continue;
        records++;
        DEMAND(ledger_find(ledger, key, host) == number && ledger_find(ledger, key, 0) != LEDGER_NONE);
        for (uint32_t next = number; host == 0 && next != LEDGER_NONE; next = ledger_next(ledger, next)) {
            DEMAND(ledger_is(ledger, next, &found, &found_host) && found == key);
            DEMAND(++chained <= ledger_used(ledger));
        }
    }
    DEMAND(chained == records);
}

static void work(struct ledger *ledger)
{
    uint64_t key, host;
    for (uint64_t i = 0; i < 20; i++)
        DEMAND(ledger_add(ledger, i % 3, host_word(2, (uint16_t)(i + 1))) != LEDGER_NONE);
    for (uint32_t number = 0; number < ledger_used(ledger); number++)
        if (ledger_is(ledger, number, &key, &host) && host)
            ledger_remove(ledger, number);
    check_chains(ledger);
}

static void check_adoption(struct input input, size_t size)
{
    struct region object;
    struct hosts old;
    DEMAND(region_create(names.hosts, size, 0644, (gid_t)-1, &object) == SHM_OK);
    memcpy(object.s_base, image, size);
    while (input_patch(&input, object.s_base, size))
        continue;
    struct ledger *ledger = open_ledger();
    if (hosts_attach(&object, &old) == SHM_OK)
        check_taken_over(ledger, &old);
    check_chains(ledger);
    work(ledger);
    ledger_close(ledger);
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
