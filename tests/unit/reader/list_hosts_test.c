/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "shm/host_records.h"
#include "shm/writer/host_store.h"
#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"

enum {
    MAX_BYTES = 1 << 20,
    HOSTS = 40,
    KEEP_MS = 60 * 1000, /* past every grace_ms */
    NOISES = 50,
};

static const struct route_key key = {3, 4};

/* A route of hosts that differ in their ports, 1 .. count, and the fetcher's records. */
static struct host_store *put_hosts(struct instance *instance, uint32_t count)
{
    struct host_store *store = NULL;
    instance_put_ports(instance, key, count);
    assert_int_equal(host_store_open(&store, instance->name, MAX_BYTES, &instance->event), SHM_OK);
    return store;
}

static struct host_addr port_of(const struct instance *instance, uint16_t port)
{
    struct host_addr host = {0, htons(port)};
    larshm *h = client_open(instance);
    larshm_host first;
    size_t count;
    assert_int_equal(larshm_get_route(h, key.modid, key.cmdid, &first, 1, &count), LARSHM_OK);
    host.address = first.addr;
    larshm_close(h);
    return host;
}

static void record(struct host_store *store, struct host_addr host, const struct host_health *health)
{
    uint32_t number = host_store_add(store, key, host);
    assert_int_not_equal(number, HOST_STORE_NONE);
    host_store_entry(store, number)->health = *health;
    host_store_commit(store, number);
}

static void begin(larshm *h, larshm_hosts *hosts)
{
    assert_int_equal(larshm_hosts_begin(h, key.modid, key.cmdid, hosts), LARSHM_OK);
}

/* Lists all; the last one whose port this is. */
static larshm_host_info find(larshm *h, uint16_t port, uint32_t expected)
{
    larshm_hosts hosts;
    larshm_host_info info, found = {0};
    uint32_t count = 0;
    begin(h, &hosts);
    for (; larshm_hosts_next(&hosts, &info) == LARSHM_OK; count++)
        if (ntohs(info.host.port) == port)
            found = info;
    assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_END);
    larshm_hosts_end(h, &hosts);
    assert_int_equal(count, expected);
    return found;
}

static void each_host_is_listed_with_its_state_and_its_share(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_hosts hosts;
    larshm_host_info info;
    instance_put_ports(instance, key, HOSTS);
    const struct route_ref route = writer_find(instance->writer, key);
    writer_set_share(instance->writer, &route, 7, SHARE_EJECTED);
    writer_set_share(instance->writer, &route, 17, 3);
    writer_set_share(instance->writer, &route, 39, SHARE_DRAINED);
    begin(h, &hosts);
    for (uint16_t i = 0; i < HOSTS; i++) {
        assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_OK);
        assert_int_equal(info.host.modid, key.modid);
        assert_int_equal(info.host.cmdid, key.cmdid);
        assert_int_equal(ntohs(info.host.port), i + 1);
        assert_int_equal(info.state, i == 7    ? LARSHM_HOST_EJECTED
                                     : i == 39 ? LARSHM_HOST_DRAINED
                                               : LARSHM_HOST_IN_ROTATION);
        assert_int_equal(info.share, i == 7 || i == 39 ? 0 : i == 17 ? 3 : 8);
    }
    assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_END);
    larshm_hosts_end(h, &hosts);
    larshm_close(h);
}

