/* SPDX-License-Identifier: MIT */
/*
 * No result of a call is lost, and none is counted twice: what the fetcher has counted at the end is what
 * larshm_report() took, in all threads of all processes, whatever happened to tables, objects and fetcher meanwhile.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fixture.h"
#include "tests/support/host_health.h"

enum {
    PROCESSES = 4,
    THREADS = 8,
    STAYING = 4, /* hosts 1 .. of route 1/1; those behind them come and go */
    PASSING = 4,
    WIDE = 700, /* hosts of route 1/2: more than the first control object has room for at ease */
    PORT = 7000,
    ROUNDS = 150, /* of changes; one takes ROUND_MS */
    ROUND_MS = 10,
    BURST_ROUND = ROUNDS * 3 / 4, /* brings many routes: objects are replaced faster than they are drained */
    BURST_ROUTES = 8000,
    REPEATS = 100, /* calls to a host that was picked once */
    OTHERS_MODID = 3,
};

/* What one thread has reported, and was answered that it was recorded. */
struct reported {
    struct calls staying[STAYING], passing, wide;
};

/* Shared by all processes of the test. */
struct scenario {
    _Atomic bool over;
    struct reported reported[PROCESSES * THREADS];
};

struct caller {
    larshm *client;
    struct scenario *scenario;
    struct reported *reported;
};

/* ---- those who report ---- */

static void report(larshm *client, const larshm_host *host, int retcode, struct calls *calls)
{
    if (larshm_report(client, host, retcode) != LARSHM_OK)
        return;
    calls->succ += retcode == 0;
    calls->err += retcode != 0;
}

static struct calls *calls_to(struct reported *reported, const larshm_host *host)
{
    uint32_t last = ntohl(host->addr) & 0xff;
    return last <= STAYING ? &reported->staying[last - 1] : &reported->passing;
}

/* One call in sixteen fails, and now and then enough of them in a row to take a host out. */
static int retcode_of(uint64_t call)
{
    return call % 16 == 0 || call % 4096 < 20;
}

static void *report_at_full_speed(void *context)
{
    const struct caller *caller = context;
    larshm_host host = {0}, wide = {.modid = 1, .cmdid = 2, .port = htons(PORT)};
    for (uint64_t call = 0; !caller->scenario->over; call++) {
        if (call % REPEATS == 0 || host.addr == 0)
            larshm_get_host(caller->client, 1, 1, &host);
        if (host.addr)
            report(caller->client, &host, retcode_of(call), calls_to(caller->reported, &host));
        wide.addr = htonl(UINT32_C(0x0a000001) + (uint32_t)(call % WIDE));
        if (call % 8 == 0)
            report(caller->client, &wide, retcode_of(call), &caller->reported->wide);
    }
    return NULL;
}

static int run_threads(const char *instance, struct scenario *scenario, struct reported *reported)
{
    pthread_t threads[THREADS];
    struct caller callers[THREADS];
    larshm *client;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (larshm_open(&client, instance) != LARSHM_OK)
        return 1;
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){client, scenario, &reported[i]};
        if (pthread_create(&threads[i], NULL, report_at_full_speed, &callers[i]) != 0)
            return 1;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    larshm_close(client);
    return 0;
}

static struct scenario *begin_scenario(const struct fixture *fixture, pid_t children[static PROCESSES])
{
    struct scenario *scenario =
        mmap(NULL, sizeof(*scenario), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(scenario != MAP_FAILED);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(run_threads(fixture->fetcher.instance, scenario, &scenario->reported[i * THREADS]));
    }
    return scenario;
}

