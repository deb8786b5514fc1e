/* SPDX-License-Identifier: MIT */
/*
 * Hosts that fail as a script says, under many configurations, judged twice: by the fetcher's rules and by a plain
 * model of those of Lars. A seed makes the configuration, the calls and the time between them; a failure names it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "fetcher/health.h"

enum {
    SEEDS = 150,
    BATCH_MAX = 50,
    STREAK_MAX = 400,              /* of contin_err_limit and contin_succ_limit */
    SETTLE_CALLS = 3 * STREAK_MAX, /* enough for the state to change, the batches at the border included */
};

static uint32_t seed, random_state;

static void random_begin(uint32_t number)
{
    seed = number;
    random_state = number * 2654435761U;
}

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

/* --- Lars --- */

struct lars_host {
    bool overloaded;
    uint32_t vsucc, verr, rsucc, rerr, contin_succ, contin_err;
    uint64_t since;
};

static void lars_idle(struct lars_host *host, const struct config *config, uint64_t now)
{
    *host = (struct lars_host){.vsucc = config->loadbalance.init_succ_cnt, .since = now};
}

static void lars_overload(struct lars_host *host, const struct config *config, uint64_t now)
{
    *host = (struct lars_host){.overloaded = true, .verr = config->loadbalance.init_err_cnt, .since = now};
}

static void lars_report(struct lars_host *host, const struct config *config, bool success, uint64_t now)
{
    if (success) {
        host->vsucc++;
        host->rsucc++;
        host->contin_succ++;
        host->contin_err = 0;
    } else {
        host->verr++;
        host->rerr++;
        host->contin_err++;
        host->contin_succ = 0;
    }
    double calls = (double)host->vsucc + host->verr;
    if (!host->overloaded && !success &&
        (host->verr / calls > config->loadbalance.err_rate ||
         host->contin_err >= config->loadbalance.contin_err_limit))
        lars_overload(host, config, now);
    else if (host->overloaded && success &&
             (host->vsucc / calls > config->loadbalance.succ_rate ||
              host->contin_succ >= config->loadbalance.contin_succ_limit))
        lars_idle(host, config, now);
    else if (!host->overloaded && now - host->since >= config->loadbalance.idle_timeout * 1000) {
        if (host->rerr / ((double)host->rsucc + host->rerr) >= config->loadbalance.window_err_rate)
            lars_overload(host, config, now);
        else
            lars_idle(host, config, now);
    }
}

/* The agent of Lars does this when a result arrives, and never for a host without: a defect. */
static void lars_tick(struct lars_host *host, const struct config *config, uint64_t now)
{
    if (host->overloaded && now - host->since >= config->loadbalance.overload_timeout * 1000)
        lars_idle(host, config, now);
}

/* --- The fetcher: a health, and what the clients' side keeps of a host --- */

struct watched {
    struct host_health health;
    struct call_batch batch;
    uint32_t err_run, succ_run; /* those under way */
    uint32_t left;              /* calls until the next look */
    uint32_t batch_max;
};

static struct {
    size_t calls, windows, reasons[REASONS];
} seen;

static void record(struct watched *host, enum health_change change)
{
    if (change == HEALTH_SAME)
        return;
    host->err_run = host->succ_run = 0;
    if (change == HEALTH_CHANGED)
        seen.reasons[host->health.reason]++;
    else
        seen.windows++;
}

static void look(struct watched *host, const struct config *config, uint64_t now)
{
    record(host, health_apply(&host->health, &host->batch, config, now));
    host->batch = (struct call_batch){0};
    host->left = 1 + random_below(host->batch_max);
}

static void report(struct watched *host, const struct config *config, bool success, uint64_t now)
{
    uint32_t *run = success ? &host->succ_run : &host->err_run;
    uint32_t *longest = success ? &host->batch.succ_run : &host->batch.err_run;
    *(success ? &host->err_run : &host->succ_run) = 0;
    *(success ? &host->batch.succ : &host->batch.err) += 1;
    if (++*run > *longest)
        *longest = *run;
    if (--host->left == 0)
        look(host, config, now);
}

static void tick(struct watched *host, const struct config *config, uint64_t now)
{
    uint64_t deadline = health_deadline(&host->health, config);
    enum health_change change = health_time(&host->health, config, now);
    if ((change != HEALTH_SAME) != (now >= deadline))
        fail_msg("seed %u: the deadline was not when something was to do", seed);
    record(host, change);
}

/* --- Both together --- */

struct trial {
    struct config config;
    struct lars_host lars;
    struct watched ours;
    uint64_t now;
};

struct phase {
    uint32_t calls;
    uint32_t gap;  /* milliseconds from call to call: 0 .. 2 * gap */
    uint32_t fail; /* of 1000 calls */
};

enum {
    PHASES = 4,
};

