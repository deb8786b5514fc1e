/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/object_path.h"
#include "tools/bench/private_instance.h"

enum {
    LONG_MS = 60 * 1000, /* nothing here takes so long */
    BEGUN_US = 60 * 1000
};

struct waiter {
    pthread_t thread;
    const char *instance;
    larshm *h;
    int timeout_ms, code;
    _Atomic bool done;
};

static void *wait_for_fetcher(void *context)
{
    struct waiter *waiter = context;
    waiter->code = larshm_open_wait(&waiter->h, waiter->instance, waiter->timeout_ms);
    waiter->done = true;
    return NULL;
}

static void remove_instance(struct instance *instance)
{
    instance_stop(instance);
    private_instance_remove(&instance->names);
}

static void an_object_that_is_there_is_opened_at_once(void **state)
{
    static const int timeouts[] = {0, LONG_MS, -1};
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    for (int i = 0; i < 3; i++) {
        larshm *h = NULL;
        larshm_host host;
        assert_int_equal(larshm_open_wait(&h, instance->name, timeouts[i]), LARSHM_OK);
        assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
        larshm_close(h);
    }
}

static void without_a_fetcher_the_time_is_waited_and_the_code_says_so(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    remove_instance(instance);
    assert_int_equal(larshm_open_wait(&h, instance->name, 0), LARSHM_NO_OBJECT);
    uint64_t start = clock_tick();
    assert_int_equal(larshm_open_wait(&h, instance->name, 150), LARSHM_NO_OBJECT);
    assert_true(clock_tick() - start >= 149);
    assert_null(h);
}

static void on_signal(int number)
{
    (void)number;
}

static void the_first_fetcher_is_waited_for_whatever_signals_come(void **state)
{
    static const int timeouts[] = {LONG_MS, -1};
    struct instance *instance = *state;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 2; i++) {
        struct waiter waiter = {.instance = instance->name, .timeout_ms = timeouts[i]};
        remove_instance(instance);
        assert_int_equal(pthread_create(&waiter.thread, NULL, wait_for_fetcher, &waiter), 0);
        for (int signals = 0; signals < 3; signals++) {
            usleep(BEGUN_US);
            assert_int_equal(pthread_kill(waiter.thread, SIGUSR1), 0);
        }
        assert_false(waiter.done);
        instance_start(instance);
        pthread_join(waiter.thread, NULL);
        assert_int_equal(waiter.code, LARSHM_OK);
        larshm_close(waiter.h);
    }
}

static void what_no_waiting_cures_comes_at_once(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    assert_int_equal(larshm_open_wait(&h, "no/instance", -1), LARSHM_BAD_ARGUMENT);
    assert_int_equal(chmod(object_path(instance->names.routes), 0666), 0);
    assert_int_equal(larshm_open_wait(&h, instance->name, -1), LARSHM_UNSAFE);
    assert_null(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_object_that_is_there_is_opened_at_once),
        TEST(without_a_fetcher_the_time_is_waited_and_the_code_says_so),
        TEST(the_first_fetcher_is_waited_for_whatever_signals_come),
        TEST(what_no_waiting_cures_comes_at_once),
    };
    return cmocka_run_group_tests_name("unit/reader/open_wait", tests, NULL, NULL);
}
