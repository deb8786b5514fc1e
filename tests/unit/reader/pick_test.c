/* SPDX-License-Identifier: MIT */
/* Which hosts larshm_get_host() gives when some do not get their full share. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

#include <larshm/larshm.h>

#include "reader/limited.h"
#include "shm/atomic.h"
#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"

enum {
    MODID = 3,
    HOSTS_MOST = 1000,
    EXACT_MOST = 64, /* hosts of a table in which all picks in a row differ, however many are out */
    INTERVAL_MS = 1000,
    FLAPS = 200000,
    NONE = -1,
};

/* Round the words of states, 16 hosts in each, and round EXACT_MOST. */
static const uint32_t sizes[] = {1, 2, 3, 4, 5, 10, 15, 16, 17, 33, 63, 64, 65, 100, HOSTS_MOST};
enum {
    SIZES = sizeof(sizes) / sizeof(*sizes)
};

struct fixture {
    struct instance *instance;
    larshm *h;
    uint64_t now; /* the tick */
};

static void put(struct fixture *fixture, uint32_t count, uint64_t fetched)
{
    static struct host_addr hosts[HOSTS_MOST];
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = (struct host_addr){htonl(UINT32_C(0x0a000001)), htons((uint16_t)(i + 1))};
    assert_int_equal(
        put_by_key(fixture->instance->writer, route_key(MODID, count), hosts, count, NULL, 60, fetched),
        SHM_OK);
}

/* Route (MODID, count) has `count` hosts with the ports 1 .. count; every other one has expired, so that both paths of lookups
 * are taken. */
static int setup(void **state)
{
    void *instance = NULL;
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture || instance_setup(&instance) != 0)
        return -1;
    fixture->instance = instance;
    fixture->now = clock_tick();
    fixture->instance->options.settings.eject_probe_interval_ms = INTERVAL_MS;
    fixture->instance->options.settings.max_overload_timeout_s = 3600; /* however slow the machine is */
    writer_reload(fixture->instance->writer, &fixture->instance->options);
    for (int i = 0; i < SIZES; i++)
        put(fixture, sizes[i], i % 2 ? 1 : fixture->now + 60000);
    instance_heartbeat(fixture->instance, fixture->now);
    *state = fixture;
    return larshm_open(&fixture->h, fixture->instance->name) == LARSHM_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    larshm_close(fixture->h);
    instance_teardown((void *[]){fixture->instance});
    free(fixture);
    return 0;
}

static void pass(struct fixture *fixture, uint64_t ms)
{
    instance_heartbeat(fixture->instance, fixture->now += ms);
}

static void set_share(const struct fixture *fixture, uint32_t count, uint32_t host, uint32_t share)
{
    struct writer *writer = fixture->instance->writer;
    const struct route_ref route = writer_find(writer, route_key(MODID, count));
    writer_set_share(writer, &route, host, share);
}

static void set_shares(const struct fixture *fixture, uint32_t count, uint32_t first, uint32_t hosts,
                       uint32_t share)
{
    for (uint32_t host = first; host < first + hosts; host++)
        set_share(fixture, count, host, share);
}

/* The host's number, or NONE when none may be picked. */
static int pick(const struct fixture *fixture, uint32_t count)
{
    larshm_host host = {.port = 0};
    int code = larshm_get_host(fixture->h, MODID, count, &host);
    if (code == LARSHM_OVERLOAD) {
        assert_int_equal(host.port, 0);
        return NONE;
    }
    assert_int_equal(code, LARSHM_OK);
    assert_in_range(ntohs(host.port), 1, count);
    return ntohs(host.port) - 1;
}

static uint32_t *pick_often(const struct fixture *fixture, uint32_t count, uint32_t picks)
{
    uint32_t *times = calloc(count + 1, sizeof(*times));
    assert_non_null(times);
    for (uint32_t i = 0; i < picks; i++) {
        int host = pick(fixture, count);
        times[host == NONE ? (int)count : host]++;
    }
    return times;
}

