/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/host_records.h"
#include "shm/writer/host_store.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"
#include "tests/support/sanitizer.h"

enum {
    MAX_BYTES = 1 << 20,
    KEYS = 12,
    HOSTS = 60, /* of each key; number 0 is the route's own record */
    STEPS = 20000,
    COMMITS = 1000000,
};

static struct host_store *open_store(struct instance *instance)
{
    struct host_store *store = NULL;
    if (host_store_open(&store, instance->name, MAX_BYTES, &instance->event) != SHM_OK)
        fail_msg("host_store_open: event %d", instance->event.kind);
    return store;
}

/* What readers see. */
static void open_hosts(const struct instance *instance, struct region *region, struct host_records *hosts)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    assert_int_equal(region_open(instance->names.hosts, false, &self, HEADER_BYTES, region), SHM_OK);
    assert_int_equal(host_records_attach(region, hosts), SHM_OK);
}

/* An entry whose words all follow from whose it is and from `value`. */
static struct host_entry entry_of(uint64_t key, uint64_t host, uint64_t value)
{
    return (struct host_entry){
        .health = {.total_succ = value,
                   .total_err = ~value,
                   .since = key * 31 + host,
                   .window = value * 3,
                   .vsucc = (uint32_t)value,
                   .verr = (uint32_t)host,
                   .state = value % 2,
                   .badness = (uint16_t)(value * 17),
                   .level = (uint16_t)(value * 19),
                   .reason = value % (REASON_WINDOW + 1)},
        .generation = value * 5,
        .counts = value * 7,
        .extra = value * 11,
        .cell = (uint32_t)value,
        .left_s = (uint32_t)(value * 23),
        .absorbed = value * 13,
    };
}

static void commit(struct host_store *store, uint32_t number, uint64_t value)
{
    struct route_key key;
    struct host_addr host;
    assert_true(host_store_is(store, number, &key, &host));
    *host_store_entry(store, number) = entry_of(route_key_number(key), host_addr_word(host), value);
    host_store_commit(store, number);
}

static uint32_t add(struct host_store *store, uint64_t key, uint64_t host, uint64_t value)
{
    uint32_t number = host_store_add(store, numbered_key(key), numbered_host(host));
    assert_int_not_equal(number, HOST_STORE_NONE);
    commit(store, number, value);
    return number;
}

static void expect(struct host_store *store, uint64_t key, uint64_t host, uint64_t value)
{
    uint32_t number = host_store_find(store, numbered_key(key), numbered_host(host));
    if (number == HOST_STORE_NONE)
        fail_msg("record %d/%d is lost", (int)key, (int)host);
    const struct host_entry wanted = entry_of(key, host, value);
    assert_memory_equal(host_store_entry(store, number), &wanted, sizeof(wanted));
}

/* ---- a simple model of the same ---- */

struct model {
    bool here[KEYS][HOSTS];
    uint64_t value[KEYS][HOSTS];
};

static uint32_t count_chain(const struct host_store *store, uint64_t key)
{
    uint32_t count = 0;
    for (uint32_t number = host_store_find(store, numbered_key(key), numbered_host(0));
         number != HOST_STORE_NONE; number = host_store_next(store, number)) {
        struct route_key found;
        struct host_addr host;
        assert_true(host_store_is(store, number, &found, &host));
        assert_int_equal(route_key_number(found), key);
        assert_int_equal(host_addr_is_none(host), count == 0);
        count++;
    }
    return count;
}

static void compare(struct host_store *store, const struct model *model)
{
    uint32_t records = 0;
    for (uint64_t key = 0; key < KEYS; key++) {
        uint32_t here = 0;
        for (uint64_t host = 0; host < HOSTS; host++) {
            if (model->here[key][host])
                expect(store, key, host, model->value[key][host]);
            else
                assert_int_equal(host_store_find(store, numbered_key(key), numbered_host(host)),
                                 HOST_STORE_NONE);
            here += model->here[key][host];
        }
        assert_int_equal(count_chain(store, key), here);
        records += here;
    }
    for (uint32_t number = 0; number < host_store_used(store); number++) {
        struct route_key key;
        struct host_addr host;
        records -= host_store_is(store, number, &key, &host);
    }
    assert_int_equal(records, 0);
}

