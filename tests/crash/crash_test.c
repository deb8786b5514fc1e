/* SPDX-License-Identifier: MIT */
/*
 * G5, store by store. For each operation of a fetcher and each n: a child does the operation and dies before its n-th
 * step. What it leaves must hold for a reader (the is-valid walk; every route in its old or its new state) and for
 * the next fetcher, which adopts it: the same again, nothing that a reader saw is taken back, and clients that list changes
 * are told of what has changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/changes.h"
#include "shm/check.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/table.h"
#include "shm/writer/sigbus.h"
#include "shm/writer/writer_internal.h"
#include "tests/crash/step.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"

enum {
    KEYS = 12,          /* there from the beginning, round 1; key k has k hosts */
    TARGET = 5,         /* the key that operations change */
    NEWCOMER = 100,     /* the key that operations insert */
    FIRST_UNITS = 4096, /* of the first arena */
    GROWTH_HOSTS = 400, /* too many for what is left of it */
    FIRST_NEGATIVE = 50 /* and the next one: keys that do not exist, expired at once */
};

/* A route as a walker finds it. round 0: not there; UINT32_MAX: hosts that no answer gave. */
struct seen {
    uint32_t round, count;
    uint64_t states; /* its first word */
    uint32_t limited, marks;
};

/* What set_rotation_by_key() does to the host that operations take out of rotation. */
enum {
    OUT_HOST = 3
};
#define OUT_BITS ((uint64_t)SHARE_DRAINED << 4 * OUT_HOST)

struct operation {
    const char *name;
    void (*prepare)(struct instance *instance);
    void (*run)(struct instance *instance);
    uint64_t changed; /* the only key that may have its new state: `after`, instead of `before` */
    struct seen before, after;
};

static struct instance *fresh_instance(void)
{
    void *state = NULL;
    crash_at(0);
    if (instance_setup(&state) != 0)
        abort();
    struct instance *instance = state;
    for (uint64_t key = 1; key <= KEYS; key++)
        instance_put(instance, key, 1, (uint32_t)key, 15);
    return instance;
}

static struct seen look(const struct routes *routes, uint64_t key)
{
    struct seen seen = {0};
    struct table table;
    uint32_t slot = index_find(routes, numbered_key(key)), round = UINT32_MAX;
    if (slot == SLOT_NONE)
        return seen;
    if (table_begin(routes, slot, numbered_key(key), &table) != SHM_OK)
        return (struct seen){.round = UINT32_MAX};
    for (uint32_t i = 0; i < table.count; i++)
        if (!self_checking_holds(key, i, table_host(&table, i), &round))
            return (struct seen){.round = UINT32_MAX, .count = i};
    return (struct seen){table.count ? round : 0, table.count, table.count ? load_relaxed(table.s_states) : 0,
                         table.limited, load_relaxed(&table.s_block->marks)};
}

/* Without `limited`: it is advice, and follows from the states. */
static bool same(struct seen a, struct seen b)
{
    return a.round == b.round && a.count == b.count && a.states == b.states && a.marks == b.marks;
}

/* Walks what is called so now; returns the state of the key that the operation was about. */
static struct seen walk(struct instance *instance, const struct operation *operation, unsigned long n,
                        const char *who)
{
    struct region region;
    struct routes routes;
    struct check_report report;
    if (instance_map(instance, false, &region, &routes) != SHM_OK)
        fail_msg("%s, step %lu: no object for %s", operation->name, n, who);
    if (check_routes(&routes, &report) != SHM_OK)
        fail_msg("%s, step %lu, %s: %s", operation->name, n, who, report.text);
    for (uint64_t key = 1; key <= KEYS; key++)
        if (key != operation->changed &&
            !same(look(&routes, key), (struct seen){.round = 1, .count = (uint32_t)key}))
            fail_msg("%s, step %lu, %s: route %d is not as it was", operation->name, n, who, (int)key);
    struct seen seen = look(&routes, operation->changed);
    if (operation->changed && !same(seen, operation->before) && !same(seen, operation->after))
        fail_msg("%s, step %lu, %s: neither old nor new: round %u, %u hosts", operation->name, n, who,
                 seen.round, seen.count);
    region_close(&region);
    return seen;
}

/* Does the operation in a child that dies at step n. True: the child came to the end first. */
static bool die_at(struct instance *instance, const struct operation *operation, unsigned long n)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        instance_start(instance);
        if (operation->prepare)
            operation->prepare(instance);
        crash_at(n);
        operation->run(instance);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != CRASH_EXIT))
        fail_msg("%s, step %lu: the fetcher ended with %x", operation->name, n, status);
    return WEXITSTATUS(status) == 0;
}

static uint64_t newest_change(struct instance *instance)
{
    struct region region;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    uint64_t position = changes_count(&routes);
    region_close(&region);
    return position;
}

