/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "reader/mapping.h"
#include "shm/clock.h"
#include "tests/support/child.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    THREADS = 8,
    HANDLES = 300,
    FORKS = 30,
    ROUNDS = 2000,
    CHILD_SECONDS = 20, /* a child that hangs is killed, and fails the test */
    QUIET_MS = 50,
    FEW_DESCRIPTORS = 256,
};

static int change_fd(larshm *h)
{
    int fd = -1;
    assert_int_equal(larshm_change_fd(h, &fd), LARSHM_OK);
    assert_true(fd >= 0);
    return fd;
}

static bool readable(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    return poll(&look, 1, 0) == 1 && look.revents == POLLIN;
}

static bool take(int fd)
{
    uint64_t events;
    return read(fd, &events, sizeof(events)) == sizeof(events);
}

/* It becomes readable, and is not once it was read. */
static void expect_event(int fd)
{
    eventually(readable(fd));
    assert_true(take(fd));
    assert_false(readable(fd));
}

static void beat(struct instance *instance)
{
    instance_heartbeat(instance, clock_tick());
}

/* The threads of this process that wait for changes: how many, and the last one's number. */
static int waiting_threads(int *last)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(name, sizeof(name), file) && strcmp(name, "larshm-changes\n") == 0) {
            *last = atoi(task->d_name);
            count++;
        }
        if (file)
            fclose(file);
    }
    closedir(tasks);
    return count;
}

/* A thread that was joined is listed for a moment longer. */
static bool threads_have_ended(void)
{
    int ignored;
    for (int ms = 0; waiting_threads(&ignored) != 0; ms++) {
        if (ms == CHILD_SECONDS * 1000)
            return false;
        usleep(1000);
    }
    return true;
}

/* A number of a thread's status, in the given base. */
static unsigned long long status_of(int thread, const char *key, int base)
{
    char path[64], line[256];
    unsigned long long value = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtoull(line + strlen(key), NULL, base);
    fclose(file);
    return value;
}

static unsigned long long wake_ups(int thread)
{
    return status_of(thread, "voluntary_ctxt_switches:", 10);
}

/* The thread sleeps, or is about to: it has nothing to do any more. Returns how often it has slept. */
static unsigned long long wait_for_sleep(int thread)
{
    unsigned long long before, now = wake_ups(thread);
    do {
        before = now;
        usleep(QUIET_MS * 1000);
        now = wake_ups(thread);
    } while (before != now);
    return now;
}

static int only_thread(void)
{
    int thread = 0;
    eventually(waiting_threads(&thread) == 1);
    return thread;
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *all = opendir("/proc/self/fd");
    assert_non_null(all);
    while (readdir(all))
        count++;
    closedir(all);
    return count;
}

static void set_share(struct instance *instance, uint32_t share)
{
    const struct route_ref route = writer_find(instance->writer, numbered_key(1));
    writer_set_share(instance->writer, &route, 0, share);
}

static void descriptor_is_readable_after_each_kind_of_change(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    int fd = change_fd(h);
    assert_false(readable(fd));
    instance_put(instance, 1, 1, 4, 15);
    beat(instance);
    expect_event(fd);
    instance_put(instance, 2, 1, 0, 15);
    beat(instance);
    expect_event(fd);
    static const uint32_t shares[] = {SHARE_EJECTED, SHARE_DRAINED, SHARE_FULL};
    for (int i = 0; i < 3; i++) {
        set_share(instance, shares[i]);
        beat(instance);
        expect_event(fd);
    }
    instance_renew(instance);
    expect_event(fd);
    instance_stop(instance);
    instance_start(instance);
    expect_event(fd);
    instance_put(instance, 1, 2, 4, 15);
    beat(instance);
    expect_event(fd);
    larshm_close(h);
}

static void many_changes_are_one_event(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    int fd = change_fd(h), thread = only_thread();
    for (uint32_t round = 0; round < 100; round++) {
        instance_put_keys(instance, 5, round);
        beat(instance);
    }
    wait_for_sleep(thread);
    expect_event(fd);
    larshm_close(h);
}

