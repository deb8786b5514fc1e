/* SPDX-License-Identifier: MIT */
/* Each route has its own sequence of picks in each thread, whatever else the thread looks up in between. */
#include "reader/cursor.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/sanitizer.h"

enum {
    LOOKUPS_MOST = SANITIZED_THREADS ? 600 : 3000, /* per cycle; it takes ten times as long there */
    CYCLES = 100,
    THOUSANDS_OF_HOSTS = SANITIZED_THREADS ? 2000 : 10000,
    MANY = 4 * CURSOR_PAIRS, /* routes, of two cells a pair */
    LONGEST_RUN = 48,        /* of a fair coin's throws, MANY times CYCLES, once in 10^9 times */
};

static int pick(larshm *h, uint32_t cmdid)
{
    larshm_host host = {0};
    assert_int_equal(larshm_get_host(h, 0, cmdid, &host), LARSHM_OK);
    return ntohs(host.port) - 1;
}

static void put(struct instance *instance, uint32_t cmdid, uint32_t hosts)
{
    instance_put_ports(instance, route_key(0, cmdid), hosts);
}

/* `others` are further routes, each looked up once in between. */
static void expect_two_hosts(larshm *h, uint32_t cmdid, uint32_t others, int picks)
{
    for (int last = -1, now; picks > 0; picks--, last = now) {
        now = pick(h, cmdid);
        assert_int_not_equal(now, last);
        for (uint32_t i = 1; i <= others; i++)
            pick(h, 1000 + i);
    }
}

static void a_thread_that_picks_twice_gets_two_hosts(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    for (uint32_t other = 1; other <= 100; other++)
        put(instance, 1000 + other, 1 + other % 9);
    for (uint32_t hosts = 2; hosts <= 100; hosts++) {
        put(instance, hosts, hosts);
        for (uint32_t others = 0; others <= 8; others++)
            expect_two_hosts(h, hosts, others, 300);
        expect_two_hosts(h, hosts, 100, 30);
    }
    larshm_close(h);
}

static void so_it_does_where_hosts_are_out_of_rotation(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    for (uint32_t other = 1; other <= 8; other++)
        put(instance, 1000 + other, 2);
    for (uint32_t hosts = 4; hosts <= 70; hosts++) {
        put(instance, hosts, hosts);
        for (uint32_t out = 0; out + 2 < hosts; out++) { /* down to two in rotation */
            set_rotation_by_key(instance->writer, route_key(0, hosts), (out * 7 + 1) % hosts, true, out % 2);
            expect_two_hosts(h, hosts, out % 9, 60);
        }
    }
    larshm_close(h);
}

static void no_number_of_lookups_per_cycle_sticks_a_route_to_a_host(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    put(instance, 1, 2);
    put(instance, 2, 4);
    for (uint32_t lookups = 1; lookups <= LOOKUPS_MOST; lookups += lookups < 100 ? 1 : lookups / 30)
        for (int cycle = 0, last = -1; cycle < CYCLES; cycle++) {
            int now = pick(h, 1);
            assert_int_not_equal(now, last);
            last = now;
            for (uint32_t i = 1; i < lookups; i++)
                pick(h, 2);
        }
    larshm_close(h);
}

static void nor_does_a_cycle_through_more_routes_than_there_are_cells(void **state)
{
    static struct {
        int last, run;
    } seen[MANY];
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    uint32_t first = 0;
    for (uint32_t cmdid = 0; cmdid < MANY; cmdid++) {
        put(instance, cmdid, 2);
        seen[cmdid].last = -1;
    }
    for (int cycle = 0; cycle < CYCLES; cycle++)
        for (uint32_t cmdid = 0; cmdid < MANY; cmdid++) {
            int now = pick(h, cmdid);
            seen[cmdid].run = now == seen[cmdid].last ? seen[cmdid].run + 1 : 1;
            seen[cmdid].last = now;
            assert_true(seen[cmdid].run <= LONGEST_RUN);
            first += now == 0;
        }
    assert_in_range(first, MANY * CYCLES * 49 / 100, MANY * CYCLES * 51 / 100);
    larshm_close(h);
}

