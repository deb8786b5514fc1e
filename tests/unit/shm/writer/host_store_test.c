/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/host_records.h"
#include "shm/writer/host_store.h"
#include "tests/support/instance.h"

enum {
    MAX_BYTES = 1 << 20,
    KEYS = 12,
    HOSTS = 60, /* of each key; number 0 is the route's own record */
    STEPS = 20000,
    COMMITS = 1000000,
};

static struct ledger *open_ledger(struct instance *instance)
{
    struct ledger *ledger = NULL;
    if (ledger_open(&ledger, instance->name, MAX_BYTES, instance->note) != SHM_OK)
        fail_msg("ledger_open: %s", instance->note);
    assert_string_equal(instance->note, "");
    return ledger;
}

/* What anybody sees. */
static void open_hosts(const struct instance *instance, struct region *region, struct hosts *hosts)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    assert_int_equal(region_open(instance->names.hosts, false, &self, HEADER_BYTES, region), SHM_OK);
    assert_int_equal(hosts_attach(region, hosts), SHM_OK);
}

/* An entry whose words all follow from whose it is and from `value`. */
static struct host_entry entry_of(uint64_t key, uint64_t host, uint64_t value)
{
    return (struct host_entry){
        .standing = {.total_succ = value,
                     .total_err = ~value,
                     .since = key * 31 + host,
                     .window = value * 3,
                     .vsucc = (uint32_t)value,
                     .verr = (uint32_t)host,
                     .state = value % 2,
                     .reason = value % REASONS},
        .generation = value * 5,
        .counts = value * 7,
        .extra = value * 11,
        .cell = (uint32_t)value,
        .absorbed = value * 13,
    };
}

static void commit(struct ledger *ledger, uint32_t number, uint64_t value)
{
    uint64_t key, host;
    assert_true(ledger_is(ledger, number, &key, &host));
    *ledger_entry(ledger, number) = entry_of(key, host, value);
    ledger_commit(ledger, number);
}

static uint32_t add(struct ledger *ledger, uint64_t key, uint64_t host, uint64_t value)
{
    uint32_t number = ledger_add(ledger, key, host);
    assert_int_not_equal(number, LEDGER_NONE);
    commit(ledger, number, value);
    return number;
}

static void expect(struct ledger *ledger, uint64_t key, uint64_t host, uint64_t value)
{
    uint32_t number = ledger_find(ledger, key, host);
    if (number == LEDGER_NONE)
        fail_msg("record %d/%d is lost", (int)key, (int)host);
    const struct host_entry wanted = entry_of(key, host, value);
    assert_memory_equal(ledger_entry(ledger, number), &wanted, sizeof(wanted));
}

/* ---- a simple model of the same ---- */

struct model {
    bool here[KEYS][HOSTS];
    uint64_t value[KEYS][HOSTS];
};

static uint32_t count_chain(const struct ledger *ledger, uint64_t key)
{
    uint32_t count = 0;
    for (uint32_t number = ledger_find(ledger, key, 0); number != LEDGER_NONE;
         number = ledger_next(ledger, number)) {
        uint64_t found, host;
        assert_true(ledger_is(ledger, number, &found, &host));
        assert_int_equal(found, key);
        assert_int_equal(host == 0, count == 0);
        count++;
    }
    return count;
}

static void compare(struct ledger *ledger, const struct model *model)
{
    uint32_t records = 0;
    for (uint64_t key = 0; key < KEYS; key++) {
        uint32_t here = 0;
        for (uint64_t host = 0; host < HOSTS; host++) {
            if (model->here[key][host])
                expect(ledger, key, host, model->value[key][host]);
            else
                assert_int_equal(ledger_find(ledger, key, host), LEDGER_NONE);
            here += model->here[key][host];
        }
        assert_int_equal(count_chain(ledger, key), here);
        records += here;
    }
    for (uint32_t number = 0; number < ledger_used(ledger); number++) {
        uint64_t key, host;
        records -= ledger_is(ledger, number, &key, &host);
    }
    assert_int_equal(records, 0);
}