static void compare_shown(const struct instance *instance, const struct model *model)
{
    struct region region;
    struct host_records hosts;
    struct host_entry entry;
    struct route_key route;
    struct host_addr addr;
    uint32_t here = 0, shown = 0;
    open_hosts(instance, &region, &hosts);
    for (int i = 0; i < KEYS * HOSTS; i++)
        here += model->here[i / HOSTS][i % HOSTS];
    for (uint32_t number = 0; number < host_records_used(&hosts); number++) {
        if (!host_records_read(&hosts, number, &route, &addr, &entry))
            continue;
        uint64_t key = route_key_number(route), host = host_addr_word(addr);
        assert_true(key < KEYS && host < HOSTS && model->here[key][host]);
        const struct host_entry wanted = entry_of(key, host, model->value[key][host]);
        assert_memory_equal(&entry, &wanted, sizeof(wanted));
        shown++;
    }
    assert_int_equal(shown, here);
    region_close(&region);
}

static void step(struct host_store *store, struct model *model, uint64_t random)
{
    uint64_t key = random % KEYS, host = random / KEYS % HOSTS, value = random >> 20;
    uint32_t number = host_store_find(store, numbered_key(key), numbered_host(host));
    bool *here = &model->here[key][host];
    if (number == HOST_STORE_NONE) {
        add(store, key, host, value);
        if (!model->here[key][0]) { /* it came along */
            model->here[key][0] = true;
            model->value[key][0] = value;
            commit(store, host_store_find(store, numbered_key(key), numbered_host(0)), value);
        }
        *here = true;
        model->value[key][host] = value;
    } else if (random >> 60 < 8) {
        commit(store, number, value);
        model->value[key][host] = value;
    } else {
        bool last = host != 0 || count_chain(store, key) == 1;
        host_store_remove(store, number);
        *here = !last;
    }
}

static void any_order_of_operations_leaves_what_it_should(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    struct model model = {0};
    for (uint64_t i = 1; i <= STEPS; i++) {
        step(store, &model, hash_word(i, 5));
        if (i % 997 == 0) {
            compare(store, &model);
            compare_shown(instance, &model);
        }
        if (i % 2500 == 0) { /* the next fetcher */
            host_store_close(store);
            store = open_store(instance);
            compare(store, &model);
        }
    }
    host_store_close(store);
}

static void a_new_record_is_all_zero_and_comes_with_its_routes(void **state)
{
    static const struct host_entry zero;
    struct host_store *store = open_store(*state);
    uint32_t number = host_store_add(store, numbered_key(1), numbered_host(10));
    uint32_t route = host_store_find(store, numbered_key(1), numbered_host(0));
    assert_int_not_equal(route, HOST_STORE_NONE);
    assert_memory_equal(host_store_entry(store, number), &zero, sizeof(zero));
    assert_memory_equal(host_store_entry(store, route), &zero, sizeof(zero));
    commit(store, number, 5);
    assert_int_equal(host_store_add(store, numbered_key(1), numbered_host(10)), number);
    expect(store, 1, 10, 5);
    host_store_remove(store, route); /* not while it has hosts */
    assert_int_equal(host_store_find(store, numbered_key(1), numbered_host(0)), route);
    host_store_remove(store, number);
    host_store_remove(store, route);
    assert_int_equal(host_store_find(store, numbered_key(1), numbered_host(0)), HOST_STORE_NONE);
    assert_memory_equal(host_store_entry(store, host_store_add(store, numbered_key(1), numbered_host(10))),
                        &zero, sizeof(zero));
    host_store_close(store);
}

static void what_is_not_committed_is_neither_shown_nor_adopted(void **state)
{
    struct host_store *store = open_store(*state);
    uint32_t number = add(store, 1, 10, 5);
    *host_store_entry(store, number) = entry_of(1, 10, 6);
    host_store_close(store);
    store = open_store(*state);
    expect(store, 1, 10, 5);
    host_store_close(store);
}

