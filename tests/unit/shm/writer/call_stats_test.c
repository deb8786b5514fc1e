/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/layout.h"
#include "shm/reader/call_stats.h"
#include "shm/writer/call_stats.h"
#include "tests/support/keys.h"
#include "tests/unit/shm/calls.h"

enum {
    CELLS = 4096,
    HOSTS = 40,
    KEY = 3,
    RECORDERS = 2,
    CALLS = 200000, /* of each recorder */
};

#define HOST  calls_host(0)
#define WHOLE (UINT64_C(1) << CALL_SUCC_BITS)

struct fixture {
    struct calls calls;
    struct call_stats stats;
    struct call_report last;
    struct call_batch sum; /* counts added up; runs: the longest of all looks */
    uint32_t reports;
    bool known;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return -1;
    calls_begin(&fixture->calls, CELLS);
    fixture->known = true;
    *state = fixture;
    fixture->stats = (struct call_stats){.control = fixture->calls.control};
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    calls_end(&fixture->calls);
    free(fixture);
    return 0;
}

static bool record(struct fixture *fixture, const struct call_report *report)
{
    const struct call_batch *batch = &report->batch;
    struct call_batch *sum = &fixture->sum;
    fixture->last = *report;
    fixture->reports++;
    sum->succ += batch->succ;
    sum->err += batch->err;
    sum->extra += batch->extra;
    sum->err_run = sum->err_run > batch->err_run ? sum->err_run : batch->err_run;
    sum->succ_run = sum->succ_run > batch->succ_run ? sum->succ_run : batch->succ_run;
    return fixture->known;
}

static void collect(struct fixture *fixture, struct call_stats *stats, uint32_t budget)
{
    struct call_report report;
    struct flag_round round = call_stats_begin(stats);
    for (; budget > 0 && call_stats_next(stats, &round, &report); budget--)
        call_stats_keep(stats, &report, record(fixture, &report));
    call_stats_end(stats, &round);
}

static uint32_t look(struct fixture *fixture, uint32_t budget)
{
    fixture->reports = 0;
    collect(fixture, &fixture->stats, budget);
    return fixture->reports;
}

static void record_call(const struct fixture *fixture, struct host_addr host, bool success)
{
    assert_int_equal(call_stats_record(&fixture->calls.control, numbered_key(KEY), host, success, 1, 0),
                     SHM_OK);
}

static void each_result_is_collected_once_with_its_route_and_host(void **state)
{
    struct fixture *fixture = *state;
    record_call(fixture, HOST, true);
    record_call(fixture, HOST, false);
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(route_key_number(fixture->last.key), KEY);
    assert_int_equal(host_addr_word(fixture->last.host), host_addr_word(HOST));
    assert_int_equal(fixture->last.batch.succ, 1);
    assert_int_equal(fixture->last.batch.err, 1);
    assert_int_equal(fixture->last.counts, 1 + WHOLE);
    assert_int_equal(look(fixture, UINT32_MAX), 0);
    record_call(fixture, HOST, true);
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.succ, 1);
    assert_int_equal(fixture->last.batch.err, 0);
}

/* Calls as a script: S succeeds, F fails, and a digit fails with that weight; one look at the end of each part. */
struct part {
    const char *script;
    uint32_t succ, err, extra, err_run, succ_run;
};

static void collect_parts(struct fixture *fixture, const struct part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (const char *c = parts[i].script; *c; c++)
            call_stats_record(&fixture->calls.control, numbered_key(KEY), HOST, *c == 'S',
                              *c >= '1' && *c <= '9' ? (uint32_t)(*c - '0') : 1, 0);
        assert_int_equal(look(fixture, UINT32_MAX), 1);
        const struct call_batch *batch = &fixture->last.batch;
        if (batch->succ != parts[i].succ || batch->err != parts[i].err || batch->extra != parts[i].extra ||
            batch->err_run != parts[i].err_run || batch->succ_run != parts[i].succ_run)
            fail_msg("part %zu, %s: %d succ, %d err, %d extra, run of %u err, of %u succ", i, parts[i].script,
                     (int)batch->succ, (int)batch->err, (int)batch->extra, batch->err_run, batch->succ_run);
    }
}
#define EXPECT_PARTS(fixture, ...)                                                                           \
    collect_parts((fixture), (const struct part[]){__VA_ARGS__},                                             \
                  sizeof((struct part[]){__VA_ARGS__}) / sizeof(struct part))

