/* SPDX-License-Identifier: MIT */
/*
 * Routes whose hosts fail, leave, come back, are drained and pinned, judged twice by rules = larshm: by the fetcher, from
 * results that programs report through shared memory, and by a plain model. A seed makes the configuration, the calls and
 * the time between them; a failure names it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "shm/reader/call_stats.h"
#include "tests/integration/route_health_log.h"
#include "tests/integration/route_health_trial.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/sanitizer.h"

enum {
    SEEDS = SANITIZED ? 40 : 200,
    POLLS = 400, /* of each seed */
    TTL_S = 3600,
};

uint32_t seed;
static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

static bool random_percent(uint32_t percent)
{
    return random_below(100) < percent;
}

/* ---- the fetcher's clocks, and its chance: it decides in what order results are collected ---- */

uint64_t clock_ms;

uint64_t __wrap_clock_tick(void);
uint64_t __wrap_clock_tick(void)
{
    return clock_ms;
}

uint64_t __wrap_clock_unix_ms(void);
uint64_t __wrap_clock_unix_ms(void)
{
    return clock_ms;
}

ssize_t __wrap_getrandom(void *buffer, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *buffer, size_t length, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)buffer)[i] = (uint8_t)random_below(256);
    return (ssize_t)length;
}

#define RANDOM_OF(array) (array)[random_below(sizeof(array) / sizeof(*(array)))]

/* ---- programs ---- */

static void map_control(struct trial *trial)
{
    uint64_t number = writer_control(trial->instance->writer);
    if (trial->control_number == number)
        return;
    region_close(&trial->control_region);
    instance_map_control(trial->instance, &trial->control_region, &trial->control);
    trial->control_number = number;
}

/* Hosts in rotation; now and then a probe, and now and then a host from a table that is gone. */
static bool is_called(const struct host_view *view)
{
    return view->here && !view->out       ? true
           : view->here && !view->drained ? random_percent(30)
                                          : random_percent(3);
}

static void call_a_host(struct trial *trial)
{
    uint32_t route = random_below(ROUTES), at = random_below(trial->host_count),
             program = random_below(trial->programs);
    if (!is_called(&trial->views[route][at]))
        return;
    bool success = program >= trial->broken && random_below(1000) >= trial->fail[at];
    uint32_t weight = success ? 1 : 1 + random_below(trial->weight_max);
    assert_int_equal(call_stats_record(&trial->control, key_of(route), trial->hosts[at], success, weight, 0),
                     SHM_OK);
    model_report(&trial->model[route], at, success, weight);
    seen.calls++;
}

static uint32_t random_fail(void)
{
    static const uint32_t of_1000[] = {0, 0, 0, 0, 5, 50, 150, 400, 800, 1000};
    return RANDOM_OF(of_1000);
}

static void let_hosts_change(struct trial *trial)
{
    bool outage = random_below(150) == 0;
    for (uint32_t at = 0; at < trial->host_count; at++)
        if (outage)
            trial->fail[at] = 1000;
        else if (random_below(60) == 0)
            trial->fail[at] = random_fail();
}

static void prefer_what_is_out(struct trial *trial)
{
    trial_view(trial);
    for (uint32_t route = 0; route < ROUTES; route++)
        for (uint32_t at = 0; at < trial->host_count; at++)
            trial->model[route].preferred[at] = trial->views[route][at].out;
}

static void poll(struct trial *trial)
{
    map_control(trial);
    let_hosts_change(trial);
    for (uint32_t calls = random_below(trial->calls_max); calls > 0; calls--)
        call_a_host(trial);
    clock_ms += 1 + random_below(random_percent(3) ? 50 * trial->step_max : trial->step_max);
    balance_poll(trial->balance, clock_ms);
    prefer_what_is_out(trial);
    for (uint32_t route = 0; route < ROUTES; route++)
        model_poll(&trial->model[route], clock_ms);
    trial_compare(trial, "a poll");
    for (uint32_t route = 0; route < ROUTES; route++)
        trial_expect_worst_out(trial, route);
}

/* ---- the operator, the directory, growth ---- */

static void override(struct trial *trial)
{
    static const enum host_override overrides[] = {OVERRIDE_NONE, OVERRIDE_NONE, OVERRIDE_NONE,
                                                   OVERRIDE_PINNED, OVERRIDE_DRAINED};
    uint32_t route = random_below(ROUTES), at = random_below(trial->host_count);
    enum host_override override = RANDOM_OF(overrides);
    const struct model_host *model = &trial->model[route].hosts[at];
    bool possible = model->here || model->known;
    assert_int_equal(balance_override(trial->balance, key_of(route), trial->hosts[at], override),
                     possible ? BALANCE_DONE : BALANCE_NO_HOST);
    prefer_what_is_out(trial);
    if (possible)
        model_override(&trial->model[route], at, override == OVERRIDE_DRAINED, override == OVERRIDE_PINNED);
    trial_compare(trial, "an override");
}

