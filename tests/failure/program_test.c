/* SPDX-License-Identifier: MIT */
/*
 * What a program may do to the library within it: give itself a sandbox or a limit after it has opened, cancel threads,
 * look up in signal handlers. The library must not end it, nor stop it.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "shm/writer/sigbus.h"
#include "tests/support/child.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/object_path.h"

enum {
    GENERATIONS = 20,
    CHILD_SECONDS = 60, /* a child that hangs is killed, and fails the test */
    CANCELLED = 2000,
    SIGNALS = 3000,
};

/* A function of its own: the address sanitizer does not see that a cancelled thread leaves the frames of its variables. */
static __attribute__((noinline)) bool right(larshm *h, uint32_t cmdid)
{
    larshm_host host;
    return larshm_get_host(h, 0, cmdid, &host) == LARSHM_OK;
}

/* In a child: what it gives itself stays with it. */
static void in_a_child(struct instance *instance, bool (*run)(struct instance *instance, larshm *h))
{
    instance_put(instance, 1, 1, 1, 15);
    pid_t child = fork();
    if (child == 0) {
        larshm *h = client_open(instance);
        _exit(right(h, 1) && run(instance, h) ? 0 : 1);
    }
    assert_true(child_ends_well(child, CHILD_SECONDS));
}

static bool refuse(unsigned call, unsigned error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* One mapping for each generation that the handle has left is the bound that PROTOCOL.md states. */
static bool follow_without_membarrier(struct instance *instance, larshm *h)
{
    if (!refuse(SYS_membarrier, EPERM))
        return false;
    for (uint32_t key = 2; key < GENERATIONS; key++) {
        instance_renew(instance);
        instance_put(instance, key, 1, 1, 15);
        for (int i = 0; i < 1000; i++)
            if (!right(h, key))
                return false;
    }
    bool bounded = instance_reader_mappings(instance) <= GENERATIONS;
    larshm_close(h);
    return bounded && instance_reader_mappings(instance) == 0;
}

static void g3_g10_generations_are_followed_where_membarrier_is_refused_after_open(void **state)
{
    in_a_child(*state, follow_without_membarrier);
}

static uint64_t mapped_bytes(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    int read = statm ? fscanf(statm, "%lu", &pages) : 0;
    if (statm)
        fclose(statm);
    return read == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

struct newcomer {
    larshm *h;
    pthread_barrier_t started, limited;
    _Atomic uint32_t wrong;
    uint32_t cmdid;
};

static void *look_first(void *context)
{
    struct newcomer *newcomer = context;
    pthread_barrier_wait(&newcomer->started);
    pthread_barrier_wait(&newcomer->limited);
    for (int i = 0; i < 1000; i++)
        newcomer->wrong += !right(newcomer->h, newcomer->cmdid);
    return NULL;
}

/* Where nothing can be mapped, neither can a new generation: the handle serves the one it has, then follows again. */
static bool look_first_without_memory(struct instance *instance, larshm *h)
{
    enum {
        THREADS = 40 /* more than liburcu has records for at first */
    };
    struct newcomer newcomer = {.h = h, .cmdid = 1};
    pthread_t threads[THREADS];
    struct rlimit before, used;
    pthread_barrier_init(&newcomer.started, NULL, THREADS + 1);
    pthread_barrier_init(&newcomer.limited, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, look_first, &newcomer) != 0)
            return false;
    pthread_barrier_wait(&newcomer.started);
    getrlimit(RLIMIT_AS, &before);
    used = (struct rlimit){mapped_bytes(), before.rlim_max};
    setrlimit(RLIMIT_AS, &used);
    pthread_barrier_wait(&newcomer.limited);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    setrlimit(RLIMIT_AS, &before);
    instance_renew(instance);
    instance_put(instance, 2, 1, 1, 15);
    return newcomer.wrong == 0 && right(h, 2) && instance_reader_mappings(instance) == 1;
}

static void g9_first_lookups_of_threads_work_without_memory(void **state)
{
    if (CHILDREN_MAY_HANG)
        skip(); /* sanitizers need memory of their own */
    in_a_child(*state, look_first_without_memory);
}

static int report(larshm *h)
{
    larshm_host host;
    int code = larshm_get_host(h, 0, 1, &host);
    return code == LARSHM_OK ? larshm_report(h, &host, 0) : code;
}

/* A client truncates the control object, and another one replaces it. */
static bool replace_control(struct instance *instance, larshm *h)
{
    return report(h) == LARSHM_OK && truncate(object_path(instance->names.control), 0) == 0 &&
           writer_maintain(instance->writer, clock_tick()) == SHM_OK;
}

static bool refuses_for_a_while(larshm *h)
{
    enum {
        WHILE_MS = 350 /* the client tries several times */
    };
    bool refused = true;
    for (uint64_t end = clock_tick() + WHILE_MS; clock_tick() < end;)
        refused &= report(h) == LARSHM_FULL;
    return refused;
}

static bool follows(const struct instance *instance, larshm *h)
{
    for (uint64_t end = clock_tick() + EVENTUALLY_MS; report(h) != LARSHM_OK;)
        if (clock_tick() >= end)
            return false;
    return instance_reader_mappings(instance) == 1;
}

/* The object is that of the parent's writer, too. */
static void in_a_child_that_cuts_control(struct instance *instance,
                                         bool (*run)(struct instance *instance, larshm *h))
{
    assert_int_equal(sigbus_install(), 0);
    in_a_child(instance, run);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
}

static bool serve_without_memory(struct instance *instance, larshm *h)
{
    struct rlimit before;
    if (!replace_control(instance, h) || getrlimit(RLIMIT_AS, &before) != 0)
        return false;
    setrlimit(RLIMIT_AS, &(struct rlimit){mapped_bytes(), before.rlim_max});
    bool refused = refuses_for_a_while(h);
    setrlimit(RLIMIT_AS, &before);
    return refused && follows(instance, h);
}

static bool serve_without_descriptors(struct instance *instance, larshm *h)
{
    struct rlimit before;
    if (!replace_control(instance, h) || getrlimit(RLIMIT_NOFILE, &before) != 0)
        return false;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, before.rlim_max});
    bool refused = refuses_for_a_while(h);
    setrlimit(RLIMIT_NOFILE, &before);
    return refused && follows(instance, h);
}

