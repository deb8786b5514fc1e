/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/dns/subscription.h"

static const struct route_key key_a = {1, 2}, key_b = {UINT32_MAX, 0};

static unsigned count_owed(const struct subscriber *subscriber)
{
    unsigned count = 0;
    const struct subscription *subscription;
    STAILQ_FOREACH(subscription, &subscriber->owed, in_queue)
        count++;
    return count;
}

static void a_subscriber_is_owed_one_answer_of_each_route(void **state)
{
    (void)state;
    struct routes routes;
    struct subscriber subscriber;
    routes_init(&routes);
    subscriber_init(&subscriber);
    struct subscription *first = subscribe(&routes, &subscriber, key_a);
    assert_ptr_equal(subscribe(&routes, &subscriber, key_a), first);
    struct subscription *second = subscribe(&routes, &subscriber, key_b);
    assert_int_equal(count_owed(&subscriber), 0);
    subscription_owe(first);
    subscription_owe(second);
    route_owe_all(first->route);
    assert_int_equal(count_owed(&subscriber), 2);
    subscriber_settle_first(&subscriber);
    assert_ptr_equal(STAILQ_FIRST(&subscriber.owed), second);
    subscription_owe(first);
    assert_int_equal(count_owed(&subscriber), 2);
    unsubscribe_all(&routes, &subscriber);
    routes_free(&routes);
}

static void a_changed_route_is_owed_to_its_subscribers_alone(void **state)
{
    (void)state;
    struct routes routes;
    struct subscriber one, other;
    routes_init(&routes);
    subscriber_init(&one);
    subscriber_init(&other);
    subscribe(&routes, &one, key_a);
    subscribe(&routes, &other, key_a);
    subscribe(&routes, &other, key_b);
    route_owe_all(routes_find(&routes, key_b));
    assert_int_equal(count_owed(&one), 0);
    assert_int_equal(count_owed(&other), 1);
    route_owe_all(routes_find(&routes, key_a));
    assert_int_equal(count_owed(&one), 1);
    assert_int_equal(count_owed(&other), 2);
    unsubscribe_all(&routes, &one);
    unsubscribe_all(&routes, &other);
    routes_free(&routes);
}

static void a_route_lives_as_long_as_its_last_subscription(void **state)
{
    (void)state;
    struct routes routes;
    struct subscriber one, other;
    routes_init(&routes);
    subscriber_init(&one);
    subscriber_init(&other);
    subscribe(&routes, &one, key_a);
    subscribe(&routes, &other, key_a);
    unsubscribe_all(&routes, &one);
    assert_non_null(routes_find(&routes, key_a));
    unsubscribe_all(&routes, &other);
    assert_null(routes_find(&routes, key_a));
    assert_true(TAILQ_EMPTY(&routes.all));
    routes_free(&routes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscriber_is_owed_one_answer_of_each_route),
        cmocka_unit_test(a_changed_route_is_owed_to_its_subscribers_alone),
        cmocka_unit_test(a_route_lives_as_long_as_its_last_subscription),
    };
    return cmocka_run_group_tests_name("unit/dns/subscription", tests, NULL, NULL);
}
