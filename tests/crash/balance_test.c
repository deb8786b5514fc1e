/* SPDX-License-Identifier: MIT */
/*
 * Hosts leave a route, store by store: for each n, a fetcher dies before its n-th step, and for some of them the next
 * one dies, too, while it makes good what the first has left. No call is lost, and none counts twice.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fetcher/balance.h"
#include "shm/clock.h"
#include "tests/crash/step.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tools/bench/private_instance.h"

enum {
    KEY = 7,
    STAYS = 0, /* hosts, by their places in the first table */
    LEAVES = 1,
    HELD = 2, /* leaves, too, but an operator holds it */
    HOSTS = 3,
    TTL_S = 15,
    RETURNED = 50000, /* calls to the host that leaves, once it is back */
    EVERY_FIRST = 9,  /* of the first deaths, those after which */
    EVERY_SECOND = 7, /* the next fetcher dies at every seventh step */
};

/* Calls that are known before, of the route itself and of its hosts. */
static const uint64_t of_route = 4000, of_host[HOSTS] = {1, 20, 300};
static const uint64_t all = 4321;

static struct instance instance;
static struct config config;
static struct host_addr hosts[HOSTS];

static uint64_t word(int host)
{
    return host_addr_word((struct host_addr){hosts[host].address, hosts[host].port});
}

/* ---- fetchers; each is a process of its own ---- */

static void put_table(uint32_t count)
{
    if (put_by_key(instance.writer, numbered_key(KEY), hosts, count, NULL, TTL_S, clock_tick()) != SHM_OK)
        abort();
}

static struct balance *start_balance(void)
{
    struct balance *balance = balance_new(instance.writer, instance.name, &config, &instance.event);
    if (!balance)
        abort();
    return balance;
}

static void set_record(struct host_store *store, uint64_t host, uint64_t calls, enum host_override override)
{
    uint32_t number = host_store_add(store, numbered_key(KEY), numbered_host(host));
    if (number == HOST_STORE_NONE)
        abort();
    host_store_entry(store, number)->health = (struct host_health){
        .total_succ = calls, .total_err = 2 * calls, .override = (uint8_t) override, .since = 1};
    host_store_commit(store, number);
}

static struct host_store *open_store(void)
{
    struct host_store *store = NULL;
    if (host_store_open(&store, instance.name, config.shm.max_bytes, &instance.event) != SHM_OK)
        abort();
    return store;
}

/* What is known before; then the table is another one. */
static void lose_hosts(unsigned long step)
{
    instance_start(&instance);
    put_table(HOSTS);
    struct host_store *store = open_store();
    set_record(store, 0, of_route, OVERRIDE_NONE);
    for (int host = 0; host < HOSTS; host++)
        set_record(store, word(host), of_host[host], host == HELD ? OVERRIDE_DRAINED : OVERRIDE_NONE);
    host_store_close(store);
    struct balance *balance = start_balance();
    put_table(STAYS + 1);
    crash_at(step);
    const struct route_ref route = writer_find(instance.writer, numbered_key(KEY));
    balance_table_changed(balance, &route);
}

static void start_again(unsigned long step)
{
    instance_start(&instance);
    crash_at(step);
    start_balance();
}

/* The hosts are back, and one of them is called. Then the fetcher starts once more. */
static void bring_hosts_back(unsigned long step)
{
    (void)step;
    instance_start(&instance);
    balance_delete(start_balance());
    put_table(HOSTS);
    struct host_store *store = open_store();
    set_record(store, word(LEAVES), RETURNED, OVERRIDE_NONE);
    host_store_close(store);
    balance_delete(start_balance());
}

/* Lives until before `step`; 0: to the end. Returns whether it came there, and how many steps it took. */
static bool live(void (*life)(unsigned long step), unsigned long step, unsigned long *steps)
{
    unsigned long *s_steps =
        mmap(NULL, sizeof(*s_steps), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s_steps != MAP_FAILED);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        life(step);
        *s_steps = crash_steps();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != CRASH_EXIT))
        fail_msg("step %lu: the fetcher ended with %x", step, status);
    *steps = *s_steps;
    munmap(s_steps, sizeof(*s_steps));
    return WEXITSTATUS(status) == 0;
}

/* ---- what is left ---- */

struct seen {
    uint64_t succ, err, leaves, held;
    bool absorbing;
};

static struct seen look(void)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct seen seen = {0};
    struct region region;
    struct host_records object;
    assert_int_equal(region_open(instance.names.hosts, false, &self, HEADER_BYTES, &region), SHM_OK);
    assert_int_equal(host_records_attach(&region, &object), SHM_OK);
    for (uint32_t number = 0; number < host_records_used(&object); number++) {
        struct route_key key;
        struct host_addr host;
        struct host_entry entry;
        if (!host_records_read(&object, number, &key, &host, &entry))
            continue;
        assert_int_equal(route_key_number(key), KEY);
        seen.succ += entry.health.total_succ;
        seen.err += entry.health.total_err;
        seen.absorbing |= entry.absorbed != 0;
        if (host_addr_word(host) == word(LEAVES))
            seen.leaves = entry.health.total_succ;
        if (host_addr_word(host) == word(HELD))
            seen.held = entry.health.override;
    }
    region_close(&region);
    return seen;
}

static void expect_each_call_once(unsigned long first, unsigned long second)
{
    struct seen seen = look();
    if (seen.succ != all || seen.err != 2 * all || seen.leaves || seen.held != OVERRIDE_DRAINED ||
        seen.absorbing)
        fail_msg(
            "death at step %lu, and at step %lu of the next fetcher: %d and %d calls instead of %d and %d",
            first, second, (int)seen.succ, (int)seen.err, (int)all, (int)(2 * all));
}

/* The first fetcher dies at step `first`, the next at step `second`. Returns whether there was no such second step. */
static bool try_steps(unsigned long first, unsigned long second)
{
    unsigned long ignored;
    live(lose_hosts, first, &ignored);
    bool finished = live(start_again, second, &ignored);
    if (!finished)
        live(start_again, 0, &ignored);
    expect_each_call_once(first, second);
    live(bring_hosts_back, 0, &ignored);
    struct seen seen = look();
    assert_int_equal(seen.succ, all + RETURNED);
    assert_int_equal(seen.leaves, RETURNED);
    private_instance_remove(&instance.names);
    return finished;
}

static void g11_no_call_is_lost_or_doubled_when_a_fetcher_dies_while_hosts_leave(void **state)
{
    unsigned long steps;
    (void)state;
    assert_true(live(lose_hosts, 0, &steps));
    private_instance_remove(&instance.names);
    for (unsigned long first = 1; first <= steps; first++) {
        assert_true(try_steps(first, 0));
        for (unsigned long second = 1; first % EVERY_FIRST == 1; second += EVERY_SECOND)
            if (try_steps(first, second))
                break;
    }
    print_message("%lu steps\n", steps);
    assert_true(steps > HOSTS * HOST_WORDS);
}

static int setup(void **state)
{
    void *made;
    if (instance_setup(&made) != 0 || config_load(NULL, &config, NULL, NULL) != 0)
        return -1;
    instance = *(struct instance *)made;
    instance.options.instance = instance.name;
    instance_stop(&instance);
    free(made);
    *state = &instance;
    self_checking_hosts(KEY, 1, HOSTS, hosts);
    private_instance_remove(&instance.names);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    private_instance_remove(&instance.names);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(g11_no_call_is_lost_or_doubled_when_a_fetcher_dies_while_hosts_leave,
                                        setup, teardown),
    };
    return cmocka_run_group_tests_name("crash/balance", tests, NULL, NULL);
}