static const struct script {
    const char *name;
    uint32_t rounds;
    struct phase phases[PHASES];
} scripts[] = {
    {"healthy", 1, {{2000, 20, 10}}},
    {"failing", 1, {{200, 20, 0}, {1000, 20, 600}, {400, 20, 1000}}},
    {"recovering", 2, {{100, 5, 1000}, {400, 50, 300}, {600, 20, 0}}},
    {"flapping", 40, {{25, 10, 0}, {25, 10, 1000}}},
    {"slow traffic", 2, {{150, 2000, 700}, {150, 5000, 200}, {150, 700, 900}}},
    {"near the limits", 1, {{800, 100, 100}, {800, 100, 500}, {800, 100, 700}}},
    {"long pauses", 2, {{20, 60000, 500}, {40, 0, 50}, {20, 60000, 0}}},
};

static const double rates[] = {0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1};

static double random_rate(void)
{
    return rates[random_below(sizeof(rates) / sizeof(*rates))];
}

/* Seed 1 has the defaults. */
static void trial_begin(struct trial *trial, uint32_t number, uint32_t batch_max)
{
    *trial = (struct trial){.now = 5000000, .ours.batch_max = batch_max};
    random_begin(number);
    assert_int_equal(config_load(NULL, &trial->config, NULL, NULL), 0);
    trial->config.loadbalance.rules = RULES_LARS;
    if (number > 1) {
        trial->config.loadbalance.init_succ_cnt = 1 + random_below(300);
        trial->config.loadbalance.init_err_cnt = 1 + random_below(20);
        trial->config.loadbalance.err_rate = random_rate();
        trial->config.loadbalance.succ_rate = random_rate();
        trial->config.loadbalance.contin_err_limit = 1 + random_below(1 + random_below(STREAK_MAX));
        trial->config.loadbalance.contin_succ_limit = 1 + random_below(1 + random_below(STREAK_MAX));
        trial->config.loadbalance.window_err_rate = random_rate();
        trial->config.loadbalance.idle_timeout = 1 + random_below(30);
        trial->config.loadbalance.overload_timeout = 1 + random_below(30);
    }
    lars_idle(&trial->lars, &trial->config, trial->now);
    health_init(&trial->ours.health, &trial->config, trial->now);
    trial->ours.left = 1 + random_below(batch_max);
}

static void expect_agreement(const struct trial *trial, const char *script)
{
    const struct lars_host *lars = &trial->lars;
    const struct host_health *ours = &trial->ours.health;
    if (trial->ours.batch_max > 1)
        return;
    if (lars->overloaded == (ours->state == HOST_EJECTED) && lars->vsucc == ours->vsucc &&
        lars->verr == ours->verr && lars->rsucc == ours->rsucc && lars->rerr == ours->rerr &&
        lars->contin_succ == ours->contin_succ && lars->contin_err == ours->contin_err &&
        lars->since == (lars->overloaded ? ours->since : ours->window))
        return;
    fail_msg(
        "seed %u, %s, %zu calls in all: Lars says %d with v %u/%u, r %u/%u, in a row %u/%u; we say %d with "
        "v %u/%u, r %u/%u, in a row %u/%u",
        seed, script, seen.calls, lars->overloaded, lars->vsucc, lars->verr, lars->rsucc, lars->rerr,
        lars->contin_succ, lars->contin_err, ours->state, ours->vsucc, ours->verr, ours->rsucc, ours->rerr,
        ours->contin_succ, ours->contin_err);
}

static void let_time_pass(struct trial *trial, uint32_t milliseconds, const char *script)
{
    while (milliseconds) {
        uint32_t step = 1 + random_below(10 + milliseconds / 8);
        if (step > milliseconds)
            step = milliseconds;
        milliseconds -= step;
        trial->now += step;
        lars_tick(&trial->lars, &trial->config, trial->now);
        tick(&trial->ours, &trial->config, trial->now);
        expect_agreement(trial, script);
    }
}

static void run_phase(struct trial *trial, const struct phase *phase, const char *script)
{
    for (uint32_t i = 0; i < phase->calls; i++) {
        bool success = random_below(1000) >= phase->fail;
        let_time_pass(trial, random_below(2 * phase->gap + 1), script);
        lars_report(&trial->lars, &trial->config, success, trial->now);
        report(&trial->ours, &trial->config, success, trial->now);
        seen.calls++;
        expect_agreement(trial, script);
    }
}

static void run_script(struct trial *trial, const struct script *script)
{
    for (uint32_t round = 0; round < script->rounds; round++)
        for (size_t i = 0; i < PHASES; i++)
            run_phase(trial, &script->phases[i], script->name);
}

static void run_all(struct trial *trial)
{
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
        run_script(trial, &scripts[i]);
}

