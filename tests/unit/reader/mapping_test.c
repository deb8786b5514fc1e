/* SPDX-License-Identifier: MIT */
/*
 * Readers across changes of generation. openat() is defined here, in front of the C library's, so that a test can
 * hold a thread between opening an object and mapping it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    READERS = 4,
    GROW_KEYS = 10000,
    ROUNDS = 4000, /* a self-checking address distinguishes 4,096 rounds */
};

static _Thread_local bool must_not_sleep;

int usleep(useconds_t us)
{
    if (must_not_sleep)
        abort();
    const struct timespec pause = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    return nanosleep(&pause, NULL);
}

/* Where the thread is to stop, if anywhere: after it has opened the object of this name. */
struct pause_point {
    const char *name;
    sem_t reached, go_on;
};

static _Thread_local struct pause_point *pause_point;

int openat(int directory, const char *path, int flags, ...)
{
    va_list mode;
    va_start(mode, flags);
    int fd = (int)syscall(SYS_openat, directory, path, flags, va_arg(mode, mode_t));
    va_end(mode);
    struct pause_point *here = pause_point;
    if (here && strcmp(here->name + 1, basename(path)) == 0) {
        pause_point = NULL;
        sem_post(&here->reached);
        sem_wait(&here->go_on);
    }
    return fd;
}

static struct pause_point pause_at(const char *name)
{
    struct pause_point point = {.name = name};
    sem_init(&point.reached, 0, 0);
    sem_init(&point.go_on, 0, 0);
    return point;
}

struct lookup_thread {
    pthread_t thread;
    larshm *h;
    uint64_t key;
    struct pause_point *pause;
    int code;
};

static void *look(void *context)
{
    struct lookup_thread *reader = context;
    larshm_host host;
    pause_point = reader->pause;
    reader->code =
        larshm_get_host(reader->h, numbered_key(reader->key).modid, numbered_key(reader->key).cmdid, &host);
    return NULL;
}

static void start(struct lookup_thread *reader, larshm *h, uint64_t key, struct pause_point *pause)
{
    *reader = (struct lookup_thread){.h = h, .key = key, .pause = pause};
    assert_int_equal(pthread_create(&reader->thread, NULL, look, reader), 0);
    if (pause)
        sem_wait(&pause->reached);
}

static int finish(struct lookup_thread *reader)
{
    if (reader->pause)
        sem_post(&reader->pause->go_on);
    pthread_join(reader->thread, NULL);
    return reader->code;
}

