/* SPDX-License-Identifier: MIT */
/*
 * Over any 1,000 picks no host's count is further from its even share than 2 % of all picks: for one thread, for many
 * threads and processes in whatever order they come to pick, and for routes that are looked up alternately.
 *
 * A thread's picks depend on no other thread. So what many threads picked is recorded for each of them, and then put into
 * many of the orders in which it could have happened.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"

enum {
    HOSTS_LEAST = 2,
    HOSTS_MOST = 64,
    ROUTES = 3, /* of each number of hosts */
    WINDOW = 1000,
    OFF_MOST = WINDOW / 50,
    PICKS = 1500, /* of each of many */
    MANY = 16,
    BEGINNERS = 3 * WINDOW, /* threads that pick once */
    OUT = 3,                /* hosts out of rotation: one in so many */
};

/* What each of many has picked, one after the other: 0 .. count - 1. Shared by processes. */
struct notes {
    uint8_t picks[MANY][PICKS];
    uint32_t count[MANY];
};

static struct notes *notes;

static int spread_setup(void **state)
{
    notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return notes == MAP_FAILED ? -1 : instance_setup(state);
}

static int spread_teardown(void **state)
{
    munmap(notes, sizeof(*notes));
    return instance_teardown(state);
}

/* Routes (0 .. ROUTES - 1, count) have `count` hosts with the ports 1 .. count; those of `out` are out of rotation. */
static void put_routes(struct instance *instance, uint32_t count, uint64_t out)
{
    struct host_addr hosts[HOSTS_MOST];
    uint64_t states[STATE_WORDS(HOSTS_MOST)] = {0};
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = (struct host_addr){htonl(UINT32_C(0x0a000001)), htons((uint16_t)(i + 1))};
    for (uint32_t i = 0; i < count; i++)
        states[i / STATES_IN_WORD] |= share_bits(i, out >> i & 1 ? SHARE_EJECTED : SHARE_FULL);
    for (uint32_t modid = 0; modid < ROUTES; modid++)
        assert_int_equal(
            put_by_key(instance->writer, route_key(modid, count), hosts, count, states, 60, clock_tick()),
            SHM_OK);
}

static uint8_t pick(larshm *h, uint32_t modid, uint32_t count)
{
    larshm_host host = {0};
    larshm_get_host(h, modid, count, &host);
    return (uint8_t)(ntohs(host.port) - 1);
}

static larshm *open_client(const struct instance *instance)
{
    larshm *h = NULL;
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    return h;
}

/* ---- what is even ---- */

/* Each of `count` hosts gets its share of any WINDOW picks in a row. */
static void expect_even(const uint8_t *picks, uint32_t total, uint32_t count)
{
    uint32_t seen[HOSTS_MOST] = {0};
    assert_true(total >= WINDOW);
    for (uint32_t i = 0; i < total; i++) {
        assert_in_range(picks[i], 0, count - 1);
        seen[picks[i]]++;
        if (i >= WINDOW)
            seen[picks[i - WINDOW]]--;
        for (uint32_t host = 0; i + 1 >= WINDOW && host < count; host++) {
            int64_t off = (int64_t)seen[host] * count - WINDOW; /* times count */
            if (llabs(off) > (int64_t)OFF_MOST * count)
                fail_msg("%u of %u hosts had %u of %d picks", host, count, seen[host], WINDOW);
        }
    }
}

/* An order in which many could have picked: each run goes to one of them for up to `run_most` picks. */
static uint32_t mix(uint32_t run_most, uint32_t seed, uint8_t out[static MANY * PICKS])
{
    uint32_t taken[MANY] = {0}, total = 0, left = 0;
    for (int i = 0; i < MANY; i++)
        left += notes->count[i];
    for (uint32_t who = 0; left > 0; who = (who + 1 + (seed >> 20) % (run_most == 1 ? 1 : MANY)) % MANY) {
        seed = seed * 1664525 + 1013904223;
        uint32_t run = 1 + (seed >> 8) % run_most;
        for (; run > 0 && taken[who] < notes->count[who]; run--, left--)
            out[total++] = notes->picks[who][taken[who]++];
    }
    return total;
}

static void expect_even_in_any_order(uint32_t count)
{
    static const uint32_t runs[] = {1, 2, 7, 60, 300, PICKS};
    static uint8_t mixed[MANY * PICKS];
    for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++)
        for (uint32_t seed = 0; seed < (runs[i] == 1 ? 1 : 5); seed++)
            expect_even(mixed, mix(runs[i], seed, mixed), count);
}

/* ---- those who pick ---- */

/* PICKS picks in a row, recorded but for probes: hosts of `out`. The others get numbers without gaps. */
static void record_picks(larshm *h, uint32_t who, uint32_t count, uint64_t out)
{
    notes->count[who] = 0;
    for (int i = 0; i < PICKS; i++) {
        uint8_t host = pick(h, 0, count);
        uint8_t before = (uint8_t)__builtin_popcountll(out & ((UINT64_C(1) << host) - 1));
        if (!(out >> host & 1))
            notes->picks[who][notes->count[who]++] = (uint8_t)(host - before);
    }
}

struct picker {
    larshm *h;
    uint32_t who, count;
    uint64_t out;
};

static void *pick_in_thread(void *context)
{
    const struct picker *picker = context;
    record_picks(picker->h, picker->who, picker->count, picker->out);
    return NULL;
}