static void growth_keeps_numbers_and_records(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    struct region region;
    struct host_records hosts;
    for (uint32_t host = 1; host < 2000; host++) {
        uint32_t number = add(store, host % 7, host, host);
        assert_int_equal(host_store_find(store, numbered_key(host % 7), numbered_host(host)), number);
    }
    open_hosts(instance, &region, &hosts);
    assert_int_equal(host_records_used(&hosts), 1999 + 7);
    for (uint32_t number = 0; number < host_records_used(&hosts); number++) {
        struct route_key key, mine;
        struct host_addr host, my_host;
        struct host_entry entry;
        assert_true(host_records_read(&hosts, number, &key, &host, &entry));
        assert_true(host_store_is(store, number, &mine, &my_host) && route_key_equal(mine, key) &&
                    host_addr_equal(my_host, host));
        assert_memory_equal(&entry, host_store_entry(store, number), sizeof(entry));
    }
    region_close(&region);
    host_store_close(store);
    store = open_store(instance);
    for (uint32_t host = 1; host < 2000; host++)
        expect(store, host % 7, host, host);
    host_store_close(store);
}

/* Records that are used again put a host before its route's own record. */
static void a_routes_own_record_is_adopted_wherever_it_is(void **state)
{
    struct host_store *store = open_store(*state);
    uint32_t first = add(store, 1, 0, 1);
    add(store, 2, 0, 22);
    host_store_remove(store, first);
    assert_true(add(store, 2, 10, 210) < host_store_find(store, numbered_key(2), numbered_host(0)));
    host_store_close(store);
    store = open_store(*state);
    expect(store, 2, 0, 22);
    expect(store, 2, 10, 210);
    assert_int_equal(count_chain(store, 2), 2);
    host_store_close(store);
}

static void g10_the_object_grows_no_larger_than_max_bytes(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    struct stat st;
    uint64_t host = 1;
    while (host_store_add(store, numbered_key(1), numbered_host(host)) != HOST_STORE_NONE && host < 100000)
        host++;
    assert_int_equal(stat(object_path(instance->names.hosts), &st), 0);
    assert_in_range(st.st_size, MAX_BYTES - 2 * sizeof(struct host_record), MAX_BYTES);
    assert_in_range(host, MAX_BYTES / sizeof(struct host_record) - 20,
                    MAX_BYTES / sizeof(struct host_record));
    /* One that goes makes room for one. */
    host_store_remove(store, host_store_find(store, numbered_key(1), numbered_host(1)));
    add(store, 1, host, 9);
    assert_int_equal(host_store_add(store, numbered_key(1), numbered_host(host + 1)), HOST_STORE_NONE);
    expect(store, 1, host, 9);
    host_store_close(store);
    /* A limit that was lowered costs no record. */
    assert_int_equal(host_store_open(&store, instance->name, MAX_BYTES / 4, &instance->event), SHM_OK);
    assert_int_equal(count_chain(store, 1), host);
    assert_int_equal(host_store_add(store, numbered_key(2), numbered_host(1)), HOST_STORE_NONE);
    host_store_close(store);
}

static void an_object_that_was_removed_or_replaced_is_recreated(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    struct region stranger, region;
    struct host_records hosts;
    add(store, 1, 10, 5);
    assert_false(host_store_maintain(store, &instance->event));
    for (int replaced = 0; replaced < 2; replaced++) {
        shm_unlink(instance->names.hosts);
        if (replaced)
            assert_int_equal(region_create(instance->names.hosts, 100, 0644, (gid_t)-1, &stranger), SHM_OK);
        assert_true(host_store_maintain(store, &instance->event));
        assert_int_equal(instance->event.kind, EVENT_HOSTS_RECREATED);
        open_hosts(instance, &region, &hosts);
        assert_int_equal(host_records_used(&hosts), 2);
        region_close(&region);
    }
    region_close(&stranger);
    add(store, 1, 11, 6);
    host_store_close(store);
    store = open_store(instance);
    expect(store, 1, 10, 5);
    expect(store, 1, 11, 6);
    host_store_close(store);
}

static void spoil(const struct instance *instance, size_t offset, uint64_t value)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct region region;
    assert_int_equal(region_open(instance->names.hosts, true, &self, 0, &region), SHM_OK);
    memcpy((char *)region.s_base + offset, &value, sizeof(value));
    region_close(&region);
}

static void an_object_that_makes_no_sense_is_replaced(void **state)
{
    static const size_t offsets[] = {
        offsetof(struct object_id, magic), offsetof(struct object_id, layout_version),
        offsetof(struct object_id, size), offsetof(struct hosts_header, record_count)};
    struct instance *instance = *state;
    const char *path = object_path(instance->names.hosts);
    for (int i = 0; i < 6; i++) {
        struct host_store *store = open_store(instance);
        assert_int_equal(host_store_find(store, numbered_key(1), numbered_host(10)), HOST_STORE_NONE);
        add(store, 1, 10, 5);
        host_store_close(store);
        if (i < 4)
            spoil(instance, offsets[i], UINT64_MAX / 3);
        else
            assert_int_equal(truncate(path, i == 4 ? 0 : HEADER_BYTES + 100), 0);
    }
}