static void compare_shown(const struct instance *instance, const struct model *model)
{
    struct region region;
    struct hosts hosts;
    struct host_entry entry;
    uint64_t key, host;
    uint32_t here = 0, shown = 0;
    open_hosts(instance, &region, &hosts);
    for (int i = 0; i < KEYS * HOSTS; i++)
        here += model->here[i / HOSTS][i % HOSTS];
    for (uint32_t number = 0; number < hosts_used(&hosts); number++) {
        if (!hosts_read(&hosts, number, &key, &host, &entry))
            continue;
        assert_true(key < KEYS && host < HOSTS && model->here[key][host]);
        const struct host_entry wanted = entry_of(key, host, model->value[key][host]);
        assert_memory_equal(&entry, &wanted, sizeof(wanted));
        shown++;
    }
    assert_int_equal(shown, here);
    region_close(&region);
}

static void step(struct ledger *ledger, struct model *model, uint64_t random)
{
    uint64_t key = random % KEYS, host = random / KEYS % HOSTS, value = random >> 20;
    uint32_t number = ledger_find(ledger, key, host);
    bool *here = &model->here[key][host];
    if (number == LEDGER_NONE) {
        add(ledger, key, host, value);
        if (!model->here[key][0]) { /* it came along */
            model->here[key][0] = true;
            model->value[key][0] = value;
            commit(ledger, ledger_find(ledger, key, 0), value);
        }
        *here = true;
        model->value[key][host] = value;
    } else if (random >> 60 < 8) {
        commit(ledger, number, value);
        model->value[key][host] = value;
    } else {
        bool last = host != 0 || count_chain(ledger, key) == 1;
        ledger_remove(ledger, number);
        *here = !last;
    }
}

static void any_order_of_operations_leaves_what_it_should(void **state)
{
    struct instance *instance = *state;
    struct ledger *ledger = open_ledger(instance);
    struct model model = {0};
    for (uint64_t i = 1; i <= STEPS; i++) {
        step(ledger, &model, key_hash(i, 5));
        if (i % 997 == 0) {
            compare(ledger, &model);
            compare_shown(instance, &model);
        }
        if (i % 2500 == 0) { /* the next fetcher */
            ledger_close(ledger);
            ledger = open_ledger(instance);
            compare(ledger, &model);
        }
    }
    ledger_close(ledger);
}

static void a_new_record_is_all_zero_and_comes_with_its_routes(void **state)
{
    static const struct host_entry zero;
    struct ledger *ledger = open_ledger(*state);
    uint32_t number = ledger_add(ledger, 1, 10);
    uint32_t route = ledger_find(ledger, 1, 0);
    assert_int_not_equal(route, LEDGER_NONE);
    assert_memory_equal(ledger_entry(ledger, number), &zero, sizeof(zero));
    assert_memory_equal(ledger_entry(ledger, route), &zero, sizeof(zero));
    commit(ledger, number, 5);
    assert_int_equal(ledger_add(ledger, 1, 10), number);
    expect(ledger, 1, 10, 5);
    ledger_remove(ledger, route); /* not while it has hosts */
    assert_int_equal(ledger_find(ledger, 1, 0), route);
    ledger_remove(ledger, number);
    ledger_remove(ledger, route);
    assert_int_equal(ledger_find(ledger, 1, 0), LEDGER_NONE);
    assert_memory_equal(ledger_entry(ledger, ledger_add(ledger, 1, 10)), &zero, sizeof(zero));
    ledger_close(ledger);
}

static void what_is_not_committed_is_not_shown_and_not_taken_over(void **state)
{
    struct ledger *ledger = open_ledger(*state);
    uint32_t number = add(ledger, 1, 10, 5);
    *ledger_entry(ledger, number) = entry_of(1, 10, 6);
    ledger_close(ledger);
    ledger = open_ledger(*state);
    expect(ledger, 1, 10, 5);
    ledger_close(ledger);
}

static void growth_keeps_numbers_and_records(void **state)
{
    struct instance *instance = *state;
    struct ledger *ledger = open_ledger(instance);
    struct region region;
    struct hosts hosts;
    for (uint32_t host = 1; host < 2000; host++) {
        uint32_t number = add(ledger, host % 7, host, host);
        assert_int_equal(ledger_find(ledger, host % 7, host), number);
    }
    open_hosts(instance, &region, &hosts);
    assert_int_equal(hosts_used(&hosts), 1999 + 7);
    for (uint32_t number = 0; number < hosts_used(&hosts); number++) {
        uint64_t key, host, mine, my_host;
        struct host_entry entry;
        assert_true(hosts_read(&hosts, number, &key, &host, &entry));
        assert_true(ledger_is(ledger, number, &mine, &my_host) && mine == key && my_host == host);
        assert_memory_equal(&entry, ledger_entry(ledger, number), sizeof(entry));
    }
    region_close(&region);
    ledger_close(ledger);
    ledger = open_ledger(instance);
    for (uint32_t host = 1; host < 2000; host++)
        expect(ledger, host % 7, host, host);
    ledger_close(ledger);
}

