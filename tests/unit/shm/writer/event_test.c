/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/writer/event.h"

static void events_are_taken_in_the_order_they_were_added(void **state)
{
    (void)state;
    struct event_queue queue = {0};
    struct event event;
    assert_false(event_take(&queue, &event));
    errno = ENOENT;
    event_add(&queue, EVENT_LOCK_FAILED, "/larshm.test.lock");
    event_add(&queue, EVENT_ADOPTED, NULL)->number[1] = 7;
    assert_true(event_take(&queue, &event));
    assert_int_equal(event.kind, EVENT_LOCK_FAILED);
    assert_int_equal(event.error, ENOENT);
    assert_string_equal(event.object, "/larshm.test.lock");
    assert_true(event_take(&queue, &event));
    assert_int_equal(event.kind, EVENT_ADOPTED);
    assert_int_equal(event.number[1], 7);
    assert_string_equal(event.object, "");
    assert_false(event_take(&queue, &event));
}

static void full_queue_loses_the_oldest_events(void **state)
{
    (void)state;
    struct event_queue queue = {0};
    struct event event;
    for (uint64_t i = 0; i < EVENTS_MAX + 3; i++)
        event_add(&queue, EVENT_ADOPTED, "x")->number[0] = i;
    for (uint64_t i = 3; i < EVENTS_MAX + 3; i++) {
        assert_true(event_take(&queue, &event));
        assert_int_equal(event.number[0], i);
    }
    assert_false(event_take(&queue, &event));
}

static void object_names_that_are_too_long_are_cut(void **state)
{
    (void)state;
    char name[2 * OBJECT_NAME_MAX];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    const struct event event = event_of(EVENT_BAD_INSTANCE, name);
    assert_int_equal(strlen(event.object), OBJECT_NAME_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_taken_in_the_order_they_were_added),
        cmocka_unit_test(full_queue_loses_the_oldest_events),
        cmocka_unit_test(object_names_that_are_too_long_are_cut),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/event", tests, NULL, NULL);
}