static void records_that_make_no_sense_are_left_out(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    uint32_t bad = add(store, 1, 10, 4);
    add(store, 1, 11, 4);
    host_store_entry(store, bad)->health.reason = REASONS;
    host_store_commit(store, bad);
    host_store_close(store);
    store = open_store(instance);
    assert_int_equal(host_store_find(store, numbered_key(1), numbered_host(10)), HOST_STORE_NONE);
    expect(store, 1, 11, 4);
    host_store_close(store);
}

static void an_object_that_others_own_or_may_write_is_refused_and_left_alone(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = open_store(instance), *none = NULL;
    struct stat before, after;
    const char *path = object_path(instance->names.hosts);
    host_store_close(store);
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            assert_int_equal(chmod(path, 0666), 0);
        else if (chmod(path, 0644) != 0 || chown(path, 65534, (gid_t)-1) != 0)
            break; /* only root can give things away */
        assert_int_equal(stat(path, &before), 0);
        assert_int_not_equal(host_store_open(&none, instance->name, MAX_BYTES, &instance->event), SHM_OK);
        assert_null(none);
        assert_int_equal(instance->event.kind, i == 0 ? EVENT_OBJECT_UNSAFE : EVENT_OBJECT_FOREIGN);
        assert_string_equal(instance->event.object, instance->names.hosts);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
    }
}

/* Layout 2 had a mailbox behind its header, with whatever was last in it. */
/* Behind the header 0.1 had a mailbox. */
static void records_of_the_released_layout_are_adopted(void **state)
{
    enum {
        MAILBOX = 64,
        MAILBOX_SIZE = 64
    };
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    struct region region;
    struct host_records hosts;
    for (uint64_t host = 0; host < HOSTS; host++)
        add(store, 1, host, host + 1);
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    assert_int_equal(region_open(instance->names.hosts, true, &self, HEADER_BYTES, &region), SHM_OK);
    assert_int_equal(host_records_attach(&region, &hosts), SHM_OK);
    host_store_close(store);
    memset((char *)region.s_base + MAILBOX, 0xa5, MAILBOX_SIZE);
    region_close(&region);
    store = open_store(instance);
    for (uint64_t host = 0; host < HOSTS; host++)
        expect(store, 1, host, host + 1);
    host_store_close(store);
}

/* So a fetcher of 0.1 that is started again finds no ejection in its future. */
static void ticks_in_the_object_count_from_the_boot_as_those_of_the_released_layout(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct host_records hosts;
    struct host_store *store = open_store(instance);
    uint32_t number = add(store, 1, 10, 1);
    struct host_entry stored, *entry = host_store_entry(store, number);
    entry->health.since = TICK_ORIGIN + 5000;
    entry->health.window = TICK_ORIGIN - 7000; /* before the boot */
    entry->left_s = TICK_ORIGIN_S + 5;
    host_store_commit(store, number);
    open_hosts(instance, &region, &hosts);
    const struct host_record *s_record = &hosts.s_records[number];
    memcpy(&stored, (const void *)s_record->halves[load_relaxed(&s_record->version) % 2], sizeof(stored));
    assert_int_equal(stored.health.since, 5000);
    assert_int_equal(stored.left_s, 5);
    region_close(&region);
    host_store_close(store);
    store = open_store(instance);
    number = host_store_find(store, numbered_key(1), numbered_host(10));
    assert_true(host_store_entry(store, number)->health.since == TICK_ORIGIN + 5000);
    assert_true(host_store_entry(store, number)->health.window == TICK_ORIGIN - 7000);
    assert_true(host_store_entry(store, number)->left_s == TICK_ORIGIN_S + 5);
    host_store_close(store);
}

