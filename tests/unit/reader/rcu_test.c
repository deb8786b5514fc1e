/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "reader/rcu.h"

static void *join(void *context)
{
    _Atomic bool *joined = context;
    rcu_join();
    *joined = true;
    return NULL;
}

static void no_thread_joins_while_the_registry_is_frozen(void **state)
{
    (void)state;
    _Atomic bool joined = false;
    pthread_t thread;
    rcu_freeze();
    assert_int_equal(pthread_create(&thread, NULL, join, &joined), 0);
    usleep(50 * 1000);
    assert_false(joined);
    rcu_thaw_parent();
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(joined);
}

static void signals_are_blocked_until_it_is_thawed(void **state)
{
    (void)state;
    sigset_t before, frozen, after;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    rcu_freeze();
    pthread_sigmask(SIG_BLOCK, NULL, &frozen);
    rcu_thaw_parent();
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_true(sigismember(&frozen, SIGTERM));
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_thread_joins_while_the_registry_is_frozen),
        cmocka_unit_test(signals_are_blocked_until_it_is_thawed),
    };
    return cmocka_run_group_tests_name("unit/reader/rcu", tests, NULL, NULL);
}