/* What a client that has listed all changes up to `position` is told by the next fetcher. */
static void expect_change_told(struct instance *instance, const struct operation *operation, unsigned long n,
                               uint64_t position)
{
    struct region region;
    struct routes routes;
    struct route_key key;
    enum shm_status status;
    bool told = false;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    while ((status = changes_next(&routes, &position, &key)) == SHM_OK)
        told |= route_key_equal(key, numbered_key(operation->changed));
    if (!told && status != SHM_OVERRUN)
        fail_msg("%s, step %lu: the route has changed, and no client is told", operation->name, n);
    region_close(&region);
}

static void adopt_and_compare(struct instance *instance, const struct operation *operation, unsigned long n,
                              struct seen by_reader, uint64_t position)
{
    crash_at(0);
    instance_start(instance);
    struct seen adopted = walk(instance, operation, n, "the next fetcher");
    if (operation->changed && !same(adopted, by_reader))
        fail_msg("%s, step %lu: a reader saw round %u, the next fetcher has %u", operation->name, n,
                 by_reader.round, adopted.round);
    struct seen unmarked = adopted;
    unmarked.marks = operation->before.marks; /* they are for people */
    if (!same(unmarked, operation->before))
        expect_change_told(instance, operation, n, position);
    if (adopted.limited != (adopted.states != 0))
        fail_msg("%s, step %lu: %u hosts are counted limited", operation->name, n, adopted.limited);
    if (object_exists(instance->names.next_routes) || object_exists(instance->names.next_control))
        fail_msg("%s, step %lu: a leftover stays", operation->name, n);
    instance_put(instance, NEWCOMER + 1, 1, 3, 15);
    instance_stop(instance);
}

static unsigned long enumerate(const struct operation *operation)
{
    unsigned long n = 0;
    bool finished = false;
    while (!finished) {
        struct instance *instance = fresh_instance();
        uint64_t position = newest_change(instance);
        instance_stop(instance);
        finished = die_at(instance, operation, ++n);
        struct seen seen = walk(instance, operation, n, "a reader");
        adopt_and_compare(instance, operation, n, seen, position);
        instance_teardown((void *[]){instance});
    }
    printf("%-36s %5lu crash points\n", operation->name, n - 1);
    return n - 1;
}

/* ---- the operations ---- */

static void publish(struct instance *instance)
{
    instance_put(instance, TARGET, 2, 9, 15);
}

static void refresh(struct instance *instance)
{
    instance_put(instance, TARGET, 1, TARGET, 15);
}

static void vanish(struct instance *instance)
{
    instance_put(instance, TARGET, 0, 0, 15);
}

static void insert(struct instance *instance)
{
    instance_put(instance, NEWCOMER, 1, 4, 15);
}

static void pull_and_settle(struct instance *instance)
{
    set_pulling_by_key(instance->writer, numbered_key(TARGET));
    set_new_by_key(instance->writer, numbered_key(TARGET));
}

static void rotation_out(struct instance *instance)
{
    set_rotation_by_key(instance->writer, numbered_key(TARGET), OUT_HOST, true, true);
}

static void rotation_in(struct instance *instance)
{
    set_rotation_by_key(instance->writer, numbered_key(TARGET), OUT_HOST, false, false);
}

static void hold_back(struct instance *instance)
{
    set_held_by_key(instance->writer, numbered_key(TARGET), HOLD_EMPTY);
}

/* Replaces large tables until less than a table of GROWTH_HOSTS fits: the arena is full of what waits for its grace. */
static void fill(struct instance *instance)
{
    static const uint32_t counts[] = {9000, 3000, 1000, 300, 100};
    uint32_t left = FIRST_UNITS - (KEYS + 3) * 2;
    for (int i = 0; i < 5; i++)
        while (left > block_units(counts[i]) + 2) {
            instance_put(instance, TARGET, 1, counts[i], 15);
            instance_put(instance, TARGET, 1, TARGET, 15);
            left -= block_units(counts[i]) + 1;
        }
}

static void grow(struct instance *instance)
{
    uint64_t before = writer_counter(instance->writer, COUNTER_generations);
    instance_put(instance, NEWCOMER, 1, GROWTH_HOSTS, 15);
    if (writer_counter(instance->writer, COUNTER_generations) == before)
        abort(); /* the test would not test growth */
}

/* All parts, and changes of the target between them: some before it was copied, some after. */
static void grow_in_parts(struct instance *instance)
{
    uint64_t before = writer_counter(instance->writer, COUNTER_generations);
    int parts = 0;
    if (writer_grow(instance->writer, 2 * FIRST_UNITS, true, clock_tick()) != SHM_OK)
        abort();
    while (writer_grow_on(instance->writer, clock_tick()))
        if (++parts % 2)
            publish(instance);
    if (parts < 10 || writer_counter(instance->writer, COUNTER_generations) == before)
        abort();
}

static void lose_control(struct instance *instance)
{
    shm_unlink(instance->names.control);
}