static void streaks_that_end_between_two_collections_are_seen(void **state)
{
    EXPECT_PARTS(*state, {"FFFFFS", 1, 5, 0, 5, 1}, {"SSSSF", 4, 1, 0, 1, 5}, {"SFFSFFFSF", 3, 6, 0, 3, 1},
                 {"SSFSSSSFSS", 8, 2, 0, 1, 4});
}

/* Threads of all numbers report one host, one after the other: a streak is the host's, not a thread's. */
static void streaks_go_on_from_thread_to_thread(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < 100; i++)
        call_stats_record(&fixture->calls.control, numbered_key(KEY), HOST, i != 40, 1, i);
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.succ, 99);
    assert_int_equal(fixture->last.batch.err, 1);
    assert_int_equal(fixture->last.batch.succ_run, 59);
    for (uint32_t i = 0; i < 100; i++)
        call_stats_record(&fixture->calls.control, numbered_key(KEY), HOST, i == 30, 1, i);
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.err_run, 69);
    assert_int_equal(fixture->last.batch.succ_run, 59);
}

static void streaks_go_on_from_collection_to_collection(void **state)
{
    EXPECT_PARTS(*state, {"FFF", 0, 3, 0, 3, 0}, {"FF", 0, 2, 0, 5, 0}, {"S", 1, 0, 0, 0, 1},
                 {"SS", 2, 0, 0, 0, 3}, {"SF", 1, 1, 0, 1, 4}, {"F", 0, 1, 0, 2, 0}, {"SF", 1, 1, 0, 1, 1});
}

static void a_slow_failure_counts_more_in_streaks_too(void **state)
{
    EXPECT_PARTS(*state, {"F9", 0, 2, 8, 10, 0}, {"3S", 1, 1, 2, 13, 1}, {"5F", 0, 2, 4, 6, 0});
}

static void streaks_restart_with_the_state_of_the_host(void **state)
{
    struct fixture *fixture = *state;
    EXPECT_PARTS(fixture, {"SSSSFFF", 4, 3, 0, 3, 4});
    call_stats_reset_runs(&fixture->stats, fixture->last.cell);
    EXPECT_PARTS(fixture, {"FF", 0, 2, 0, 2, 0}, {"SS", 2, 0, 0, 0, 2});
    call_stats_reset_runs(&fixture->stats, fixture->last.cell);
    EXPECT_PARTS(fixture, {"S", 1, 0, 0, 0, 1});
}

/* Between the fetcher's loads of the counts and of the runs, clients may have gone on. */
static void a_failure_that_came_meanwhile_makes_no_streak_of_successes(void **state)
{
    struct fixture *fixture = *state;
    record_call(fixture, HOST, true);
    struct call_cell *s_cell = calls_cell(&fixture->calls, KEY, HOST);
    store_relaxed(&s_cell->err_runs, err_runs_pack((struct err_runs){.mark = 6, .run = 1, .longest = 1}));
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.succ, 1);
    assert_in_range(fixture->last.batch.succ_run, 0, 1);
}

static void a_streak_whose_last_failure_is_not_counted_yet_waits_for_it(void **state)
{
    struct fixture *fixture = *state;
    record_call(fixture, HOST, true);
    struct call_cell *s_cell = calls_cell(&fixture->calls, KEY, HOST);
    store_relaxed(&s_cell->err_runs, err_runs_pack((struct err_runs){.mark = 1, .run = 15, .longest = 15}));
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.err_run, 0);
    record_call(fixture, HOST, true);
    record_call(fixture, HOST, false);
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.err_run, 15);
}

