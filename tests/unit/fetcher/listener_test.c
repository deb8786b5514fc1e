/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "fetcher/listener.h"
#include "shm/knock.h"

enum {
    RUN_MS = 500
};

struct fixture {
    uv_loop_t loop;
    uv_timer_t end, knocker;
    struct listener *listener;
    _Atomic uint32_t words[2];
    int where;
    bool useful;
    unsigned heard;
    _Atomic bool over;
};

static _Atomic uint32_t *where(void *context)
{
    struct fixture *fixture = context;
    return &fixture->words[fixture->where];
}

static bool knocked(void *context)
{
    struct fixture *fixture = context;
    fixture->heard++;
    return fixture->useful;
}

static const struct listener_role role = {.where = where, .knocked = knocked};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.where = 0};
    *state = &fixture;
    if (uv_loop_init(&fixture.loop) != 0)
        return -1;
    uv_timer_init(&fixture.loop, &fixture.end);
    uv_timer_init(&fixture.loop, &fixture.knocker);
    fixture.end.data = fixture.knocker.data = &fixture;
    fixture.listener = listener_start(&fixture.loop, &role, &fixture);
    return fixture.listener ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    return uv_loop_close(&fixture->loop);
}

static void end(uv_timer_t *timer)
{
    struct fixture *fixture = timer->data;
    listener_stop(fixture->listener);
    uv_close((uv_handle_t *)&fixture->end, NULL);
    uv_close((uv_handle_t *)&fixture->knocker, NULL);
}

static void run_for(struct fixture *fixture, unsigned ms)
{
    uv_timer_start(&fixture->end, end, ms, 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
}

static void end_when_heard(uv_timer_t *timer)
{
    struct fixture *fixture = timer->data;
    knock(&fixture->words[1]);
    if (fixture->heard)
        end(timer);
}

static void nothing_is_heard_without_a_knock(void **state)
{
    struct fixture *fixture = *state;
    run_for(fixture, 50);
    assert_int_equal(fixture->heard, 0);
}

static void knocks_at_the_object_that_took_the_place_of_another_are_heard(void **state)
{
    struct fixture *fixture = *state;
    fixture->where = 1;
    uv_timer_start(&fixture->knocker, end_when_heard, 10, 10);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->heard > 0);
}

/* As after the object was truncated: the thread sleeps where no knock of the loop arrives. */
static void g8_a_listener_that_no_knock_reaches_is_stopped_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    uv_timer_start(&fixture->end, end, 50, 0);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    fixture->where = 1;
    uint64_t begun = uv_hrtime();
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true((uv_hrtime() - begun) / 1000000 < 10 * LISTENER_WAIT_MS);
}

static void *knock_without_pause(void *context)
{
    struct fixture *fixture = context;
    while (!fixture->over)
        knock(&fixture->words[0]);
    return NULL;
}

static void g8_knocks_without_pause_for_nothing_are_heard_rarely(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, knock_without_pause, fixture), 0);
    uint64_t begun = uv_hrtime();
    run_for(fixture, RUN_MS);
    uint64_t us = (uv_hrtime() - begun) / 1000;
    fixture->over = true;
    pthread_join(thread, NULL);
    assert_true(fixture->heard > 0);
    assert_true(fixture->heard <= us / LISTENER_PAUSE_MAX_US + 10);
}

static void g8_knocks_without_pause_are_heard_with_pauses_even_when_useful(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    fixture->useful = true;
    assert_int_equal(pthread_create(&thread, NULL, knock_without_pause, fixture), 0);
    uint64_t begun = uv_hrtime();
    run_for(fixture, RUN_MS);
    uint64_t us = (uv_hrtime() - begun) / 1000;
    fixture->over = true;
    pthread_join(thread, NULL);
    assert_in_range(fixture->heard, 1, us / LISTENER_PAUSE_MIN_US + 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_heard_without_a_knock),
        TEST(knocks_at_the_object_that_took_the_place_of_another_are_heard),
        TEST(g8_a_listener_that_no_knock_reaches_is_stopped_all_the_same),
        TEST(g8_knocks_without_pause_for_nothing_are_heard_rarely),
        TEST(g8_knocks_without_pause_are_heard_with_pauses_even_when_useful),
    };
    return cmocka_run_group_tests_name("unit/fetcher/listener", tests, NULL, NULL);
}