static void a_reason_that_only_the_released_layout_has_is_read_as_the_rule_that_it_belonged_to(void **state)
{
    enum {
        TWO_WINDOWS_OF_FEW_CALLS = 4
    };
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    uint32_t number = add(store, 1, 10, 1);
    host_store_entry(store, number)->health.state = HOST_EJECTED;
    host_store_entry(store, number)->health.reason = TWO_WINDOWS_OF_FEW_CALLS;
    host_store_entry(store, number)->health.override = OVERRIDE_DRAINED;
    host_store_commit(store, number);
    host_store_close(store);
    store = open_store(instance);
    number = host_store_find(store, numbered_key(1), numbered_host(10));
    assert_int_not_equal(number, HOST_STORE_NONE);
    assert_int_equal(host_store_entry(store, number)->health.reason, REASON_WINDOW);
    assert_int_equal(host_store_entry(store, number)->health.override, OVERRIDE_DRAINED);
    host_store_close(store);
}

/* A fetcher of 0.1 takes any other reason for damage, and leaves the record out: its operator's override with it. */
static void g11_each_reason_is_one_that_the_released_layout_has_and_is_kept(void **state)
{
    enum {
        RELEASED_REASONS = 8
    };
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    assert_int_equal(REASONS, RELEASED_REASONS);
    for (uint32_t reason = 0; reason < REASONS; reason++) {
        uint32_t number = add(store, 1, reason + 1, 1);
        host_store_entry(store, number)->health.state = HOST_IN_ROTATION;
        host_store_entry(store, number)->health.reason = (uint8_t)reason;
        host_store_commit(store, number);
    }
    host_store_close(store);
    store = open_store(instance);
    for (uint32_t reason = 0; reason < REASONS; reason++) {
        uint32_t number = host_store_find(store, numbered_key(1), numbered_host(reason + 1));
        assert_int_not_equal(number, HOST_STORE_NONE);
        assert_int_equal(host_store_entry(store, number)->health.reason, reason);
    }
    host_store_close(store);
}

static uint64_t inode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(object_path(name), &st), 0);
    return st.st_ino;
}

static void g11_an_object_of_another_layout_is_put_aside_and_named(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    struct region region;
    struct event event;
    add(store, 1, 1, 1);
    assert_false(host_store_maintain(store, &event));
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    assert_int_equal(region_open(instance->names.hosts, true, &self, HEADER_BYTES, &region), SHM_OK);
    host_store_close(store);
    ((struct object_id *)region.s_base)->layout_version = LAYOUT_VERSION + 4;
    region_close(&region);
    const uint64_t inode = inode_of(instance->names.hosts);
    store = open_store(instance);
    assert_int_equal(inode_of(instance->names.other_hosts), inode);
    assert_int_not_equal(inode_of(instance->names.hosts), inode);
    assert_true(host_store_maintain(store, &event));
    assert_int_equal(event.kind, EVENT_PUT_ASIDE);
    assert_string_equal(event.object, instance->names.hosts);
    assert_int_equal(event.number[0], LAYOUT_VERSION + 4);
    assert_false(host_store_maintain(store, &event));
    host_store_close(store);
    /* What cannot be put aside stays, and the fetcher does not start. */
    assert_int_equal(region_rename(instance->names.other_hosts, instance->names.hosts), SHM_OK);
    assert_int_equal(mkdir(object_path(instance->names.other_hosts), 0700), 0);
    assert_int_equal(host_store_open(&store, instance->name, MAX_BYTES, &event), SHM_SYSTEM_ERROR);
    assert_int_equal(event.kind, EVENT_NOT_PUT_ASIDE);
    assert_int_equal(inode_of(instance->names.hosts), inode);
    assert_int_equal(rmdir(object_path(instance->names.other_hosts)), 0);
}

/* ---- readers beside the writer ---- */

struct watcher {
    const struct host_records *hosts;
    _Atomic uint32_t *stop;
    uint64_t seen, mixed;
};

static void *watch(void *context)
{
    struct watcher *watcher = context;
    while (!load_acquire(watcher->stop)) {
        for (uint32_t number = 0; number < host_records_used(watcher->hosts); number++) {
            struct route_key key;
            struct host_addr host;
            struct host_entry entry;
            if (!host_records_read(watcher->hosts, number, &key, &host, &entry))
                continue;
            /* A record is zero between its addition and its first commit. */
            const struct host_entry wanted = entry_of(route_key_number(key), host_addr_word(host),
                                                      entry.health.total_succ),
                                    zero = {0};
            watcher->mixed +=
                memcmp(&entry, &wanted, sizeof(entry)) != 0 && memcmp(&entry, &zero, sizeof(entry)) != 0;
            watcher->seen++;
        }
    }
    return NULL;
}

