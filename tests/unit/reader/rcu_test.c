/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "larshm/larshm.h"
#include "reader/fork.h"
#include "reader/rcu.h"
#include "tests/support/child.h"

enum {
    CHILD_SECONDS = 20 /* a child that hangs is killed, and fails the test */
};

/* A thread in one read section, until it is let go. */
struct section {
    pthread_t thread;
    sem_t entered, go_on;
    bool joined;
};

static void *stay(void *context)
{
    struct section *section = context;
    rcu_enter();
    section->joined = rcu_joined();
    sem_post(&section->entered);
    sem_wait(&section->go_on);
    rcu_leave();
    return NULL;
}

static void begin(struct section *section)
{
    sem_init(&section->entered, 0, 0);
    sem_init(&section->go_on, 0, 0);
    assert_int_equal(pthread_create(&section->thread, NULL, stay, section), 0);
    sem_wait(&section->entered);
}

static void end(struct section *section)
{
    sem_post(&section->go_on);
    assert_int_equal(pthread_join(section->thread, NULL), 0);
}

static void no_thread_joins_or_waits_while_the_registry_is_frozen(void **state)
{
    (void)state;
    struct section amid, after;
    rcu_freeze();
    begin(&amid);
    rcu_thaw_parent();
    assert_false(amid.joined);
    begin(&after);
    assert_true(after.joined);
    end(&amid);
    end(&after);
}

static void nothing_is_given_up_while_there_is_a_guest(void **state)
{
    (void)state;
    struct section guest;
    rcu_freeze();
    begin(&guest);
    rcu_thaw_parent();
    assert_false(rcu_wait());
    end(&guest);
    assert_true(rcu_wait());
}

/* Waiting for itself it would wait forever: a handler of a signal that interrupted a lookup. */
static void a_thread_in_a_section_does_not_wait(void **state)
{
    (void)state;
    rcu_enter();
    assert_false(rcu_wait());
    rcu_leave();
    assert_true(rcu_wait());
}

/* A thread waits for the section that the fork is in, with liburcu's locks. */
static void *wait_for_all(void *context)
{
    *(bool *)context = rcu_wait();
    return NULL;
}

static void a_fork_in_a_section_works_and_its_child_does_without_liburcu(void **state)
{
    (void)state;
    pthread_t waiter;
    bool waited = false;
    rcu_enter();
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_all, &waited), 0);
    usleep(50 * 1000);
    pid_t child = fork();
    if (child == 0) {
        struct section other = {.joined = false};
        rcu_leave();
        if (CHILDREN_MAY_START_THREADS) {
            begin(&other);
            end(&other);
        }
        rcu_enter();
        rcu_leave();
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(rcu_wait());
        _exit(!child_ends_well(grandchild, CHILD_SECONDS) || other.joined || rcu_wait());
    }
    assert_true(child_ends_well(child, CHILD_SECONDS));
    assert_false(waited);
    rcu_leave();
    assert_int_equal(pthread_join(waiter, NULL), 0);
    assert_true(waited);
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
        cmocka_unit_test(no_thread_joins_or_waits_while_the_registry_is_frozen),
        cmocka_unit_test(nothing_is_given_up_while_there_is_a_guest),
        cmocka_unit_test(a_thread_in_a_section_does_not_wait),
        cmocka_unit_test(a_fork_in_a_section_works_and_its_child_does_without_liburcu),
        cmocka_unit_test(signals_are_blocked_until_it_is_thawed),
    };
    if (fork_ready() != LARSHM_OK)
        return 1;
    return cmocka_run_group_tests_name("unit/reader/rcu", tests, NULL, NULL);
}