/* Records that are used again put a host before its route's own record. */
static void a_routes_own_record_is_taken_over_wherever_it_is(void **state)
{
    struct ledger *ledger = open_ledger(*state);
    uint32_t first = add(ledger, 1, 0, 1);
    add(ledger, 2, 0, 22);
    ledger_remove(ledger, first);
    assert_true(add(ledger, 2, 10, 210) < ledger_find(ledger, 2, 0));
    ledger_close(ledger);
    ledger = open_ledger(*state);
    expect(ledger, 2, 0, 22);
    expect(ledger, 2, 10, 210);
    assert_int_equal(count_chain(ledger, 2), 2);
    ledger_close(ledger);
}

static void g10_the_object_grows_no_larger_than_max_bytes(void **state)
{
    struct instance *instance = *state;
    struct ledger *ledger = open_ledger(instance);
    struct stat st;
    char path[128];
    uint64_t host = 1;
    while (ledger_add(ledger, 1, host) != LEDGER_NONE && host < 100000)
        host++;
    snprintf(path, sizeof(path), "/dev/shm%s", instance->names.hosts);
    assert_int_equal(stat(path, &st), 0);
    assert_in_range(st.st_size, MAX_BYTES - 2 * sizeof(struct host_record), MAX_BYTES);
    assert_in_range(host, MAX_BYTES / sizeof(struct host_record) - 20,
                    MAX_BYTES / sizeof(struct host_record));
    /* One that goes makes room for one. */
    ledger_remove(ledger, ledger_find(ledger, 1, 1));
    add(ledger, 1, host, 9);
    assert_int_equal(ledger_add(ledger, 1, host + 1), LEDGER_NONE);
    expect(ledger, 1, host, 9);
    ledger_close(ledger);
    /* A limit that was lowered costs no record. */
    assert_int_equal(ledger_open(&ledger, instance->name, MAX_BYTES / 4, instance->note), SHM_OK);
    assert_int_equal(count_chain(ledger, 1), host);
    assert_int_equal(ledger_add(ledger, 2, 1), LEDGER_NONE);
    ledger_close(ledger);
}

static void an_object_that_was_removed_or_replaced_is_made_anew(void **state)
{
    struct instance *instance = *state;
    struct ledger *ledger = open_ledger(instance);
    struct region stranger, region;
    struct hosts hosts;
    add(ledger, 1, 10, 5);
    ledger_tend(ledger, instance->note);
    assert_string_equal(instance->note, "");
    for (int replaced = 0; replaced < 2; replaced++) {
        shm_unlink(instance->names.hosts);
        if (replaced)
            assert_int_equal(region_create(instance->names.hosts, 100, 0644, (gid_t)-1, &stranger), SHM_OK);
        ledger_tend(ledger, instance->note);
        assert_non_null(strstr(instance->note, "made anew"));
        open_hosts(instance, &region, &hosts);
        assert_int_equal(hosts_used(&hosts), 2);
        region_close(&region);
    }
    region_close(&stranger);
    add(ledger, 1, 11, 6);
    ledger_close(ledger);
    ledger = open_ledger(instance);
    expect(ledger, 1, 10, 5);
    expect(ledger, 1, 11, 6);
    ledger_close(ledger);
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
    char path[128];
    snprintf(path, sizeof(path), "/dev/shm%s", instance->names.hosts);
    for (int i = 0; i < 6; i++) {
        struct ledger *ledger = open_ledger(instance);
        assert_int_equal(ledger_find(ledger, 1, 10), LEDGER_NONE);
        add(ledger, 1, 10, 5);
        ledger_close(ledger);
        if (i < 4)
            spoil(instance, offsets[i], UINT64_MAX / 3);
        else
            assert_int_equal(truncate(path, i == 4 ? 0 : HEADER_BYTES + 100), 0);
    }
}