/* The first ones ejected, one drained; the time stands still, so there are no probes after the first. */
static void hosts_out_of_rotation_are_not_picked_and_the_others_share_it_evenly(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < SIZES; i++) {
        uint32_t count = sizes[i];
        for (uint32_t out = 1; out < count && out <= count / 2 + 1; out += 1 + count / 8) {
            uint32_t in = count - out, picks = in * 200;
            set_shares(fixture, count, 0, out, SHARE_EJECTED);
            set_share(fixture, count, 0, SHARE_DRAINED);
            free(pick_often(fixture, count, 8 * count)); /* probes that are due */
            uint32_t *times = pick_often(fixture, count, picks);
            for (uint32_t host = 0; host < count; host++)
                if (host < out)
                    assert_int_equal(times[host], 0);
                else /* by chance, in large tables: six sigma */
                    assert_in_range(times[host], count > EXACT_MOST ? 110 : 190,
                                    count > EXACT_MOST ? 290 : 210);
            free(times);
        }
    }
}

static void two_picks_in_a_row_are_two_hosts_whichever_are_out(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < SIZES; i++) {
        uint32_t count = sizes[i], most = count <= EXACT_MOST ? count - 1 : 2;
        for (uint32_t out = 1; out < most; out++) {
            set_share(fixture, count, (out - 1) * 7 % count, SHARE_EJECTED);
            if (count > EXACT_MOST && out > 1)
                break;
            int last = NONE;
            for (int n = 0; n < 1000; n++) {
                int now = pick(fixture, count);
                assert_int_not_equal(now, NONE);
                assert_int_not_equal(now, last);
                last = now;
            }
        }
        set_shares(fixture, count, 0, count, SHARE_FULL);
    }
}

static void each_ejected_host_is_probed_once_in_an_interval_and_drained_ones_are_not(void **state)
{
    enum {
        STEPS = 100, /* of the tick, in an interval */
        INTERVALS = 4
    };
    struct fixture *fixture = *state;
    static const uint32_t ejected[] = {1, 2, 3, 7, 20};
    for (int i = 0; i < SIZES; i++)
        for (size_t n = 0; n < sizeof(ejected) / sizeof(*ejected); n++) {
            uint32_t count = sizes[i], probed[20] = {0};
            if (ejected[n] + 1 > count || count == HOSTS_MOST)
                continue;
            set_shares(fixture, count, 0, ejected[n], SHARE_EJECTED);
            set_share(fixture, count, ejected[n], SHARE_DRAINED);
            free(pick_often(fixture, count, 30 * count)); /* what is due */
            for (int step = 0; step < INTERVALS * STEPS; step++) {
                pass(fixture, INTERVAL_MS / STEPS);
                uint32_t *times = pick_often(fixture, count, 3 * count);
                for (uint32_t host = 0; host < ejected[n]; host++)
                    probed[host] += times[host];
                assert_int_equal(times[ejected[n]], 0);
                free(times);
            }
            for (uint32_t host = 0; host < ejected[n]; host++)
                assert_in_range(probed[host], INTERVALS - 1, INTERVALS + 1);
            set_shares(fixture, count, 0, ejected[n] + 1, SHARE_FULL);
        }
}

/* Ten calls a second on ten hosts: its even share is one a second. */
static void rarely_used_route_of_ten_hosts_has_two_probes_in_three_seconds(void **state)
{
    struct fixture *fixture = *state;
    set_share(fixture, 10, 3, SHARE_EJECTED);
    for (int round = 0; round < 50; round++) {
        int probes = 0;
        for (int n = 0; n < 30; n++) {
            pass(fixture, 100);
            probes += pick(fixture, 10) == 3;
        }
        assert_in_range(probes, 2, 4);
    }
}

static void ejected_host_is_never_probed_more_often_than_its_even_share(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i < SIZES; i++) {
        uint32_t count = sizes[i], probes = 0, picks = count * 100;
        set_share(fixture, count, count / 2, SHARE_EJECTED);
        for (uint32_t n = 0; n < picks; n++) {
            pass(fixture, INTERVAL_MS); /* a probe is always due */
            probes += pick(fixture, count) == (int)(count / 2);
        }
        assert_in_range(probes, 90, 110);
    }
}

