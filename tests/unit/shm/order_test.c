/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/order.h"
#include "shm/writer/host_store.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    MAX_BYTES = 1 << 20,
    OPERATORS = 2,
    ORDERS = 20, /* of each operator */
    BRIEFLY_MS = 200,
};

struct fixture {
    struct instance *instance;
    struct host_store *store;
    struct trust trust;
};

static int setup(void **state)
{
    void *instance = NULL;
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture || instance_setup(&instance) != 0)
        return -1;
    fixture->instance = instance;
    fixture->trust = (struct trust){.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    *state = fixture;
    return host_store_open(&fixture->store, fixture->instance->name, MAX_BYTES, fixture->instance->message) ==
                   SHM_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    host_store_close(fixture->store);
    instance_teardown((void *[]){fixture->instance});
    free(fixture);
    return 0;
}

/* An operator: a thread of its own, for the test is the fetcher. */
struct clerk {
    pthread_t thread;
    const struct fixture *fixture;
    struct order order;
    enum shm_status status;
    enum order_result result;
    _Atomic uint32_t done;
};

static enum shm_status give(const struct fixture *fixture, const struct order *order, int timeout_ms,
                            enum order_result *result)
{
    return order_give(fixture->instance->name, &fixture->trust, order, timeout_ms, result);
}

static void *give_one(void *context)
{
    struct clerk *clerk = context;
    clerk->status = give(clerk->fixture, &clerk->order, EVENTUALLY_MS, &clerk->result);
    store_release(&clerk->done, 1);
    return NULL;
}

static void *give_briefly(void *context)
{
    struct clerk *clerk = context;
    clerk->status = give(clerk->fixture, &clerk->order, BRIEFLY_MS, &clerk->result);
    return NULL;
}

static void begin(struct clerk *clerk, const struct fixture *fixture, struct order order,
                  void *(*run)(void *))
{
    *clerk = (struct clerk){.fixture = fixture, .order = order};
    assert_int_equal(pthread_create(&clerk->thread, NULL, run, clerk), 0);
}

static void an_order_reaches_the_fetcher_and_the_operator_its_answer(void **state)
{
    struct fixture *fixture = *state;
    const struct order given = {{0, 7}, {1, 2}, OVERRIDE_DRAINED};
    struct clerk clerk;
    struct order order;
    assert_false(host_store_order(fixture->store, &order));
    begin(&clerk, fixture, given, give_one);
    eventually(host_store_order(fixture->store, &order));
    assert_true(route_key_equal(order.key, given.key));
    assert_true(host_addr_equal(order.host, given.host));
    assert_int_equal(order.override, given.override);
    assert_int_equal(load_acquire(&clerk.done), 0);
    host_store_answer(fixture->store, ORDER_NO_HOST);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
    assert_int_equal(clerk.result, ORDER_NO_HOST);
    assert_false(host_store_order(fixture->store, &order));
}

/* What the fetcher of this test answers, so that everybody can tell an answer to somebody else. */
static enum order_result answer_to(const struct order *order)
{
    return (enum order_result)(order->host.port % 4);
}

static void *give_many(void *context)
{
    struct clerk *clerk = context;
    for (uint64_t i = 0; i < ORDERS; i++) {
        clerk->order.host.port = (uint16_t)(clerk->order.host.port + i);
        clerk->status = give(clerk->fixture, &clerk->order, EVENTUALLY_MS, &clerk->result);
        if (clerk->status != SHM_OK || clerk->result != answer_to(&clerk->order))
            break;
    }
    store_release(&clerk->done, 1);
    return NULL;
}

static void operators_take_turns_and_each_gets_its_own_answer(void **state)
{
    struct fixture *fixture = *state;
    struct clerk clerks[OPERATORS];
    uint32_t carried_out = 0, done = 0;
    for (uint32_t i = 0; i < OPERATORS; i++)
        begin(&clerks[i], fixture,
              (struct order){.key = numbered_key((uint64_t)i), .host = numbered_host((uint64_t)i + 1)},
              give_many);
    for (uint64_t deadline = clock_tick() + EVENTUALLY_MS; done < OPERATORS && clock_tick() < deadline;) {
        struct order order;
        if (host_store_order(fixture->store, &order)) {
            host_store_answer(fixture->store, answer_to(&order));
            carried_out++;
        }
        done = 0;
        for (int i = 0; i < OPERATORS; i++)
            done += load_acquire(&clerks[i].done);
        usleep(50);
    }
    for (int i = 0; i < OPERATORS; i++) {
        pthread_join(clerks[i].thread, NULL);
        assert_int_equal(clerks[i].status, SHM_OK);
        assert_int_equal(clerks[i].result, answer_to(&clerks[i].order));
    }
    assert_int_equal(carried_out, OPERATORS * ORDERS);
}