static void *publish_many(void *context)
{
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        instance_put(context, 1, round, 4, 15);
        beat(context);
    }
    instance_put(context, 2, 1, 4, 15);
    beat(context);
    return NULL;
}

/* A loop that reads and then looks finds the last one, however its steps and the thread's fall together. */
static void no_change_is_missed_by_a_loop_that_reads_while_they_come(void **state)
{
    pthread_t writer;
    larshm *h = client_open(*state);
    larshm_host host;
    struct pollfd look = {.fd = change_fd(h), .events = POLLIN};
    assert_int_equal(pthread_create(&writer, NULL, publish_many, *state), 0);
    while (larshm_get_host(h, 0, 2, &host) != LARSHM_OK) {
        assert_int_equal(poll(&look, 1, EVENTUALLY_MS), 1);
        assert_true(take(look.fd));
    }
    pthread_join(writer, NULL);
    larshm_close(h);
}

static void thread_sleeps_while_nothing_changes(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    instance_put(instance, 2, 1, 0, 15);
    beat(instance);
    larshm *h = client_open(instance);
    int fd = change_fd(h), thread = only_thread();
    unsigned long long before = wait_for_sleep(thread);
    for (uint32_t i = 0; i < 20; i++) {
        instance_put(instance, 1, 1, 4, 15 + i);
        instance_put(instance, 2, 1, 0, 15 + i);
        set_share(instance, SHARE_FULL);
        beat(instance);
        usleep(1000);
    }
    assert_int_equal(wait_for_sleep(thread), before);
    assert_false(readable(fd));
    instance_put(instance, 1, 2, 4, 15);
    beat(instance);
    expect_event(fd);
    larshm_close(h);
}

static void thread_blocks_all_signals(void **state)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGALRM, SIGCHLD, SIGPROF};
    larshm *h = client_open(*state);
    change_fd(h);
    unsigned long long blocked = status_of(only_thread(), "SigBlk:", 16);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        assert_true(blocked >> (signals[i] - 1) & 1);
    sigset_t mine;
    pthread_sigmask(SIG_BLOCK, NULL, &mine);
    assert_false(sigismember(&mine, SIGTERM));
    larshm_close(h);
}

static void thread_and_descriptor_are_gone_after_close(void **state)
{
    int before = open_descriptors();
    for (int i = 0; i < HANDLES; i++) {
        struct instance *instance = *state;
        larshm *h = client_open(instance);
        change_fd(h);
        if (i % 3 == 0) {
            instance_put(instance, 1, (uint32_t)i, 4, 15);
            beat(instance);
        }
        if (i % 5 == 0)
            usleep(1000);
        larshm_close(h);
        assert_true(threads_have_ended());
    }
    assert_int_equal(open_descriptors(), before);
}

/* They are in rotation with 30 bits: two that share one are passed over. */
static void close_wakes_no_waiter_of_another_handle(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance), *other;
    change_fd(h);
    int thread = only_thread(), tried = 0;
    unsigned long long before = wait_for_sleep(thread);
    for (int i = 0; i < 20; i++) {
        other = client_open(instance);
        change_fd(other);
        bool alike = mapping_wake_bit(h) == mapping_wake_bit(other);
        if (!alike)
            larshm_close(other);
        assert_int_equal(wait_for_sleep(thread), before);
        if (alike) {
            larshm_close(other);
            before = wait_for_sleep(thread);
        }
        tried += !alike;
    }
    assert_true(tried > 0);
    larshm_close(h);
}

struct caller {
    pthread_t thread;
    larshm *h;
    int fd;
};

static void *call(void *context)
{
    struct caller *caller = context;
    if (larshm_change_fd(caller->h, &caller->fd) != LARSHM_OK)
        caller->fd = -1;
    return NULL;
}