static void end_scenario(struct scenario *scenario, const pid_t children[static PROCESSES])
{
    scenario->over = true;
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* ---- what happens meanwhile ---- */

/* Route 1/1 as it is in this round: each passing host is there in half of the rounds. */
static void send_table(struct fixture *fixture, unsigned round)
{
    struct wire_host hosts[STAYING + PASSING];
    size_t count = 0;
    for (int last = 1; last <= STAYING; last++)
        hosts[count++] = wire_host(last, PORT);
    for (int i = 0; i < PASSING; i++)
        if ((round / 2 + (unsigned)i * 3) % 4 < 2)
            hosts[count++] = wire_host(STAYING + 1 + i, PORT);
    directory_answer(&fixture->directory, 1, 1, hosts, count);
}

static void send_wide_table(struct fixture *fixture)
{
    struct wire_host hosts[WIDE];
    for (int i = 0; i < WIDE; i++)
        hosts[i] = wire_host(i + 1, PORT);
    directory_answer(&fixture->directory, 1, 2, hosts, WIDE);
}

static void send_others(struct fixture *fixture, unsigned round)
{
    fixture_answer(fixture, OTHERS_MODID, round, 1, PORT);
    for (unsigned i = 0; round == BURST_ROUND && i < BURST_ROUTES; i++)
        fixture_answer(fixture, OTHERS_MODID, ROUNDS + i, 1, PORT);
}

static void change_tables(struct fixture *fixture, unsigned from, unsigned to)
{
    for (unsigned round = from; round < to; round++) {
        send_table(fixture, round);
        send_others(fixture, round);
        pause_ms(ROUND_MS);
    }
}

/* All of the other routes are there: the objects have grown as far as they will. */
static bool has_grown(const struct fixture *fixture)
{
    return fetcher_counter(&fixture->fetcher, COUNTER_routes) == 2 + ROUNDS + BURST_ROUTES;
}

static void start(struct fixture *fixture)
{
    fixture->fetcher.config.more = "[loadbalance]\noverload_timeout = 1\nslow_start = 0\n";
    fixture_connect(fixture);
    send_table(fixture, 0);
    send_wide_table(fixture);
    eventually(fixture_info(fixture, 1, 2).hosts == WIDE);
}

static void kill_and_restart(struct fixture *fixture)
{
    process_kill(&fixture->fetcher.process);
    pause_ms(ROUND_MS);
    fetcher_start(&fixture->fetcher);
    directory_accept(&fixture->directory);
}

/* ---- the sums ---- */

static void add(struct calls *sum, struct calls more)
{
    sum->succ += more.succ;
    sum->err += more.err;
}

static bool same(struct calls one, struct calls other)
{
    return one.succ == other.succ && one.err == other.err;
}

static struct calls calls_of(const struct fixture *fixture, int last)
{
    struct host_health health;
    host_health_read(&fixture->fetcher, route_key(1, 1), host_health_host(last, PORT), &health);
    return (struct calls){health.total_succ, health.total_err};
}

static void expect_sum(const char *of, struct calls reported, struct calls counted)
{
    if (!same(reported, counted))
        fail_msg("%s: %llu successes and %llu failures were reported, %llu and %llu are counted", of,
                 (unsigned long long)reported.succ, (unsigned long long)reported.err,
                 (unsigned long long)counted.succ, (unsigned long long)counted.err);
}

/* Every result that was taken is counted now, and nothing else. */
static void expect_all_counted(const struct fixture *fixture, const struct scenario *scenario)
{
    struct reported sum = {0};
    struct calls route = {0};
    for (int thread = 0; thread < PROCESSES * THREADS; thread++) {
        const struct reported *reported = &scenario->reported[thread];
        for (int i = 0; i < STAYING; i++)
            add(&sum.staying[i], reported->staying[i]);
        add(&sum.passing, reported->passing);
        add(&sum.wide, reported->wide);
    }
    add(&route, sum.passing);
    for (int i = 0; i < STAYING; i++)
        add(&route, sum.staying[i]);
    uint64_t deadline = clock_tick() + EVENTUALLY_MS / 3;
    while (clock_tick() < deadline && !(same(host_health_sum(&fixture->fetcher, route_key(1, 1)), route) &&
                                        same(host_health_sum(&fixture->fetcher, route_key(1, 2)), sum.wide)))
        pause_ms(LOOK_EVERY_MS);
    for (int i = 0; i < STAYING; i++) {
        assert_true(sum.staying[i].succ > 0);
        expect_sum("a host that stayed", sum.staying[i], calls_of(fixture, i + 1));
    }
    assert_true(sum.passing.succ > 0);
    expect_sum("route 1/1", route, host_health_sum(&fixture->fetcher, route_key(1, 1)));
    expect_sum("route 1/2", sum.wide, host_health_sum(&fixture->fetcher, route_key(1, 2)));
}

/* ---- the tests ---- */

static void no_result_is_lost_while_tables_change_and_objects_grow(void **state)
{
    struct fixture *fixture = *state;
    pid_t children[PROCESSES];
    start(fixture);
    uint64_t generations = fetcher_counter(&fixture->fetcher, COUNTER_generations);
    struct scenario *scenario = begin_scenario(fixture, children);
    change_tables(fixture, 0, ROUNDS);
    eventually(has_grown(fixture));
    end_scenario(scenario, children);
    assert_true(fetcher_counter(&fixture->fetcher, COUNTER_generations) > generations + 4);
    expect_all_counted(fixture, scenario);
    munmap(scenario, sizeof(*scenario));
}

static void no_result_is_lost_when_the_fetcher_is_killed(void **state)
{
    struct fixture *fixture = *state;
    pid_t children[PROCESSES];
    start(fixture);
    struct scenario *scenario = begin_scenario(fixture, children);
    change_tables(fixture, 0, ROUNDS / 2);
    kill_and_restart(fixture);
    for (unsigned round = 0; round < ROUNDS / 2; round++)
        send_others(fixture, round); /* again: the one before may have died with answers unread */
    change_tables(fixture, ROUNDS / 2, ROUNDS);
    eventually(has_grown(fixture));
    end_scenario(scenario, children);
    expect_all_counted(fixture, scenario);
    munmap(scenario, sizeof(*scenario));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(no_result_is_lost_while_tables_change_and_objects_grow),
        fixture_test(no_result_is_lost_when_the_fetcher_is_killed),
    };
    return cmocka_run_group_tests_name("integration/totals", tests, NULL, NULL);
}