static uint32_t cell_number(const struct fixture *fixture, struct host_addr host)
{
    return (uint32_t)(calls_cell(&fixture->calls, KEY, host) - fixture->calls.control.s_calls);
}

/* Those that are counted beside the cell. */
static uint64_t successes_of(const struct fixture *fixture, struct host_addr host)
{
    uint32_t cell = cell_number(fixture, host);
    return call_cell_counts(&fixture->calls.control, cell) -
           load_relaxed(&fixture->calls.control.s_calls[cell].counts);
}

static void a_carry_out_of_the_successes_is_no_failure(void **state)
{
    struct fixture *fixture = *state;
    record_call(fixture, HOST, true);
    struct call_cell *s_cell = calls_cell(&fixture->calls, KEY, HOST);
    store_relaxed(&s_cell->counts, WHOLE - 2 - successes_of(fixture, HOST));
    look(fixture, UINT32_MAX);
    for (int i = 0; i < 5; i++)
        record_call(fixture, HOST, true);
    record_call(fixture, HOST, false);
    look(fixture, UINT32_MAX);
    assert_int_equal(fixture->last.batch.succ, 5);
    assert_int_equal(fixture->last.batch.err, 1);
    /* And round the end of the word. */
    store_relaxed(&s_cell->counts, UINT64_MAX - 1 - successes_of(fixture, HOST));
    record_call(fixture, HOST, true);
    look(fixture, UINT32_MAX);
    record_call(fixture, HOST, true);
    record_call(fixture, HOST, true);
    record_call(fixture, HOST, false);
    look(fixture, UINT32_MAX);
    assert_int_equal(fixture->last.batch.succ, 2);
    assert_int_equal(fixture->last.batch.err, 1);
}

static void what_the_budget_leaves_over_comes_with_the_next_collections(void **state)
{
    struct fixture *fixture = *state;
    uint32_t recorded = 0, total = 0, looks = 0;
    for (uint32_t host = 0; host < CELLS / 4; host++, recorded++)
        record_call(fixture, calls_host(host), true);
    for (uint32_t once = 1; once; total += once, looks++)
        assert_in_range(once = look(fixture, 100), 0, 100 + 63);
    assert_int_equal(total, recorded);
    assert_in_range(looks, recorded / 163 + 1, recorded / 100 + 2);
    assert_int_equal(fixture->sum.succ, recorded);
}

/* Two names of one host would be judged apart. */
static void cells_whose_names_are_no_route_and_host_are_passed_over(void **state)
{
    const uint64_t hosts[] = {0, UINT64_C(1) << 16, UINT64_MAX, host_addr_word(HOST) | UINT64_C(1) << 31};
    struct fixture *fixture = *state;
    record_call(fixture, HOST, true);
    struct call_cell *s_cell = calls_cell(&fixture->calls, KEY, HOST);
    uint32_t cell = (uint32_t)(s_cell - fixture->calls.control.s_calls);
    for (int i = 0; i < 4; i++) {
        store_relaxed(&s_cell->host, hosts[i]);
        hbitmap_set(&fixture->calls.control.reported, cell);
        assert_int_equal(look(fixture, UINT32_MAX), 0);
    }
    store_relaxed(&s_cell->host, host_addr_word(HOST));
    store_relaxed(&s_cell->key, 0);
    hbitmap_set(&fixture->calls.control.reported, cell);
    assert_int_equal(look(fixture, UINT32_MAX), 0);
}

static void a_cell_that_is_named_late_has_lost_nothing(void **state)
{
    struct fixture *fixture = *state;
    record_call(fixture, HOST, true);
    struct call_cell *s_cell = calls_cell(&fixture->calls, KEY, HOST);
    store_relaxed(&s_cell->host, 0);
    assert_int_equal(look(fixture, UINT32_MAX), 0);
    record_call(fixture, HOST, false);
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.succ + fixture->last.batch.err, 2);
}

