/* SPDX-License-Identifier: MIT */
/*
 * What is known of hosts, store by store: for each operation on the hosts object and each n, a child does it and dies
 * before its n-th step. A reader then, and the next fetcher, find every record as it was or as it became; no
 * record is lost, and none is a mix.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/host_records.h"
#include "shm/writer/generation.h"
#include "shm/writer/host_store.h"
#include "tests/crash/step.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    MAX_BYTES = 1 << 20,
    KEYS = 4,
    HOSTS = 4,     /* of each key, with the route's own record, number 0 */
    FULL = 256,    /* records that fit before the object grows */
    NEWCOMER = 50, /* a key that operations add */
    CHANGES = 2,   /* records that one operation may change */
    EDGE = 40,     /* steps at both ends of a growth that are all tried; of those between, every 41st */
    STRIDE = 41,
};

/* What a record holds, in one number. */
enum {
    ABSENT = 0,
    FRESH = 1, /* added, and nothing committed yet: all zero */
    FIRST_VALUE = 2,
};
#define MIXED UINT64_MAX

struct change {
    uint64_t key, host;
    uint64_t before, between, after;
};

struct operation {
    const char *name;
    uint32_t records; /* there before; 0: KEYS * HOSTS */
    void (*prepare)(struct host_store *store);
    void (*run)(struct host_store *store);
    struct change changes[CHANGES]; /* key 0: no more */
};

static struct object_names names;
static char instance[INSTANCE_MAX + 1];

static struct host_entry entry_of(uint64_t key, uint64_t host, uint64_t value)
{
    return (struct host_entry){
        .health = {.total_succ = value, .total_err = ~value, .since = key, .window = host},
        .generation = value * 3,
        .counts = value * 5,
        .extra = value * 7,
        .cell = (uint32_t)value,
        .absorbed = value * 11};
}

static uint64_t value_of(uint64_t key, uint64_t host, const struct host_entry *entry)
{
    static const struct host_entry fresh;
    uint64_t value = entry->health.total_succ;
    const struct host_entry wanted = entry_of(key, host, value);
    if (memcmp(entry, &fresh, sizeof(fresh)) == 0)
        return FRESH;
    return memcmp(entry, &wanted, sizeof(wanted)) == 0 ? value : MIXED;
}

static uint64_t base_value(uint64_t key, uint64_t host)
{
    return FIRST_VALUE + key * 1000 + host;
}

static struct host_store *open_store(void)
{
    struct event failure;
    struct host_store *store = NULL;
    if (host_store_open(&store, instance, MAX_BYTES, &failure) != SHM_OK)
        fail_msg("host_store_open: event %d", failure.kind);
    return store;
}

static void put(struct host_store *store, uint64_t key, uint64_t host, uint64_t value)
{
    uint32_t number = host_store_add(store, numbered_key(key), numbered_host(host));
    if (number == HOST_STORE_NONE)
        abort();
    *host_store_entry(store, number) = entry_of(key, host, value);
    host_store_commit(store, number);
}

static void make_base(uint32_t records)
{
    struct host_store *store = open_store();
    for (uint64_t key = 1; key <= KEYS; key++)
        for (uint64_t host = 0; host < HOSTS; host++)
            put(store, key, host, base_value(key, host));
    for (uint64_t host = HOSTS; host_store_used(store) < records; host++)
        put(store, KEYS, host, base_value(KEYS, host));
    host_store_close(store);
}

static void remove_objects(void)
{
    shm_unlink(names.hosts);
    shm_unlink(names.next_hosts);
}

/* ---- what is left ---- */

struct seen {
    uint32_t records;
    uint64_t sum; /* of all values, so that two walks can be compared */
    uint64_t changes[CHANGES];
};

static const struct change *change_of(const struct operation *operation, uint64_t key, uint64_t host, int *at)
{
    for (*at = 0; *at < CHANGES && operation->changes[*at].key; ++*at)
        if (operation->changes[*at].key == key && operation->changes[*at].host == host)
            return &operation->changes[*at];
    return NULL;
}

static void record_found(struct seen *seen, const struct operation *operation, unsigned long n, uint64_t key,
                         uint64_t host, const struct host_entry *entry)
{
    int at;
    uint64_t value = value_of(key, host, entry);
    if (change_of(operation, key, host, &at))
        seen->changes[at] = value;
    else if (value != base_value(key, host))
        fail_msg("%s, step %lu: record %d/%d is not as it was", operation->name, n, (int)key, (int)host);
    seen->records++;
    seen->sum += value;
}

static void judge(const struct seen *seen, const struct operation *operation, unsigned long n, uint32_t base)
{
    uint32_t there = 0;
    for (int i = 0; i < CHANGES && operation->changes[i].key; i++) {
        const struct change *change = &operation->changes[i];
        uint64_t value = seen->changes[i];
        if (value != change->before && value != change->between && value != change->after)
            fail_msg("%s, step %lu: record %d/%d is neither old nor new", operation->name, n,
                     (int)change->key, (int)change->host);
        base -= change->before != ABSENT;
        there += value != ABSENT;
    }
    if (seen->records != base + there)
        fail_msg("%s, step %lu: %u records instead of %u", operation->name, n, seen->records, base + there);
}