static void two_hand_overs_while_a_reader_is_between_open_and_map(void **state)
{
    struct instance *instance = *state;
    struct pause_point pause = pause_at(instance->names.routes);
    struct lookup_thread reader;
    larshm *h = NULL;
    larshm_host host;
    instance_put(instance, 1, 1, 4, 15);
    h = client_open(instance);
    instance_renew(instance);
    start(&reader, h, 1, &pause);
    instance_renew(instance);
    instance_renew(instance);
    instance_put(instance, 2, 1, 4, 15);
    assert_int_equal(finish(&reader), LARSHM_OK);
    assert_int_equal(larshm_get_host(h, 0, 2, &host), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

/* The slow thread has opened a generation that is replaced by now, the other one the newest; the slow one is first
 * to put its own in place. What the other one began to look up after it was published must be found all the same. */
static void g3_a_slow_thread_leads_no_other_back(void **state)
{
    struct instance *instance = *state;
    struct pause_point slow_pause = pause_at(instance->names.routes);
    struct pause_point fast_pause = pause_at(instance->names.routes);
    struct lookup_thread slow, fast;
    larshm *h = NULL;
    instance_put(instance, 1, 1, 4, 15);
    h = client_open(instance);
    instance_renew(instance);
    start(&slow, h, 1, &slow_pause);
    instance_renew(instance);
    instance_put(instance, 2, 1, 4, 15);
    start(&fast, h, 2, &fast_pause);
    assert_int_equal(finish(&slow), LARSHM_OK);
    assert_int_equal(finish(&fast), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

/* A reader opened the old routes object and then finds the new control object: it moves on with its next lookup. */
static void an_open_during_a_hand_over_ends_on_the_newest(void **state)
{
    struct instance *instance = *state;
    struct pause_point pause = pause_at(instance->names.routes);
    struct lookup_thread reader;
    larshm *h = NULL;
    larshm_route_info info;
    instance_put(instance, 1, 1, 4, 15);
    h = client_open(instance);
    instance_renew(instance);
    start(&reader, h, 1, &pause);
    instance_renew(instance);
    assert_int_equal(finish(&reader), LARSHM_OK);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.can_ask);
    larshm_close(h);
}

/* Another program has removed it, or the fetcher died in a hand-over. */
static void g1_lookups_do_not_sleep_without_a_control_object_and_take_it_when_it_is_back(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_host host;
    larshm_route_info info = {0};
    char aside[OBJECT_NAME_MAX + 8];
    snprintf(aside, sizeof(aside), "%s.aside", instance->names.control);
    instance_put(instance, 1, 1, 4, 15);
    h = client_open(instance);
    instance_renew(instance);
    assert_int_equal(region_rename(instance->names.control, aside), SHM_OK);
    must_not_sleep = true;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_false(info.can_ask);
    must_not_sleep = false;
    assert_int_equal(region_rename(aside, instance->names.control), SHM_OK);
    eventually(larshm_info(h, 0, 1, &info) == LARSHM_OK && info.can_ask);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(h);
}

struct growth {
    larshm *h;
    _Atomic uint32_t keys, round; /* published: keys 1 .. keys, and this round of key 0 */
    _Atomic bool stop;
    _Atomic uint64_t lookups, torn, missing, outdated;
};

static void look_at(struct growth *growth, uint64_t key, uint32_t least_round)
{
    larshm_host hosts[8];
    size_t count = 0;
    uint32_t round = UINT32_MAX;
    growth->lookups++;
    if (larshm_get_route(growth->h, 0, (uint32_t)key, hosts, 8, &count) != LARSHM_OK) {
        growth->missing++;
        return;
    }
    bool whole = count == key % 7 + 1;
    for (uint32_t i = 0; whole && i < count; i++)
        whole = self_checking_holds(key, i, (struct host_addr){hosts[i].addr, hosts[i].port}, &round);
    growth->torn += !whole;
    growth->outdated += whole && round < least_round;
}

static void *look_while_it_grows(void *context)
{
    struct growth *growth = context;
    for (uint64_t i = 0; !growth->stop; i++) {
        uint32_t round = growth->round;
        look_at(growth, 0, round);
        uint32_t keys = growth->keys;
        look_at(growth, keys, 0);
        look_at(growth, hash_word(i, keys) % (keys + 1), 0);
    }
    return NULL;
}

static void g2_g3_readers_miss_nothing_while_generations_come_and_go(void **state)
{
    struct instance *instance = *state;
    struct growth growth = {.keys = 0, .round = 0};
    pthread_t threads[READERS];
    instance->options.settings.grace_ms = 5;
    instance_stop(instance);
    instance_start(instance);
    instance_put(instance, 0, 0, 1, 15);
    growth.h = client_open(instance);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_while_it_grows, &growth), 0);
    for (uint32_t key = 1; key <= GROW_KEYS; key++) {
        instance_put(instance, key, key, key % 7 + 1, 15);
        growth.keys = key;
        if (key <= ROUNDS) {
            instance_put(instance, 0, key, 1, 15);
            growth.round = key;
        }
        if (key % 250 == 0) {
            instance_renew(instance);
            for (uint64_t seen = growth.lookups; growth.lookups < seen + READERS * 20;)
                sched_yield();
        }
    }
    growth.stop = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(writer_counter(instance->writer, COUNTER_generations) > 12);
    assert_true(growth.lookups > 0);
    assert_int_equal(growth.torn, 0);
    assert_int_equal(growth.missing, 0);
    assert_int_equal(growth.outdated, 0);
    larshm_host host;
    assert_int_equal(larshm_get_host(growth.h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(instance_reader_mappings(instance), 1);
    larshm_close(growth.h);
}

static void g3_a_restarted_fetcher_is_followed(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_host host;
    instance_put(instance, 1, 1, 4, 15);
    h = client_open(instance);
    for (uint64_t key = 2; key < 20; key++) {
        instance_stop(instance);
        assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
        instance_start(instance);
        instance_put(instance, key, 1, 4, 15);
        assert_int_equal(larshm_get_host(h, 0, (uint32_t)key, &host), LARSHM_OK);
        assert_int_equal(instance_reader_mappings(instance), 1);
    }
    larshm_close(h);
}

/* Readers of an object that has lost its name cannot be notified; they look when its fetcher is silent. */
static void a_reader_finds_the_successor_of_an_object_that_was_removed(void **state)
{
    struct instance *instance = *state;
    larshm *handles[2] = {NULL, NULL};
    larshm_host host;
    for (int i = 0; i < 2; i++)
        handles[i] = client_open(instance);
    instance_heartbeat(instance, clock_tick() - 60 * 1000);
    instance_stop(instance);
    shm_unlink(instance->names.routes);
    usleep(2000); /* generations without a predecessor are distinguished by the millisecond */
    instance_start(instance);
    instance_put(instance, 1, 1, 4, 15);
    /* Also with two handles alternately. */
    for (int i = 0; i < 2000; i++)
        larshm_get_host(handles[i % 2], 0, 1, &host);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(larshm_get_host(handles[i], 0, 1, &host), LARSHM_OK);
        larshm_close(handles[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(two_hand_overs_while_a_reader_is_between_open_and_map),
        TEST(g3_a_slow_thread_leads_no_other_back),
        TEST(an_open_during_a_hand_over_ends_on_the_newest),
        TEST(g1_lookups_do_not_sleep_without_a_control_object_and_take_it_when_it_is_back),
        TEST(g2_g3_readers_miss_nothing_while_generations_come_and_go),
        TEST(g3_a_restarted_fetcher_is_followed),
        TEST(a_reader_finds_the_successor_of_an_object_that_was_removed),
    };
    return cmocka_run_group_tests_name("unit/reader/mapping", tests, NULL, NULL);
}