static void a_cell_that_is_named_for_a_host_begins_without_a_streak(void **state)
{
    struct fixture *fixture = *state;
    call_stats_name(&fixture->stats, numbered_key(KEY), HOST);
    record_call(fixture, HOST, true);
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.succ, 1);
    assert_int_equal(fixture->last.batch.succ_run, 1);
}

static void what_a_dead_fetcher_collected_and_did_not_keep_is_collected_again(void **state)
{
    struct fixture *fixture = *state;
    struct call_report report;
    struct call_stats next = {.control = fixture->calls.control};
    for (int i = 0; i < 3; i++)
        record_call(fixture, HOST, true);
    look(fixture, UINT32_MAX);
    for (int i = 0; i < 4; i++)
        record_call(fixture, HOST, false);
    struct flag_round round = call_stats_begin(&fixture->stats);
    assert_true(call_stats_next(&fixture->stats, &round, &report)); /* and it dies */
    call_stats_adopt(&next);
    fixture->reports = 0;
    collect(fixture, &next, UINT32_MAX);
    assert_int_equal(fixture->reports, 1);
    assert_int_equal(fixture->last.batch.succ, 0);
    assert_int_equal(fixture->last.batch.err, 4);
}

/* It died after it had kept what it took, and before it said so in the cell. */
static void what_a_dead_fetcher_has_kept_is_not_collected_again(void **state)
{
    struct fixture *fixture = *state;
    struct call_stats next = {.control = fixture->calls.control};
    record_call(fixture, HOST, true);
    record_call(fixture, calls_host(1), true);
    look(fixture, UINT32_MAX);
    record_call(fixture, HOST, true);
    call_stats_adopt(&next);
    call_stats_resume(&next, numbered_key(KEY), cell_number(fixture, HOST), 2, 0);
    fixture->reports = 0;
    collect(fixture, &next, UINT32_MAX);
    assert_int_equal(fixture->reports, 0);
    record_call(fixture, HOST, true);
    collect(fixture, &next, UINT32_MAX);
    assert_int_equal(fixture->last.batch.succ, 1);
}

static void what_no_fetcher_has_collected_is_collected_by_the_next_one(void **state)
{
    struct fixture *fixture = *state;
    struct call_stats next = {.control = fixture->calls.control};
    record_call(fixture, HOST, true);
    for (int level = 0; level < 3; level++)
        store_relaxed(&fixture->calls.control.reported.s_words[level][0], 0);
    record_call(fixture, calls_host(1), true);
    call_stats_adopt(&next);
    fixture->reports = 0;
    collect(fixture, &next, UINT32_MAX);
    assert_int_equal(fixture->reports, 2);
}

static void g11_an_ended_cell_yields_what_it_has_and_refuses_the_rest(void **state)
{
    struct fixture *fixture = *state;
    struct call_report report = {.control = 1};
    record_call(fixture, HOST, true);
    look(fixture, UINT32_MAX);
    record_call(fixture, HOST, false);
    uint64_t yielded = 0;
    for (report.cell = 0; report.cell < fixture->stats.control.shape.call_cells; report.cell++)
        if (call_stats_end_cell(&fixture->stats, &report)) {
            assert_true(host_addr_equal(report.host, HOST));
            assert_int_equal(report.batch.succ, 0);
            yielded += report.batch.err;
            call_stats_keep(&fixture->stats, &report, true);
        }
    assert_int_equal(yielded, 1);
    for (uint32_t host = 0; host < 2; host++)
        assert_int_equal(
            call_stats_record(&fixture->calls.control, numbered_key(KEY), calls_host(host), true, 1, 0),
            SHM_FULL);
}

