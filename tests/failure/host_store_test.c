/* SPDX-License-Identifier: MIT */
/*
 * For each operation on the hosts object, each call that can fail, and each n: the n-th such call fails. Nothing that
 * was known is lost, nothing half made stays, and the same operation succeeds when it is tried again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/host_records.h"
#include "shm/writer/host_store.h"
#include "tests/failure/fail.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"

enum {
    MAX_BYTES = 1 << 20,
    KEY = 3,
    FULL = 256, /* records that fit before the object grows */
};

struct fixture {
    char instance[INSTANCE_MAX + 1];
    struct event event;
    struct object_names names;
    struct host_store *store;
};

struct operation {
    const char *name;
    void (*prepare)(struct fixture *fixture);
    bool (*run)(struct fixture *fixture); /* false: it failed */
    uint32_t records;                     /* that were there before it */
    bool named;                           /* a failure is named by an event */
};

static bool start(struct fixture *fixture)
{
    return host_store_open(&fixture->store, fixture->instance, MAX_BYTES, &fixture->event) == SHM_OK;
}

static bool add(struct fixture *fixture, uint64_t host)
{
    uint32_t number = host_store_add(fixture->store, numbered_key(KEY), numbered_host(host));
    if (number == HOST_STORE_NONE)
        return false;
    host_store_entry(fixture->store, number)->counts = host;
    host_store_commit(fixture->store, number);
    return true;
}

static void fill(struct fixture *fixture)
{
    assert_true(start(fixture));
    for (uint64_t host = 1; host < FULL; host++)
        assert_true(add(fixture, host));
}

static void fill_and_stop(struct fixture *fixture)
{
    fill(fixture);
    host_store_close(fixture->store);
    fixture->store = NULL;
}

static void fill_and_lose(struct fixture *fixture)
{
    fill(fixture);
    shm_unlink(fixture->names.hosts);
}

static bool grow(struct fixture *fixture)
{
    return add(fixture, FULL);
}

static bool maintain(struct fixture *fixture)
{
    return !host_store_maintain(fixture->store, &fixture->event) ||
           fixture->event.kind == EVENT_HOSTS_RECREATED;
}

static const struct operation operations[] = {
    {"first start", NULL, start, 0, true},
    {"start after another", fill_and_stop, start, FULL, true},
    {"growth", fill, grow, FULL, false},
    {"a removed object", fill_and_lose, maintain, FULL, true},
};

/* All that was known before is known to this fetcher, or, while there is none, shown to the next one. */
static bool all_known(const struct fixture *fixture, uint32_t records)
{
    for (uint64_t host = 1; fixture->store && host < records; host++) {
        uint32_t number = host_store_find(fixture->store, numbered_key(KEY), numbered_host(host));
        if (number == HOST_STORE_NONE || host_store_entry(fixture->store, number)->counts != host)
            return false;
    }
    return true;
}

static bool all_shown(const struct fixture *fixture, uint32_t records)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct host_records hosts;
    uint32_t shown = 0;
    if (region_open(fixture->names.hosts, false, &self, HEADER_BYTES, &region) != SHM_OK)
        return records == 0;
    bool readable = host_records_attach(&region, &hosts) == SHM_OK;
    for (uint32_t number = 0; readable && number < host_records_used(&hosts); number++) {
        struct route_key key;
        struct host_addr host;
        struct host_entry entry;
        shown +=
            host_records_read(&hosts, number, &key, &host, &entry) && entry.counts == host_addr_word(host);
    }
    region_close(&region);
    return readable && shown >= records;
}

static bool left_half_made(const struct fixture *fixture)
{
    return object_exists(fixture->names.next_hosts);
}

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    snprintf(fixture->instance, sizeof(fixture->instance), "test-%ld", (long)getpid());
    assert_int_equal(object_names(fixture->instance, &fixture->names), SHM_OK);
}

static void end(struct fixture *fixture)
{
    host_store_close(fixture->store);
    shm_unlink(fixture->names.hosts);
}

/* True if the call was made so often. */
static bool attempt(const struct operation *operation, enum fail_call call, unsigned long n)
{
    struct fixture fixture;
    begin(&fixture);
    if (operation->prepare)
        operation->prepare(&fixture);
    fail_at(call, n);
    bool done = operation->run(&fixture), failed = fail_end();
    if (!done) {
        bool lost_name = operation->run == maintain;
        if (!failed || left_half_made(&fixture) || !all_known(&fixture, operation->records) ||
            !(lost_name || all_shown(&fixture, operation->records)))
            fail_msg("%s, %s %lu: something is lost or left", operation->name, fail_names[call], n);
        if (operation->named && fixture.event.kind == EVENT_NONE)
            fail_msg("%s, %s %lu: failed without a word", operation->name, fail_names[call], n);
        eventually(done = operation->run(&fixture)); /* growth is not tried again at once */
    }
    if (!done || left_half_made(&fixture) || !all_known(&fixture, operation->records) ||
        !all_shown(&fixture, operation->records) || !add(&fixture, FULL + 1))
        fail_msg("%s, %s %lu, tried again: event %d", operation->name, fail_names[call], n,
                 (int)fixture.event.kind);
    end(&fixture);
    return failed;
}

static void nth_failure_loses_no_record_and_can_be_retried(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        unsigned long sum = 0;
        for (int call = 0; call < FAIL_CALL_COUNT; call++)
            for (unsigned long n = 1; attempt(&operations[i], (enum fail_call)call, n); n++)
                sum++;
        printf("%-28s %lu\n", operations[i].name, sum);
        assert_true(sum >= 5);
    }
}

/* Each attempt opens an object: so many would have the next one fail. */
static void g8_growth_that_fails_is_not_tried_again_for_each_result(void **state)
{
    enum {
        ATTEMPTS = 50,
        RESULTS = 1000
    };
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    fill(&fixture);
    int fd = shm_open(fixture.names.next_hosts, O_CREAT | O_EXCL | O_RDWR, 0600); /* is in the way */
    assert_true(fd >= 0);
    close(fd);
    fail_at(FAIL_openat, ATTEMPTS);
    for (uint64_t host = FULL; host < FULL + RESULTS; host++)
        assert_false(add(&fixture, host));
    assert_false(fail_end());
    shm_unlink(fixture.names.next_hosts);
    eventually(grow(&fixture));
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_failure_loses_no_record_and_can_be_retried),
        cmocka_unit_test(g8_growth_that_fails_is_not_tried_again_for_each_result),
    };
    return cmocka_run_group_tests_name("failure/host_store", tests, NULL, NULL);
}
