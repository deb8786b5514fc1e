/* SPDX-License-Identifier: MIT */
/*
 * Clients that misuse the control object, which they may write to. Whatever they do, the fetcher lives, routes stay
 * as the directory gave them, known routes go on being refreshed, and the directory gets no more requests than it may.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/control.h"
#include "shm/routes.h"
#include "tests/support/fixture.h"

enum {
    STORM_MS = 2000,
    RATE = 500,        /* requests per second */
    BURST = RATE / 10, /* what a pause gives a right to */
    ROUTES = 100,
    MAX_UNKNOWN = 300,
    UNKNOWN_KEYS = 1000000,
    OTHER_USER = 65534,
    PUBLIC_MODID = 3, /* of the routes that all clients want */
};

/* ---- a client of its own, in a child process ---- */

/* The control object that has the name now, as anyone who may write to it can map it; NULL: not now. */
static void *map_control(const char *name, size_t *size)
{
    struct stat st;
    int fd = shm_open(name, O_RDWR, 0);
    void *s_control = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
        *size = (size_t)st.st_size;
        s_control = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (fd >= 0)
        close(fd);
    return s_control == MAP_FAILED ? NULL : s_control;
}

/* Storm after storm on whatever object has the name, until this process is ended. */
static _Noreturn void misuse(const char *name, void (*storm)(uint8_t *s_control, size_t size))
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        size_t size = 0;
        void *s_control = map_control(name, &size);
        if (!s_control)
            continue;
        storm(s_control, size);
        munmap(s_control, size);
    }
}

static pid_t start_misuse(const struct fixture *fixture, void (*storm)(uint8_t *s_control, size_t size))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        misuse(fixture->fetcher.names.control, storm);
    return child;
}

static void end_misuse(pid_t child)
{
    int status;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void write_noise(uint8_t *s_control, size_t size)
{
    static uint64_t random = 88172645463325252;
    volatile uint64_t *s_words = (volatile uint64_t *)(void *)s_control;
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < size / sizeof(*s_words); i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            s_words[i] = random;
        }
}

static void raise_all_flags(uint8_t *s_control, size_t size)
{
    size_t flags = HEADER_BYTES + LOOKUP_CELLS * sizeof(struct lookup_cell) + MISS_CELLS * sizeof(uint64_t);
    volatile uint64_t *s_words = (volatile uint64_t *)(void *)s_control;
    for (int round = 0; round < 100; round++)
        for (size_t i = flags / sizeof(*s_words); i < size / sizeof(*s_words); i++)
            s_words[i] = UINT64_MAX;
}

/* ---- the directory meanwhile ---- */

/* Answers all requests for so long. Nothing is requested twice, nor more of it than the pace allows. */
struct watch {
    uint64_t began;
    uint32_t requests;
};

static uint32_t hosts_of(struct route_key key)
{
    return key.modid == PUBLIC_MODID ? 2 : route_key_equal(key, route_key(7, 7)) ? 4 : 0;
}

static void answer_within_pace(struct fixture *fixture, struct watch *watch, int ms)
{
    struct route_key key;
    uint64_t end = clock_tick() + (uint64_t)ms;
    for (uint64_t now; (now = clock_tick()) < end;) {
        if (!directory_takes(&fixture->directory, (int)(end - now), &key))
            continue;
        /* What has come by now was sent by now. */
        uint64_t allowed = BURST + 1 + (clock_tick() - watch->began + 1) * RATE / 1000;
        if (++watch->requests > allowed)
            fail_msg("%u requests, and %u are allowed", watch->requests, (unsigned)allowed);
        fixture_answer(fixture, key.modid, key.cmdid, hosts_of(key), 7000);
    }
}

/* Requests that have come before are of another time: what comes after an empty look was sent after it began. */
static struct watch begin_watch(struct fixture *fixture)
{
    struct route_key key;
    uint64_t began = clock_tick();
    for (; directory_takes(&fixture->directory, 0, &key); began = clock_tick())
        fixture_answer(fixture, key.modid, key.cmdid, hosts_of(key), 7000);
    return (struct watch){.began = began};
}