/* A member of the group writes to control what it likes. */
static void probes_stay_within_the_even_share_whatever_a_client_says_of_them(void **state)
{
    struct fixture *fixture = *state;
    struct region region;
    struct control control;
    instance_map_control(fixture->instance, &region, &control);
    set_share(fixture, 10, 3, SHARE_EJECTED);
    uint32_t probes = 0;
    for (uint64_t n = 0; n < 10000; n++) {
        for (uint32_t slot = 0; slot < control.shape.slot_count; slot++)
            store_relaxed(&control.s_probes[slot], (uint32_t)hash_word(n, slot));
        probes += pick(fixture, 10) == 3;
    }
    assert_in_range(probes, 0, 1050);
    region_close(&region);
}

static void host_that_comes_back_gets_so_many_eighths_of_what_the_others_get(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i < SIZES; i++)
        for (uint32_t eighths = 1; eighths < SHARE_EIGHTHS; eighths++) {
            uint32_t count = sizes[i], picks = count * 800;
            set_share(fixture, count, 1, eighths);
            uint32_t *times = pick_often(fixture, count, picks);
            double share = 800. * count / (count - 1 + eighths / 8.); /* of each of the others */
            assert_true(times[1] > share * eighths / 8 * 0.6 && times[1] < share * eighths / 8 * 1.4);
            for (uint32_t host = 0; host < count; host++)
                if (host != 1)
                    assert_true(times[host] > share * 0.8 && times[host] < share * 1.2);
            free(times);
        }
}

static void with_all_hosts_coming_back_each_has_its_part(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i < SIZES; i++) {
        uint32_t count = sizes[i];
        set_shares(fixture, count, 0, count, 2);
        uint32_t *times = pick_often(fixture, count, count * 100);
        for (uint32_t host = 0; host < count; host++)
            assert_in_range(times[host], 40, 160);
        free(times);
    }
}

static void with_all_hosts_ejected_there_are_only_probes(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < SIZES; i++) {
        uint32_t count = sizes[i];
        set_shares(fixture, count, 0, count, SHARE_EJECTED);
        pass(fixture, 10 * INTERVAL_MS);
        free(pick_often(fixture, count, 3 * count));
        assert_int_equal(pick(fixture, count), NONE);
        pass(fixture, INTERVAL_MS);
        uint32_t *times = pick_often(fixture, count, 3 * count);
        for (uint32_t host = 0; host < count; host++)
            assert_int_equal(times[host], 1);
        free(times);
    }
}

static void with_all_hosts_drained_none_is_ever_given(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < SIZES; i++) {
        set_shares(fixture, sizes[i], 0, sizes[i], SHARE_DRAINED);
        for (uint32_t nth = 0; nth < 30; nth++) {
            pass(fixture, INTERVAL_MS);
            assert_int_equal(pick(fixture, sizes[i]), NONE);
        }
    }
}

static void states_without_a_name_count_as_ejected(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t share = SHARE_EJECTED + 1; share < SHARE_DRAINED; share++) {
        set_share(fixture, 4, 0, share);
        free(pick_often(fixture, 4, 100)); /* what is due */
        pass(fixture, INTERVAL_MS);
        uint32_t *times = pick_often(fixture, 4, 100);
        assert_int_equal(times[0], 1);
        free(times);
    }
}

static void hosts_back_in_rotation_are_picked_as_before(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < SIZES; i++) {
        uint32_t count = sizes[i];
        set_shares(fixture, count, 0, count, SHARE_DRAINED);
        set_shares(fixture, count, 0, count, SHARE_FULL);
        uint32_t *times = pick_often(fixture, count, count * 10);
        for (uint32_t host = 0; host < count; host++)
            assert_in_range(times[host], 7, 13);
        free(times);
    }
}

static void states_go_with_their_hosts_to_a_new_generation(void **state)
{
    struct fixture *fixture = *state;
    set_shares(fixture, 65, 0, 64, SHARE_DRAINED);
    instance_renew(fixture->instance);
    for (uint32_t nth = 0; nth < 30; nth++)
        assert_int_equal(pick(fixture, 65), 64);
    set_share(fixture, 65, 64, SHARE_EJECTED);
    set_share(fixture, 65, 0, SHARE_FULL);
    pass(fixture, INTERVAL_MS);
    uint32_t *times = pick_often(fixture, 65, 300);
    assert_in_range(times[64], 1, 2);
    assert_int_equal(times[0], 300 - times[64]);
    free(times);
}