static void a_host_comes_with_the_record_that_the_fetcher_has_of_it(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = put_hosts(instance, HOSTS);
    larshm *h = client_open(instance);
    uint64_t now = clock_tick();
    record(store, port_of(instance, 5),
           &(struct host_health){.total_succ = 1001,
                                 .total_err = 77,
                                 .since = now - 5000,
                                 .window = now + 60000,
                                 .rsucc = 12,
                                 .rerr = 34,
                                 .value = 6000,
                                 .limit = 1400,
                                 .state = HOST_EJECTED,
                                 .override = OVERRIDE_PINNED,
                                 .reason = REASON_ERR_RATE,
                                 .level = 3});
    const larshm_host_info info = find(h, 5, HOSTS);
    assert_int_equal(info.known, 1);
    assert_int_equal(info.reason, LARSHM_REASON_ERR_RATE);
    assert_int_equal(info.override, LARSHM_OVERRIDE_PINNED);
    assert_int_equal(info.value, 6000);
    assert_int_equal(info.limit, 1400);
    assert_int_equal(info.window_successes, 12);
    assert_int_equal(info.window_failures, 34);
    assert_int_equal(info.ejections, 3);
    assert_int_equal(info.successes, 1001);
    assert_int_equal(info.failures, 77);
    assert_true(info.reason_age_ms >= 5000 && info.reason_age_ms < 60000);
    assert_true(info.ejected_left_ms > 0 && info.ejected_left_ms <= 60000);
    host_store_close(store);
    larshm_close(h);
}

static void records_of_other_routes_and_hosts_are_not_those_of_a_host(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = put_hosts(instance, HOSTS);
    larshm *h = client_open(instance);
    const struct host_health health = {.total_succ = 9};
    record(store, port_of(instance, HOSTS + 1), &health); /* which has left the route */
    uint32_t number = host_store_add(store, route_key(key.modid, key.cmdid + 1), port_of(instance, 1));
    host_store_entry(store, number)->health = health;
    host_store_commit(store, number);
    for (uint16_t port = 1; port <= HOSTS; port++) {
        const larshm_host_info info = find(h, port, HOSTS);
        assert_int_equal(info.known, 1);
        assert_int_equal(info.successes, 0);
        assert_int_equal(info.reason, LARSHM_REASON_BIRTH);
    }
    host_store_close(store);
    larshm_close(h);
}

static void a_record_that_becomes_another_hosts_meanwhile_is_not_taken_for_its_own(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = put_hosts(instance, 2);
    larshm *h = client_open(instance);
    larshm_hosts hosts;
    larshm_host_info info;
    const struct host_health health = {.total_succ = 9};
    record(store, port_of(instance, 1), &health);
    begin(h, &hosts);
    host_store_remove(store, host_store_find(store, key, port_of(instance, 1)));
    record(store, port_of(instance, 3), &health); /* in the same place */
    assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_OK);
    assert_int_equal(info.successes, 0);
    larshm_hosts_end(h, &hosts);
    host_store_close(store);
    larshm_close(h);
}

static void expect_unknown(larshm *h)
{
    static const larshm_host_info nothing;
    const size_t from = offsetof(larshm_host_info, known);
    const larshm_host_info info = find(h, 1, HOSTS);
    assert_int_equal(info.state, LARSHM_HOST_IN_ROTATION);
    assert_int_equal(info.share, 8);
    assert_memory_equal((const char *)&info + from, (const char *)&nothing + from, sizeof(info) - from);
}

static void without_records_that_can_be_trusted_hosts_are_listed_all_the_same(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    instance_put_ports(instance, key, HOSTS);
    expect_unknown(h); /* absent */
    struct host_store *store = put_hosts(instance, HOSTS);
    const char *path = object_path(instance->names.hosts);
    assert_int_equal(find(h, 1, HOSTS).known, 1);
    assert_int_equal(chmod(path, 0666), 0); /* others may write to it */
    expect_unknown(h);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(find(h, 1, HOSTS).known, 1);
    if (geteuid() == 0) { /* of another user */
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        expect_unknown(h);
        assert_int_equal(chown(path, 0, (gid_t)-1), 0);
    }
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "", 1, 0), 1); /* damaged */
    expect_unknown(h);
    host_store_close(store);
    assert_int_equal(ftruncate(fd, 100), 0);
    expect_unknown(h);
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0); /* no object */
    expect_unknown(h);
    assert_int_equal(rmdir(path), 0);
    larshm_close(h);
}