static void a_reader_beside_the_writer_never_sees_a_mix(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = open_store(instance);
    struct region region;
    struct host_records hosts;
    pthread_t thread;
    _Atomic uint32_t stop = 0;
    add(store, 1, 1, 1);
    add(store, 1, 2, 1);
    open_hosts(instance, &region, &hosts);
    struct watcher watcher = {.hosts = &hosts, .stop = &stop};
    assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);
    for (uint64_t value = 1; value < COMMITS; value++) {
        commit(store, host_store_find(store, numbered_key(1), numbered_host(1)), value);
        if (value % 3 == 0) { /* the same record for another host */
            host_store_remove(
                store, host_store_find(store, numbered_key(1), numbered_host(2 + (value / 3 - 1) % 5)));
            add(store, 1, 2 + value / 3 % 5, value);
        }
    }
    store_release(&stop, 1);
    pthread_join(thread, NULL);
    assert_int_equal(watcher.mixed, 0);
    assert_true(watcher.seen > 0);
    region_close(&region);
    host_store_close(store);
}

static bool write_line(const char *directory, const char *file, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, file);
    FILE *out = fopen(path, "w");
    bool written = out && fputs(text, out) >= 0;
    return out && fclose(out) == 0 && written;
}

/* Adds records until there is no room. */
static int fill_in_group(const char *name, const char *group)
{
    struct host_store *store;
    struct event event;
    char pid[16];
    uint64_t key = 0;
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    if (!write_line(group, "cgroup.procs", pid) ||
        host_store_open(&store, name, UINT64_C(1) << 30, &event) != SHM_OK)
        return 1;
    while (host_store_add(store, numbered_key(key), numbered_host(1)) != HOST_STORE_NONE)
        key++;
    return key > 0 ? 0 : 2;
}

static void g10_records_that_the_control_group_has_no_memory_for_are_refused(void **state)
{
    const struct instance *instance = *state;
    const bool v1 = access("/sys/fs/cgroup/memory", F_OK) == 0;
    char group[128];
    if (SANITIZED)
        skip(); /* it needs more memory than this limit by itself */
    snprintf(group, sizeof(group), "/sys/fs/cgroup/%slarshm-test-%d", v1 ? "memory/" : "", (int)getpid());
    if (mkdir(group, 0755) != 0)
        skip();
    bool limited = write_line(group, v1 ? "memory.limit_in_bytes" : "memory.max", "16M");
    pid_t child = limited ? fork() : -1;
    if (child == 0)
        _exit(fill_in_group(instance->name, group));
    int status = 1;
    if (child > 0)
        waitpid(child, &status, 0);
    rmdir(group);
    if (!limited)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_name_that_is_none_is_refused(void **state)
{
    struct instance *instance = *state;
    struct host_store *none = NULL;
    assert_int_equal(host_store_open(&none, "a/b", MAX_BYTES, &instance->event), SHM_BAD_ARGUMENT);
    assert_null(none);
    host_store_close(none);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(any_order_of_operations_leaves_what_it_should),
        TEST(a_new_record_is_all_zero_and_comes_with_its_routes),
        TEST(what_is_not_committed_is_neither_shown_nor_adopted),
        TEST(growth_keeps_numbers_and_records),
        TEST(a_routes_own_record_is_adopted_wherever_it_is),
        TEST(g10_the_object_grows_no_larger_than_max_bytes),
        TEST(an_object_that_was_removed_or_replaced_is_recreated),
        TEST(an_object_that_makes_no_sense_is_replaced),
        TEST(records_that_make_no_sense_are_left_out),
        TEST(an_object_that_others_own_or_may_write_is_refused_and_left_alone),
        TEST(records_of_the_released_layout_are_adopted),
        TEST(ticks_in_the_object_count_from_the_boot_as_those_of_the_released_layout),
        TEST(a_reason_that_only_the_released_layout_has_is_read_as_the_rule_that_it_belonged_to),
        TEST(g11_each_reason_is_one_that_the_released_layout_has_and_is_kept),
        TEST(g11_an_object_of_another_layout_is_put_aside_and_named),
        TEST(a_reader_beside_the_writer_never_sees_a_mix),
        TEST(g10_records_that_the_control_group_has_no_memory_for_are_refused),
        TEST(a_name_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/host_store", tests, NULL, NULL);
}