static void
g9_g11_without_memory_for_another_control_object_results_are_refused_until_there_is_some(void **state)
{
    if (CHILDREN_MAY_HANG)
        skip(); /* sanitizers need memory of their own */
    in_a_child_that_cuts_control(*state, serve_without_memory);
}

static void
g9_g11_without_a_descriptor_for_another_control_object_results_are_refused_until_there_is_one(void **state)
{
    in_a_child_that_cuts_control(*state, serve_without_descriptors);
}

struct crowd {
    struct instance *instance;
    larshm *h;
    _Atomic bool stop;
    _Atomic uint64_t lookups, wrong;
};

static void *look_on(void *context)
{
    struct crowd *crowd = context;
    while (!crowd->stop) {
        crowd->wrong += !right(crowd->h, 1);
        crowd->lookups++;
    }
    return NULL;
}

static void *look_until_cancelled(void *context)
{
    struct crowd *crowd = context;
    while (!crowd->stop) {
        for (int i = 0; i < 300; i++)
            crowd->wrong += !right(crowd->h, 1);
        pthread_testcancel();
    }
    return NULL;
}

static void *renew_on(void *context)
{
    struct crowd *crowd = context;
    while (!crowd->stop) {
        instance_renew(crowd->instance);
        usleep(500);
    }
    return NULL;
}

static void g1_threads_that_are_cancelled_stop_no_other(void **state)
{
    struct crowd crowd = {.instance = *state};
    pthread_t reader, renewer;
    instance_put(crowd.instance, 1, 1, 1, 15);
    crowd.h = client_open(crowd.instance);
    assert_int_equal(pthread_create(&reader, NULL, look_on, &crowd), 0);
    assert_int_equal(pthread_create(&renewer, NULL, renew_on, &crowd), 0);
    for (unsigned i = 0; i < CANCELLED; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, look_until_cancelled, &crowd), 0);
        usleep(i % 7 * 100);
        pthread_cancel(thread);
        pthread_join(thread, NULL);
    }
    for (uint64_t seen = crowd.lookups; crowd.lookups < seen + 1000;)
        usleep(1000);
    crowd.stop = true;
    pthread_join(reader, NULL);
    pthread_join(renewer, NULL);
    assert_int_equal(crowd.wrong, 0);
    assert_true(right(crowd.h, 1));
    larshm_close(crowd.h);
}

static larshm *handler_h;
static larshm_route handler_route; /* shared with what handlers interrupt */
static _Atomic uint64_t handled, handled_wrong;

static void look_in_handler(int number)
{
    (void)number;
    int before = errno;
    errno = 12345;
    larshm_host host;
    larshm_view view;
    larshm_host three[3] = {{.cmdid = 1}, {.cmdid = 1}, {.cmdid = 1}};
    int codes[3];
    handled_wrong += larshm_get_host(handler_h, 0, 1, &host) != LARSHM_OK;
    handled_wrong += larshm_get_host_batch(handler_h, three, codes, 3) != 3;
    handled_wrong += larshm_route_pick(&handler_route, &host) != LARSHM_OK || host.addr != three[0].addr;
    handled_wrong += larshm_route_begin(handler_h, 0, 1, &view) != LARSHM_OK;
    handled_wrong += larshm_route_end(handler_h, &view) != LARSHM_OK;
    /* Amid a hand-over a generation may have no control object yet: the result is refused. */
    int reported = larshm_report(handler_h, &host, 0);
    handled_wrong += reported != LARSHM_OK && reported != LARSHM_FULL;
    handled_wrong += errno != 12345;
    errno = before;
    handled++;
}