static void all_calls_of_all_threads_give_the_same_descriptor(void **state)
{
    struct caller callers[THREADS];
    larshm *h = client_open(*state);
    int ignored;
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){.h = h};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(callers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(callers[i].fd, change_fd(h));
    eventually(waiting_threads(&ignored) == 1);
    assert_true(fcntl(callers[0].fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(callers[0].fd, F_GETFD) & FD_CLOEXEC);
    larshm_close(h);
}

static void route_that_was_pending_makes_it_readable_whatever_the_answer_is(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    int fd = change_fd(h);
    for (uint32_t hosts = 0; hosts < 2; hosts++) {
        assert_int_equal(larshm_get_host(h, 0, 1 + hosts, &host), LARSHM_PENDING);
        assert_false(readable(fd));
        instance_put(instance, 1 + hosts, 1, hosts, 15);
        beat(instance);
        expect_event(fd);
        assert_int_equal(larshm_get_host(h, 0, 1 + hosts, &host), hosts ? LARSHM_OK : LARSHM_NOEXIST);
    }
    larshm_close(h);
}

static void lookups_bring_the_thread_along_to_an_object_that_no_doorbell_tells_of(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    instance_put(instance, 1, 1, 4, 15);
    int fd = change_fd(h);
    wait_for_sleep(only_thread());
    instance_replace_by_hand(instance);
    instance_put(instance, 2, 1, 4, 15);
    eventually(larshm_get_host(h, 0, 2, &host) == LARSHM_OK);
    expect_event(fd);
    instance_put(instance, 2, 2, 4, 15);
    beat(instance);
    expect_event(fd);
    larshm_close(h);
}

static void thread_follows_generations_by_itself_and_calls_free_them(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    int fd = change_fd(h);
    uint64_t since = 0;
    uint32_t modid, cmdid;
    for (int i = 0; i < 3; i++) {
        instance_renew(instance);
        expect_event(fd);
    }
    eventually(larshm_next_change(h, &since, &modid, &cmdid) != LARSHM_OK &&
               instance_reader_mappings(instance) == 1);
    larshm_close(h);
}

/* In the child. */
static bool makes_its_own(larshm *h, int fd, int ready)
{
    int own = -1, ignored;
    bool right = waiting_threads(&ignored) == 0 && larshm_change_fd(h, &own) == LARSHM_OK && own != fd &&
                 write(ready, "", 1) == 1;
    for (int ms = 0; right && !readable(own) && ms < CHILD_SECONDS * 1000; ms++)
        usleep(1000);
    right = right && readable(own) && fcntl(fd, F_GETFD) >= 0;
    larshm_close(h);
    return right && threads_have_ended() && fcntl(own, F_GETFD) < 0 && fcntl(fd, F_GETFD) < 0;
}

static void child_has_no_thread_and_makes_a_descriptor_of_its_own(void **state)
{
    if (!CHILDREN_MAY_START_THREADS)
        skip();
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    int fd = change_fd(h), ready[2];
    char byte;
    wait_for_sleep(only_thread());
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(makes_its_own(h, fd, ready[1]) ? 0 : 1);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    instance_put(instance, 1, 1, 4, 15);
    beat(instance);
    assert_true(child_ends_well(child, CHILD_SECONDS));
    expect_event(fd);
    larshm_close(h);
    close(ready[0]);
    close(ready[1]);
}

static void child_that_makes_none_closes_without_waiting(void **state)
{
    larshm *h = client_open(*state);
    int fd = change_fd(h);
    pid_t child = fork();
    if (child == 0) {
        larshm_close(h);
        _exit(fcntl(fd, F_GETFD) < 0 ? 0 : 1);
    }
    assert_true(child_ends_well(child, CHILD_SECONDS));
    instance_renew(*state);
    expect_event(fd);
    larshm_close(h);
}

static void child_unmaps_what_the_thread_had_pinned(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host host;
    int go[2];
    char byte = 0;
    instance_put(instance, 1, 1, 4, 15);
    change_fd(h);
    wait_for_sleep(only_thread());
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        bool right = read(go[0], &byte, 1) == 1;
        for (int ms = 0; right && instance_reader_mappings(instance) != 1 && ms < CHILD_SECONDS * 1000;
             ms++) {
            right = larshm_get_host(h, 0, 1, &host) == LARSHM_OK;
            usleep(1000);
        }
        right = right && instance_reader_mappings(instance) == 1;
        larshm_close(h);
        _exit(right ? 0 : 1);
    }
    instance_renew(instance);
    assert_int_equal(write(go[1], &byte, 1), 1);
    assert_true(child_ends_well(child, CHILD_SECONDS));
    larshm_close(h);
    close(go[0]);
    close(go[1]);
}