/* Routes that are due every second, slow enough to count. */
static void connect_with_short_lived_routes(struct fixture *fixture)
{
    fixture->fetcher.config.update_timeout = 1;
    fixture->fetcher.config.requests_per_second = fixture->fetcher.config.resubscribe_per_second = RATE;
    fixture->fetcher.config.more = "max_unknown = 300\n";
    _Static_assert(MAX_UNKNOWN == 300, "as configured");
    fixture_connect_with_good_route(fixture);
}

static bool refreshed(struct fixture *fixture)
{
    return fixture_serves_good_route(fixture) && fixture_info(fixture, 7, 7).age_ms < 1500;
}

/* The good route, and one that was unknown before, come from the directory to a new client. */
static void expect_all_well(struct fixture *fixture)
{
    struct watch watch = begin_watch(fixture);
    assert_true(process_alive(&fixture->fetcher.process));
    eventually((answer_within_pace(fixture, &watch, 20), refreshed(fixture)));
    larshm_close(fixture->client);
    fixture->client = NULL;
    assert_int_equal(larshm_open(&fixture->client, fixture->fetcher.instance), LARSHM_OK);
    assert_true(fixture_serves_good_route(fixture));
    static uint32_t cmdid = 1000;
    cmdid++;
    fixture_lookup(fixture, PUBLIC_MODID, cmdid);
    eventually(
        (answer_within_pace(fixture, &watch, 20), fixture_serves(fixture, PUBLIC_MODID, cmdid, 2, 7000)));
}

/* The objects as they are now are both in order. */
static bool new_client_may_ask(struct fixture *fixture)
{
    larshm_close(fixture->client);
    fixture->client = NULL;
    assert_int_equal(larshm_open(&fixture->client, fixture->fetcher.instance), LARSHM_OK);
    return fixture_info(fixture, 7, 7).can_ask;
}

/* ---- the tests ---- */

/* A process that writes to the object in that moment gets SIGBUS: so this client leaves it alone. */
static void control_cut_to_any_size_is_recreated(void **state)
{
    static const off_t sizes[] = {0, 1, 63, 64, 100, 4095, 4096, 4097, 8191, 20000, -4097, -1};
    struct fixture *fixture = *state;
    connect_with_short_lived_routes(fixture);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct stat st;
        uint64_t control = fetcher_control(&fixture->fetcher);
        larshm_close(fixture->client);
        int fd = shm_open(fixture->fetcher.names.control, O_RDWR, 0);
        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        assert_int_equal(ftruncate(fd, sizes[i] < 0 ? st.st_size + sizes[i] : sizes[i]), 0);
        close(fd);
        assert_int_equal(larshm_open(&fixture->client, fixture->fetcher.instance), LARSHM_OK);
        assert_true(fixture_serves_good_route(fixture));
        eventually(fetcher_control(&fixture->fetcher) > control);
        expect_all_well(fixture);
    }
    assert_true(process_said(&fixture->fetcher.process, "was truncated") > 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_connects), 1);
}

static void cut_control(const struct fixture *fixture)
{
    int fd = shm_open(fixture->fetcher.names.control, O_RDWR, 0);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0), 0);
    close(fd);
}

static uint64_t results_of_good_route(const struct fixture *fixture)
{
    return fetcher_counter(&fixture->fetcher, COUNTER_reports);
}

/* A stranger that holds routes objects open holds one, however often it cuts. A client that was there follows. */
static void g10_a_cut_control_object_is_replaced_alone(void **state)
{
    struct fixture *fixture = *state;
    connect_with_short_lived_routes(fixture);
    uint64_t generation = fetcher_generation(&fixture->fetcher);
    uint64_t generations = fetcher_counter(&fixture->fetcher, COUNTER_generations);
    larshm_host host;
    assert_int_equal(larshm_get_host(fixture->client, 7, 7, &host), LARSHM_OK);
    for (uint32_t i = 1; i <= 3; i++) {
        uint64_t control = fetcher_control(&fixture->fetcher), results = results_of_good_route(fixture);
        cut_control(fixture);
        eventually(fetcher_control(&fixture->fetcher) > control);
        eventually(larshm_report(fixture->client, &host, 0) == LARSHM_OK);
        eventually(results_of_good_route(fixture) == results + 1);
        fixture_lookup(fixture, PUBLIC_MODID, i);
        struct watch watch = begin_watch(fixture);
        eventually(
            (answer_within_pace(fixture, &watch, 20), fixture_serves(fixture, PUBLIC_MODID, i, 2, 7000)));
    }
    assert_int_equal(fetcher_generation(&fixture->fetcher), generation);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_generations), generations);
}