static struct seen walk_object(const struct operation *operation, unsigned long n)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct seen seen = {0};
    struct region region;
    struct host_records hosts;
    if (region_open(names.hosts, false, &self, HEADER_BYTES, &region) != SHM_OK ||
        host_records_attach(&region, &hosts) != SHM_OK)
        fail_msg("%s, step %lu: no object", operation->name, n);
    for (uint32_t number = 0; number < host_records_used(&hosts); number++) {
        struct route_key key;
        struct host_addr host;
        struct host_entry entry;
        if (host_records_read(&hosts, number, &key, &host, &entry))
            record_found(&seen, operation, n, route_key_number(key), host_addr_word(host), &entry);
    }
    region_close(&region);
    return seen;
}

static struct seen walk_next_fetcher(const struct operation *operation, unsigned long n)
{
    struct seen seen = {0};
    generation_sweep(&names);
    struct host_store *store = open_store();
    for (uint32_t number = 0; number < host_store_used(store); number++) {
        struct route_key key;
        struct host_addr host;
        if (host_store_is(store, number, &key, &host))
            record_found(&seen, operation, n, route_key_number(key), host_addr_word(host),
                         host_store_entry(store, number));
    }
    put(store, NEWCOMER + 1, 7, 77);
    host_store_close(store);
    return seen;
}

/* True: the child came to its end before step n. */
static bool die_at(const struct operation *operation, unsigned long n, unsigned long *steps)
{
    unsigned long *s_steps =
        mmap(NULL, sizeof(*s_steps), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s_steps != MAP_FAILED);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct host_store *store = operation->prepare ? open_store() : NULL;
        if (operation->prepare)
            operation->prepare(store);
        crash_at(n);
        operation->run(store);
        *s_steps = crash_steps();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != CRASH_EXIT))
        fail_msg("%s, step %lu: the fetcher ended with %x", operation->name, n, status);
    *steps = *s_steps;
    munmap(s_steps, sizeof(*s_steps));
    return WEXITSTATUS(status) == 0;
}

/* Dies at step n, and lets readers and the next fetcher look. Returns whether there was no such step. */
static bool try_step(const struct operation *operation, unsigned long n, unsigned long *steps)
{
    uint32_t base = operation->records ? operation->records : KEYS * HOSTS;
    crash_at(0);
    make_base(base);
    bool finished = die_at(operation, n, steps);
    struct seen by_reader = walk_object(operation, n);
    judge(&by_reader, operation, n, base);
    struct seen by_next = walk_next_fetcher(operation, n);
    if (by_reader.records != by_next.records || by_reader.sum != by_next.sum ||
        memcmp(by_reader.changes, by_next.changes, sizeof(by_next.changes)) != 0)
        fail_msg("%s, step %lu: the next fetcher has something else than was shown", operation->name, n);
    remove_objects();
    return finished;
}

static unsigned long enumerate(const struct operation *operation)
{
    unsigned long steps, tried = 0, ignored;
    try_step(operation, 0, &steps);
    for (unsigned long n = 1; n <= steps; tried++) {
        if (try_step(operation, n, &ignored))
            fail_msg("%s, step %lu of %lu was not reached", operation->name, n, steps);
        n += operation->records && n > EDGE && n + STRIDE + EDGE < steps ? STRIDE : 1;
    }
    printf("%-36s %5lu of %5lu crash points\n", operation->name, tried, steps);
    return steps;
}

/* ---- the operations ---- */

static void nothing(struct host_store *store)
{
    (void)store;
}

static void change(struct host_store *store)
{
    put(store, 2, 3, 9999);
}

static void add_host(struct host_store *store)
{
    put(store, 2, 100, 9999);
}

static void add_route(struct host_store *store)
{
    put(store, NEWCOMER, 100, 9999);
}

static void remove_host(struct host_store *store)
{
    host_store_remove(store, host_store_find(store, numbered_key(2), numbered_host(3)));
}

/* The record of one host becomes that of another. */
static void use_again(struct host_store *store)
{
    uint32_t number = host_store_find(store, numbered_key(2), numbered_host(3));
    host_store_remove(store, number);
    put(store, 2, 100, 9999);
    if (host_store_find(store, numbered_key(2), numbered_host(100)) != number)
        abort();
}

static void start(struct host_store *store)
{
    (void)store;
    open_store();
}

static const struct operation operations[] = {
    {"a record changes", 0, nothing, change, {{2, 3, FIRST_VALUE + 2003, FIRST_VALUE + 2003, 9999}}},
    {"a host is added", 0, nothing, add_host, {{2, 100, ABSENT, FRESH, 9999}}},
    {"a host of a new route is added",
     0,
     nothing,
     add_route,
     {{NEWCOMER, 0, ABSENT, ABSENT, FRESH}, {NEWCOMER, 100, ABSENT, FRESH, 9999}}},
    {"a host is removed", 0, nothing, remove_host, {{2, 3, FIRST_VALUE + 2003, ABSENT, ABSENT}}},
    {"a record is used again",
     0,
     nothing,
     use_again,
     {{2, 3, FIRST_VALUE + 2003, ABSENT, ABSENT}, {2, 100, ABSENT, FRESH, 9999}}},
    {"growth", FULL, nothing, add_host, {{2, 100, ABSENT, FRESH, 9999}}},
    {"adoption", 0, NULL, start, {{0}}},
};

static void g5_death_at_any_store_leaves_every_record_old_or_new(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
        assert_true(enumerate(&operations[i]) > 1);
}

static int setup(void **state)
{
    (void)state;
    snprintf(instance, sizeof(instance), "test-%ld", (long)getpid());
    return object_names(instance, &names) == SHM_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    remove_objects();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(g5_death_at_any_store_leaves_every_record_old_or_new, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("crash/host_store", tests, NULL, NULL);
}