struct picker {
    pthread_t thread;
    const struct fixture *fixture;
    _Atomic uint32_t *stop;
    uint32_t picks, wrong;
};

static void *pick_on(void *context)
{
    struct picker *picker = context;
    while (!load_acquire(picker->stop)) {
        uint32_t count = sizes[picker->picks++ % SIZES];
        larshm_host host = {.port = htons(1)};
        int code = larshm_get_host(picker->fixture->h, MODID, count, &host);
        picker->wrong += code > LARSHM_OVERLOAD || ntohs(host.port) < 1 || ntohs(host.port) > count;
    }
    return NULL;
}

static void states_and_rules_that_change_all_the_time_lead_to_hosts_of_the_table(void **state)
{
    const struct fixture *fixture = *state;
    struct picker pickers[2];
    _Atomic uint32_t stop = 0;
    for (int i = 0; i < 2; i++) {
        pickers[i] = (struct picker){.fixture = fixture, .stop = &stop};
        assert_int_equal(pthread_create(&pickers[i].thread, NULL, pick_on, &pickers[i]), 0);
    }
    for (uint64_t flap = 0; flap < FLAPS; flap++) {
        uint64_t random = hash_word(flap, 1);
        uint32_t count = sizes[flap % SIZES];
        set_share(fixture, count, (uint32_t)(random % count), random >> 40 & SHARE_DRAINED);
        if (flap % (FLAPS / 10) == 0) /* all at once */
            set_shares(fixture, count, 0, count, SHARE_DRAINED);
        if (flap % (FLAPS / 20) == 0) { /* a reload */
            fixture->instance->options.settings.lars_rules ^= 1;
            writer_reload(fixture->instance->writer, &fixture->instance->options);
        }
    }
    store_release(&stop, 1);
    for (int i = 0; i < 2; i++) {
        pthread_join(pickers[i].thread, NULL);
        assert_int_equal(pickers[i].wrong, 0);
    }
}

/* What limited_nth() computes without a branch. */
static void each_of_up_to_sixteen_hosts_is_found_by_its_rank(void **state)
{
    (void)state;
    for (uint32_t which = 1; which < 1U << STATES_IN_WORD; which++) {
        uint64_t selected = 0;
        uint32_t rank = 0;
        for (uint32_t host = 0; host < STATES_IN_WORD; host++)
            selected |= share_bits(host, which >> host & 1);
        for (uint32_t host = 0; host < STATES_IN_WORD; host++)
            if (which >> host & 1)
                assert_int_equal(limited_nth(selected, rank++), host);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(hosts_out_of_rotation_are_not_picked_and_the_others_share_it_evenly),
        TEST(two_picks_in_a_row_are_two_hosts_whichever_are_out),
        TEST(each_ejected_host_is_probed_once_in_an_interval_and_drained_ones_are_not),
        TEST(rarely_used_route_of_ten_hosts_has_two_probes_in_three_seconds),
        TEST(ejected_host_is_never_probed_more_often_than_its_even_share),
        TEST(probes_stay_within_the_even_share_whatever_a_client_says_of_them),
        TEST(host_that_comes_back_gets_so_many_eighths_of_what_the_others_get),
        TEST(with_all_hosts_coming_back_each_has_its_part),
        TEST(with_all_hosts_ejected_there_are_only_probes),
        TEST(with_all_hosts_drained_none_is_ever_given),
        TEST(states_without_a_name_count_as_ejected),
        TEST(hosts_back_in_rotation_are_picked_as_before),
        cmocka_unit_test(each_of_up_to_sixteen_hosts_is_found_by_its_rank),
        TEST(states_go_with_their_hosts_to_a_new_generation),
        TEST(states_and_rules_that_change_all_the_time_lead_to_hosts_of_the_table),
    };
    return cmocka_run_group_tests_name("unit/reader/pick", tests, NULL, NULL);
}