static void control_cut_without_pause_harms_no_route(void **state)
{
    struct fixture *fixture = *state;
    connect_with_short_lived_routes(fixture);
    larshm_close(fixture->client);
    fixture->client = NULL;
    for (uint64_t end = clock_tick() + STORM_MS; clock_tick() < end;) {
        int fd = shm_open(fixture->fetcher.names.control, O_RDWR, 0);
        if (fd < 0)
            continue;
        assert_int_equal(ftruncate(fd, (off_t)(clock_tick() % 50000)), 0);
        close(fd);
    }
    assert_true(process_alive(&fixture->fetcher.process));
    eventually(new_client_may_ask(fixture));
    expect_all_well(fixture);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_publishes),
                     fetcher_counter(&fixture->fetcher, COUNTER_routes));
}

static void control_full_of_changing_noise_moves_no_route(void **state)
{
    struct fixture *fixture = *state;
    connect_with_short_lived_routes(fixture);
    struct watch watch = begin_watch(fixture);
    pid_t child = start_misuse(fixture, write_noise);
    for (uint64_t end = clock_tick() + STORM_MS; clock_tick() < end;) {
        answer_within_pace(fixture, &watch, 50);
        assert_true(fixture_serves_good_route(fixture));
        assert_true(fixture_info(fixture, 7, 7).fetcher_silent_ms < 1000);
        if (clock_tick() > watch.began + 1500)
            assert_true(fixture_info(fixture, 7, 7).age_ms < 3000);
        assert_in_range(fetcher_counter(&fixture->fetcher, COUNTER_negative), 0, MAX_UNKNOWN);
    }
    end_misuse(child);
    assert_true(watch.requests > 0);
    expect_all_well(fixture);
}

static void overwritten_control_is_recreated_so_that_later_clients_can_ask(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 0;
    connect_with_short_lived_routes(fixture);
    uint64_t control = fetcher_control(&fixture->fetcher);
    void *s_control = map_control(fixture->fetcher.names.control, &size);
    assert_non_null(s_control);
    memset(s_control, 0, 8);
    munmap(s_control, size);
    eventually(fetcher_control(&fixture->fetcher) > control);
    eventually(process_said(&fixture->fetcher.process, "overwritten by a client") == 1);
    expect_all_well(fixture);
}

static void million_unknown_keys_cost_bounded_memory_and_requests(void **state)
{
    struct fixture *fixture = *state;
    connect_with_short_lived_routes(fixture);
    struct watch watch = begin_watch(fixture);
    long before = 0;
    uint64_t began = clock_tick();
    for (uint32_t i = 0; i < UNKNOWN_KEYS || clock_tick() < began + STORM_MS; i++) {
        int code = fixture_lookup(fixture, 1000 + i / 1000, i % 1000);
        assert_true(code == LARSHM_PENDING || code == LARSHM_FULL || code == LARSHM_NOEXIST);
        if (i % 1000 != 0)
            continue;
        answer_within_pace(fixture, &watch, 1);
        assert_true(fixture_serves_good_route(fixture));
        assert_in_range(fetcher_counter(&fixture->fetcher, COUNTER_negative), 0, MAX_UNKNOWN);
        if (i == UNKNOWN_KEYS / 10)
            before = process_memory(&fixture->fetcher.process);
        if (clock_tick() > watch.began + 1500)
            assert_true(fixture_info(fixture, 7, 7).age_ms < 3000);
    }
    assert_in_range(process_memory(&fixture->fetcher.process), 1, before + 16 * 1024);
    assert_true(fetcher_counter(&fixture->fetcher, COUNTER_refused_unknown) > 0);
    assert_true(watch.requests > MAX_UNKNOWN);
    assert_true(fetcher_counter(&fixture->fetcher, COUNTER_refreshes) > 0);
    expect_all_well(fixture);
}