static void records_full_of_noise_are_read_within_their_bounds(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = put_hosts(instance, HOSTS);
    larshm *h = client_open(instance);
    struct region region;
    struct host_records records;
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    assert_int_equal(region_open(instance->names.hosts, true, &self, HEADER_BYTES, &region), SHM_OK);
    assert_int_equal(host_records_attach(&region, &records), SHM_OK);
    const struct host_addr host = port_of(instance, 1);
    uint64_t seed = 5;
    for (int i = 0; i < NOISES; i++) {
        uint64_t *words = (uint64_t *)records.s_records;
        for (size_t word = 0; word < records.record_count * sizeof(*records.s_records) / sizeof(*words);
             word++)
            words[word] = seed = hash_word(seed, word);
        for (uint32_t number = 0; number < records.record_count; number++) {
            store_relaxed(&records.s_records[number].key, route_key_word(key));
            store_relaxed(&records.s_records[number].host, host_addr_word(host) + number % HOSTS);
        }
        store_relaxed(&records.s_header->used, i % 2 ? UINT32_MAX : (uint32_t)seed);
        records.s_header->record_count = i % 3 ? UINT32_MAX : records.record_count;
        find(h, 1, HOSTS);
    }
    region_close(&region);
    host_store_close(store);
    larshm_close(h);
}

static void a_failed_begin_leaves_no_list(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_hosts hosts;
    larshm_host_info info;
    memset(&hosts, 0, sizeof(hosts));
    instance_put(instance, 2, 1, 0, 15);
    assert_int_equal(larshm_hosts_begin(h, 0, 1, &hosts), LARSHM_PENDING);
    assert_int_equal(larshm_hosts_begin(h, 0, 2, &hosts), LARSHM_NOEXIST);
    assert_int_equal(instance_missed(instance).count, 1);
    assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_END);
    larshm_hosts_end(h, &hosts);
    instance_renew(instance);
    assert_int_equal(larshm_hosts_begin(h, 0, 2, &hosts), LARSHM_NOEXIST);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

static void g4_a_list_kept_too_long_says_stale(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_hosts hosts;
    larshm_host_info info;
    const struct host_addr other[] = {{1, 1}, {2, 2}};
    uint64_t now = clock_tick();
    instance_put_ports(instance, key, 2);
    begin(h, &hosts);
    assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_OK);
    assert_int_equal(put_by_key(instance->writer, key, other, 2, NULL, 15, now), SHM_OK);
    assert_int_equal(put_by_key(instance->writer, numbered_key(9), other, 2, NULL, 15, now + KEEP_MS),
                     SHM_OK);
    assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_STALE);
    larshm_hosts_end(h, &hosts);
    begin(h, &hosts);
    assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_OK);
    assert_int_equal(info.host.addr, 1);
    larshm_hosts_end(h, &hosts);
    larshm_close(h);
}

static void a_list_keeps_what_it_reads_until_it_ends_and_no_descriptor(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = put_hosts(instance, HOSTS);
    larshm *h = client_open(instance);
    larshm_hosts hosts;
    larshm_host host;
    larshm_host_info info;
    int before = dup(0), after;
    close(before);
    begin(h, &hosts);
    after = dup(0);
    close(after);
    assert_int_equal(after, before);
    assert_int_equal(instance_hosts_mappings(instance), 1);
    instance_renew(instance);
    assert_int_equal(larshm_get_host(h, key.modid, key.cmdid, &host), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 2);
    host_store_close(store);
    instance_stop(instance);
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_OK);
    larshm_hosts_end(h, &hosts);
    larshm_hosts_end(h, &hosts);
    assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_END);
    assert_int_equal(instance_hosts_mappings(instance), 0);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