static void resuming_a_cell_of_another_route_or_behind_it_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    record_call(fixture, HOST, true);
    call_stats_resume(&fixture->stats, numbered_key(KEY + 1), cell_number(fixture, HOST), 100, 100);
    call_stats_resume(&fixture->stats, numbered_key(KEY), CELLS, 100, 100);
    call_stats_resume(&fixture->stats, numbered_key(KEY), UINT32_MAX, 100, 100);
    assert_int_equal(look(fixture, UINT32_MAX), 1);
    assert_int_equal(fixture->last.batch.succ, 1);
    record_call(fixture, HOST, true);
    look(fixture, UINT32_MAX);
    call_stats_resume(&fixture->stats, numbered_key(KEY), cell_number(fixture, HOST), 1, 0);
    record_call(fixture, HOST, true);
    look(fixture, UINT32_MAX);
    assert_int_equal(fixture->last.batch.succ, 1);
}

static void more_cells_are_wanted_once_half_of_them_are_of_hosts_that_exist(void **state)
{
    struct fixture *fixture = *state;
    fixture->known = false;
    for (uint32_t host = 0; host < CELLS / 2 + 1; host++)
        call_stats_record(&fixture->calls.control, numbered_key(KEY + 1), calls_host(host), true, 1, 0);
    look(fixture, UINT32_MAX);
    assert_int_equal(fixture->stats.used, CELLS / 2 + 1);
    assert_int_equal(call_stats_cells_needed(&fixture->stats, UINT32_MAX), CELLS);
    fixture->stats.known = CELLS / 2;
    assert_int_equal(call_stats_cells_needed(&fixture->stats, UINT32_MAX), CELLS);
    fixture->stats.known = CELLS / 2 + 1;
    assert_int_equal(call_stats_cells_needed(&fixture->stats, UINT32_MAX), 4 * CELLS);
    fixture->stats.known = UINT32_MAX;
    assert_int_equal(call_stats_cells_needed(&fixture->stats, UINT32_MAX), CALL_CELLS_MAX);
}

/* What recorder `number` records, so that the sums are known. Returns whether its call number i succeeds. */
static bool record_next(const struct fixture *fixture, uint32_t number, uint32_t i)
{
    bool success = i % 5 != number;
    if (call_stats_record(&fixture->calls.control, numbered_key(KEY), calls_host(i % HOSTS), success,
                          i % 2 ? 3 : 1, number) != SHM_OK)
        abort();
    return success;
}

static void expect_sums(const struct fixture *fixture)
{
    struct call_batch recorded = {0};
    for (uint32_t number = 0; number < RECORDERS; number++)
        for (uint32_t i = 0; i < CALLS; i++) {
            bool success = i % 5 != number;
            *(success ? &recorded.succ : &recorded.err) += 1;
            recorded.extra += !success && i % 2 ? 2 : 0;
        }
    assert_int_equal(fixture->sum.succ, recorded.succ);
    assert_int_equal(fixture->sum.err, recorded.err);
    assert_int_equal(fixture->sum.extra, recorded.extra);
    assert_in_range(fixture->sum.succ_run, 1, recorded.succ);
    assert_in_range(fixture->sum.err_run, 1, recorded.err + recorded.extra);
}

struct recorder {
    pthread_t thread;
    struct fixture *fixture;
    uint32_t number;
    _Atomic uint32_t *left;
};

static void *record_all(void *context)
{
    const struct recorder *recorder = context;
    for (uint32_t i = 0; i < CALLS; i++)
        record_next(recorder->fixture, recorder->number, i);
    sub_release(recorder->left, 1);
    return NULL;
}

static void no_count_is_lost_between_threads(void **state)
{
    struct fixture *fixture = *state;
    struct recorder recorders[RECORDERS];
    _Atomic uint32_t left = RECORDERS;
    for (uint32_t i = 0; i < RECORDERS; i++) {
        recorders[i] = (struct recorder){.fixture = fixture, .number = i, .left = &left};
        assert_int_equal(pthread_create(&recorders[i].thread, NULL, record_all, &recorders[i]), 0);
    }
    while (load_acquire(&left))
        look(fixture, 10);
    while (look(fixture, 10))
        continue;
    for (uint32_t i = 0; i < RECORDERS; i++)
        pthread_join(recorders[i].thread, NULL);
    expect_sums(fixture);
}