static void an_order_that_nobody_takes_ends_and_is_carried_out_later(void **state)
{
    struct fixture *fixture = *state;
    const struct order given = {{0, 7}, {1, 2}, OVERRIDE_PINNED};
    enum order_result result = ORDER_FULL;
    struct order order;
    assert_int_equal(give(fixture, &given, 20, &result), SHM_TIMEOUT);
    assert_int_equal(result, ORDER_FULL);
    assert_true(host_store_order(fixture->store, &order));
    assert_true(host_addr_equal(order.host, given.host));
    host_store_answer(fixture->store, ORDER_DONE);
    assert_false(host_store_order(fixture->store, &order));
}

static struct hosts_header *map_header(const struct fixture *fixture, struct region *region)
{
    assert_int_equal(region_open(fixture->instance->names.hosts, true, &fixture->trust, HEADER_BYTES, region),
                     SHM_OK);
    return region->s_base;
}

static void the_claim_of_an_operator_that_died_ends_by_itself(void **state)
{
    struct fixture *fixture = *state;
    const struct order given = {{0, 7}, {1, 2}, OVERRIDE_NONE};
    struct region region;
    struct hosts_header *s_header = map_header(fixture, &region);
    enum order_result result;
    struct clerk clerk;
    struct order order;
    store_release(&s_header->claimed, clock_tick());
    assert_int_equal(give(fixture, &given, 20, &result), SHM_TIMEOUT);
    assert_false(host_store_order(fixture->store, &order));
    store_release(&s_header->claimed, clock_tick() - 6000);
    begin(&clerk, fixture, given, give_one);
    eventually(host_store_order(fixture->store, &order));
    host_store_answer(fixture->store, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
    assert_int_equal(load_acquire(&s_header->claimed), 0);
    region_close(&region);
}

static void the_claim_of_the_next_operator_is_not_given_up_by_the_one_before(void **state)
{
    struct fixture *fixture = *state;
    struct region region;
    struct hosts_header *s_header = map_header(fixture, &region);
    struct clerk clerk;
    struct order order;
    uint64_t other = clock_tick() + 1000;
    begin(&clerk, fixture, (struct order){{0, 7}, {1, 2}, OVERRIDE_NONE}, give_briefly);
    eventually(host_store_order(fixture->store, &order));
    store_release(&s_header->claimed, other); /* it was asleep for too long, and somebody else has claimed */
    host_store_answer(fixture->store, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(load_acquire(&s_header->claimed), other);
    region_close(&region);
}

/* As an operator does that was asleep since it had looked at its claim. */
static void write_into(struct hosts_header *s_header, uint64_t host)
{
    store_release(&s_header->order_check, 12345);
    store_release(&s_header->order_host, host);
}

static void an_order_that_two_operators_have_written_into_is_not_taken(void **state)
{
    struct fixture *fixture = *state;
    const struct order given = {{0, 7}, {1, 2}, OVERRIDE_DRAINED};
    struct region region;
    struct hosts_header *s_header = map_header(fixture, &region);
    enum order_result result;
    struct order order;
    assert_int_equal(give(fixture, &given, 20, &result), SHM_TIMEOUT);
    store_release(&s_header->order_host, host_addr_word((struct host_addr){3, 4}));
    assert_false(host_store_order(fixture->store, &order));
    store_release(&s_header->order_host, host_addr_word(given.host));
    uint64_t claimed = load_acquire(&s_header->claimed);
    store_release(&s_header->claimed, claimed + 6000); /* the next one has claimed, and not posted yet */
    assert_false(host_store_order(fixture->store, &order));
    store_release(&s_header->claimed, claimed);
    assert_true(host_store_order(fixture->store, &order));
    region_close(&region);
}

static void an_operator_whose_order_was_written_into_gives_it_again(void **state)
{
    struct fixture *fixture = *state;
    const struct order given = {{0, 7}, {1, 2}, OVERRIDE_DRAINED};
    struct region region;
    struct hosts_header *s_header = map_header(fixture, &region);
    struct clerk clerk;
    struct order order;
    begin(&clerk, fixture, given, give_one);
    eventually(load_acquire(&s_header->posted) == 1);
    write_into(s_header, host_addr_word((struct host_addr){3, 4}));
    eventually(host_store_order(fixture->store, &order));
    assert_true(host_addr_equal(order.host, given.host));
    host_store_answer(fixture->store, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
    assert_int_equal(load_acquire(&s_header->claimed), 0);
    region_close(&region);
}

static void an_order_that_came_meanwhile_is_not_answered_by_the_one_before(void **state)
{
    struct fixture *fixture = *state;
    struct region region;
    struct hosts_header *s_header = map_header(fixture, &region);
    struct order order;
    const struct order given = {{0, 7}, {1, 2}, OVERRIDE_NONE};
    enum order_result result;
    assert_int_equal(give(fixture, &given, 20, &result), SHM_TIMEOUT);
    assert_true(host_store_order(fixture->store, &order));
    store_release(&s_header->claimed, 0);
    assert_int_equal(give(fixture, &given, 20, &result), SHM_TIMEOUT);
    host_store_answer(fixture->store, ORDER_DONE);
    assert_true(host_store_order(fixture->store, &order));
    region_close(&region);
}

/* Carrying an order out may itself need another record, and with it a larger object. */
static void an_order_during_which_the_object_is_made_anew_is_answered(void **state)
{
    struct fixture *fixture = *state;
    struct clerk clerk;
    struct order order;
    begin(&clerk, fixture, (struct order){{0, 7}, {1, 2}, OVERRIDE_PINNED}, give_one);
    eventually(host_store_order(fixture->store, &order));
    for (uint64_t host = 1; host < 400; host++)
        assert_int_not_equal(host_store_add(fixture->store, numbered_key(7), numbered_host(host)),
                             HOST_STORE_NONE);
    host_store_answer(fixture->store, ORDER_DONE);
    eventually(host_store_order(fixture->store, &order));
    assert_true(host_addr_equal(order.host, (struct host_addr){1, 2}));
    assert_int_equal(order.override, OVERRIDE_PINNED);
    host_store_answer(fixture->store, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
    assert_int_equal(clerk.result, ORDER_DONE);
}

static void an_order_given_while_the_fetcher_restarts_reaches_the_next_one(void **state)
{
    struct fixture *fixture = *state;
    struct clerk clerk;
    struct order order;
    host_store_close(fixture->store);
    fixture->store = NULL;
    begin(&clerk, fixture, (struct order){{0, 7}, {1, 2}, OVERRIDE_DRAINED}, give_one);
    pause_ms(20);
    assert_int_equal(
        host_store_open(&fixture->store, fixture->instance->name, MAX_BYTES, fixture->instance->message),
        SHM_OK);
    eventually(host_store_order(fixture->store, &order));
    host_store_answer(fixture->store, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
}

static void a_hold_that_is_none_lets_calls_decide(void **state)
{
    struct fixture *fixture = *state;
    struct order order = {{0, 7}, {1, 2}, (enum host_override)77};
    enum order_result result;
    assert_int_equal(give(fixture, &order, 20, &result), SHM_TIMEOUT);
    assert_true(host_store_order(fixture->store, &order));
    assert_int_equal(order.override, OVERRIDE_NONE);
}

static void who_may_not_is_told_so(void **state)
{
    struct fixture *fixture = *state;
    const struct order given = {{0, 7}, {1, 2}, OVERRIDE_DRAINED};
    enum order_result result;
    assert_int_equal(order_give("no-such-instance", &fixture->trust, &given, 20, &result), SHM_NO_OBJECT);
    assert_int_equal(order_give("a/b", &fixture->trust, &given, 20, &result), SHM_BAD_ARGUMENT);
    if (geteuid() != 0)
        skip();
    pid_t child = fork();
    if (child == 0)
        _exit(setuid(65534) == 0 ? (int)give(fixture, &given, 20, &result) : 255);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), SHM_NO_PERMISSION);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_order_reaches_the_fetcher_and_the_operator_its_answer),
        TEST(operators_take_turns_and_each_gets_its_own_answer),
        TEST(an_order_that_nobody_takes_ends_and_is_carried_out_later),
        TEST(the_claim_of_an_operator_that_died_ends_by_itself),
        TEST(the_claim_of_the_next_operator_is_not_given_up_by_the_one_before),
        TEST(an_order_that_two_operators_have_written_into_is_not_taken),
        TEST(an_operator_whose_order_was_written_into_gives_it_again),
        TEST(an_order_that_came_meanwhile_is_not_answered_by_the_one_before),
        TEST(an_order_during_which_the_object_is_made_anew_is_answered),
        TEST(an_order_given_while_the_fetcher_restarts_reaches_the_next_one),
        TEST(a_hold_that_is_none_lets_calls_decide),
        TEST(who_may_not_is_told_so),
    };
    return cmocka_run_group_tests_name("unit/shm/order", tests, NULL, NULL);
}