static void after_a_fork_parent_and_child_each_end_theirs(void **state)
{
    struct instance *instance = *state;
    struct host_store *store = put_hosts(instance, HOSTS);
    larshm *h = client_open(instance);
    larshm_hosts hosts;
    larshm_host_info info;
    int status;
    begin(h, &hosts);
    pid_t pid = fork();
    if (pid == 0) {
        int left = HOSTS;
        while (larshm_hosts_next(&hosts, &info) == LARSHM_OK && info.known)
            left--;
        larshm_hosts_end(h, &hosts);
        _exit(left);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(larshm_hosts_next(&hosts, &info), LARSHM_OK);
    larshm_hosts_end(h, &hosts);
    host_store_close(store);
    larshm_close(h);
}

struct listing {
    larshm *h;
    _Atomic bool stop;
    _Atomic uint32_t lists, known, wrong;
};

/* Each list is of one table, or stale. */
static void *list_while_it_changes(void *context)
{
    struct listing *listing = context;
    while (!listing->stop) {
        larshm_hosts hosts;
        larshm_host_info info;
        uint32_t round = UINT32_MAX, count = 0;
        int code = larshm_hosts_begin(listing->h, 0, 1, &hosts);
        while (code == LARSHM_OK && (code = larshm_hosts_next(&hosts, &info)) == LARSHM_OK) {
            struct host_addr host = {info.host.addr, info.host.port};
            listing->wrong += !self_checking_holds(1, count++, host, &round) ||
                              (info.successes != 0 && info.successes != host_addr_order(host));
            listing->known += info.successes != 0;
        }
        listing->wrong += code == LARSHM_END ? count != HOSTS : code != LARSHM_STALE;
        larshm_hosts_end(listing->h, &hosts);
        listing->lists++;
    }
    return NULL;
}

static void g2_lists_are_of_one_table_while_tables_records_and_generations_are_replaced(void **state)
{
    enum {
        LISTERS = 3,
        ROUNDS = 200
    };
    struct instance *instance = *state;
    struct listing listing = {0};
    struct host_store *store = NULL;
    pthread_t threads[LISTERS];
    instance->options.settings.grace_ms = 1;
    instance_stop(instance);
    instance_start(instance);
    instance_put(instance, 1, 0, HOSTS, 15);
    assert_int_equal(host_store_open(&store, instance->name, MAX_BYTES, &instance->event), SHM_OK);
    listing.h = client_open(instance);
    for (int i = 0; i < LISTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, list_while_it_changes, &listing), 0);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        struct host_addr hosts[HOSTS];
        self_checking_hosts(1, round, HOSTS, hosts);
        instance_put(instance, 1, round, HOSTS, 15);
        for (uint32_t i = 0; i < HOSTS; i += 7) { /* more and more: their object grows */
            uint32_t number = host_store_add(store, route_key(0, 1), hosts[i]);
            assert_int_not_equal(number, HOST_STORE_NONE);
            host_store_entry(store, number)->health.total_succ = host_addr_order(hosts[i]);
            host_store_commit(store, number);
        }
        if (round % 20 == 0)
            instance_renew(instance);
        for (uint32_t seen = listing.lists; listing.lists < seen + LISTERS;)
            sched_yield();
    }
    listing.stop = true;
    for (int i = 0; i < LISTERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(listing.known > 0);
    assert_int_equal(listing.wrong, 0);
    host_store_close(store);
    larshm_close(listing.h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_host_is_listed_with_its_state_and_its_share),
        TEST(a_host_comes_with_the_record_that_the_fetcher_has_of_it),
        TEST(records_of_other_routes_and_hosts_are_not_those_of_a_host),
        TEST(a_record_that_becomes_another_hosts_meanwhile_is_not_taken_for_its_own),
        TEST(without_records_that_can_be_trusted_hosts_are_listed_all_the_same),
        TEST(records_full_of_noise_are_read_within_their_bounds),
        TEST(a_failed_begin_leaves_no_list),
        TEST(g4_a_list_kept_too_long_says_stale),
        TEST(a_list_keeps_what_it_reads_until_it_ends_and_no_descriptor),
        TEST(after_a_fork_parent_and_child_each_end_theirs),
        TEST(g2_lists_are_of_one_table_while_tables_records_and_generations_are_replaced),
    };
    return cmocka_run_group_tests_name("unit/reader/list_hosts", tests, NULL, NULL);
}
