/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

#include <larshm/larshm.h>

#include "tests/support/client.h"
#include "tests/support/instance.h"

enum {
    HOSTS_MOST = 20,
    WINDOW = 1000, /* any so many picks in a row are spread evenly */
    PICKS = 5000,
    THREADS = 4,
};

/* Route (modid, count) has `count` hosts. */
static void put_routes(struct instance *instance)
{
    for (uint32_t modid = 0; modid < 3; modid++)
        for (uint32_t count = 1; count <= HOSTS_MOST; count++)
            instance_put_ports(instance, route_key(modid, count), count);
}

/* 0 .. count - 1 */
static uint32_t pick(larshm *h, uint32_t modid, uint32_t count)
{
    larshm_host host = {0};
    larshm_get_host(h, modid, count, &host);
    return (uint32_t)ntohs(host.port) - 1;
}

/* How far the worst host of the worst window is from its even share, in picks. */
static double worst_window(const uint32_t *picks, uint32_t count)
{
    uint32_t seen[HOSTS_MOST] = {0};
    double worst = 0, share = (double)WINDOW / count;
    for (uint32_t i = 0; i < PICKS; i++) {
        if (picks[i] >= count)
            return WINDOW;
        seen[picks[i]]++;
        if (i >= WINDOW)
            seen[picks[i - WINDOW]]--;
        for (uint32_t host = 0; i + 1 >= WINDOW && host < count; host++) {
            double off = seen[host] > share ? seen[host] - share : share - seen[host];
            worst = off > worst ? off : worst;
        }
    }
    return worst;
}

/* Looks `routes` routes up alternately and returns the worst that happened to any of them. */
static double worst_alternately(larshm *h, uint32_t routes)
{
    static _Thread_local uint32_t picks[3][PICKS];
    double worst = 0;
    for (uint32_t count = 1; count <= HOSTS_MOST; count++) {
        for (uint32_t i = 0; i < PICKS; i++)
            for (uint32_t modid = 0; modid < routes; modid++)
                picks[modid][i] = pick(h, modid, count);
        for (uint32_t modid = 0; modid < routes; modid++) {
            double off = worst_window(picks[modid], count);
            worst = off > worst ? off : worst;
        }
    }
    return worst;
}

static void any_thousand_picks_are_spread_evenly(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    put_routes(instance);
    h = client_open(instance);
    for (uint32_t routes = 1; routes <= 3; routes++)
        assert_true(worst_alternately(h, routes) <= WINDOW * 0.02);
    larshm_close(h);
}

static void *worst_of_thread(void *h)
{
    double *worst = malloc(sizeof(*worst));
    if (worst)
        *worst = worst_alternately(h, 2);
    return worst;
}

static void every_thread_spreads_by_itself(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    pthread_t threads[THREADS];
    put_routes(instance);
    h = client_open(instance);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worst_of_thread, h), 0);
    for (int i = 0; i < THREADS; i++) {
        void *worst;
        pthread_join(threads[i], &worst);
        assert_non_null(worst);
        assert_true(*(double *)worst <= WINDOW * 0.02);
        free(worst);
    }
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(any_thousand_picks_are_spread_evenly),
        TEST(every_thread_spreads_by_itself),
    };
    return cmocka_run_group_tests_name("unit/reader/get_host", tests, NULL, NULL);
}
