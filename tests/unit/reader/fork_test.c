/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "tests/support/child.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    READERS = 3,
    FORKS = 150,
    CHILD_SECONDS = 20, /* a child that hangs is killed, and fails the test */
};

static bool right(larshm *h, uint64_t key)
{
    larshm_host host;
    uint32_t round = UINT32_MAX;
    return larshm_get_host(h, numbered_key(key).modid, numbered_key(key).cmdid, &host) == LARSHM_OK &&
           self_checking_holds(key, 0, (struct host_addr){host.addr, host.port}, &round);
}

static bool view_right(larshm *h, uint64_t key)
{
    larshm_view view;
    uint32_t round = UINT32_MAX;
    if (larshm_route_begin(h, numbered_key(key).modid, numbered_key(key).cmdid, &view) != LARSHM_OK)
        return false;
    bool holds = view.count == 1 &&
                 self_checking_holds(key, 0, (struct host_addr){view.addr[0], view.port[0]}, &round);
    return larshm_route_end(h, &view) == LARSHM_OK && holds;
}

static void a_handle_works_in_parent_child_and_grandchild(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    instance_put(instance, 1, 1, 1, 15);
    h = client_open(instance);
    assert_true(right(h, 1));
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0) {
            pid_t grandchild = fork();
            if (grandchild == 0)
                _exit(right(h, 1) && view_right(h, 1) ? 0 : 1);
            int result;
            waitpid(grandchild, &result, 0);
            _exit(result == 0 && right(h, 1) && view_right(h, 1) ? 0 : 1);
        }
        assert_true(right(h, 1));
        assert_true(child_ends_well(child, CHILD_SECONDS));
        assert_true(view_right(h, 1));
    }
    larshm_close(h);
}

static void a_child_follows_the_generations_of_its_parent(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    int go[2];
    char byte = 0;
    instance_put(instance, 1, 1, 1, 15);
    h = client_open(instance);
    assert_true(right(h, 1));
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        if (read(go[0], &byte, 1) != 1)
            _exit(2);
        _exit(right(h, 1) && right(h, 2) && instance_reader_mappings(instance) == 1 ? 0 : 1);
    }
    instance_renew(instance);
    instance_put(instance, 2, 1, 1, 15);
    assert_int_equal(write(go[1], &byte, 1), 1);
    assert_true(child_ends_well(child, CHILD_SECONDS));
    assert_true(right(h, 2));
    larshm_close(h);
    close(go[0]);
    close(go[1]);
}

static void a_view_begun_before_a_fork_ends_in_both(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_view view;
    instance_put(instance, 1, 1, 1, 15);
    h = client_open(instance);
    assert_int_equal(larshm_route_begin(h, 0, 1, &view), LARSHM_OK);
    pid_t child = fork();
    if (child == 0) {
        _exit(larshm_route_end(h, &view) == LARSHM_OK && right(h, 1) ? 0 : 1);
    }
    assert_true(child_ends_well(child, CHILD_SECONDS));
    assert_int_equal(larshm_route_end(h, &view), LARSHM_OK);
    larshm_close(h);
}

struct turmoil {
    struct instance *instance;
    larshm *h;
    _Atomic bool stop;
    _Atomic uint32_t wrong;
};

static void *look_on(void *context)
{
    struct turmoil *turmoil = context;
    while (!turmoil->stop)
        turmoil->wrong += !right(turmoil->h, 1) || !view_right(turmoil->h, 1);
    return NULL;
}

static void *renew_on(void *context)
{
    struct turmoil *turmoil = context;
    while (!turmoil->stop) {
        instance_renew(turmoil->instance);
        usleep(500);
    }
    return NULL;
}

static void forks_amid_lookups_and_new_generations_work(void **state)
{
    struct instance *instance = *state;
    struct turmoil turmoil = {.instance = instance};
    pthread_t readers[READERS], renewer;
    uint32_t failed = 0;
    instance_put(instance, 1, 1, 1, 15);
    turmoil.h = client_open(instance);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, look_on, &turmoil), 0);
    assert_int_equal(pthread_create(&renewer, NULL, renew_on, &turmoil), 0);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            bool ok = true;
            for (int k = 0; ok && k < 50; k++)
                ok = right(turmoil.h, 1) && view_right(turmoil.h, 1);
            _exit(ok ? 0 : 1);
        }
        failed += !child_ends_well(child, CHILD_SECONDS);
    }
    turmoil.stop = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    pthread_join(renewer, NULL);
    assert_int_equal(failed, 0);
    assert_int_equal(turmoil.wrong, 0);
    assert_true(right(turmoil.h, 1));
    larshm_close(turmoil.h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_handle_works_in_parent_child_and_grandchild),
        TEST(a_child_follows_the_generations_of_its_parent),
        TEST(a_view_begun_before_a_fork_ends_in_both),
        TEST(forks_amid_lookups_and_new_generations_work),
    };
    return cmocka_run_group_tests_name("unit/reader/fork", tests, NULL, NULL);
}