static void flags_raised_without_pause_are_one_request_per_route_and_answer(void **state)
{
    struct fixture *fixture = *state;
    uint32_t requested[ROUTES] = {0}, held = 0;
    struct route_key key;
    connect_with_short_lived_routes(fixture);
    struct watch watch = begin_watch(fixture);
    for (uint32_t i = 0; i < ROUTES; i++)
        fixture_lookup(fixture, PUBLIC_MODID, i);
    eventually((answer_within_pace(fixture, &watch, 20),
                fetcher_counter(&fixture->fetcher, COUNTER_routes) == ROUTES + 1));

    /* Answers are held back: no route is requested twice, whatever the flags say. */
    pid_t child = start_misuse(fixture, raise_all_flags);
    for (uint64_t end = clock_tick() + STORM_MS; clock_tick() < end;)
        if (directory_takes(&fixture->directory, 20, &key) && key.modid == PUBLIC_MODID) {
            assert_true(key.cmdid < ROUTES);
            assert_int_equal(++requested[key.cmdid], 1);
            held++;
        }
    assert_int_equal(held, ROUTES);
    for (uint32_t i = 0; i < ROUTES; i++)
        fixture_answer(fixture, PUBLIC_MODID, i, 2, 7000);
    fixture_answer(fixture, 7, 7, 4, 7000);

    /* And then no sooner than it has expired again. */
    uint64_t before = fetcher_counter(&fixture->fetcher, COUNTER_requests);
    watch = begin_watch(fixture);
    answer_within_pace(fixture, &watch, STORM_MS);
    uint64_t seconds = (clock_tick() - watch.began) / 1000 + 1;
    assert_in_range(fetcher_counter(&fixture->fetcher, COUNTER_requests) - before, ROUTES,
                    (ROUTES + 1) * (seconds + 1));
    end_misuse(child);
    expect_all_well(fixture);
}

/* The child's outcome: 0, or the number of the expectation that did not hold. */
static int live_as_other_user(const char *instance)
{
    larshm *h = NULL;
    larshm_host host;
    larshm_route_info info;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setgroups(0, NULL) != 0 || setgid(OTHER_USER) != 0 || setuid(OTHER_USER) != 0)
        return 1;
    if (larshm_open(&h, instance) != LARSHM_OK)
        return 2;
    int outcome = 0;
    if (larshm_get_host(h, 7, 7, &host) != LARSHM_OK)
        outcome = 3;
    else if (larshm_get_host(h, 9, 9, &host) != LARSHM_NO_PERMISSION)
        outcome = 4;
    else if (larshm_wait_route(h, 9, 9, 100) != LARSHM_NO_PERMISSION)
        outcome = 5;
    else if (larshm_info(h, 7, 7, &info) != LARSHM_OK || info.can_ask || !info.fetcher_alive)
        outcome = 6;
    else if (!strstr(larshm_strerror(LARSHM_NO_PERMISSION), "group"))
        outcome = 7;
    larshm_close(h);
    return outcome;
}

static void client_without_permission_looks_up_and_gets_no_permission_to_ask(void **state)
{
    struct fixture *fixture = *state;
    int status;
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    fixture_connect_with_good_route(fixture);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(live_as_other_user(fixture->fetcher.instance));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    directory_expect_nothing(&fixture->directory, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(control_cut_to_any_size_is_recreated),
        fixture_test(g10_a_cut_control_object_is_replaced_alone),
        fixture_test(control_cut_without_pause_harms_no_route),
        fixture_test(control_full_of_changing_noise_moves_no_route),
        fixture_test(overwritten_control_is_recreated_so_that_later_clients_can_ask),
        fixture_test(million_unknown_keys_cost_bounded_memory_and_requests),
        fixture_test(flags_raised_without_pause_are_one_request_per_route_and_answer),
        fixture_test(client_without_permission_looks_up_and_gets_no_permission_to_ask),
    };
    return cmocka_run_group_tests_name("integration/hostile", tests, NULL, NULL);
}