struct turmoil {
    struct instance *instance;
    _Atomic bool stop;
};

static void *change_on(void *context)
{
    struct turmoil *turmoil = context;
    for (uint32_t round = 0; !turmoil->stop; round++) {
        instance_put(turmoil->instance, 1, round, 4, 15);
        beat(turmoil->instance);
        if (round % 16 == 0)
            instance_renew(turmoil->instance);
    }
    return NULL;
}

static void forks_and_closes_amid_changes_work(void **state)
{
    struct turmoil turmoil = {.instance = *state};
    pthread_t writer;
    instance_put(turmoil.instance, 1, 1, 4, 15);
    assert_int_equal(pthread_create(&writer, NULL, change_on, &turmoil), 0);
    for (int i = 0; i < FORKS; i++) {
        larshm *h = client_open(turmoil.instance);
        int fd = change_fd(h);
        pid_t child = fork();
        if (child == 0) {
            larshm_host host;
            bool right = larshm_get_host(h, 0, 1, &host) == LARSHM_OK;
            if (!CHILDREN_MAY_HANG) /* as a new thread does in a sanitizer's allocator */
                right = right && larshm_change_fd(h, &fd) == LARSHM_OK;
            larshm_close(h);
            _exit(right ? 0 : 1);
        }
        eventually(readable(fd));
        assert_true(child_ends_well(child, CHILD_SECONDS));
        larshm_close(h);
    }
    turmoil.stop = true;
    pthread_join(writer, NULL);
}

/* Which descriptors larshm_change_fd() opens, of the first `cap`. */
static int opened_by_change_fd(larshm *h, int *opened, int cap)
{
    bool *before = calloc((size_t)cap, sizeof(*before));
    int count = 0;
    assert_non_null(before);
    for (int fd = 0; fd < cap; fd++)
        before[fd] = fcntl(fd, F_GETFD) >= 0;
    change_fd(h);
    for (int fd = 0; fd < cap; fd++)
        if (!before[fd] && fcntl(fd, F_GETFD) >= 0)
            opened[count++] = fd;
    free(before);
    assert_in_range(count, 1, cap);
    return count;
}

/* As in a program that closes all descriptors, and opens others of its own. */
static void what_took_the_numbers_of_lost_descriptors_is_left_alone(void **state)
{
    struct instance *instance = *state;
    for (int round = 0; round < 3; round++) {
        larshm *h = client_open(instance);
        int fds[FEW_DESCRIPTORS], count = opened_by_change_fd(h, fds, FEW_DESCRIPTORS),
                                  thread = only_thread();
        int other = round == 0   ? memfd_create("other", 0)
                    : round == 1 ? eventfd(0, EFD_NONBLOCK)
                                 : epoll_create1(0);
        struct stat file;
        uint64_t events;
        assert_true(other >= 0);
        for (int i = 0; i < count; i++)
            assert_int_equal(dup2(other, fds[i]), fds[i]);
        instance_put(instance, 1, (uint32_t)round, 4, 15);
        beat(instance);
        wait_for_sleep(thread);
        larshm_close(h);
        for (int i = 0; i < count; i++) {
            assert_int_equal(fstat(fds[i], &file), 0);
            assert_int_equal(file.st_size, 0);
            assert_true(read(fds[i], &events, sizeof(events)) <= 0);
            close(fds[i]);
        }
        close(other);
    }
}