static void every_change_of_state_is_that_of_lars(void **state)
{
    (void)state;
    print_message("seeds 1 to %d\n", SEEDS);
    for (uint32_t number = 1; number <= SEEDS; number++) {
        struct trial trial;
        trial_begin(&trial, number, 1);
        run_all(&trial);
    }
    print_message("%zu calls, %zu windows\n", seen.calls, seen.windows);
    /* The comparison is worth something only if all rules had their say. */
    static const enum health_reason of_lars[] = {REASON_ERR_RATE,  REASON_ERR_STREAK,  REASON_WINDOW,
                                                 REASON_SUCC_RATE, REASON_SUCC_STREAK, REASON_TIMEOUT};
    for (size_t i = 0; i < sizeof(of_lars) / sizeof(*of_lars); i++)
        assert_true(seen.reasons[of_lars[i]] > SEEDS);
    assert_true(seen.windows > SEEDS);
}

/* Makes calls of one kind until every host must be what they make it. */
static void settle(struct trial *trial, uint32_t fail, bool overloaded)
{
    run_phase(trial, &(struct phase){SETTLE_CALLS, 0, fail}, "settling");
    look(&trial->ours, &trial->config, trial->now);
    if (trial->lars.overloaded != overloaded || (trial->ours.health.state == HOST_EJECTED) != overloaded)
        fail_msg("seed %u, %u of 1000 calls fail: overloaded is %d for Lars, %d for us", seed, fail,
                 trial->lars.overloaded, trial->ours.health.state);
}

static void batches_of_any_size_settle_on_the_states_of_lars(void **state)
{
    (void)state;
    print_message("seeds 1 to %d\n", SEEDS);
    for (uint32_t number = 1; number <= SEEDS; number++)
        for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
            struct trial trial;
            size_t calls = seen.calls;
            trial_begin(&trial, number, BATCH_MAX);
            run_script(&trial, &scripts[i]);
            settle(&trial, 1000, true);
            settle(&trial, 0, false);
            settle(&trial, 1000, true);
            if (number == 1) {
                settle(&trial, 20, false);
                settle(&trial, 800, true);
            }
            calls = seen.calls - calls;
            assert_int_equal(trial.ours.health.total_succ + trial.ours.health.total_err, calls);
        }
}

/* ---- sequences that were played to Lars' agent ---- */

static struct trial sequence_begin(void)
{
    struct trial trial;
    trial_begin(&trial, 1, 1);
    return trial;
}

static void report_after(struct trial *trial, uint32_t seconds, bool success)
{
    let_time_pass(trial, 1000 * seconds, "sequence");
    lars_report(&trial->lars, &trial->config, success, trial->now);
    report(&trial->ours, &trial->config, success, trial->now);
    expect_agreement(trial, "sequence");
}

static void failure_in_a_silent_window_ejects_no_host(void **state)
{
    (void)state;
    struct trial trial = sequence_begin();
    report_after(&trial, 1, false);
    let_time_pass(&trial, 600 * 1000, "sequence");
    assert_int_equal(trial.ours.health.state, HOST_IN_ROTATION);
    report_after(&trial, 0, true);
    assert_int_equal(trial.ours.health.state, HOST_IN_ROTATION);
}

static void failure_and_a_success_a_second_later_eject_no_host(void **state)
{
    (void)state;
    struct trial trial = sequence_begin();
    report_after(&trial, 1, false);
    report_after(&trial, 1, true);
    report_after(&trial, 30, true);
    assert_int_equal(trial.ours.health.state, HOST_IN_ROTATION);
}

static void window_ends_with_the_first_result_after_it_which_counts_in_it(void **state)
{
    (void)state;
    struct trial trial = sequence_begin();
    report_after(&trial, 1, false);
    report_after(&trial, 30, false);
    assert_int_equal(trial.ours.health.state, HOST_EJECTED);
    assert_int_equal(trial.ours.health.reason, REASON_WINDOW);
}

static void ejection_ends_in_time_without_a_result(void **state)
{
    (void)state;
    struct trial trial = sequence_begin();
    for (uint32_t i = 0; i < trial.config.loadbalance.contin_err_limit; i++)
        report_after(&trial, 0, false);
    assert_int_equal(trial.ours.health.state, HOST_EJECTED);
    let_time_pass(&trial, 1000 * trial.config.loadbalance.overload_timeout, "sequence");
    assert_int_equal(trial.ours.health.state, HOST_IN_ROTATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_of_state_is_that_of_lars),
        cmocka_unit_test(batches_of_any_size_settle_on_the_states_of_lars),
        cmocka_unit_test(failure_in_a_silent_window_ejects_no_host),
        cmocka_unit_test(failure_and_a_success_a_second_later_eject_no_host),
        cmocka_unit_test(window_ends_with_the_first_result_after_it_which_counts_in_it),
        cmocka_unit_test(ejection_ends_in_time_without_a_result),
    };
    return cmocka_run_group_tests_name("integration/lars_health", tests, NULL, NULL);
}
