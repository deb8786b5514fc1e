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

enum {
    MAX_BYTES = 1 << 20,
    OPERATORS = 2,
    ORDERS = 20, /* of each operator */
    BRIEFLY_MS = 200,
};

struct scene {
    struct instance *instance;
    struct ledger *ledger;
    struct trust trust;
};

static int setup(void **state)
{
    void *instance = NULL;
    struct scene *scene = calloc(1, sizeof(*scene));
    if (!scene || instance_setup(&instance) != 0)
        return -1;
    scene->instance = instance;
    scene->trust = (struct trust){.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    *state = scene;
    return ledger_open(&scene->ledger, scene->instance->name, MAX_BYTES, scene->instance->note) == SHM_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    ledger_close(scene->ledger);
    instance_teardown((void *[]){scene->instance});
    free(scene);
    return 0;
}

/* An operator: a thread of its own, for the test is the fetcher. */
struct clerk {
    pthread_t thread;
    const struct scene *scene;
    struct order order;
    enum shm_status status;
    enum order_result result;
    _Atomic uint32_t done;
};

static enum shm_status give(const struct scene *scene, const struct order *order, int timeout_ms,
                            enum order_result *result)
{
    return order_give(scene->instance->name, &scene->trust, order, timeout_ms, result);
}

static void *give_one(void *context)
{
    struct clerk *clerk = context;
    clerk->status = give(clerk->scene, &clerk->order, PATIENCE_MS, &clerk->result);
    store_release(&clerk->done, 1);
    return NULL;
}

static void *give_briefly(void *context)
{
    struct clerk *clerk = context;
    clerk->status = give(clerk->scene, &clerk->order, BRIEFLY_MS, &clerk->result);
    return NULL;
}

static void begin(struct clerk *clerk, const struct scene *scene, struct order order, void *(*run)(void *))
{
    *clerk = (struct clerk){.scene = scene, .order = order};
    assert_int_equal(pthread_create(&clerk->thread, NULL, run, clerk), 0);
}

static void an_order_reaches_the_fetcher_and_the_operator_its_answer(void **state)
{
    struct scene *scene = *state;
    const struct order given = {7, host_word(1, 2), HOLD_DRAINED};
    struct clerk clerk;
    struct order order;
    assert_false(ledger_order(scene->ledger, &order));
    begin(&clerk, scene, given, give_one);
    eventually(ledger_order(scene->ledger, &order));
    assert_int_equal(order.key, given.key);
    assert_int_equal(order.host, given.host);
    assert_int_equal(order.hold, given.hold);
    assert_int_equal(load_acquire(&clerk.done), 0);
    ledger_answer(scene->ledger, ORDER_NO_HOST);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
    assert_int_equal(clerk.result, ORDER_NO_HOST);
    assert_false(ledger_order(scene->ledger, &order));
}

/* What the fetcher of this test answers, so that everybody can tell an answer to somebody else. */
static enum order_result answer_to(const struct order *order)
{
    return (enum order_result)(order->host % 4);
}

static void *give_many(void *context)
{
    struct clerk *clerk = context;
    for (uint64_t i = 0; i < ORDERS; i++) {
        clerk->order.host += i;
        clerk->status = give(clerk->scene, &clerk->order, PATIENCE_MS, &clerk->result);
        if (clerk->status != SHM_OK || clerk->result != answer_to(&clerk->order))
            break;
    }
    store_release(&clerk->done, 1);
    return NULL;
}

static void operators_take_turns_and_each_gets_its_own_answer(void **state)
{
    struct scene *scene = *state;
    struct clerk clerks[OPERATORS];
    uint32_t carried_out = 0, done = 0;
    for (uint32_t i = 0; i < OPERATORS; i++)
        begin(&clerks[i], scene, (struct order){.key = i, .host = i + 1}, give_many);
    for (uint64_t deadline = clock_tick() + PATIENCE_MS; done < OPERATORS && clock_tick() < deadline;) {
        struct order order;
        if (ledger_order(scene->ledger, &order)) {
            ledger_answer(scene->ledger, answer_to(&order));
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
    struct scene *scene = *state;
    const struct order given = {7, host_word(1, 2), HOLD_PINNED};
    enum order_result result = ORDER_FULL;
    struct order order;
    assert_int_equal(give(scene, &given, 20, &result), SHM_TIMEOUT);
    assert_int_equal(result, ORDER_FULL);
    assert_true(ledger_order(scene->ledger, &order));
    assert_int_equal(order.host, given.host);
    ledger_answer(scene->ledger, ORDER_DONE);
    assert_false(ledger_order(scene->ledger, &order));
}

static struct hosts_header *map_header(const struct scene *scene, struct region *region)
{
    assert_int_equal(region_open(scene->instance->names.hosts, true, &scene->trust, HEADER_BYTES, region),
                     SHM_OK);
    return region->s_base;
}

static void the_claim_of_an_operator_that_died_ends_by_itself(void **state)
{
    struct scene *scene = *state;
    const struct order given = {7, host_word(1, 2), HOLD_NONE};
    struct region region;
    struct hosts_header *s_header = map_header(scene, &region);
    enum order_result result;
    struct clerk clerk;
    struct order order;
    store_release(&s_header->claimed, clock_tick());
    assert_int_equal(give(scene, &given, 20, &result), SHM_TIMEOUT);
    assert_false(ledger_order(scene->ledger, &order));
    store_release(&s_header->claimed, clock_tick() - 6000);
    begin(&clerk, scene, given, give_one);
    eventually(ledger_order(scene->ledger, &order));
    ledger_answer(scene->ledger, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
    assert_int_equal(load_acquire(&s_header->claimed), 0);
    region_close(&region);
}

static void the_claim_of_the_next_operator_is_not_given_up_by_the_one_before(void **state)
{
    struct scene *scene = *state;
    struct region region;
    struct hosts_header *s_header = map_header(scene, &region);
    struct clerk clerk;
    struct order order;
    uint64_t other = clock_tick() + 1000;
    begin(&clerk, scene, (struct order){7, host_word(1, 2), HOLD_NONE}, give_briefly);
    eventually(ledger_order(scene->ledger, &order));
    store_release(&s_header->claimed, other); /* it was asleep for too long, and somebody else has claimed */
    ledger_answer(scene->ledger, ORDER_DONE);
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
    struct scene *scene = *state;
    const struct order given = {7, host_word(1, 2), HOLD_DRAINED};
    struct region region;
    struct hosts_header *s_header = map_header(scene, &region);
    enum order_result result;
    struct order order;
    assert_int_equal(give(scene, &given, 20, &result), SHM_TIMEOUT);
    store_release(&s_header->order_host, host_word(3, 4));
    assert_false(ledger_order(scene->ledger, &order));
    store_release(&s_header->order_host, given.host);
    uint64_t claimed = load_acquire(&s_header->claimed);
    store_release(&s_header->claimed, claimed + 6000); /* the next one has claimed, and not posted yet */
    assert_false(ledger_order(scene->ledger, &order));
    store_release(&s_header->claimed, claimed);
    assert_true(ledger_order(scene->ledger, &order));
    region_close(&region);
}

static void an_operator_whose_order_was_written_into_gives_it_again(void **state)
{
    struct scene *scene = *state;
    const struct order given = {7, host_word(1, 2), HOLD_DRAINED};
    struct region region;
    struct hosts_header *s_header = map_header(scene, &region);
    struct clerk clerk;
    struct order order;
    begin(&clerk, scene, given, give_one);
    eventually(load_acquire(&s_header->posted) == 1);
    write_into(s_header, host_word(3, 4));
    eventually(ledger_order(scene->ledger, &order));
    assert_int_equal(order.host, given.host);
    ledger_answer(scene->ledger, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
    assert_int_equal(load_acquire(&s_header->claimed), 0);
    region_close(&region);
}

static void an_order_that_came_meanwhile_is_not_answered_by_the_one_before(void **state)
{
    struct scene *scene = *state;
    struct region region;
    struct hosts_header *s_header = map_header(scene, &region);
    struct order order;
    const struct order given = {7, host_word(1, 2), HOLD_NONE};
    enum order_result result;
    assert_int_equal(give(scene, &given, 20, &result), SHM_TIMEOUT);
    assert_true(ledger_order(scene->ledger, &order));
    store_release(&s_header->claimed, 0);
    assert_int_equal(give(scene, &given, 20, &result), SHM_TIMEOUT);
    ledger_answer(scene->ledger, ORDER_DONE);
    assert_true(ledger_order(scene->ledger, &order));
    region_close(&region);
}

/* Carrying an order out may itself need another record, and with it a larger object. */
static void an_order_during_which_the_object_is_made_anew_is_answered(void **state)
{
    struct scene *scene = *state;
    struct clerk clerk;
    struct order order;
    begin(&clerk, scene, (struct order){7, host_word(1, 2), HOLD_PINNED}, give_one);
    eventually(ledger_order(scene->ledger, &order));
    for (uint64_t host = 1; host < 400; host++)
        assert_int_not_equal(ledger_add(scene->ledger, 7, host), LEDGER_NONE);
    ledger_answer(scene->ledger, ORDER_DONE);
    eventually(ledger_order(scene->ledger, &order));
    assert_int_equal(order.host, host_word(1, 2));
    assert_int_equal(order.hold, HOLD_PINNED);
    ledger_answer(scene->ledger, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
    assert_int_equal(clerk.result, ORDER_DONE);
}

static void an_order_given_while_the_fetcher_restarts_reaches_the_next_one(void **state)
{
    struct scene *scene = *state;
    struct clerk clerk;
    struct order order;
    ledger_close(scene->ledger);
    scene->ledger = NULL;
    begin(&clerk, scene, (struct order){7, host_word(1, 2), HOLD_DRAINED}, give_one);
    pause_ms(20);
    assert_int_equal(ledger_open(&scene->ledger, scene->instance->name, MAX_BYTES, scene->instance->note),
                     SHM_OK);
    eventually(ledger_order(scene->ledger, &order));
    ledger_answer(scene->ledger, ORDER_DONE);
    pthread_join(clerk.thread, NULL);
    assert_int_equal(clerk.status, SHM_OK);
}

static void a_hold_that_is_none_lets_calls_decide(void **state)
{
    struct scene *scene = *state;
    struct order order = {7, host_word(1, 2), (enum standing_hold)77};
    enum order_result result;
    assert_int_equal(give(scene, &order, 20, &result), SHM_TIMEOUT);
    assert_true(ledger_order(scene->ledger, &order));
    assert_int_equal(order.hold, HOLD_NONE);
}

static void who_may_not_is_told_so(void **state)
{
    struct scene *scene = *state;
    const struct order given = {7, host_word(1, 2), HOLD_DRAINED};
    enum order_result result;
    assert_int_equal(order_give("no-such-instance", &scene->trust, &given, 20, &result), SHM_NO_OBJECT);
    assert_int_equal(order_give("a/b", &scene->trust, &given, 20, &result), SHM_BAD_ARGUMENT);
    if (geteuid() != 0)
        skip();
    pid_t child = fork();
    if (child == 0)
        _exit(setuid(65534) == 0 ? (int)give(scene, &given, 20, &result) : 255);
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
    return cmocka_run_group_tests_name("shm/order", tests, NULL, NULL);
}