static void records_that_make_no_sense_are_left_out(void **state)
{
    struct instance *instance = *state;
    struct ledger *ledger = open_ledger(instance);
    uint32_t bad = add(ledger, 1, 10, 4);
    add(ledger, 1, 11, 4);
    ledger_entry(ledger, bad)->standing.reason = REASONS;
    ledger_commit(ledger, bad);
    ledger_close(ledger);
    ledger = open_ledger(instance);
    assert_int_equal(ledger_find(ledger, 1, 10), LEDGER_NONE);
    expect(ledger, 1, 11, 4);
    ledger_close(ledger);
}

static void an_object_that_others_own_or_may_write_is_refused_and_left_alone(void **state)
{
    struct instance *instance = *state;
    struct ledger *ledger = open_ledger(instance), *none = NULL;
    struct stat before, after;
    char path[128];
    ledger_close(ledger);
    snprintf(path, sizeof(path), "/dev/shm%s", instance->names.hosts);
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            assert_int_equal(chmod(path, 0666), 0);
        else if (chmod(path, 0644) != 0 || chown(path, 65534, (gid_t)-1) != 0)
            break; /* only root can give things away */
        assert_int_equal(stat(path, &before), 0);
        assert_int_not_equal(ledger_open(&none, instance->name, MAX_BYTES, instance->note), SHM_OK);
        assert_null(none);
        assert_non_null(strstr(instance->note, "remove /dev/shm"));
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
    }
}

/* ---- readers beside the writer ---- */

struct watcher {
    const struct hosts *hosts;
    _Atomic uint32_t *stop;
    uint64_t seen, mixed;
};

static void *watch(void *context)
{
    struct watcher *watcher = context;
    while (!load_acquire(watcher->stop)) {
        for (uint32_t number = 0; number < hosts_used(watcher->hosts); number++) {
            uint64_t key, host;
            struct host_entry entry;
            if (!hosts_read(watcher->hosts, number, &key, &host, &entry))
                continue;
            /* A record is zero between its addition and its first commit. */
            const struct host_entry wanted = entry_of(key, host, entry.standing.total_succ), zero = {0};
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
    struct ledger *ledger = open_ledger(instance);
    struct region region;
    struct hosts hosts;
    pthread_t thread;
    _Atomic uint32_t stop = 0;
    add(ledger, 1, 1, 1);
    add(ledger, 1, 2, 1);
    open_hosts(instance, &region, &hosts);
    struct watcher watcher = {.hosts = &hosts, .stop = &stop};
    assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);
    for (uint64_t value = 1; value < COMMITS; value++) {
        commit(ledger, ledger_find(ledger, 1, 1), value);
        if (value % 3 == 0) { /* the same record for another host */
            ledger_remove(ledger, ledger_find(ledger, 1, 2 + (value / 3 - 1) % 5));
            add(ledger, 1, 2 + value / 3 % 5, value);
        }
    }
    store_release(&stop, 1);
    pthread_join(thread, NULL);
    assert_int_equal(watcher.mixed, 0);
    assert_true(watcher.seen > 0);
    region_close(&region);
    ledger_close(ledger);
}

static void a_name_that_is_none_is_refused(void **state)
{
    struct instance *instance = *state;
    struct ledger *none = NULL;
    assert_int_equal(ledger_open(&none, "a/b", MAX_BYTES, instance->note), SHM_BAD_ARGUMENT);
    assert_null(none);
    ledger_close(none);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(any_order_of_operations_leaves_what_it_should),
        TEST(a_new_record_is_all_zero_and_comes_with_its_routes),
        TEST(what_is_not_committed_is_not_shown_and_not_taken_over),
        TEST(growth_keeps_numbers_and_records),
        TEST(a_routes_own_record_is_taken_over_wherever_it_is),
        TEST(g10_the_object_grows_no_larger_than_max_bytes),
        TEST(an_object_that_was_removed_or_replaced_is_made_anew),
        TEST(an_object_that_makes_no_sense_is_replaced),
        TEST(records_that_make_no_sense_are_left_out),
        TEST(an_object_that_others_own_or_may_write_is_refused_and_left_alone),
        TEST(a_reader_beside_the_writer_never_sees_a_mix),
        TEST(a_name_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("shm/ledger", tests, NULL, NULL);
}
