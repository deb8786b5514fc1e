/* SPDX-License-Identifier: MIT */
/*
 * For each operation of a fetcher on its objects, each call that can fail, and each n: the n-th such call fails. The
 * operation says what is wrong, or does without; nothing is left half made; what was served still is; and the same
 * operation succeeds when it is tried again.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/check.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/table.h"
#include "shm/writer/writer_internal.h"
#include "tests/failure/fail.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"

enum {
    KEYS = 12,          /* there from the beginning; key k has k hosts */
    TARGET = 5,         /* the key that operations change */
    NEWCOMER = 100,     /* the key that operations insert */
    GROWTH_HOSTS = 400, /* too many for what is left of the first arena */
    A_WHILE_MS = 10000,
    FIRST_OF_MANY = 1000000,
    MANY = 20000,
};

struct operation {
    const char *name;
    void (*prepare)(struct instance *instance);
    enum shm_status (*run)(struct instance *instance);
    uint64_t changed; /* the key that the operation gives hosts of round 2 */
};

/* What one attempt is called when something is wrong with it. */
struct attempt {
    const struct operation *operation;
    enum fail_call call;
    unsigned long n;
};
#define complain(attempt, ...)                                                                               \
    do {                                                                                                     \
        print_error("%s, %s %lu: ", (attempt)->operation->name, fail_names[(attempt)->call], (attempt)->n);  \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

/* The route has hosts of this round, all of them. */
static bool has_round(const struct routes *routes, uint64_t key, uint32_t expected)
{
    struct table table;
    uint32_t slot = index_find(routes, numbered_key(key)), round = UINT32_MAX;
    if (slot == SLOT_NONE || table_begin(routes, slot, numbered_key(key), &table) != SHM_OK)
        return false;
    for (uint32_t i = 0; i < table.count; i++)
        if (!self_checking_holds(key, i, table_host(&table, i), &round))
            return false;
    return round == expected;
}

/* What readers find under the name. `done`: the operation has succeeded. */
static void walk(struct instance *instance, const struct attempt *attempt, bool done)
{
    struct region region;
    struct routes routes;
    struct check_report report;
    uint64_t changed = attempt->operation->changed;
    if (instance_map(instance, false, &region, &routes) != SHM_OK)
        complain(attempt, "no routes object");
    if (check_routes(&routes, &report) != SHM_OK)
        complain(attempt, "%s", report.text);
    if (load_relaxed(&routes.s_header->superseded) != SUPERSEDED_NO)
        complain(attempt, "readers are sent to look for a newer object, and there is none");
    for (uint64_t key = 1; key <= KEYS; key++)
        if (!has_round(&routes, key, 1) && !(key == changed && has_round(&routes, key, 2)))
            complain(attempt, "route %d is lost", (int)key);
    if (done && changed && !has_round(&routes, changed, 2))
        complain(attempt, "said to be done, and is not");
    region_close(&region);
    if (object_exists(instance->names.next_routes) || object_exists(instance->names.next_control))
        complain(attempt, "a half-made object stays");
}

/* A failure has a name, and an event that says what the system said. */
static void expect_named(const struct attempt *attempt, enum shm_status status, const struct event *event)
{
    int error = fail_errors[attempt->call];
    if (event->kind != EVENT_NO_MEMORY && event->error != error &&
        !(status == SHM_NO_SPACE && event->kind == EVENT_NO_SPACE))
        complain(attempt, "failed with %d, and says event %d, error %d", (int)status, (int)event->kind,
                 event->error);
}

static struct instance *fresh_instance(void)
{
    void *state = NULL;
    if (instance_setup(&state) != 0)
        abort();
    struct instance *instance = state;
    const struct group *own = getgrgid(getegid());
    instance->options.group = own ? own->gr_name : ""; /* to have fchown() called */
    instance_stop(instance);
    instance_start(instance);
    for (uint64_t key = 1; key <= KEYS; key++)
        instance_put(instance, key, 1, (uint32_t)key, 15);
    return instance;
}

/* True if the call was made so often. */
static bool attempt_once(const struct attempt *attempt)
{
    const struct operation *operation = attempt->operation;
    struct instance *instance = fresh_instance();
    if (operation->prepare)
        operation->prepare(instance);
    fail_at(attempt->call, attempt->n);
    enum shm_status status = operation->run(instance);
    bool failed = fail_end();
    if (failed && status != SHM_OK) {
        while (instance->writer && instance_next_event(instance) != EVENT_NONE)
            continue;
        expect_named(attempt, status, &instance->event);
        walk(instance, attempt, false);
        status = operation->run(instance);
    }
    if (status != SHM_OK)
        complain(attempt, "tried again: %d, event %d", (int)status, (int)instance->event.kind);
    walk(instance, attempt, true);
    instance_put(instance, NEWCOMER + 1, 1, 3, 15);
    instance_teardown((void *[]){instance});
    return failed;
}

static unsigned long enumerate(const struct operation *operation)
{
    unsigned long sum = 0;
    printf("%-28s", operation->name);
    for (int call = 0; call < FAIL_CALL_COUNT; call++) {
        struct attempt attempt = {operation, (enum fail_call)call, 1};
        while (attempt_once(&attempt))
            attempt.n++;
        if (attempt.n > 1)
            printf(" %s %lu", fail_names[call], attempt.n - 1);
        sum += attempt.n - 1;
    }
    printf("\n");
    return sum;
}

/* ---- the operations ---- */

/* Each attempt comes a while after the one before: what failed need not be tried again at once. */
static uint64_t a_while_later(void)
{
    static uint64_t attempts;
    return clock_tick() + ++attempts * A_WHILE_MS;
}

static enum shm_status put(struct instance *instance, uint64_t key, uint32_t count)
{
    static struct host_addr hosts[HOSTS_MAX];
    self_checking_hosts(key, 2, count, hosts);
    return put_by_key(instance->writer, numbered_key(key), hosts, count, NULL, 15, a_while_later());
}

static enum shm_status start(struct instance *instance)
{
    return writer_open(&instance->writer, &instance->options, &instance->event);
}

static enum shm_status publish(struct instance *instance)
{
    return put(instance, TARGET, 9);
}

static enum shm_status insert(struct instance *instance)
{
    return put(instance, NEWCOMER, 4);
}

static enum shm_status grow(struct instance *instance)
{
    return put(instance, NEWCOMER, GROWTH_HOSTS);
}

/* Until a larger generation is under way, and then all of its parts. */
static enum shm_status grow_in_parts(struct instance *instance)
{
    static uint32_t key = FIRST_OF_MANY;
    uint64_t before = writer_counter(instance->writer, COUNTER_generations);
    enum shm_status status = SHM_OK;
    while (status == SHM_OK && !writer_grow_on(instance->writer, a_while_later()))
        status = put(instance, key++, 1);
    while (writer_grow_on(instance->writer, a_while_later()))
        continue;
    return status == SHM_OK && writer_counter(instance->writer, COUNTER_generations) == before
               ? SHM_SYSTEM_ERROR
               : status;
}

static enum shm_status maintain(struct instance *instance)
{
    return writer_maintain(instance->writer, a_while_later());
}

static enum shm_status move(struct instance *instance)
{
    return writer_recreate(instance->writer, a_while_later());
}

/* Replaces large tables until less than a table of GROWTH_HOSTS fits: the arena is full of what waits for its grace. */
static void fill(struct instance *instance)
{
    static const uint32_t counts[] = {9000, 3000, 1000, 300, 100};
    uint32_t left = 4096 - (KEYS + 3) * 2;
    for (int i = 0; i < 5; i++)
        while (left > block_units(counts[i]) + 2) {
            instance_put(instance, TARGET, 1, counts[i], 15);
            instance_put(instance, TARGET, 1, TARGET, 15);
            left -= block_units(counts[i]) + 1;
        }
}

/* The blocks that an operation takes come back, so that the heap's lists of them are needed too. */
static void let_grace_pass(struct instance *instance)
{
    instance->options.settings.grace_ms = 1;
    instance_stop(instance);
    instance_start(instance);
    instance_put(instance, TARGET, 1, 300, 15);
    instance_put(instance, TARGET, 1, TARGET, 15);
    usleep(3000);
}

static void put_many(struct instance *instance)
{
    instance->options.max_bytes = 64 << 20;
    instance_stop(instance);
    instance_start(instance);
    for (uint32_t key = 0; key < MANY; key++)
        instance_put(instance, FIRST_OF_MANY + MANY + key, 1, 1, 15);
    while (writer_grow_on(instance->writer, a_while_later()))
        continue;
}

static void lose_routes(struct instance *instance)
{
    instance_put(instance, 1, 1, 1, 15);
    shm_unlink(instance->names.control);
}

static void lose_lock(struct instance *instance)
{
    shm_unlink(instance->names.lock);
}

static const struct operation operations[] = {
    {"adoption", instance_stop, start, 0},
    {"publish", NULL, publish, TARGET},
    {"publish in a used block", let_grace_pass, publish, TARGET},
    {"insert", let_grace_pass, insert, NEWCOMER},
    {"growth", fill, grow, NEWCOMER},
    {"growth in parts", put_many, grow_in_parts, 0},
    {"a removed object", lose_routes, maintain, 0},
    {"a removed lock", lose_lock, maintain, 0},
    {"another directory", NULL, move, 0},
};

static void nth_failure_leaves_nothing_half_made_and_can_be_retried(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
        assert_true(enumerate(&operations[i]) > 0);
}

static void nth_failure_of_a_first_start_leaves_no_object(void **state)
{
    static const struct operation first = {"first start", NULL, start, 0};
    unsigned long sum = 0;
    (void)state;
    for (int call = 0; call < FAIL_CALL_COUNT; call++) {
        struct attempt attempt = {&first, (enum fail_call)call, 0};
        for (bool failed = true; failed;) {
            struct instance *instance = fresh_instance();
            instance_stop(instance);
            shm_unlink(instance->names.routes);
            shm_unlink(instance->names.control);
            fail_at(attempt.call, ++attempt.n);
            enum shm_status status = start(instance);
            failed = fail_end();
            if (failed && status != SHM_OK) {
                expect_named(&attempt, status, &instance->event);
                if (instance->writer || object_exists(instance->names.routes) ||
                    object_exists(instance->names.control) || object_exists(instance->names.next_routes) ||
                    object_exists(instance->names.next_control))
                    complain(&attempt, "something is left");
            }
            if (status != SHM_OK)
                instance_start(instance);
            instance_put(instance, TARGET, 1, TARGET, 15);
            instance_teardown((void *[]){instance});
            sum += failed;
        }
    }
    printf("%-28s %lu\n", first.name, sum);
    assert_true(sum > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_failure_leaves_nothing_half_made_and_can_be_retried),
        cmocka_unit_test(nth_failure_of_a_first_start_leaves_no_object),
    };
    return cmocka_run_group_tests_name("failure/writer", tests, NULL, NULL);
}