static void pick_in_threads(struct instance *instance, uint32_t count, uint64_t out)
{
    pthread_t threads[MANY];
    struct picker pickers[MANY];
    larshm *h = open_client(instance);
    for (uint32_t who = 0; who < MANY; who++) {
        pickers[who] = (struct picker){h, who, count, out};
        assert_int_equal(pthread_create(&threads[who], NULL, pick_in_thread, &pickers[who]), 0);
    }
    for (int who = 0; who < MANY; who++)
        pthread_join(threads[who], NULL);
    larshm_close(h);
}

static void pick_in_processes(struct instance *instance, uint32_t count)
{
    pid_t children[MANY];
    for (uint32_t who = 0; who < MANY; who++) {
        children[who] = fork();
        assert_true(children[who] >= 0);
        if (children[who] == 0) {
            larshm *h = NULL;
            if (larshm_open(&h, instance->name) != LARSHM_OK)
                _exit(1);
            record_picks(h, who, count, 0);
            _exit(0);
        }
    }
    for (int who = 0; who < MANY; who++) {
        int status;
        assert_int_equal(waitpid(children[who], &status, 0), children[who]);
        assert_int_equal(status, 0);
    }
}

/* ---- the tests ---- */

static const uint32_t counts[] = {2, 3, 4, 5, 7, 8, 10, 13, 16, 21, 32, 34, 50, 63, 64};
enum {
    COUNTS = sizeof(counts) / sizeof(*counts)
};

static void one_thread_spreads_one_to_three_routes_alternately(void **state)
{
    static uint8_t picks[ROUTES][PICKS];
    struct instance *instance = *state;
    larshm *h = open_client(instance);
    for (uint32_t count = HOSTS_LEAST; count <= HOSTS_MOST; count++) {
        put_routes(instance, count, 0);
        for (uint32_t routes = 1; routes <= ROUTES; routes++) {
            for (uint32_t i = 0; i < routes * PICKS; i++)
                picks[i % routes][i / routes] = pick(h, i % routes, count);
            for (uint32_t modid = 0; modid < routes; modid++)
                expect_even(picks[modid], PICKS, count);
        }
    }
    larshm_close(h);
}

static void sixteen_threads_spread_together(void **state)
{
    for (int i = 0; i < COUNTS; i++) {
        put_routes(*state, counts[i], 0);
        pick_in_threads(*state, counts[i], 0);
        expect_even_in_any_order(counts[i]);
    }
}

static void sixteen_processes_spread_together(void **state)
{
    for (int i = 0; i < COUNTS; i++) {
        put_routes(*state, counts[i], 0);
        pick_in_processes(*state, counts[i]);
        expect_even_in_any_order(counts[i]);
    }
}

static void hosts_left_in_rotation_share_it_evenly(void **state)
{
    for (int i = 0; i < COUNTS; i++) {
        uint64_t out = 0;
        uint32_t in = counts[i];
        for (uint32_t host = 1; host < counts[i]; host += OUT, in--)
            out |= UINT64_C(1) << host;
        put_routes(*state, counts[i], out);
        pick_in_threads(*state, counts[i], out);
        expect_even_in_any_order(in);
    }
}

static void hosts_out_of_rotation_share_the_probes_evenly(void **state)
{
    struct instance *instance = *state;
    uint32_t probed[HOSTS_MOST] = {0}, interval = instance->options.settings.eject_probe_interval_ms;
    uint64_t now = clock_tick();
    larshm *h = open_client(instance);
    put_routes(instance, 10, 0x0f0);
    for (uint32_t i = 0; i < 100 * 100; i++) {
        if (i % 100 == 0)
            instance_heartbeat(instance, now += interval);
        probed[pick(h, 0, 10)]++;
    }
    for (int host = 4; host < 8; host++)
        assert_in_range(probed[host], 100, 101); /* one of before is made up for */
    larshm_close(h);
}

struct beginner {
    larshm *h;
    uint32_t count;
    uint8_t picked;
};

static void *pick_once(void *context)
{
    struct beginner *beginner = context;
    beginner->picked = pick(beginner->h, 0, beginner->count);
    return NULL;
}

static void thousand_threads_that_pick_once_spread_in_the_order_they_began(void **state)
{
    static const uint32_t some[] = {2, 5, 16, 64};
    static uint8_t picks[BEGINNERS];
    struct instance *instance = *state;
    larshm *h = open_client(instance);
    for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
        put_routes(instance, some[i], 0);
        for (int thread = 0; thread < BEGINNERS; thread++) {
            struct beginner beginner = {h, some[i], 0};
            pthread_t id;
            assert_int_equal(pthread_create(&id, NULL, pick_once, &beginner), 0);
            pthread_join(id, NULL);
            picks[thread] = beginner.picked;
        }
        expect_even(picks, BEGINNERS, some[i]);
    }
    larshm_close(h);
}

static void thousand_processes_that_pick_once_spread_in_the_order_they_began(void **state)
{
    static uint8_t picks[WINDOW];
    struct instance *instance = *state;
    put_routes(instance, HOSTS_MOST, 0);
    larshm *h = open_client(instance);
    for (int child = 0; child < WINDOW; child++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(pick(h, 0, HOSTS_MOST));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        picks[child] = (uint8_t)WEXITSTATUS(status);
    }
    expect_even(picks, WINDOW, HOSTS_MOST);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spread_setup, spread_teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_thread_spreads_one_to_three_routes_alternately),
        TEST(sixteen_threads_spread_together),
        TEST(sixteen_processes_spread_together),
        TEST(hosts_left_in_rotation_share_it_evenly),
        TEST(hosts_out_of_rotation_share_the_probes_evenly),
        TEST(thousand_threads_that_pick_once_spread_in_the_order_they_began),
        TEST(thousand_processes_that_pick_once_spread_in_the_order_they_began),
    };
    return cmocka_run_group_tests_name("integration/spread", tests, NULL, NULL);
}