static void cut_control(struct instance *instance)
{
    if (sigbus_install() != 0 || truncate(object_path(instance->names.control), 0) != 0)
        abort();
}

static void maintain(struct instance *instance)
{
    writer_maintain(instance->writer, clock_tick());
}

static void leave_expired(struct instance *instance)
{
    for (uint64_t key = 0; key < 2; key++)
        if (put_by_key(instance->writer, numbered_key(FIRST_NEGATIVE + key), NULL, 0, NULL, 1, 1) != SHM_OK)
            abort();
}

static void start(struct instance *instance)
{
    instance_start(instance);
}

static void heartbeat(struct instance *instance)
{
    writer_heartbeat(instance->writer, clock_tick());
}

#define FIRST                                                                                                \
    {                                                                                                        \
        .round = 1, .count = TARGET                                                                          \
    }
#define OUT                                                                                                  \
    {                                                                                                        \
        .round = 1, .count = TARGET, .states = OUT_BITS                                                      \
    }
#define HELD                                                                                                 \
    {                                                                                                        \
        .round = 1, .count = TARGET, .marks = HOLD_EMPTY                                                     \
    }
static const struct operation operations[] = {
    {"publish", NULL, publish, TARGET, FIRST, {.round = 2, .count = 9}},
    {"insert", NULL, insert, NEWCOMER, {0}, {.round = 1, .count = 4}},
    {"a route vanishes", NULL, vanish, TARGET, FIRST, {0}},
    {"refresh in place", NULL, refresh, TARGET, FIRST, FIRST},
    {"NEW to PULLING to NEW", NULL, pull_and_settle, TARGET, FIRST, FIRST},
    {"a host leaves rotation", NULL, rotation_out, TARGET, FIRST, OUT},
    {"a host comes back", rotation_out, rotation_in, TARGET, OUT, FIRST},
    {"refresh with a host out of rotation", rotation_out, refresh, TARGET, OUT, OUT},
    {"publish with a host out of rotation", rotation_out, publish, TARGET, OUT, {.round = 2, .count = 9}},
    {"an empty answer is held back", NULL, hold_back, TARGET, FIRST, HELD},
    {"a route held back is refreshed", hold_back, refresh, TARGET, HELD, FIRST},
    {"growth", fill, grow, NEWCOMER, {0}, {.round = 1, .count = GROWTH_HOSTS}},
    {"growth in parts", NULL, grow_in_parts, TARGET, FIRST, {.round = 2, .count = 9}},
    {"supersede (another directory)", NULL, instance_renew, TARGET, FIRST, FIRST},
    {"control is replaced (no name)", lose_control, maintain, TARGET, FIRST, FIRST},
    {"control is replaced (cut)", cut_control, maintain, TARGET, FIRST, FIRST},
    {"heartbeat and ring", publish, heartbeat, TARGET, {.round = 2, .count = 9}, {.round = 2, .count = 9}},
};
enum {
    OPERATIONS = sizeof(operations) / sizeof(*operations)
};

static void g5_death_at_any_store_leaves_old_or_new(void **state)
{
    (void)state;
    for (int i = 0; i < OPERATIONS; i++)
        assert_true(enumerate(&operations[i]) > 0);
}

/* Adoption needs a dead fetcher before it, so its child starts without one of its own. */
static void g5_adoption_can_be_interrupted_and_repeated(void **state)
{
    (void)state;
    const struct operation adoption = {"adoption", NULL, start, TARGET, FIRST, FIRST};
    unsigned long steps = 0, pairs = 0;
    for (unsigned long n = 1; steps == 0; n++) {
        struct instance *instance = fresh_instance();
        leave_expired(instance);
        instance_stop(instance);
        pid_t child = fork();
        if (child == 0) {
            crash_at(n);
            instance_start(instance);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        if (WEXITSTATUS(status) == 0)
            steps = n - 1;
        /* And the one after it dies too, at every 7th place, beginning somewhere else each time. */
        for (unsigned long m = 1 + n % 7; WEXITSTATUS(status) != 0 && m < 400; m += 7) {
            pid_t second = fork();
            if (second == 0) {
                crash_at(m);
                instance_start(instance);
                _exit(0);
            }
            int ended;
            waitpid(second, &ended, 0);
            pairs++;
            walk(instance, &adoption, n, "a reader after two deaths");
            if (WEXITSTATUS(ended) == 0)
                break;
        }
        struct seen seen = walk(instance, &adoption, n, "a reader");
        adopt_and_compare(instance, &adoption, n, seen, 0);
        instance_teardown((void *[]){instance});
    }
    printf("%-36s %5lu crash points\n%-36s %5lu pairs of them\n", "adoption", steps,
           "adoption interrupted again", pairs);
    assert_true(steps > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g5_death_at_any_store_leaves_old_or_new),
        cmocka_unit_test(g5_adoption_can_be_interrupted_and_repeated),
    };
    return cmocka_run_group_tests_name("crash/crash", tests, NULL, NULL);
}