static void no_count_is_lost_between_processes(void **state)
{
    struct fixture *fixture = *state;
    uint32_t left = RECORDERS;
    for (uint32_t number = 0; number < RECORDERS; number++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (uint32_t i = 0; i < CALLS; i++)
                record_next(fixture, number, i);
            _exit(0);
        }
    }
    for (int status; left;) {
        look(fixture, UINT32_MAX);
        if (waitpid(-1, &status, WNOHANG) > 0) {
            assert_int_equal(status, 0);
            left--;
        }
    }
    look(fixture, UINT32_MAX);
    expect_sums(fixture);
}

/* 20 successes, then 15 failures, over and over. */
static void *record_in_streaks(void *context)
{
    const struct recorder *recorder = context;
    for (uint32_t i = 0; i < 35 * 10000; i++)
        call_stats_record(&recorder->fixture->calls.control, numbered_key(KEY), HOST, i % 35 < 20, 1, i);
    sub_release(recorder->left, 1);
    return NULL;
}

static void streaks_are_neither_lost_nor_made_longer_by_collecting(void **state)
{
    struct fixture *fixture = *state;
    _Atomic uint32_t left = 1;
    struct recorder recorder = {.fixture = fixture, .left = &left};
    assert_int_equal(pthread_create(&recorder.thread, NULL, record_in_streaks, &recorder), 0);
    /* So many calls that a whole streak must be among them. It may have been recorded in the collection before, already: that
     * one saw streaks which were newer than its counts. */
    struct call_batch before = {0};
    while (load_acquire(&left)) {
        if (!look(fixture, UINT32_MAX))
            continue;
        const struct call_batch *batch = &fixture->last.batch;
        if (batch->err >= 2 * 15 && before.err_run != 15)
            assert_int_equal(batch->err_run, 15);
        if (batch->succ >= 2 * 20 && before.succ_run != 20)
            assert_int_equal(batch->succ_run, 20);
        before = *batch;
    }
    pthread_join(recorder.thread, NULL);
    look(fixture, UINT32_MAX);
    assert_int_equal(fixture->sum.err_run, 15);
    assert_int_equal(fixture->sum.succ_run, 20);
    assert_int_equal(fixture->sum.err, 15 * 10000);
    assert_int_equal(fixture->sum.succ, 20 * 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_result_is_collected_once_with_its_route_and_host),
        TEST(streaks_that_end_between_two_collections_are_seen),
        TEST(streaks_go_on_from_collection_to_collection),
        TEST(streaks_go_on_from_thread_to_thread),
        TEST(a_slow_failure_counts_more_in_streaks_too),
        TEST(streaks_restart_with_the_state_of_the_host),
        TEST(a_failure_that_came_meanwhile_makes_no_streak_of_successes),
        TEST(a_streak_whose_last_failure_is_not_counted_yet_waits_for_it),
        TEST(a_carry_out_of_the_successes_is_no_failure),
        TEST(what_the_budget_leaves_over_comes_with_the_next_collections),
        TEST(cells_whose_names_are_no_route_and_host_are_passed_over),
        TEST(a_cell_that_is_named_late_has_lost_nothing),
        TEST(a_cell_that_is_named_for_a_host_begins_without_a_streak),
        TEST(what_a_dead_fetcher_collected_and_did_not_keep_is_collected_again),
        TEST(what_a_dead_fetcher_has_kept_is_not_collected_again),
        TEST(what_no_fetcher_has_collected_is_collected_by_the_next_one),
        TEST(g11_an_ended_cell_yields_what_it_has_and_refuses_the_rest),
        TEST(resuming_a_cell_of_another_route_or_behind_it_changes_nothing),
        TEST(more_cells_are_wanted_once_half_of_them_are_of_hosts_that_exist),
        TEST(no_count_is_lost_between_threads),
        TEST(no_count_is_lost_between_processes),
        TEST(streaks_are_neither_lost_nor_made_longer_by_collecting),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/call_stats", tests, NULL, NULL);
}