static void publish(struct trial *trial, uint32_t route, const bool *here)
{
    struct host_addr hosts[MODEL_HOSTS];
    uint32_t count = 0;
    for (uint32_t at = 0; at < trial->host_count; at++)
        if (here[at])
            hosts[count++] = trial->hosts[at];
    assert_int_equal(put_by_key(trial->instance->writer, key_of(route), hosts, count,
                                balance_states(trial->balance, key_of(route), hosts, count), TTL_S, clock_ms),
                     SHM_OK);
    prefer_what_is_out(trial);
    model_table(&trial->model[route], here);
    for (uint32_t at = 0; at < trial->host_count; at++)
        if (!trial_agrees_on_rotation(trial, route, at))
            fail_msg("seed %u, route %u: host %u is published wrongly in a new table", seed, route, at);
    const struct route_ref changed = writer_find(trial->instance->writer, key_of(route));
    balance_table_changed(trial->balance, &changed);
    trial_view(trial);
}

static void change_table(struct trial *trial)
{
    bool here[MODEL_HOSTS] = {0};
    uint32_t route = random_below(ROUTES), leave = random_below(60), come_back = 20 + random_below(81);
    for (uint32_t at = 0; at < trial->host_count; at++) {
        const struct model_host *host = &trial->model[route].hosts[at];
        here[at] = random_percent(host->here ? 100 - leave : come_back);
        seen.back_ejected += here[at] && !host->here && host->ejected;
    }
    here[random_below(trial->host_count)] = true;
    publish(trial, route, here);
    trial_compare(trial, "a new table");
}

static void start_balance(struct trial *trial)
{
    trial->balance =
        balance_new(trial->instance->writer, trial->instance->name, &trial->config, &trial->instance->event);
    assert_non_null(trial->balance);
}

static void restart(struct trial *trial)
{
    balance_delete(trial->balance);
    route_log_begin();
    instance_stop(trial->instance);
    instance_start(trial->instance);
    start_balance(trial);
    map_control(trial);
    for (uint32_t route = 0; route < ROUTES; route++)
        model_end_streaks(&trial->model[route]);
    trial_view(trial);
    trial_compare(trial, "another fetcher has taken over");
}

static void grow(struct trial *trial)
{
    instance_renew(trial->instance);
    map_control(trial);
    for (uint32_t route = 0; route < ROUTES; route++)
        model_end_streaks(&trial->model[route]);
    trial_view(trial);
    trial_compare(trial, "growth");
}

/* ---- configuration ---- */

static const struct model_rules defaults = {
    .credit = 180,
    .charge = 5,
    .err_rate = 100,
    .window_err_rate = 700,
    .err_limit = 10,
    .succ_limit = 2,
    .window_min_calls = 5,
    .max_ejected = 50,
    .window = 15000,
    .ejection = 15000,
    .longest = 300000,
    .memory = 600000,
    .slow_start = 5000,
};

static struct model_rules random_rules(void)
{
    static const uint32_t rates[] = {0, 10, 50, 100, 300, 500, 700, 1000},
                          percents[] = {0, 20, 33, 50, 50, 50, 75, 100};
    return (struct model_rules){
        .credit = 1 + random_below(1 + random_below(200)),
        .charge = 1 + random_below(20),
        .err_rate = RANDOM_OF(rates),
        .window_err_rate = RANDOM_OF(rates),
        .err_limit = 1 + random_below(30),
        .succ_limit = 1 + random_below(5),
        .window_min_calls = random_below(20),
        .max_ejected = RANDOM_OF(percents),
        .window = 1000 * (1 + random_below(20)),
        .ejection = 1000 * (1 + random_below(20)),
        .longest = 1000 * (1 + random_below(100)),
        .memory = 1000 * random_below(60),
        .slow_start = 1000 * random_below(20),
    };
}

static void configure(struct trial *trial, const struct model_rules *rules)
{
    trial->rules = *rules;
    trial->config.loadbalance.init_succ_cnt = rules->credit;
    trial->config.loadbalance.init_err_cnt = rules->charge;
    trial->config.loadbalance.err_rate = rules->err_rate / 1000.0;
    trial->config.loadbalance.window_err_rate = rules->window_err_rate / 1000.0;
    trial->config.loadbalance.contin_err_limit = rules->err_limit;
    trial->config.loadbalance.recover_successes = rules->succ_limit;
    trial->config.loadbalance.window_min_calls = rules->window_min_calls;
    trial->config.loadbalance.max_ejected = rules->max_ejected;
    trial->config.loadbalance.idle_timeout = (uint32_t)(rules->window / 1000);
    trial->config.loadbalance.overload_timeout = (uint32_t)(rules->ejection / 1000);
    trial->config.loadbalance.max_overload_timeout = (uint32_t)(rules->longest / 1000);
    trial->config.loadbalance.slow_start = (uint32_t)(rules->slow_start / 1000);
    trial->config.loadbalance.memory = (uint32_t)(rules->memory / 1000);
}

