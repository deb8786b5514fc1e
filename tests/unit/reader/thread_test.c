/* SPDX-License-Identifier: MIT */
/* What a thread begins with, and leaves behind. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/sanitizer.h"

enum {
    HOSTS = 20,
    CHILDREN = 64
};

/* Of CHILDREN picks among 20 hosts, chance would leave fewer than 8 different ones less than once in 10^15 times. */
static void expect_different(const uint32_t picks[static CHILDREN])
{
    uint32_t seen = 0;
    for (int i = 0; i < CHILDREN; i++)
        seen |= UINT32_C(1) << picks[i];
    assert_true(__builtin_popcount(seen) >= 8);
}

static uint32_t pick_once(larshm *h)
{
    larshm_host host = {0};
    larshm_get_host(h, 0, 0, &host);
    return (uint32_t)ntohs(host.port) - 1;
}

static void *thread_pick_once(void *h)
{
    return (void *)(uintptr_t)pick_once(h);
}

static void threads_that_pick_once_do_not_all_pick_the_same_host(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    uint32_t picks[CHILDREN];
    instance_put_ports(instance, route_key(0, 0), HOSTS);
    h = client_open(instance);
    for (int i = 0; i < CHILDREN; i++) {
        pthread_t thread;
        void *picked;
        assert_int_equal(pthread_create(&thread, NULL, thread_pick_once, h), 0);
        pthread_join(thread, &picked);
        picks[i] = (uint32_t)(uintptr_t)picked;
    }
    expect_different(picks);
    larshm_close(h);
}

/* `warm`: the parent has picked before it forked, as a server does that looks its routes up at start. */
static void children_pick_once(struct instance *instance, bool warm)
{
    larshm *h = NULL;
    uint32_t picks[CHILDREN];
    instance_put_ports(instance, route_key(0, 0), HOSTS);
    if (warm) {
        h = client_open(instance);
        pick_once(h);
    }
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (!warm && larshm_open(&h, instance->name) != LARSHM_OK)
                _exit(255);
            _exit((int)pick_once(h));
        }
        int result;
        waitpid(child, &result, 0);
        assert_true(WIFEXITED(result) && WEXITSTATUS(result) < HOSTS);
        picks[i] = (uint32_t)WEXITSTATUS(result);
    }
    expect_different(picks);
    larshm_close(h);
}

static void processes_that_pick_once_do_not_all_pick_the_same_host(void **state)
{
    children_pick_once(*state, false);
}

static void children_of_one_parent_do_not_all_pick_the_same_host(void **state)
{
    children_pick_once(*state, true);
}

enum {
    SHORT_THREADS = 10000
};

/* What the process has mapped for itself to write to. Not what is resident: an emulator's own memory is that too. */
static uint64_t writable_kib(void)
{
    char line[512], access[5];
    uint64_t from, to, bytes = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to, access) == 3 &&
            strcmp(access, "rw-p") == 0)
            bytes += to - from;
    fclose(maps);
    return bytes / 1024;
}

struct short_lived {
    larshm *h;
    _Atomic uint32_t wrong;
};

/* A lookup and a view, and the thread is over. */
static void *look_once(void *context)
{
    struct short_lived *threads = context;
    larshm_host host;
    larshm_view view;
    threads->wrong += larshm_get_host(threads->h, 0, 1, &host) != LARSHM_OK;
    threads->wrong += larshm_route_begin(threads->h, 0, 1, &view) != LARSHM_OK;
    threads->wrong += larshm_route_end(threads->h, &view) != LARSHM_OK;
    return NULL;
}

static void threads_that_come_and_go_leave_nothing_behind(void **state)
{
    struct instance *instance = *state;
    struct short_lived threads = {.h = NULL};
    uint64_t before = 0;
    instance_put(instance, 1, 1, 1, 15);
    threads.h = client_open(instance);
    for (int i = 0; i < SHORT_THREADS; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, look_once, &threads), 0);
        pthread_join(thread, NULL);
        if (i % 1000 == 0)
            instance_renew(instance);
        if (i == SHORT_THREADS / 10)
            before = writable_kib();
    }
    assert_int_equal(threads.wrong, 0);
    assert_int_equal(instance_reader_mappings(instance), 1);
    /* A leak of 512 bytes per thread would show; the sanitizers' own memory comes on top of ours. */
    assert_true(SANITIZED || writable_kib() < before + 4096);
    larshm_close(threads.h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(threads_that_pick_once_do_not_all_pick_the_same_host),
        TEST(processes_that_pick_once_do_not_all_pick_the_same_host),
        TEST(children_of_one_parent_do_not_all_pick_the_same_host),
        TEST(threads_that_come_and_go_leave_nothing_behind),
    };
    return cmocka_run_group_tests_name("unit/reader/thread", tests, NULL, NULL);
}