static void each_of_thousands_of_hosts_gets_its_share(void **state)
{
    enum {
        HOSTS = THOUSANDS_OF_HOSTS,
        EACH = 1000,
    };
    static uint32_t times[HOSTS];
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    put(instance, 1, HOSTS);
    for (int i = 0; i < HOSTS * EACH; i++)
        times[pick(h, 1)]++;
    for (int host = 0; host < HOSTS; host++)
        assert_in_range(times[host], EACH * 95 / 100, EACH * 105 / 100);
    larshm_close(h);
}

static void so_does_each_that_is_left_where_some_are_out_of_rotation(void **state)
{
    enum {
        HOSTS = THOUSANDS_OF_HOSTS,
        OUT = 10, /* one in so many */
        EACH = 1000,
    };
    static uint32_t times[HOSTS];
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    put(instance, 1, HOSTS);
    for (uint32_t host = 0; host < HOSTS; host += OUT)
        set_rotation_by_key(instance->writer, route_key(0, 1), host, true, true);
    for (int i = 0; i < (HOSTS - HOSTS / OUT) * EACH; i++)
        times[pick(h, 1)]++;
    for (int host = 0; host < HOSTS; host++)
        assert_in_range(times[host], host % OUT ? EACH * 95 / 100 : 0, host % OUT ? EACH * 105 / 100 : 0);
    larshm_close(h);
}

/* A route that has expired, so that lookups take the longer way. */
static void two_hosts_take_turns_wherever_the_thread_begins(void **state)
{
    const struct host_addr hosts[] = {{htonl(UINT32_C(0x0a000001)), htons(1)},
                                      {htonl(UINT32_C(0x0a000001)), htons(2)}};
    const struct instance *instance = *state;
    larshm *h = client_open(instance);
    assert_int_equal(put_by_key(instance->writer, route_key(0, 1), hosts, 2, NULL, 60, 1), SHM_OK);
    pick(h, 1);
    const uint32_t before = thread_state.start;
    for (uint32_t start = 0; start <= UINT16_MAX; start++) {
        thread_state.start = start << 16 | 0x8000;
        expect_two_hosts(h, 1, 0, 4);
    }
    thread_state.start = before;
    larshm_close(h);
}

/* As many as have a cell each: then every one of them changes its host each time. */
static void routes_of_a_small_instance_share_no_cell(void **state)
{
    enum {
        ROUTES = CURSOR_PAIRS
    };
    static int last[ROUTES];
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    for (uint32_t cmdid = 0; cmdid < ROUTES; cmdid++)
        put(instance, cmdid, 4);
    instance_renew(instance); /* which leaves no gaps */
    for (int cycle = 0; cycle < 50; cycle++)
        for (uint32_t cmdid = 0; cmdid < ROUTES; cmdid++) {
            int now = pick(h, cmdid);
            assert_true(cycle == 0 || now != last[cmdid]);
            last[cmdid] = now;
        }
    larshm_close(h);
}

/* The children's first picks, after the parent has picked: it has left its position in the cell. */
static void children_do_not_go_on_where_the_parent_was(void **state)
{
    enum {
        CHILDREN = 40,
        HOSTS = 100
    };
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    uint8_t times[HOSTS] = {0};
    put(instance, 1, HOSTS);
    pick(h, 1);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(pick(h, 1));
        int result;
        waitpid(child, &result, 0);
        assert_true(WIFEXITED(result) && WEXITSTATUS(result) < HOSTS);
        times[WEXITSTATUS(result)]++;
    }
    for (int host = 0; host < HOSTS; host++)
        assert_true(times[host] <= 3);
    larshm_close(h);
}

struct looker {
    larshm *h;
    pthread_barrier_t *all;
    struct cursors *cells;
};

enum {
    FORKS = 200
};

static volatile sig_atomic_t is_child, children, died;