static void reload(struct trial *trial)
{
    struct model_rules rules = random_rules();
    rules.credit = trial->rules.credit; /* no rule says which one a host has that was away */
    rules.succ_limit =
        trial->rules.succ_limit; /* nor whether a streak counts that was too short when it ended */
    configure(trial, &rules);
    balance_apply_config(trial->balance);
    prefer_what_is_out(trial);
    for (uint32_t route = 0; route < ROUTES; route++)
        model_reload(&trial->model[route]);
    trial_compare(trial, "a reload");
}

/* ---- trials ---- */

static void trial_end(struct trial *trial)
{
    if (!trial->instance)
        return;
    region_close(&trial->control_region);
    balance_delete(trial->balance);
    instance_teardown((void *[]){trial->instance});
    *trial = (struct trial){0};
}

/* Seed 1 has the defaults. */
static void trial_begin(struct trial *trial, uint32_t number)
{
    static const uint32_t calls[] = {4, 20, 100, 400}, steps[] = {20, 200, 2000};
    void *instance = NULL;
    seed = number;
    random_state = number * 2654435761U;
    clock_ms = 5000000;
    route_log_begin();
    assert_int_equal(instance_setup(&instance), 0);
    trial->instance = instance;
    assert_int_equal(config_load(NULL, &trial->config, NULL, NULL), 0);
    trial->config.shm.max_bytes = 1 << 20;
    const struct model_rules rules = number > 1 ? random_rules() : defaults;
    configure(trial, &rules);
    start_balance(trial);
    trial->host_count = 1 + random_below(1 + random_below(MODEL_HOSTS));
    trial->programs = 1 + random_below(4);
    trial->broken = random_percent(40) ? 1 : 0;
    trial->weight_max = random_percent(70) ? 1 : 5;
    trial->calls_max = RANDOM_OF(calls);
    trial->step_max = RANDOM_OF(steps);

    for (uint32_t at = 0; at < trial->host_count; at++)
        trial->hosts[at] = (struct host_addr){htonl(UINT32_C(0x0a000001)), htons((uint16_t)(at + 1))};
    bool here[MODEL_HOSTS] = {0};
    for (uint32_t at = 0; at < trial->host_count; at++)
        here[at] = true;
    balance_poll(trial->balance, clock_ms);
    for (uint32_t route = 0; route < ROUTES; route++) {
        trial->model[route].rules = &trial->rules;
        trial->model[route].now = clock_ms;
        publish(trial, route, here);
    }
}

static void play(struct trial *trial)
{
    for (uint32_t polls = 0; polls < POLLS; polls++) {
        poll(trial);
        if (random_percent(2))
            override(trial);
        if (random_percent(4))
            change_table(trial);
        if (random_below(200) == 0)
            reload(trial);
        if (random_below(400) == 0)
            grow(trial);
        if (random_below(400) == 0)
            restart(trial);
    }
}

static void every_state_is_that_of_the_model(void **state)
{
    print_message("seeds 1 to %d\n", SEEDS);
    for (uint32_t number = 1; number <= SEEDS; number++) {
        trial_begin(*state, number);
        play(*state);
        trial_end(*state);
    }
    print_message(
        "%zu calls; %zu + %zu + %zu ejections, %zu third in a row, %zu the longest; %zu + %zu recoveries\n",
        seen.calls, seen.changes[MODEL_ERR_RATE], seen.changes[MODEL_STREAK], seen.changes[MODEL_WINDOW],
        seen.third_in_a_row, seen.longest, seen.changes[MODEL_PROBES], seen.changes[MODEL_TIME]);
    print_message("%zu + %zu + %zu spared, %zu replaced, %zu released; %zu back ejected, %zu forgotten\n",
                  seen.spared[MODEL_ERR_RATE], seen.spared[MODEL_STREAK], seen.spared[MODEL_WINDOW],
                  seen.replaced, seen.released, seen.back_ejected, seen.forgotten);
    /* The comparison is worth something only if all rules had their say. */
    for (enum model_reason reason = MODEL_ERR_RATE; reason < MODEL_REASONS; reason++)
        assert_true(seen.changes[reason] > SEEDS);
    for (enum model_reason reason = MODEL_ERR_RATE; reason <= MODEL_WINDOW; reason++)
        assert_true(seen.spared[reason] > SEEDS);
    assert_true(seen.none_left > SEEDS && seen.returning > SEEDS);
    assert_true(seen.replaced > SEEDS && seen.released > SEEDS / 4);
    assert_true(seen.third_in_a_row > SEEDS && seen.longest > SEEDS);
    assert_true(seen.back_ejected > SEEDS && seen.forgotten > SEEDS);
    assert_true(seen.few_calls > SEEDS && seen.alone > SEEDS && seen.pinned > SEEDS && seen.drained > SEEDS);
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct trial));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    trial_end(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_state_is_that_of_the_model, setup, teardown),
    };
    return cmocka_run_group_tests_name("integration/route_health", tests, NULL, NULL);
}