static void descriptor_that_the_program_has_closed_is_not_given_again(void **state)
{
    larshm *h = client_open(*state);
    int fd = change_fd(h), other = -1;
    close(fd);
    assert_int_equal(larshm_change_fd(h, &other), LARSHM_SYSTEM_ERROR);
    assert_int_equal(errno, EBADF);
    assert_int_equal(other, -1);
    instance_put(*state, 1, 1, 4, 15);
    beat(*state); /* no SIGPIPE ends the program */
    wait_for_sleep(only_thread());
    larshm_close(h);
}

static void standard_descriptors_stay_free(void **state)
{
    if (!CHILDREN_MAY_START_THREADS)
        skip();
    larshm *h = client_open(*state);
    pid_t child = fork();
    if (child == 0) {
        int fd;
        bool right = true;
        for (int standard = 0; standard < 3; standard++)
            close(standard);
        right = larshm_change_fd(h, &fd) == LARSHM_OK;
        for (int standard = 0; standard < 3; standard++)
            right = right && fcntl(standard, F_GETFD) == -1;
        _exit(right ? 0 : 1);
    }
    assert_true(child_ends_well(child, CHILD_SECONDS));
    larshm_close(h);
}

/* A loop may have one, which is at its end when the handle is closed. */
static void copy_of_the_descriptor_sees_events_and_the_end(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    uint64_t events;
    int copy = dup(change_fd(h));
    instance_put(instance, 1, 1, 4, 15);
    beat(instance);
    expect_event(copy);
    larshm_close(h);
    assert_int_equal(read(copy, &events, sizeof(events)), 0);
    close(copy);
}

static void expect_refused(larshm *h, int error)
{
    int fd = -2, before = open_descriptors(), ignored;
    struct rlimit all, few = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    few.rlim_max = all.rlim_max;
    if (error == EMFILE)
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    errno = 0;
    int code = larshm_change_fd(h, &fd), seen = errno;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
    assert_int_equal(code, LARSHM_SYSTEM_ERROR);
    assert_int_equal(seen, error);
    assert_int_equal(fd, -2);
    assert_int_equal(waiting_threads(&ignored), 0);
    assert_int_equal(open_descriptors(), before);
}

static void without_descriptors_it_fails_and_is_tried_again_by_the_next_call(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    expect_refused(h, EMFILE);
    int fd = change_fd(h);
    instance_put(instance, 1, 1, 4, 15);
    beat(instance);
    expect_event(fd);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(descriptor_is_readable_after_each_kind_of_change),
        TEST(many_changes_are_one_event),
        TEST(no_change_is_missed_by_a_loop_that_reads_while_they_come),
        TEST(thread_sleeps_while_nothing_changes),
        TEST(thread_blocks_all_signals),
        TEST(thread_and_descriptor_are_gone_after_close),
        TEST(close_wakes_no_waiter_of_another_handle),
        TEST(all_calls_of_all_threads_give_the_same_descriptor),
        TEST(route_that_was_pending_makes_it_readable_whatever_the_answer_is),
        TEST(lookups_bring_the_thread_along_to_an_object_that_no_doorbell_tells_of),
        TEST(thread_follows_generations_by_itself_and_calls_free_them),
        TEST(child_has_no_thread_and_makes_a_descriptor_of_its_own),
        TEST(child_that_makes_none_closes_without_waiting),
        TEST(child_unmaps_what_the_thread_had_pinned),
        TEST(forks_and_closes_amid_changes_work),
        TEST(what_took_the_numbers_of_lost_descriptors_is_left_alone),
        TEST(descriptor_that_the_program_has_closed_is_not_given_again),
        TEST(standard_descriptors_stay_free),
        TEST(copy_of_the_descriptor_sees_events_and_the_end),
        TEST(without_descriptors_it_fails_and_is_tried_again_by_the_next_call),
    };
    return cmocka_run_group_tests_name("unit/reader/change_fd", tests, NULL, NULL);
}