static bool batch_is_right(larshm *h)
{
    enum {
        BATCH = 50
    };
    larshm_host hosts[BATCH], one;
    int codes[BATCH];
    bool right = larshm_get_host(h, 0, 1, &one) == LARSHM_OK;
    for (int i = 0; i < BATCH; i++)
        hosts[i] = (larshm_host){.cmdid = 1};
    right &= larshm_get_host_batch(h, hosts, codes, BATCH) == BATCH;
    for (int i = 0; i < BATCH; i++)
        right &= codes[i] == LARSHM_OK && hosts[i].addr == one.addr && hosts[i].port == one.port;
    return right;
}

static bool pick_is_right(larshm *h)
{
    larshm_host host, other;
    return larshm_route_pick(&handler_route, &host) == LARSHM_OK &&
           larshm_get_host(h, 0, 1, &other) == LARSHM_OK && host.addr == other.addr &&
           host.port == other.port;
}

/* Allocates between lookups: a handler that did so, too, would wait for its own lock. */
static void *allocate_and_look(void *context)
{
    struct crowd *crowd = context;
    while (!crowd->stop) {
        free(malloc(20000));
        crowd->wrong += !right(crowd->h, 1);
        crowd->wrong += !batch_is_right(crowd->h);
        crowd->wrong += !pick_is_right(crowd->h);
    }
    return NULL;
}

static void *look_once(void *context)
{
    struct crowd *crowd = context;
    crowd->wrong += !right(crowd->h, 1);
    return NULL;
}

static void g1_handlers_look_up_while_generations_change_and_threads_begin(void **state)
{
    struct crowd crowd = {.instance = *state};
    const struct sigaction action = {.sa_handler = look_in_handler, .sa_flags = SA_RESTART};
    pthread_t readers[2], renewer;
    instance_put(crowd.instance, 1, 1, 1, 15);
    handler_h = crowd.h = client_open(crowd.instance);
    assert_int_equal(larshm_route_open(crowd.h, 0, 1, &handler_route), LARSHM_OK);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, allocate_and_look, &crowd), 0);
    assert_int_equal(pthread_create(&renewer, NULL, renew_on, &crowd), 0);
    for (int i = 0; i < SIGNALS; i++) {
        pthread_t beginner;
        assert_int_equal(pthread_create(&beginner, NULL, look_once, &crowd), 0);
        pthread_kill(beginner, SIGUSR1);
        pthread_kill(readers[i % 2], SIGUSR1);
        pthread_join(beginner, NULL);
    }
    crowd.stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    pthread_join(renewer, NULL);
    assert_true(handled > SIGNALS / 2);
    assert_int_equal(handled_wrong, 0);
    assert_int_equal(crowd.wrong, 0);
    /* Whatever was deferred meanwhile has been made up for. */
    eventually(right(crowd.h, 1) && instance_reader_mappings(crowd.instance) == 1);
    larshm_close(crowd.h);
}

/* ---- events ---- */

static int descriptors(void)
{
    int count = 0;
    DIR *all = opendir("/proc/self/fd");
    while (all && readdir(all))
        count++;
    if (all)
        closedir(all);
    return count;
}

static bool fail_without_a_thread(struct instance *instance, larshm *h)
{
    int before = descriptors(), fd = -2;
    (void)instance;
    if (!refuse(SYS_clone, EAGAIN) || !refuse(SYS_clone3, EAGAIN))
        return false;
    for (int i = 0; i < 3; i++)
        if (larshm_change_fd(h, &fd) != LARSHM_SYSTEM_ERROR || errno != EAGAIN)
            return false;
    larshm_close(h);
    return fd == -2 && descriptors() == before - 1; /* the handle's own is closed */
}

static void without_a_thread_there_is_no_change_fd_and_nothing_is_left_behind(void **state)
{
    in_a_child(*state, fail_without_a_thread);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(g3_g10_generations_are_followed_where_membarrier_is_refused_after_open),
        TEST(g9_first_lookups_of_threads_work_without_memory),
        TEST(g9_g11_without_memory_for_another_control_object_results_are_refused_until_there_is_some),
        TEST(g9_g11_without_a_descriptor_for_another_control_object_results_are_refused_until_there_is_one),
        TEST(g1_threads_that_are_cancelled_stop_no_other),
        TEST(g1_handlers_look_up_while_generations_change_and_threads_begin),
        TEST(without_a_thread_there_is_no_change_fd_and_nothing_is_left_behind),
    };
    return cmocka_run_group_tests_name("failure/program", tests, NULL, NULL);
}
