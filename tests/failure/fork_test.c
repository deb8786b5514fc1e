/* SPDX-License-Identifier: MIT */
/*
 * fork() while another thread, on its first lookup, holds a lock: this program's pthread_mutex_lock() and _trylock() stand
 * before those of libc, also for liburcu, and pause a thread right after the n-th lock that it has taken. The child looks
 * routes up, in a new thread too, and ends as programs do. Whatever stayed locked would stop it.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "larshm/larshm.h"
#include "tests/support/child.h"
#include "tests/support/instance.h"

enum {
    LOCKS_MAX = 20,   /* a first lookup takes fewer */
    PAUSE_US = 50000, /* long enough for a fork to come in between */
    FORKS = 300,
    SIGNAL_US = 5000, /* so that the handler, which forks, leaves time for what it interrupts */
    HANG_SECONDS = 30,
    CHILD_SECONDS = 5, /* a child that hangs is killed, and fails the test */
};

static _Thread_local int locks_left; /* until the thread pauses; 0: never */
static _Atomic bool paused, done;

static int pause_after(int result)
{
    if (result == 0 && locks_left > 0 && --locks_left == 0) {
        paused = true;
        usleep(PAUSE_US);
    }
    return result;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*_Atomic next)(pthread_mutex_t *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    return pause_after(next(mutex));
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    static int (*_Atomic next)(pthread_mutex_t *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "pthread_mutex_trylock");
    return pause_after(next(mutex));
}

static bool right(larshm *h)
{
    larshm_host host;
    uint32_t round = UINT32_MAX;
    return larshm_get_host(h, 0, 1, &host) == LARSHM_OK &&
           self_checking_holds(1, 0, (struct host_addr){host.addr, host.port}, &round);
}

struct beginner {
    larshm *h;
    int pause_at;
    bool ok;
};

static void *begin(void *context)
{
    struct beginner *beginner = context;
    locks_left = beginner->pause_at;
    beginner->ok = right(beginner->h);
    locks_left = 0;
    done = true;
    return NULL;
}

static void run_child(larshm *h)
{
    struct beginner beginner = {.h = h};
    pthread_t thread;
    bool ok = right(h) && pthread_create(&thread, NULL, begin, &beginner) == 0 &&
              pthread_join(thread, NULL) == 0 && beginner.ok;
    exit(ok ? 0 : 1); /* not _exit(): liburcu's destructor takes locks, too */
}

/* A fork from a thread that has not looked anything up itself, like that of a program which forks workers. */
static void *fork_once(void *context)
{
    larshm *h = context;
    pid_t child = fork();
    if (child == 0)
        run_child(h);
    return child_ends_well(child, CHILD_SECONDS) ? h : NULL;
}

static void g1_child_of_a_fork_amid_a_first_lookup_looks_up(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    int locks = 0;
    instance_put(instance, 1, 1, 1, 15);
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    for (paused = true; paused && locks < LOCKS_MAX; locks++) {
        struct beginner beginner = {.h = h, .pause_at = locks + 1};
        pthread_t thread, forker;
        void *ok = NULL;
        paused = done = false;
        assert_int_equal(pthread_create(&thread, NULL, begin, &beginner), 0);
        while (!paused && !done)
            usleep(100);
        assert_int_equal(pthread_create(&forker, NULL, fork_once, h), 0);
        assert_int_equal(pthread_join(forker, &ok), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        if (!ok)
            fail_msg("the child hangs when a thread of its parent had taken lock %d of its first lookup",
                     locks + 1);
        assert_true(beginner.ok);
    }
    assert_in_range(locks, 4, LOCKS_MAX - 1); /* ours and two of liburcu's, and a round without a pause */
    larshm_close(h);
}

static larshm *restarted;
static _Atomic int restarts;

/* What many servers do in their handler of SIGCHLD; here it comes amid a fork. */
static void fork_again(int number)
{
    (void)number;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    restarts += child_ends_well(child, CHILD_SECONDS);
}

static void *fork_with_signals(void *context)
{
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(right(restarted) ? 0 : 1);
        if (!child_ends_well(child, CHILD_SECONDS))
            return NULL;
    }
    return context;
}

static void *signal_on(void *context)
{
    while (!done) {
        pthread_kill(*(pthread_t *)context, SIGUSR1);
        usleep(SIGNAL_US);
    }
    return NULL;
}

static void g1_handler_of_a_signal_that_comes_amid_a_fork_may_fork(void **state)
{
    struct instance *instance = *state;
    const struct sigaction action = {.sa_handler = fork_again};
    pthread_t forker, signaller;
    void *ok = NULL;
    instance_put(instance, 1, 1, 1, 15);
    assert_int_equal(larshm_open(&restarted, instance->name), LARSHM_OK);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    done = false;
    assert_int_equal(pthread_create(&forker, NULL, fork_with_signals, instance), 0);
    assert_int_equal(pthread_create(&signaller, NULL, signal_on, &forker), 0);
    for (int ms = 0; pthread_tryjoin_np(forker, &ok) != 0; ms++) {
        if (ms > HANG_SECONDS * 1000)
            fail_msg("a fork in a handler hangs");
        usleep(1000);
    }
    done = true;
    pthread_join(signaller, NULL);
    assert_non_null(ok);
    assert_true(restarts > 0);
    larshm_close(restarted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(g1_child_of_a_fork_amid_a_first_lookup_looks_up, instance_setup,
                                        instance_teardown),
        cmocka_unit_test_setup_teardown(g1_handler_of_a_signal_that_comes_amid_a_fork_may_fork,
                                        instance_setup, instance_teardown),
    };
    return cmocka_run_group_tests_name("failure/fork", tests, NULL, NULL);
}