static void fork_amid_a_lookup(int number)
{
    int status = 1;
    pid_t child = fork();
    (void)number;
    is_child = child == 0;
    if (child == 0)
        return;
    /* Where a fork takes longer than a round of the timer, the program would never go on. */
    if (++children >= FORKS)
        signal(SIGALRM, SIG_IGN);
    died +=
        child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static bool finds_hosts(larshm *h)
{
    larshm_host host, other;
    return larshm_get_host(h, 0, 1, &host) == LARSHM_OK &&
           larshm_get_host_except(h, 0, 1, &host, 1, &other) == LARSHM_OK && host.port != other.port;
}

static void children_that_are_forked_amid_a_lookup_go_on_with_it(void **state)
{
    const struct itimerval each_ms = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    struct instance *instance = *state;
    if (SANITIZED)
        skip(); /* their own locks may be taken when the handler forks */
    larshm *h = client_open(instance);
    bool found = true;
    put(instance, 1, 5);
    signal(SIGALRM, fork_amid_a_lookup);
    setitimer(ITIMER_REAL, &each_ms, NULL);
    while (children < FORKS && found && !is_child)
        found = finds_hosts(h);
    if (is_child)
        _exit(found && finds_hosts(h) ? 0 : 1);
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
    assert_true(found);
    assert_int_equal(died, 0);
    larshm_close(h);
}

static void *look_and_stay(void *context)
{
    struct looker *looker = context;
    pick(looker->h, 1);
    looker->cells = thread_state.cursors;
    if (looker->all)
        pthread_barrier_wait(looker->all);
    return NULL;
}

static void threads_that_look_up_at_the_same_time_have_cells_of_their_own(void **state)
{
    static struct looker lookers[CURSOR_SETS - 1];
    enum {
        THREADS = sizeof(lookers) / sizeof(*lookers)
    };
    struct instance *instance = *state;
    pthread_t threads[THREADS];
    pthread_barrier_t all;
    larshm *h = client_open(instance);
    put(instance, 1, 2);
    pick(h, 1);
    pthread_barrier_init(&all, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        lookers[i] = (struct looker){h, &all, NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, look_and_stay, &lookers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_ptr_not_equal(lookers[i].cells, thread_state.cursors);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(lookers[i].cells, lookers[k].cells);
    }
    pthread_barrier_destroy(&all);
    larshm_close(h);
}

static void threads_that_come_and_go_take_no_cells_of_one_that_goes_on(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    put(instance, 1, 2);
    for (int i = 0; i < 4 * CURSOR_SETS; i++) {
        struct looker looker = {h, NULL, NULL};
        pthread_t thread;
        for (int k = 0; k < 1000; k++) /* some batches, and some milliseconds in all */
            pick(h, 1);
        assert_int_equal(pthread_create(&thread, NULL, look_and_stay, &looker), 0);
        pthread_join(thread, NULL);
        assert_ptr_not_equal(looker.cells, thread_state.cursors);
    }
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_thread_that_picks_twice_gets_two_hosts),
        TEST(so_it_does_where_hosts_are_out_of_rotation),
        TEST(no_number_of_lookups_per_cycle_sticks_a_route_to_a_host),
        TEST(nor_does_a_cycle_through_more_routes_than_there_are_cells),
        TEST(each_of_thousands_of_hosts_gets_its_share),
        TEST(so_does_each_that_is_left_where_some_are_out_of_rotation),
        TEST(two_hosts_take_turns_wherever_the_thread_begins),
        TEST(routes_of_a_small_instance_share_no_cell),
        TEST(children_do_not_go_on_where_the_parent_was),
        TEST(children_that_are_forked_amid_a_lookup_go_on_with_it),
        TEST(threads_that_look_up_at_the_same_time_have_cells_of_their_own),
        TEST(threads_that_come_and_go_take_no_cells_of_one_that_goes_on),
    };
    return cmocka_run_group_tests_name("unit/reader/cursor", tests, NULL, NULL);
}
